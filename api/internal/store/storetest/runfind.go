// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/endplate/endplate/api/internal/store"
)

// examinations are studies that differ in what they are found by.
func examinations() (all []Content) {
	for i, e := range []struct{ name, date, modality, accession string }{
		{"Yamada^Tarou=山田^太郎=やまだ^たろう", "20240229101112.5", "CT", "A[1]"},
		{"MÜLLER^Anna", "20240301", "CT", "A%1"},
		{"Muller^Anna", "20240301000000", "SEG", "A_1"},
		{"Doe^Jane", "202403010930", "DX", "AB1"},
		{"Doe^John", "", "CT", `A\1`},
	} {
		for instance := range 2 {
			c := Made(i+1, 1, instance+1)
			c.Study.Patient.PatientName, c.Study.StudyDateTime, c.Study.AccessionNumber = e.name, e.date, e.accession
			c.Series.Modality = e.modality
			all = append(all, c)
		}
	}
	second := Made(1, 2, 1) // of the first study, and without numbers
	second.Study, second.Series.Modality, second.Series.SeriesNumber, second.Instance.InstanceNumber = all[0].Study, "SR", nil, nil
	return append(all, second)
}

func testFind(t *testing.T, s *store.Store) {
	Put(t, s, examinations()...)
	one := func(f store.Field, values ...string) store.Match { return store.Match{Field: f, Values: values} }
	wild := func(f store.Field, value string) store.Match {
		return store.Match{Field: f, Values: []string{value}, Wildcards: true}
	}
	between := func(f store.Field, from, to string) store.Match { return store.Match{Field: f, From: from, To: to} }
	for _, tt := range []struct {
		match store.Match
		want  string // the studies by number, the latest first
	}{
		{one(store.FieldStudyInstanceUID, "1.2.3.2", "1.2.3.4", "1.2.3.99"), "4 2"},
		{one(store.FieldPatientID, "P3"), "3"},
		{wild(store.FieldPatientID, "P?"), "4 3 2 1 5"},
		{wild(store.FieldPatientID, "p?"), ""},
		{one(store.FieldPatientID, "P?"), ""},

		// What a pattern language of the database would take for more than a character.
		{wild(store.FieldAccessionNumber, "A[1]*"), "1"},
		{wild(store.FieldAccessionNumber, "A%1*"), "2"},
		{wild(store.FieldAccessionNumber, "A_1*"), "3"},
		{wild(store.FieldAccessionNumber, `A\1*`), "5"},
		{wild(store.FieldAccessionNumber, "A?1"), "4 3 2 5"},

		{one(store.FieldPatientName, "doe^jane"), "4"},
		{wild(store.FieldPatientName, "DOE*"), "4 5"},
		{one(store.FieldPatientName, "Yamada^Tarou"), "1"},
		{one(store.FieldPatientName, "山田^太郎"), "1"},
		{one(store.FieldPatientName, "やまだ^たろう"), "1"},
		{wild(store.FieldPatientName, "山田*"), "1"},
		{one(store.FieldPatientName, "Yamada"), ""},
		{wild(store.FieldPatientName, "M?LLER^*"), "3 2"},
		{one(store.FieldPatientName, "%"), ""},
		{one(store.FieldReferringPhysicianName, "ROE^RICHARD"), "4 3 2 1 5"},

		{one(store.FieldStudyDate, "20240301"), "4 3 2"},
		{between(store.FieldStudyDate, "20240229", "20240229"), "1"},
		{between(store.FieldStudyDate, "20240301", ""), "4 3 2"},
		{between(store.FieldStudyDate, "", "20240229"), "1"},
		{between(store.FieldStudyTime, "0930", "1011"), "4 1"},
		{between(store.FieldStudyTime, "", "0930"), "4 3"},
		{one(store.FieldStudyTime, "1011"), "1"},
		{one(store.FieldStudyTime, "101112.5"), "1"},
		{one(store.FieldStudyTime, "101113"), ""},

		{one(store.FieldModalitiesInStudy, "SR", "SEG"), "3 1"},
		{wild(store.FieldModalitiesInStudy, "S*"), "3 1"},
		{one(store.FieldStudyID, "S4"), "4"},
	} {
		studies, total, err := s.FindStudies(t.Context(), store.Query{Matches: []store.Match{tt.match}, Limit: 10})
		if err != nil {
			t.Errorf("%+v: %v", tt.match, err)
			continue
		}
		var got []string
		for _, study := range studies {
			got = append(got, strings.TrimPrefix(study.StudyInstanceUID, "1.2.3."))
		}
		if strings.Join(got, " ") != tt.want || total != len(got) {
			t.Errorf("%+v: found %v of %d, want %s", tt.match, got, total, tt.want)
		}
	}
	testFindBelow(t, s)
}

