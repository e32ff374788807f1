// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// compared creates a comparison and watches it to its end.
func (p *peer) compared(t testing.TB, ids ...string) *endplatev1.ComparisonRun {
	t.Helper()
	created, err := p.comparisons.CreateComparison(t.Context(), &endplatev1.CreateComparisonRequest{AnalysisIds: ids})
	if err != nil {
		t.Fatal(err)
	}
	stream, err := p.comparisons.WatchComparison(t.Context(), &endplatev1.WatchComparisonRequest{ComparisonId: created.GetComparison().GetComparisonId()})
	if err != nil {
		t.Fatal(err)
	}
	var last *endplatev1.ComparisonRun
	for {
		r, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return last
		}
		if err != nil {
			t.Fatal(err)
		}
		last = r.GetComparison()
	}
}

func TestAnalysesAreCompared(t *testing.T) {
	t.Parallel()
	p := serve(t, config(t))
	before, after := p.measured(t, made(t, 1, 40)), p.measured(t, made(t, 2, 15))
	run := p.compared(t, before.GetAnalysisId(), after.GetAnalysisId())
	if run.GetState() != endplatev1.AnalysisState_SUCCEEDED || len(run.GetReport().GetComparisons()) != 1 {
		t.Fatalf("comparison is %v: %s", run.GetState(), run.GetReason())
	}
	var restored bool
	for _, f := range run.GetReport().GetComparisons()[0].GetFindings() {
		restored = restored || f.GetCode() == "HEIGHT_RESTORED"
	}
	if !restored {
		t.Errorf("that height was restored is not among the findings: %v", run.GetReport().GetComparisons()[0].GetFindings())
	}
	list, err := p.comparisons.ListComparisons(t.Context(), &endplatev1.ListComparisonsRequest{StudyInstanceUid: after.GetStudyInstanceUid()})
	if err != nil || len(list.GetComparisons()) != 1 || list.GetComparisons()[0].GetReport() != nil {
		t.Errorf("list is %v, %v", list, err)
	}
	p.exported(t, run)
}

// exported writes a comparison in all formats.
func (p *peer) exported(t *testing.T, run *endplatev1.ComparisonRun) {
	t.Helper()
	for format, want := range map[endplatev1.ExportAnalysisRequest_Format]string{
		endplatev1.ExportAnalysisRequest_JSON:  `"HEIGHT_RESTORED"`,
		endplatev1.ExportAnalysisRequest_CSV:   ",L1,",
		endplatev1.ExportAnalysisRequest_HTML:  "data:image/",
		endplatev1.ExportAnalysisRequest_TABLE: "finding L1: ",
	} {
		got, err := p.comparisons.ExportComparison(t.Context(), &endplatev1.ExportComparisonRequest{ComparisonId: run.GetComparisonId(), Format: format})
		if err != nil || !strings.Contains(string(got.GetContent()), want) {
			t.Errorf("%v does not hold %q: %v, %.300s", format, want, err, got.GetContent())
		}
		if format != endplatev1.ExportAnalysisRequest_JSON {
			continue
		}
		report := &endplatev1.ComparisonReport{}
		if err := protojson.Unmarshal(got.GetContent(), report); err != nil || !proto.Equal(report, run.GetReport()) {
			t.Errorf("the document is not the report: %v\n got %v\nwant %v", err, report, run.GetReport())
		}
	}
	_, err := p.comparisons.ExportComparison(t.Context(), &endplatev1.ExportComparisonRequest{ComparisonId: "none"})
	wantCode(t, err, codes.NotFound, "ERROR_REASON_NOT_FOUND")
}

func TestComparisonsThatCannotBe(t *testing.T) {
	t.Parallel()
	p := serve(t, config(t))
	for _, ids := range [][]string{nil, {"a"}, {"a", "a"}, {"a", "b/c"}} {
		_, err := p.comparisons.CreateComparison(t.Context(), &endplatev1.CreateComparisonRequest{AnalysisIds: ids})
		wantCode(t, err, codes.InvalidArgument, "ERROR_REASON_INVALID_FIELD")
	}
	_, err := p.comparisons.CreateComparison(t.Context(), &endplatev1.CreateComparisonRequest{AnalysisIds: []string{"a", "b"}})
	wantCode(t, err, codes.NotFound, "ERROR_REASON_NOT_FOUND")
}

