// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package sr_test

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/suyashkumar/dicom/pkg/tag"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/analysis/dicom/sr"
	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/radiograph/outline"
	"github.com/endplate/endplate/analysis/radiograph/projection"
	"github.com/endplate/endplate/analysis/spine"
)

// Size of the films here, pixels, and of a body on them.
const (
	filmColumns, filmRows = 160, 400
	bodyColumns, bodyRows = 60, 50
)

// filmOrigin is that of a film that was written as DICOM.
func filmOrigin(t testing.TB, name string) *dicom.Origin {
	t.Helper()
	g, err := projection.NewGeometry(projection.Setup{
		Toward: projection.LeftLateral, Up: r3.Vec{Z: 1}, SourceToIsocenter: 900, SourceToDetector: 1150,
		Columns: filmColumns, Rows: filmRows, ImagerPixelSpacing: 0.7,
	})
	if err != nil {
		t.Fatal(err)
	}
	black := &projection.Film{Geometry: g, Stored: make([]uint16, filmColumns*filmRows), Bits: 12}
	b, _, err := dicom.WriteFilm(black, dicom.SyntheticFilm{Study: name, PatientID: "P1", Description: name, Number: 1})
	if err != nil {
		t.Fatal(err)
	}
	catalog, err := dicom.Scan(t.Context(), func(yield func(dicom.Source, error) bool) {
		yield(dicom.Source{Size: int64(len(b)), Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }}, nil)
	}, dicom.Options{})
	if err != nil || len(catalog.Films) != 1 {
		t.Fatalf("%v: %d films, skipped %+v", err, len(catalog.Films), catalog.Skipped)
	}
	o, err := catalog.Films[0].Origin()
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// filmResult is of a film on which a reader placed the points of T11 to L3: rectangles, but
// for L1, the anterior height of which is the given part of its posterior one.
func filmResult(t testing.TB, o *dicom.Origin, wedge float64, mm bool) *analysis.Result {
	t.Helper()
	f := &analysis.Film{SOPInstanceUID: o.Images[0].SOPInstanceUID, Columns: filmColumns, Rows: filmRows, Anterior: outline.Left, AnteriorTold: true}
	f.Calibration = radiograph.Calibration{Spacing: radiograph.Spacing{Rows: 1, Columns: 1}, Reason: "nothing tells"}
	if mm {
		f.Unit = 1
		f.Calibration = radiograph.Calibration{Basis: radiograph.Fiducial, Spacing: radiograph.Spacing{Rows: 0.5, Columns: 0.5}, RelativeSD: 0.02, Reason: "a fiducial"}
	}
	var all []analysis.Correction
	for n, l := range []spine.Level{spine.T11, spine.T12, spine.L1, spine.L2, spine.L3} {
		top := 20 + float64(n)*(bodyRows+14)
		drop := 0.0
		if l == spine.L1 {
			drop = (1 - wedge) * bodyRows
		}
		add := analysis.AddVertebra{Level: l, OnFilm: &[landmark.NumPoints]radiograph.ImagePoint{}}
		for i, across := range []float64{0, 0.5, 1} { // from anterior to posterior
			add.OnFilm[i] = radiograph.ImagePoint{Col: 50 + across*bodyColumns, Row: top + (1-across)*drop}
			add.OnFilm[i+3] = radiograph.ImagePoint{Col: 50 + across*bodyColumns, Row: top + bodyRows}
		}
		all = append(all, add)
	}
	r, err := analysis.Correct(&analysis.Result{Film: f}, all)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// filmReports are reports of films, with millimetres and without, and of what changed
// between a film and a CT, and another film.
func filmReports(t testing.TB) map[string]*dataset.Dataset {
	t.Helper()
	o := filmOrigin(t, "film")
	return map[string]*dataset.Dataset{
		"film":              reportOf(t, o, filmResult(t, o, 0.6, true), provenance()),
		"uncalibrated film": reportOf(t, o, filmResult(t, o, 0.6, false), provenance()),
		"CT, film":          comparedWithFilm(t, true),
		"film, film":        comparedWithFilm(t, false),
	}
}

// comparedWithFilm is what changed from a CT, or from a film without a calibration, to a
// film.
func comparedWithFilm(t testing.TB, fromCT bool) *dataset.Dataset {
	t.Helper()
	o, by := filmOrigin(t, "later film"), provenance()
	later := comparison.NewExamination(filmResult(t, o, 0.8, true), comparison.About{Name: "later", StudyInstanceUID: o.StudyInstanceUID, Modality: "DX"})
	from, modality := filmOrigin(t, "first film"), "DX"
	first := filmResult(t, from, 0.6, false)
	if fromCT {
		from, modality, first = originOf(t, "CT"), "CT", measured(t)
	}
	before := comparison.NewExamination(first, comparison.About{Name: "before", StudyInstanceUID: from.StudyInstanceUID, Modality: modality})
	c, err := comparison.Compare(before, later, comparison.Options{Treated: []spine.Level{spine.L1}})
	if err != nil {
		t.Fatal(err)
	}
	d, err := sr.ComparisonReport(sr.Compared{Origin: from, Report: sr.ReferenceTo(from, by)}, sr.Compared{Origin: o, Report: sr.ReferenceTo(o, by)}, c, by)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// What is said of films and their changes is in the report: points as columns and rows, no
// mm without a calibration, and what a film does not show.
func TestReportsOfFilms(t *testing.T) {
	said := func(d *dataset.Dataset) (texts []string, numbers map[string]int, points, lengths int) {
		numbers = map[string]int{}
		everyItem(d, func(_, item *dataset.Dataset) {
			switch item.Value(tag.ValueType) {
			case "TEXT":
				texts = append(texts, item.Value(tag.TextValue))
			case "SCOORD":
				points++
			case "NUM":
				numbers[item.Item(tag.ConceptNameCodeSequence).Value(tag.CodeMeaning)]++
				for _, m := range item.Items(tag.MeasuredValueSequence) {
					if m.Item(tag.MeasurementUnitsCodeSequence).Value(tag.CodeValue) == "mm" {
						lengths++
					}
				}
			}
		})
		return texts, numbers, points, lengths
	}
	all := filmReports(t)
	texts, _, points, lengths := said(all["film"])
	if points == 0 || lengths == 0 || !slices.ContainsFunc(texts, func(s string) bool { return strings.HasPrefix(s, "CALIBRATION PIXEL_SPACING_FIDUCIAL") }) {
		t.Errorf("a film: %d graphics, %d lengths in mm, %q", points, lengths, texts)
	}
	if _, _, points, lengths = said(all["uncalibrated film"]); points == 0 || lengths > 0 {
		t.Errorf("an uncalibrated film: %d graphics, %d lengths in mm", points, lengths)
	}
	for _, name := range []string{"CT, film", "film, film"} {
		texts, numbers, _, lengths := said(all[name])
		if numbers["Change of a quantity from the earlier to the later examination"] == 0 {
			t.Errorf("%s: no change: %v", name, numbers)
		}
		if (lengths > 0) != (name == "CT, film") {
			t.Errorf("%s: %d lengths in mm", name, lengths)
		}
		for _, want := range []string{"NOT_ASSESSABLE_ON_RADIOGRAPH: volume, canal", "change of anterior height of the expected", "change of anterior by posterior height", "posture is part of every change"} {
			if !slices.ContainsFunc(texts, func(s string) bool { return strings.HasPrefix(s, want) }) {
				t.Errorf("%s: no word of %q in %q", name, want, texts)
			}
		}
	}
}
