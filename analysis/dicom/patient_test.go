// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicom_test

import (
	"maps"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom"
)

// described returns what is said of a series whose slices hold these elements too.
func described(t *testing.T, more dataset) dicom.Description {
	t.Helper()
	folder := fstest.MapFS{}
	for k := range 4 {
		d := axial(k)
		maps.Copy(d, more)
		folder[string(rune('a'+k))] = &fstest.MapFile{Data: part10(explicitLittle, d)}
	}
	catalog, err := dicom.Scan(t.Context(), dicom.Files(folder, "."), dicom.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer catalog.Close()
	if len(catalog.Stacks) != 1 {
		t.Fatalf("%d stacks, want 1", len(catalog.Stacks))
	}
	return catalog.Stacks[0].Description
}

func TestPatientsAreToldApart(t *testing.T) {
	patient := func(id, born, sex string) dicom.Patient {
		return described(t, dataset{
			tag.PatientID: text("LO", id), tag.PatientBirthDate: text("DA", born), tag.PatientSex: text("CS", sex),
			tag.PatientName: text("PN", "Doe^Jane"),
		}).Patient
	}
	one := patient("ab-17", "19500203", "F")
	if again := patient("AB-17 ", "19500203", "F"); again != one {
		t.Errorf("%+v, want %+v: case and padding say nothing", again, one)
	}
	if other := patient("AB-18", "19500203", "F"); other.ID == one.ID || other.Traits != one.Traits {
		t.Errorf("another identifier gave %+v beside %+v", other, one)
	}
	if other := patient("AB-17", "19500204", "F"); other.ID != one.ID || other.Traits == one.Traits {
		t.Errorf("another date of birth gave %+v beside %+v", other, one)
	}
	if none := patient("", "19500203", ""); none != (dicom.Patient{}) {
		t.Errorf("of nothing known: %+v", none)
	}
	for _, digest := range []string{one.ID, one.Traits} {
		if digest == "" || strings.Contains(strings.ToUpper(digest), "AB-17") || strings.Contains(digest, "1950") {
			t.Errorf("digest %q", digest)
		}
	}
}

func TestSeriesDate(t *testing.T) {
	if got := described(t, dataset{tag.StudyDate: text("DA", "20200102"), tag.StudyTime: text("TM", "101112")}).SeriesDateTime; got != "20200102101112" {
		t.Errorf("of the study: %q", got)
	}
	if got := described(t, dataset{tag.StudyDate: text("DA", "20200102"), tag.SeriesDate: text("DA", "20200103")}).SeriesDateTime; got != "20200103" {
		t.Errorf("of the series: %q", got)
	}
}
