// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

func TestTheWorklistTellsWhatThereIsToRead(t *testing.T) {
	t.Parallel()
	c := config(t)
	var callers map[string]context.Context
	c.Security.CredentialsFile, callers, _ = granted(t, "read", "administer")
	p := serve(t, c)
	list := endplatev1.NewWorklistServiceClient(p)
	s := made(t, 1, 30)
	admin, reader := callers["administer"], callers["read"]
	if r, err := p.upload(admin, 1<<20, s.instances...); err != nil || r.GetRefused() != 0 {
		t.Fatal(r, err)
	}
	search := func(ctx context.Context, r *endplatev1.SearchWorklistRequest) []*endplatev1.WorklistEntry {
		t.Helper()
		found, err := list.SearchWorklist(ctx, r)
		if err != nil {
			t.Fatal(err)
		}
		return found.GetEntries()
	}
	if e := search(admin, &endplatev1.SearchWorklistRequest{}); len(e) != 1 || e[0].GetStudy().GetPatient().GetPatientId() != "P-1" || len(e[0].GetAnalyses()) != 0 {
		t.Fatalf("before an analysis: %v", e)
	}
	if e := search(admin, &endplatev1.SearchWorklistRequest{Words: "p-1"}); len(e) != 1 {
		t.Errorf("found by PatientID: %v", e)
	}
	if e := search(reader, &endplatev1.SearchWorklistRequest{Words: "p-1"}); len(e) != 0 {
		t.Errorf("a reader without the right finds a patient by PatientID: %v", e)
	}
	_, err := list.SearchWorklist(reader, &endplatev1.SearchWorklistRequest{Order: endplatev1.SearchWorklistRequest_PATIENT_NAME})
	wantCode(t, err, codes.PermissionDenied, "ERROR_REASON_ROLE_MISSING")

	created, err := p.analyses.CreateAnalysis(admin, &endplatev1.CreateAnalysisRequest{SeriesInstanceUid: s.uid})
	if err != nil {
		t.Fatal(err)
	}
	run := p.ended(t, admin, created.GetAnalysis().GetAnalysisId())
	wantEntry(t, search(reader, &endplatev1.SearchWorklistRequest{}), run)

	// A reader who rejects the finding and accepts the rest has reviewed it.
	_, err = p.analyses.CorrectAnalysis(admin, &endplatev1.CorrectAnalysisRequest{AnalysisId: run.GetAnalysisId(), Reviewed: true,
		Corrections: []*endplatev1.Correction{{Change: &endplatev1.Correction_JudgeFinding{JudgeFinding: &endplatev1.JudgeFinding{
			Code: "VERTEBRAL_DEFORMITY", Levels: []endplatev1.Level{endplatev1.Level_L1}, Reason: "Scheuermann",
		}}}}})
	if err != nil {
		t.Fatal(err)
	}
	yes, no := true, false
	if e := search(reader, &endplatev1.SearchWorklistRequest{Reviewed: &no}); len(e) != 0 {
		t.Errorf("what was reviewed is not open: %v", e)
	}
	e := search(reader, &endplatev1.SearchWorklistRequest{Reviewed: &yes})
	if len(e) != 1 || !e[0].GetAnalyses()[0].GetRevision().GetReviewed() {
		t.Fatalf("reviewed: %v", e)
	}
	if got := e[0].GetAnalyses()[0].GetSummary(); got.GetDeformed() != 0 || got.Worst != nil {
		t.Errorf("summary with the finding rejected: %v", got)
	}
	wantWorstFirst(t, p, admin)
}

