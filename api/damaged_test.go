// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/endplate/endplate/api/internal/store"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// What is stored of an analysis and cannot be is told as such, and is no bug: each call
// that needs it says DATA_LOSS, and a comparison ends with that reason.
func TestStoredResultsThatCannotBe(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]struct {
		change   func(*store.Result)
		readable bool // in itself: the report alone still is shown
		compared bool // it is from the results alone
	}{
		"the report is of no analysis":     {func(r *store.Result) { r.Report = nil }, true, true},
		"there is one result too many":     {func(r *store.Result) { r.Results = append(r.Results, r.Results...) }, true, false},
		"there is one result too few":      {func(r *store.Result) { r.Results = nil }, true, false},
		"the report is cut short":          {func(r *store.Result) { r.Report = r.Report[:len(r.Report)-1] }, false, true},
		"the examinations are no JSON":     {func(r *store.Result) { r.About = r.About[1:] }, true, false},
		"an examination is not there":      {func(r *store.Result) { r.About = []byte("[]") }, true, false},
		"a byte of the results is another": {func(r *store.Result) { r.Results[len(r.Results)-1] ^= 1 }, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := apart(t, `"code":"DataLoss"`)
			id := c.damaged(t, damage.change)
			_, p := c.process(t)
			_, err := p.analyses.GetAnalysis(t.Context(), &endplatev1.GetAnalysisRequest{AnalysisId: id})
			if damage.readable && err != nil {
				t.Errorf("GetAnalysis: %v", err)
			} else if !damage.readable {
				wantCode(t, err, codes.DataLoss, "ERROR_REASON_STORED_DATA_CORRUPT")
			}
			_, err = p.analyses.ExportAnalysis(t.Context(), &endplatev1.ExportAnalysisRequest{AnalysisId: id})
			wantCode(t, err, codes.DataLoss, "ERROR_REASON_STORED_DATA_CORRUPT")
			_, err = p.analyses.CorrectAnalysis(t.Context(), &endplatev1.CorrectAnalysisRequest{
				AnalysisId: id, BaseRevision: 1, Corrections: []*endplatev1.Correction{{
					Change: &endplatev1.Correction_RemoveVertebra{RemoveVertebra: &endplatev1.RemoveVertebra{Level: endplatev1.Level_L1}},
				}},
			})
			wantCode(t, err, codes.DataLoss, "ERROR_REASON_STORED_DATA_CORRUPT")
			p.comparedTo(t, id, damage.compared)
		})
	}
}

// damaged measures a series, damages what is stored of it, and returns the analysis.
func (c served) damaged(t *testing.T, change func(*store.Result)) (id string) {
	t.Helper()
	server, p := c.process(t)
	id = p.measured(t, small(t, 16, 4, 1)).GetAnalysisId()
	server.stop(t, c.Config)
	s := c.openStore(t)
	defer s.Close()
	v, err := s.Revision(t.Context(), id, store.Latest, store.Whole)
	if err != nil {
		t.Fatal(err)
	}
	change(&v.Result)
	if err := s.Write(t.Context(), func(tx *store.Tx) error {
		_, err := tx.AddRevision(t.Context(), v.Number, v, store.Request{})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return id
}

// comparedTo compares an analysis with another, which ends in what is stored of it, or
// in that there is nothing to compare.
func (p *peer) comparedTo(t *testing.T, id string, readable bool) {
	t.Helper()
	other := p.measured(t, small(t, 16, 4, 2)).GetAnalysisId()
	created, err := p.comparisons.CreateComparison(t.Context(), &endplatev1.CreateComparisonRequest{AnalysisIds: []string{id, other}})
	if err != nil {
		t.Fatal(err)
	}
	if state := p.allComparisons(t)[created.GetComparison().GetComparisonId()]; state != endplatev1.AnalysisState_FAILED {
		t.Errorf("the comparison is %v", state)
	}
	got, err := p.comparisons.GetComparison(t.Context(), &endplatev1.GetComparisonRequest{ComparisonId: created.GetComparison().GetComparisonId()})
	if err != nil {
		t.Fatal(err)
	}
	if corrupt := got.GetComparison().GetReasonCode() == "ERROR_REASON_STORED_DATA_CORRUPT"; corrupt == readable {
		t.Errorf("the comparison failed for %s: %s", got.GetComparison().GetReasonCode(), got.GetComparison().GetReason())
	}
}