func TestDeletingAStudyDeletesWhatItIsIn(t *testing.T) {
	t.Parallel()
	p := serve(t, config(t))
	before, after := p.measured(t, made(t, 1, 40)), p.measured(t, made(t, 2, 15))
	run := p.compared(t, before.GetAnalysisId(), after.GetAnalysisId())
	deleted, err := p.studies.DeleteStudy(t.Context(), &endplatev1.DeleteStudyRequest{StudyInstanceUid: before.GetStudyInstanceUid()})
	if err != nil || deleted.GetInstancesDeleted() == 0 {
		t.Fatalf("deleted %v, %v", deleted, err)
	}
	_, err = p.analyses.GetAnalysis(t.Context(), &endplatev1.GetAnalysisRequest{AnalysisId: before.GetAnalysisId()})
	wantCode(t, err, codes.NotFound, "ERROR_REASON_NOT_FOUND")
	_, err = p.comparisons.GetComparison(t.Context(), &endplatev1.GetComparisonRequest{ComparisonId: run.GetComparisonId()})
	wantCode(t, err, codes.NotFound, "ERROR_REASON_NOT_FOUND")
	if _, err = p.analyses.GetAnalysis(t.Context(), &endplatev1.GetAnalysisRequest{AnalysisId: after.GetAnalysisId()}); err != nil {
		t.Errorf("the other study's analysis: %v", err)
	}
	again, err := p.studies.DeleteStudy(t.Context(), &endplatev1.DeleteStudyRequest{StudyInstanceUid: before.GetStudyInstanceUid()})
	if err != nil || again.GetInstancesDeleted() != 0 {
		t.Errorf("deleted again %v, %v", again, err)
	}
}

// What stands above and below a level that lost height comes nearer to each other: a
// rigid motion lays the two over where they were on average.
func TestComparedExaminationsAreDrawnAligned(t *testing.T) {
	t.Parallel()
	p := serve(t, config(t))
	before, after := p.measured(t, made(t, 1, 40)), p.measured(t, made(t, 2, 15))
	id := p.compared(t, before.GetAnalysisId(), after.GetAnalysisId()).GetComparisonId()
	draw := func(r *endplatev1.RenderComparisonRequest) *endplatev1.RenderComparisonResponse {
		t.Helper()
		r.ComparisonId, r.Outlines = id, true
		got, err := p.comparisons.RenderComparison(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	first, second := draw(&endplatev1.RenderComparisonRequest{}), draw(&endplatev1.RenderComparisonRequest{Examination: 1})
	if first.GetAnalysisId() != before.GetAnalysisId() || second.GetAnalysisId() != after.GetAnalysisId() || second.GetRevision() != 0 {
		t.Errorf("pictures of %s and %s, want %s and %s", first.GetAnalysisId(), second.GetAnalysisId(), before.GetAnalysisId(), after.GetAnalysisId())
	}
	a, b := first.GetImage(), second.GetImage()
	if a.GetColumns() != b.GetColumns() || a.GetRows() != b.GetRows() || len(a.GetPng()) == 0 || len(b.GetPng()) == 0 {
		t.Fatalf("pictures of %d×%d and %d×%d pixels", a.GetColumns(), a.GetRows(), b.GetColumns(), b.GetRows())
	}
	dx, dy := 0., 0.
	for _, level := range []endplatev1.Level{endplatev1.Level_T12, endplatev1.Level_L2} {
		x, y := middleOf(a, level)
		u, v := middleOf(b, level)
		dx, dy = dx+(u-x)/2, dy+(v-y)/2
	}
	if d := math.Hypot(dx, dy); !(d < 1) { // pixels of half a millimetre
		t.Errorf("the levels beside the fracture lie (%.1f, %.1f) pixels apart on average", dx, dy)
	}
	if moved := draw(&endplatev1.RenderComparisonRequest{OffsetMm: 5}).GetImage(); bytes.Equal(moved.GetPng(), a.GetPng()) ||
		math.Abs(moved.GetPixelToPatient()[0].GetOrigin().GetX()-a.GetPixelToPatient()[0].GetOrigin().GetX()-5) > 1e-6 {
		t.Error("the plane 5 mm to the left is the same")
	}
	_, err := p.comparisons.RenderComparison(t.Context(), &endplatev1.RenderComparisonRequest{ComparisonId: id, Examination: 2})
	wantCode(t, err, codes.NotFound, "ERROR_REASON_NOT_FOUND")
	_, err = p.comparisons.RenderComparison(t.Context(), &endplatev1.RenderComparisonRequest{ComparisonId: "none"})
	wantCode(t, err, codes.NotFound, "ERROR_REASON_NOT_FOUND")
	_, err = p.comparisons.RenderComparison(t.Context(), &endplatev1.RenderComparisonRequest{ComparisonId: id, OffsetMm: 1e6})
	wantCode(t, err, codes.InvalidArgument, "ERROR_REASON_INVALID_FIELD")
}

// middleOf returns the mean of the points of a body's outline, pixels.
func middleOf(m *endplatev1.RenderImageResponse, level endplatev1.Level) (column, row float64) {
	n := 0.
	for _, o := range m.GetOutlines() {
		if o.GetStructure() != endplatev1.Outline_BODY || o.GetLevel() != level {
			continue
		}
		for i := range o.GetColumns() {
			column, row, n = column+float64(o.GetColumns()[i]), row+float64(o.GetRows()[i]), n+1
		}
	}
	return column / n, row / n
}
