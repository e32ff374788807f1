// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"errors"
	"io"
	"testing"

	"google.golang.org/grpc/codes"

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
}

func TestComparisonsThatCannotBe(t *testing.T) {
	p := serve(t, config(t))
	for _, ids := range [][]string{nil, {"a"}, {"a", "a"}, {"a", "b/c"}} {
		_, err := p.comparisons.CreateComparison(t.Context(), &endplatev1.CreateComparisonRequest{AnalysisIds: ids})
		wantCode(t, err, codes.InvalidArgument, "ERROR_REASON_INVALID_FIELD")
	}
	_, err := p.comparisons.CreateComparison(t.Context(), &endplatev1.CreateComparisonRequest{AnalysisIds: []string{"a", "b"}})
	wantCode(t, err, codes.NotFound, "ERROR_REASON_NOT_FOUND")
}

func TestDeletingAStudyDeletesWhatItIsIn(t *testing.T) {
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
