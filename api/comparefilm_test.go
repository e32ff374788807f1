// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"bytes"
	"math"
	"slices"
	"testing"

	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// A CT with a fractured L1, and a film of the same spine without it: restored in percent,
// drawn over each other, and told in DICOM. Of the film alone nothing is compared before a
// reader points at its bodies, and the reason says so.
func TestACTIsComparedWithAFilm(t *testing.T) {
	t.Parallel()
	f, p := renderedFilm(), serve(t, config(t))
	ct, film := p.measured(t, made(t, 1, 40)), p.measured(t, series{instances: [][]byte{f.instance}})
	if run := p.compared(t, ct.GetAnalysisId(), film.GetAnalysisId()); run.GetState() != endplatev1.AnalysisState_FAILED || run.GetReasonCode() != "ERROR_REASON_NOTHING_MEASURED" {
		t.Errorf("a film without a vertebra: %v, %s: %s", run.GetState(), run.GetReasonCode(), run.GetReason())
	}
	if _, err := p.analyses.CorrectAnalysis(t.Context(), &endplatev1.CorrectAnalysisRequest{
		AnalysisId: film.GetAnalysisId(), Corrections: []*endplatev1.Correction{f.seeded()},
	}); err != nil {
		t.Fatal(err)
	}
	run := p.compared(t, ct.GetAnalysisId(), film.GetAnalysisId())
	if run.GetState() != endplatev1.AnalysisState_SUCCEEDED {
		t.Fatalf("%v: %s", run.GetState(), run.GetReason())
	}
	c := run.GetReport().GetComparisons()[0]
	i := slices.IndexFunc(c.GetVertebrae(), func(v *endplatev1.VertebraChange) bool { return v.GetLevel() == endplatev1.Level_L1 })
	if l1 := c.GetVertebrae()[i]; !(l1.GetAnteriorOfExpectedPercent().GetChange() > 20) || !(l1.GetAnteriorRestored().GetPercent() > 50) || l1.GetAnteriorHeightMm() == nil {
		t.Errorf("L1: %v", l1)
	}
	p.drawnWithFilm(t, run.GetComparisonId())
	d, err := p.comparisons.ExportComparison(t.Context(), &endplatev1.ExportComparisonRequest{ComparisonId: run.GetComparisonId(), Format: endplatev1.ExportAnalysisRequest_DICOM_SR})
	if err != nil || !bytes.Contains(d.GetContent(), []byte("NOT_ASSESSABLE_ON_RADIOGRAPH")) {
		t.Errorf("as DICOM: %v", err)
	}
	d, err = p.comparisons.ExportComparison(t.Context(), &endplatev1.ExportComparisonRequest{ComparisonId: run.GetComparisonId(), Format: endplatev1.ExportAnalysisRequest_HTML})
	if err != nil || bytes.Count(d.GetContent(), []byte("data:image/png")) != 2 {
		t.Errorf("as a page: %v", err)
	}
}

// drawnWithFilm draws a CT and a film in one frame: the bodies lie over each other, and a
// window of HU does not blacken the film.
func (p *peer) drawnWithFilm(t *testing.T, id string) {
	t.Helper()
	var pictures [2]*endplatev1.RenderImageResponse
	for n := range pictures {
		got, err := p.comparisons.RenderComparison(t.Context(), &endplatev1.RenderComparisonRequest{
			ComparisonId: id, Examination: int32(n), Outlines: true, WindowCenterHu: new(-5e4), WindowWidthHu: new(10.),
		})
		if err != nil {
			t.Fatal(err)
		}
		pictures[n] = got.GetImage()
	}
	a, b := pictures[0], pictures[1]
	if a.GetColumns() != b.GetColumns() || a.GetRows() != b.GetRows() {
		t.Fatalf("pictures of %d×%d and %d×%d pixels", a.GetColumns(), a.GetRows(), b.GetColumns(), b.GetRows())
	}
	for _, level := range []endplatev1.Level{endplatev1.Level_T12, endplatev1.Level_L2} {
		x, y := middleOf(a, level)
		u, v := middleOf(b, level)
		if d := math.Hypot(u-x, v-y); !(d < 8) { // of half a millimetre
			t.Errorf("%v lies %.1f pixels apart", level, d)
		}
	}
	if len(b.GetPng()) < 5*len(a.GetPng()) { // all of which is beyond its window
		t.Errorf("pictures of %d and %d bytes", len(a.GetPng()), len(b.GetPng()))
	}
	if o := b.GetPixelToPatient()[0].GetOrigin(); o.Column == nil || o.X != nil {
		t.Errorf("the film's pixels lie at %v", o)
	}
}
