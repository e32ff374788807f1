// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicom_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/suyashkumar/dicom/pkg/tag"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/dicom"
	datasets "github.com/endplate/endplate/analysis/dicom/dataset"
)

// identified is slice k of a patient with a name in Korean.
func identified(k int) dataset {
	return axial(k).
		with(tag.SpecificCharacterSet, text("CS", `\ISO 2022 IR 149`)).
		with(tag.PatientName, text("PN", "Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7")).
		with(tag.PatientID, text("LO", "P1")).
		with(tag.PatientBirthDate, text("DA", "unknown")).
		with(tag.StudyTime, text("TM", "101112.5")).
		with(tag.TimezoneOffsetFromUTC, text("SH", "+0900")).
		with(tag.DeidentificationMethodCodeSequence, items(dataset{tag.CodeValue: text("SH", "113100"), tag.CodeMeaning: text("LO", "Basic")}))
}

func stackOf(t *testing.T, sources []dicom.Source) *dicom.Stack {
	t.Helper()
	catalog, err := dicom.Scan(t.Context(), each(sources...), dicom.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { catalog.Close() })
	if len(catalog.Stacks) != 1 {
		t.Fatalf("%d stacks, skipped %+v", len(catalog.Stacks), catalog.Skipped)
	}
	return catalog.Stacks[0]
}

