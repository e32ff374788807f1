// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicom_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom"
	data "github.com/endplate/endplate/analysis/dicom/dataset" // a function of these tests has its name
	"github.com/endplate/endplate/analysis/radiograph/projection"
)

// changedFilm returns a film's file after a change of its data set.
func changedFilm(t testing.TB, change func(*data.Dataset)) []byte {
	t.Helper()
	b := film(t, projection.Processing{Bits: 12})
	file, err := data.Read(bytes.NewReader(b), int64(len(b)), data.Options{Pixels: true})
	if err != nil {
		t.Fatal(err)
	}
	change(&file.Dataset)
	var out bytes.Buffer
	if err := file.WriteFile(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func sourceOf(name string, b []byte, named bool) dicom.Source {
	return dicom.Source{Name: name, Size: int64(len(b)), Named: named, Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }}
}

// scanned returns the catalog of sources.
func scanned(t testing.TB, sources ...dicom.Source) *dicom.Catalog {
	t.Helper()
	c, err := dicom.Scan(t.Context(), func(yield func(dicom.Source, error) bool) {
		for _, s := range sources {
			if !yield(s, nil) {
				return
			}
		}
	}, dicom.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// captured makes a secondary capture of a film.
func captured(conversion, modality string) func(*data.Dataset) {
	return func(d *data.Dataset) {
		d.Text(tag.SOPClassUID, "UI", "1.2.840.10008.5.1.4.1.1.7")
		d.Text(tag.Modality, "CS", modality)
		d.Text(tag.ConversionType, "CS", conversion)
	}
}

// Which instances are films, their headers say: the SOP class; of a secondary capture what it
// was made from, unless the user names the file; and in grey.
func TestWhichInstancesAreFilms(t *testing.T) {
	class := func(uid, modality string) func(*data.Dataset) {
		return func(d *data.Dataset) {
			d.Text(tag.SOPClassUID, "UI", uid)
			d.Text(tag.Modality, "CS", modality)
		}
	}
	for _, tt := range []struct {
		name   string
		change func(*data.Dataset)
		named  bool
		code   dicom.Code // why it is none; empty for a film
	}{
		{"DX", func(*data.Dataset) {}, false, ""},
		{"CR", class("1.2.840.10008.5.1.4.1.1.1", "CR"), false, ""},
		{"radiofluoroscopy", class("1.2.840.10008.5.1.4.1.1.12.2", "RF"), false, ""},
		{"angiography", class("1.2.840.10008.5.1.4.1.1.12.1", "XA"), false, dicom.CodeUnsupportedObject},
		{"mammography", class("1.2.840.10008.5.1.4.1.1.1.2", "MG"), false, dicom.CodeUnsupportedObject},
		{"MR", class("1.2.840.10008.5.1.4.1.1.4", "MR"), false, dicom.CodeUnsupportedObject},
		{"a digitized film", captured("DF", "OT"), false, ""},
		{"a scanned one without modality", captured("SI", ""), false, ""},
		{"a workstation's", captured("WSD", "OT"), false, dicom.CodeUnsupportedObject},
		{"a workstation's that the user names", captured("WSD", "OT"), true, ""},
		{"an MR's capture", captured("DI", "MR"), false, dicom.CodeUnsupportedObject},
		{"an MR's capture that the user names", captured("DI", "MR"), true, dicom.CodeUnsupportedObject},
		{"in colour", func(d *data.Dataset) { d.Ints(tag.SamplesPerPixel, "US", 3) }, false, dicom.CodeUnsupportedObject},
		{"without columns", func(d *data.Dataset) { d.Remove(tag.Columns) }, false, dicom.CodeMissingAttribute},
		{"of no row", func(d *data.Dataset) { d.Ints(tag.Rows, "US", 0) }, false, dicom.CodeMissingAttribute},
	} {
		c := scanned(t, sourceOf(tt.name, changedFilm(t, tt.change), tt.named))
		if tt.code == "" {
			if len(c.Films) != 1 || len(c.Skipped)+len(c.Stacks) != 0 || c.Films[0].Columns != 120 || c.Films[0].Rows != 100 || c.Films[0].Name() != tt.name {
				t.Errorf("%s: %d films, skipped %+v", tt.name, len(c.Films), c.Skipped)
			}
			continue
		}
		if len(c.Films) != 0 || len(c.Skipped) != 1 || c.Skipped[0].Code != tt.code || c.Skipped[0].Name != tt.name {
			t.Errorf("%s: %d films, skipped %+v, want %s", tt.name, len(c.Films), c.Skipped, tt.code)
		}
	}
}

// Films are ordered by their UIDs whatever the order of the files, and one that is there
// twice counts once.
func TestFilmsAreOrdered(t *testing.T) {
	of := func(study, series, instance string) dicom.Source {
		return sourceOf(study+"/"+series+"/"+instance, changedFilm(t, func(d *data.Dataset) {
			d.Text(tag.StudyInstanceUID, "UI", study)
			d.Text(tag.SeriesInstanceUID, "UI", series)
			d.Text(tag.SOPInstanceUID, "UI", instance)
		}), false)
	}
	sources := []dicom.Source{of("1.2", "1.1", "1.1"), of("1.1", "1.2", "1.3"), of("1.1", "1.2", "1.2"), of("1.1", "1.1", "1.9"), of("1.1", "1.2", "1.2")}
	want := []string{"1.1/1.1/1.9", "1.1/1.2/1.2", "1.1/1.2/1.3", "1.2/1.1/1.1"}
	for range 2 {
		var got []string
		for _, f := range scanned(t, sources...).Films {
			got = append(got, f.StudyInstanceUID+"/"+f.SeriesInstanceUID+"/"+f.SOPInstanceUID)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		slices.Reverse(sources)
	}
}

// What the header says of time, patient and posture is kept, the patient as a digest.
func TestWhatFilmsSay(t *testing.T) {
	coded := func(value string, inside ...*data.Dataset) *data.Dataset {
		item := &data.Dataset{}
		item.Text(tag.CodeValue, "SH", value)
		item.Text(tag.CodingSchemeDesignator, "SH", "SCT")
		item.Text(tag.CodeMeaning, "LO", "of a test")
		if len(inside) > 0 {
			item.Sequence(tag.PatientOrientationModifierCodeSequence, inside...)
		}
		return item
	}
	f := scanned(t, sourceOf("f", changedFilm(t, func(d *data.Dataset) {
		d.Text(tag.AcquisitionDate, "DA", "20210304")
		d.Text(tag.AcquisitionTime, "TM", "101112")
		d.Text(tag.PatientID, "LO", "SECRET")
		d.Text(tag.PatientPosition, "CS", "HFS")
		d.Sequence(tag.PatientOrientationCodeSequence, coded("C86043", coded("10904000")))
	}), false)).Films[0]
	if f.AcquisitionDateTime != "20210304101112" || f.SeriesDateTime != "20000101120000" || f.PatientPosition != "HFS" {
		t.Errorf("%q, %q, %q", f.AcquisitionDateTime, f.SeriesDateTime, f.PatientPosition)
	}
	if diff := cmp.Diff([]string{"C86043", "10904000"}, f.Gravity); diff != "" {
		t.Errorf("gravity (-want +got)\n%s", diff)
	}
	if f.Patient.ID == "" || strings.Contains(f.Patient.ID, "SECRET") {
		t.Errorf("patient %q", f.Patient.ID)
	}
	f = scanned(t, sourceOf("f", changedFilm(t, func(d *data.Dataset) {
		d.Text(tag.AcquisitionDateTime, "DT", "20220405060708.5")
		d.Remove(tag.PatientPosition)
	}), false)).Films[0]
	if f.AcquisitionDateTime != "20220405060708.5" || f.PatientPosition != "" || f.Gravity != nil {
		t.Errorf("%q, %q, %v", f.AcquisitionDateTime, f.PatientPosition, f.Gravity)
	}
}

// A film is read where it lies: in a folder, or as the member of an archive. What goes wrong
// is said of the film.
func TestFilmsAreReadWhereTheyLie(t *testing.T) {
	b := film(t, projection.Processing{Bits: 12})
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	w, err := z.Create("IMAGES/1")
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Write(b)
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{"film": {Data: b}, "disc.zip": {Data: archive.Bytes()}}
	for name := range files {
		c, err := dicom.Scan(t.Context(), dicom.Files(files, name), dicom.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if len(c.Films) != 1 {
			t.Errorf("%s: %d films, skipped %+v", name, len(c.Films), c.Skipped)
			continue
		}
		if m, err := c.Films[0].Read(t.Context()); err != nil || m.Columns != 120 {
			t.Errorf("%s: %v", name, err)
		}
	}
	c := scanned(t, sourceOf("cut", b[:len(b)-1000], false))
	if len(c.Films) > 0 || len(c.Skipped) != 1 || c.Skipped[0].Code != dicom.CodeTruncated || c.Skipped[0].SOPInstanceUID == "" {
		t.Errorf("cut: %d films, skipped %+v", len(c.Films), c.Skipped)
	}
	gone := sourceOf("gone", b, false)
	c = scanned(t, dicom.Source{Name: "gone", Size: gone.Size, Open: func() (io.ReadCloser, error) { return gone.Open() }})
	gone.Open = func() (io.ReadCloser, error) { return nil, errors.New("it is gone") }
	f := c.Films[0]
	_, err = f.Read(t.Context())
	if s := f.Skipped(err); err == nil || s.Code != dicom.CodeUnreadable || s.SOPInstanceUID != f.SOPInstanceUID || s.Name != "gone" || s.Instances != 1 {
		t.Errorf("%v, %+v", err, s)
	}
}

// What is derived from a film takes its identity over, and needs its UIDs.
func TestOriginsOfFilms(t *testing.T) {
	f := scanned(t, sourceOf("f", film(t, projection.Processing{Bits: 12}), false)).Films[0]
	o, err := f.Origin()
	if err != nil || !o.Film || len(o.Images) != 1 || o.Images[0].SOPInstanceUID != f.SOPInstanceUID || o.Geometry.Columns != 120 || o.FrameOfReferenceUID != "" {
		t.Errorf("%v, %+v", err, o)
	}
	for _, missing := range []tag.Tag{tag.StudyInstanceUID, tag.SeriesInstanceUID} {
		f := scanned(t, sourceOf("f", changedFilm(t, func(d *data.Dataset) { d.Remove(missing) }), false))
		if len(f.Films) == 0 {
			if len(f.Skipped) != 1 || f.Skipped[0].Code != dicom.CodeMissingAttribute {
				t.Errorf("without %v: skipped %+v", missing, f.Skipped)
			}
			continue
		}
		if _, err := f.Films[0].Origin(); dicom.CodeOf(err) != dicom.CodeMissingAttribute {
			t.Errorf("without %v: %v", missing, err)
		}
	}
}