// wantWorstFirst adds a study with a deformity, which comes before the one whose
// finding was rejected, and after it in the order the other way round.
func wantWorstFirst(t *testing.T, p *peer, admin context.Context) {
	t.Helper()
	list := endplatev1.NewWorklistServiceClient(p)
	s := made(t, 2, 30)
	if r, err := p.upload(admin, 1<<20, s.instances...); err != nil || r.GetRefused() != 0 {
		t.Fatal(r, err)
	}
	created, err := p.analyses.CreateAnalysis(admin, &endplatev1.CreateAnalysisRequest{SeriesInstanceUid: s.uid})
	if err != nil {
		t.Fatal(err)
	}
	run := p.ended(t, admin, created.GetAnalysis().GetAnalysisId())
	for order, at := range map[endplatev1.SearchWorklistRequest_Order]int{
		endplatev1.SearchWorklistRequest_WORST: 0, endplatev1.SearchWorklistRequest_WORST_REVERSED: 1,
		endplatev1.SearchWorklistRequest_REVIEW: 0, endplatev1.SearchWorklistRequest_REVIEW_REVERSED: 1,
	} {
		r, err := list.SearchWorklist(admin, &endplatev1.SearchWorklistRequest{Order: order})
		if err != nil || len(r.GetEntries()) != 2 || r.GetEntries()[at].GetStudy().GetStudyInstanceUid() != run.GetStudyInstanceUid() {
			t.Errorf("%v: %v, %v, want the other one at %d", order, r.GetEntries(), err, at)
		}
	}
}

// ended watches an analysis to its end.
func (p *peer) ended(t *testing.T, ctx context.Context, id string) (last *endplatev1.AnalysisRun) {
	t.Helper()
	stream, err := p.analyses.WatchAnalysis(ctx, &endplatev1.WatchAnalysisRequest{AnalysisId: id})
	if err != nil {
		t.Fatal(err)
	}
	for last.GetReport() == nil {
		r, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		last = r.GetAnalysis()
	}
	return last
}

// wantEntry fails unless the only entry tells what the analysis found: L1 fractured.
func wantEntry(t *testing.T, entries []*endplatev1.WorklistEntry, run *endplatev1.AnalysisRun) {
	t.Helper()
	if len(entries) != 1 || len(entries[0].GetAnalyses()) != 1 || entries[0].GetStudy().Patient != nil {
		t.Fatalf("entries %v", entries)
	}
	got := entries[0].GetAnalyses()[0]
	measured, worst := 0, &endplatev1.Vertebra{}
	for _, v := range run.GetReport().GetAnalyses()[0].GetVertebrae() {
		if v.GetStatus() == endplatev1.Vertebra_MEASURED {
			measured++
		}
		if v.GetLevel() == endplatev1.Level_L1 {
			worst = v
		}
	}
	s := got.GetSummary()
	if int(s.GetMeasured()) != measured || s.GetDeformed() != 1 || s.GetWorstLevel() != endplatev1.Level_L1 ||
		s.GetWorst().GetWorstLossPercent() != worst.GetDeformity().GetWorstLossPercent() || len(s.GetFindingCodes()) == 0 {
		t.Errorf("summary %v, want L1 with %v of %d", s, worst.GetDeformity(), measured)
	}
	if got.GetAnalysis().GetState() != endplatev1.AnalysisState_SUCCEEDED || got.GetAnalysis().Report != nil || got.GetRevision().GetReviewed() {
		t.Errorf("analysis %v, revision %v", got.GetAnalysis(), got.GetRevision())
	}
}

func TestImpossibleSearchesAreRefused(t *testing.T) {
	t.Parallel()
	list := endplatev1.NewWorklistServiceClient(serve(t, config(t)))
	for field, r := range map[string]*endplatev1.SearchWorklistRequest{
		"words":      {Words: strings.Repeat("a ", 9)},
		"from_date":  {FromDate: "2024-01-01"},
		"to_date":    {ToDate: "20241301"},
		"order":      {Order: 99},
		"states":     {States: []endplatev1.AnalysisState{99}},
		"page_token": {PageToken: "x"},
	} {
		_, err := list.SearchWorklist(t.Context(), r)
		wantCode(t, err, codes.InvalidArgument, "ERROR_REASON_INVALID_FIELD")
		if got := violations(err); len(got) != 1 || !strings.HasPrefix(got[0], field) {
			t.Errorf("%s: violations %v", field, got)
		}
	}
}
