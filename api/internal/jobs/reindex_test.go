// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package jobs_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/api/internal/jobs"
	"github.com/endplate/endplate/api/internal/store"
	"github.com/endplate/endplate/api/internal/store/storetest"
)

// written returns an instance as DICOM, and as a release stored it that kept less of it.
func written(t *testing.T, study, number int, more func(*dataset.Dataset)) storetest.Content {
	t.Helper()
	c := storetest.Made(study, 1, number)
	d := &dataset.Dataset{}
	d.Text(tag.SOPClassUID, "UI", c.Instance.SOPClassUID)
	d.Text(tag.SOPInstanceUID, "UI", c.Instance.SOPInstanceUID)
	d.Text(tag.StudyInstanceUID, "UI", c.Study.StudyInstanceUID)
	d.Text(tag.SeriesInstanceUID, "UI", c.Series.SeriesInstanceUID)
	d.Text(tag.StudyID, "SH", fmt.Sprintf("S%d of %d", study, number))
	d.Text(tag.ReferringPhysicianName, "PN", "Doe^Jane")
	d.Text(tag.PerformedProcedureStepStartDate, "DA", "20240301")
	request := &dataset.Dataset{}
	request.Text(tag.ScheduledProcedureStepID, "SH", "SPS")
	d.Sequence(tag.RequestAttributesSequence, request)
	more(d)
	var b bytes.Buffer
	if err := d.WriteFile(&b); err != nil {
		t.Fatal(err)
	}
	c.Bytes = b.String()
	c.Study.StudyID, c.Study.ReferringPhysicianName = "", ""
	c.Series.PerformedProcedureStepStartDateTime, c.Series.ScheduledProcedureStepID, c.Series.RequestedProcedureID = "", "", ""
	c.Instance.Rows, c.Instance.Columns, c.Instance.BitsAllocated, c.Instance.NumberOfFrames = nil, nil, nil, nil
	return c
}

// pixels adds an image of 200 rows, behind what another attribute takes.
func pixels(before int) func(*dataset.Dataset) {
	return func(d *dataset.Dataset) {
		d.Put(dataset.Element{Tag: tag.Tag{Group: 0x0009, Element: 0x1001}, VR: "UN", Value: make([]byte, before)})
		d.Ints(tag.Rows, "US", 200)
		d.Ints(tag.Columns, "US", 900)
		d.Ints(tag.BitsAllocated, "US", 16)
		d.Ints(tag.NumberOfFrames, "IS", 1)
		d.Bytes(tag.PixelData, "OW", make([]byte, 200*900*2))
	}
}

// What an earlier release stored is found by what this one keeps of headers, however
// long they are; what cannot be read holds up nothing, and a study keeps what it has.
func whatWasStoredIsIndexed(t *testing.T, config store.Config) {
	s := storetest.Open(t, config)
	noPixels, broken, known := written(t, 1, 3, func(*dataset.Dataset) {}), written(t, 2, 1, pixels(0)), written(t, 3, 1, pixels(0))
	broken.Bytes = "these are not the bytes any more"
	known.Study.StudyID = "known"
	all := []storetest.Content{written(t, 1, 1, pixels(0)), written(t, 1, 2, pixels(400<<10)), noPixels, broken, known}
	for n := range 150 { // more than one transaction
		all = append(all, written(t, 4, n, func(d *dataset.Dataset) { d.Ints(tag.Rows, "US", n) }))
	}
	receive(t, idle(t, jobs.Config{Store: s}), all...)
	if _, err := s.DB().ExecContext(t.Context(), "INSERT INTO unindexed SELECT sop_instance_uid FROM instances"); err != nil {
		t.Fatal(err)
	}
	unindexed := func() int {
		all, err := s.Unindexed(t.Context(), "", 1000)
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	if n := unindexed(); n != 155 {
		t.Fatalf("%d are to be indexed", n)
	}
	start(t, jobs.Config{Store: s, Workers: 1})
	until(t, "all are indexed", func() bool { return unindexed() == 0 })

	image := [4]int{200, 900, 16, 1}
	for uid, want := range map[string][4]int{"1.2.3.1.1.1": image, "1.2.3.1.1.2": image, "1.2.3.1.1.3": {}, "1.2.3.2.1.1": {}, "1.2.3.3.1.1": image, "1.2.3.4.1.149": {149}} {
		i, err := s.Instance(t.Context(), uid)
		if err != nil {
			t.Fatal(err)
		}
		var got [4]int
		for k, n := range []*int{i.Rows, i.Columns, i.BitsAllocated, i.NumberOfFrames} {
			if n != nil {
				got[k] = *n
			}
		}
		if got != want {
			t.Errorf("%s: %v, want %v", uid, got, want)
		}
	}
	study, err := s.Study(t.Context(), "1.2.3.1")
	if ids := []string{"S1 of 1", "S1 of 2", "S1 of 3"}; err != nil || !slices.Contains(ids, study.StudyID) || study.ReferringPhysicianName != "Doe^Jane" {
		t.Errorf("study %+v, %v", study, err)
	}
	if study, err := s.Study(t.Context(), "1.2.3.3"); err != nil || study.StudyID != "known" {
		t.Errorf("study %+v, %v", study, err)
	}
	series, err := s.Series(t.Context(), "1.2.3.1.1")
	got := [...]string{series.PerformedProcedureStepStartDateTime, series.ScheduledProcedureStepID, series.RequestedProcedureID}
	if diff := cmp.Diff([...]string{"20240301", "SPS", ""}, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}