// Below studies everything is found by what stands above it too.
func testFindBelow(t *testing.T, s *store.Store) {
	ctx := t.Context()
	series, total, err := s.FindSeries(ctx, store.Query{Limit: 10, Matches: []store.Match{
		{Field: store.FieldPatientName, Values: []string{"Yamada*"}, Wildcards: true},
	}})
	if err != nil || total != 2 || len(series) != 2 || series[0].SeriesInstanceUID != "1.2.3.1.1" || series[1].Modality != "SR" {
		t.Errorf("series %+v of %d, %v", series, total, err)
	}
	if series, _, err := s.FindSeries(ctx, store.Query{Limit: 10, Matches: []store.Match{
		{Field: store.FieldSeriesNumber, Values: []string{"1"}}, {Field: store.FieldModality, Values: []string{"DX"}},
		{Field: store.FieldScheduledProcedureStepID, Values: []string{"SPS1"}},
	}}); err != nil || len(series) != 1 || series[0].ScheduledProcedureStepID != "SPS1" {
		t.Errorf("series %+v, %v", series, err)
	}
	if series, _, err := s.FindSeries(ctx, store.Query{Limit: 10, Matches: []store.Match{{Field: store.FieldSeriesNumber, Values: []string{"x"}}}}); err != nil || len(series) != 0 {
		t.Errorf("series with a number that is none: %+v, %v", series, err)
	}
	instances, total, err := s.FindInstances(ctx, store.Query{Limit: 10, Matches: []store.Match{
		{Field: store.FieldStudyDate, Values: []string{"20240229"}}, {Field: store.FieldInstanceNumber, Values: []string{"2"}},
	}})
	if err != nil || total != 1 || len(instances) != 1 || instances[0].SOPInstanceUID != "1.2.3.1.1.2" || *instances[0].Rows != 512 {
		t.Errorf("instances %+v of %d, %v", instances, total, err)
	}
	studies, err := s.StudiesOf(ctx, []string{"1.2.3.1", "1.2.3.9"})
	if err != nil || len(studies) != 1 || !slices.Equal(studies["1.2.3.1"].Modalities, []string{"CT", "SR"}) {
		t.Errorf("studies %+v, %v", studies, err)
	}
	bySeries, err := s.SeriesOf(ctx, []string{"1.2.3.1.2"})
	if err != nil || len(bySeries) != 1 || bySeries["1.2.3.1.2"].InstanceCount != 1 {
		t.Errorf("series %+v, %v", bySeries, err)
	}
	testFoundPages(t, s)
}

// Pages follow each other without gap or repetition, and the total says when there is
// more.
func testFoundPages(t *testing.T, s *store.Store) {
	const each = 3
	var got []string
	for offset := 0; ; offset += each {
		page, total, err := s.FindInstances(t.Context(), store.Query{Limit: each, Offset: offset})
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range page {
			got = append(got, i.SOPInstanceUID)
		}
		if more := total > offset+len(page); more != (len(got) < 11) {
			t.Errorf("%d of %d found after %d", len(page), total, offset)
		}
		if len(page) < each {
			break
		}
	}
	var want []string
	for _, n := range []string{"4.1.1", "4.1.2", "3.1.1", "3.1.2", "2.1.1", "2.1.2", "1.1.1", "1.1.2", "1.2.1", "5.1.1", "5.1.2"} {
		want = append(want, "1.2.3."+n)
	}
	if !slices.Equal(got, want) {
		t.Errorf("instances %v, want %v", got, fmt.Sprint(want))
	}
}