func originOf(t *testing.T, sources []dicom.Source) *dicom.Origin {
	t.Helper()
	o, err := stackOf(t, sources).Origin()
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestOrigin(t *testing.T) {
	for _, syntax := range []string{explicitLittle, implicitLittle, explicitBig, deflated} {
		o := originOf(t, files(syntax, identified(0), identified(1), identified(2)))
		if name := o.Identity.Value(tag.PatientName); name != "Hong^Gildong=洪^吉洞" {
			t.Errorf("%s: PatientName %q", syntax, name)
		}
		if e, there := o.Identity.Find(tag.PatientBirthDate); !there || len(e.Value) != 0 {
			t.Errorf("%s: PatientBirthDate %q, want an empty one", syntax, e.Value)
		}
		if method := o.Identity.Item(tag.DeidentificationMethodCodeSequence).Value(tag.CodeValue); method != "113100" {
			t.Errorf("%s: DeidentificationMethodCodeSequence %q", syntax, method)
		}
		if e, there := o.Identity.Find(tag.Rows); there {
			t.Errorf("%s: %v is no part of the identity", syntax, e)
		}
		if o.StudyInstanceUID != "1.2" || o.FrameOfReferenceUID != "1.2.4" || len(o.Images) != 3 || len(o.Instances()) != 3 {
			t.Errorf("%s: %+v", syntax, o)
		}
		if m := o.Images[1]; m.SOPInstanceUID != "1.2.3.2" || m.Position != (r3.Vec{X: 10, Y: 20, Z: 32}) {
			t.Errorf("%s: image 1 is %+v", syntax, m)
		}
		if i := o.Nearest(r3.Vec{X: -50, Y: 7, Z: 33.1}); i != 2 {
			t.Errorf("%s: image %d is nearest", syntax, i)
		}
	}
	d, frames := enhanced(4)
	o := originOf(t, files(explicitLittle, d))
	if len(o.Images) != len(frames) || len(o.Instances()) != 1 || o.Images[2].FrameNumber == 0 {
		t.Errorf("%d images of %d instances for %d frames", len(o.Images), len(o.Instances()), len(frames))
	}
}

func TestOriginNeedsUIDs(t *testing.T) {
	for _, missing := range []tag.Tag{tag.StudyInstanceUID, tag.SeriesInstanceUID, tag.SOPInstanceUID} {
		var slices []dataset
		for k := range 3 {
			slices = append(slices, axial(k).with(missing, value{}))
		}
		_, err := stackOf(t, files(explicitLittle, slices...)).Origin()
		if _, ok := errors.AsType[*dicom.MissingAttributeError](err); !ok {
			t.Errorf("without %v: %v", missing, err)
		}
	}
}

var kind = dicom.Kind{Name: "test", SOPClassUID: "1.2.840.10008.5.1.4.1.1.88.34", Modality: "SR", Number: 9, Description: "Test"}

func provenance() dicom.Provenance {
	return dicom.Provenance{Program: "endplate", Version: "1.0", ContentTime: time.Date(2024, 2, 29, 23, 30, 0, 0, time.UTC)}
}

// Twice the same gives the same bytes whatever the order of the files; every other
// input gives another UID, and the time gives none.
func TestDerivedUIDs(t *testing.T) {
	sources := files(explicitLittle, identified(0), identified(1), identified(2))
	o := originOf(t, sources)
	slices.Reverse(sources)
	var first, second bytes.Buffer
	if err := errors.Join(o.Derived(kind, provenance()).WriteFile(&first), originOf(t, sources).Derived(kind, provenance()).WriteFile(&second)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("the order of the files makes a difference")
	}
	later := provenance()
	later.ContentTime = later.ContentTime.Add(time.Hour)
	if o.InstanceUID(kind, later) != o.InstanceUID(kind, provenance()) {
		t.Error("the time makes a difference to the UID")
	}
	revised, newer, fixed, other := provenance(), provenance(), provenance(), kind
	revised.Revision, newer.Version, fixed.Options, other.Name = 1, "1.1", "L1", "other"
	instances := []string{o.InstanceUID(kind, provenance()), o.InstanceUID(kind, provenance(), "2"), o.InstanceUID(kind, revised), o.InstanceUID(kind, newer),
		o.InstanceUID(kind, fixed), o.InstanceUID(other, provenance()), originOf(t, files(explicitLittle, axials(4)...)).InstanceUID(kind, provenance())}
	slices.Sort(instances)
	if len(slices.Compact(instances)) != len(instances) {
		t.Errorf("two of %q are the same", instances)
	}
	if o.SeriesUID(kind, revised) != o.SeriesUID(kind, provenance()) {
		t.Error("a revision has a series of its own")
	}
}

func TestDerivedSaysWhenInTheImagesZone(t *testing.T) {
	d := originOf(t, files(explicitLittle, identified(0), identified(1), identified(2))).Derived(kind, provenance())
	if date, clock := d.Value(tag.ContentDate), d.Value(tag.ContentTime); date != "20240301" || clock != "083000" {
		t.Errorf("ContentDate %s, ContentTime %s", date, clock)
	}
	var read bytes.Buffer
	if err := d.WriteFile(&read); err != nil {
		t.Fatal(err)
	}
	f, err := datasets.Read(&read, -1, datasets.Options{})
	if err != nil || f.Value(tag.PatientName) != "Hong^Gildong=洪^吉洞" || f.Value(tag.PatientID) != "P1" {
		t.Errorf("%v: name %q of %q", err, f.Value(tag.PatientName), f.Value(tag.PatientID))
	}
}

// A vertebra is tracked through the studies of a patient, and not from one patient to
// another; without a PatientID through its study.
func TestTrackingUIDs(t *testing.T) {
	of := func(id, study, level string) string {
		var slices []dataset
		for k := range 3 {
			slices = append(slices, axial(k).with(tag.PatientID, text("LO", id)).with(tag.StudyInstanceUID, text("UI", study)))
		}
		return originOf(t, files(explicitLittle, slices...)).TrackingUID(level)
	}
	if of("P1", "1.2", "L1") != of("P1", "1.3", "L1") {
		t.Error("one patient's L1 differs from study to study")
	}
	for _, other := range []string{of("P2", "1.2", "L1"), of("P1", "1.2", "L2"), of("", "1.2", "L1")} {
		if other == of("P1", "1.2", "L1") {
			t.Error("two vertebrae share a UID")
		}
	}
	if of("", "1.2", "L1") == of("", "1.3", "L1") {
		t.Error("patients without an ID share a UID")
	}
}

// An identity that was removed says how, though the images leave it empty.
func TestDeidentificationSaysHow(t *testing.T) {
	anonymous := func(k int) dataset {
		return axial(k).with(tag.PatientIdentityRemoved, text("CS", "YES")).with(tag.DeidentificationMethod, text("LO", ""))
	}
	o := originOf(t, files(explicitLittle, anonymous(0), anonymous(1), anonymous(2)))
	if got := o.Identity.Value(tag.DeidentificationMethod); got == "" {
		t.Error("DeidentificationMethod is empty")
	}
	coded := func(k int) dataset {
		return anonymous(k).with(tag.DeidentificationMethodCodeSequence, items(dataset{tag.CodeValue: text("SH", "113100")}))
	}
	o = originOf(t, files(explicitLittle, coded(0), coded(1), coded(2)))
	if _, there := o.Identity.Find(tag.DeidentificationMethod); there || len(o.Identity.Items(tag.DeidentificationMethodCodeSequence)) != 1 {
		t.Error("the code is not all that is said")
	}
}
