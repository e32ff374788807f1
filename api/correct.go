// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/report"
	"github.com/endplate/endplate/api/convert"
	"github.com/endplate/endplate/api/internal/auth"
	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/store"
	"github.com/endplate/endplate/api/measure"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

func (s *analysisService) CorrectAnalysis(ctx context.Context, r *endplatev1.CorrectAnalysisRequest) (*endplatev1.CorrectAnalysisResponse, error) {
	var c checker
	c.id("analysis_id", r.GetAnalysisId())
	c.text("comment", r.GetComment(), longestComment)
	c.text("request_id", r.GetRequestId(), longestName)
	if r.GetBaseRevision() < 0 {
		c.reject("base_revision", "negative")
	}
	if len(r.GetCorrections()) == 0 && !r.GetReviewed() {
		c.reject("corrections", "nothing to change, and not reviewed either")
	}
	corrections := c.corrections("corrections", r.GetCorrections())
	if err := c.err(); err != nil {
		return nil, err
	}
	if r.GetPreview() {
		m, err := s.preview(ctx, r, corrections)
		return &endplatev1.CorrectAnalysisResponse{Analysis: m}, err
	}
	number, err := s.revise(ctx, r, corrections)
	if err != nil {
		return nil, err
	}
	m, err := s.analysisWithResult(ctx, r.GetAnalysisId(), number)
	return &endplatev1.CorrectAnalysisResponse{Analysis: m}, err
}

// preview returns an analysis with the result that corrections would make.
func (s *analysisService) preview(ctx context.Context, r *endplatev1.CorrectAnalysisRequest, corrections []analysis.Correction) (*endplatev1.AnalysisRun, error) {
	if err := s.onNewest(ctx, r); err != nil {
		return nil, err
	}
	m, err := s.analysisWithResult(ctx, r.GetAnalysisId(), int(r.GetBaseRevision()))
	if err != nil || len(corrections) == 0 {
		return m, err
	}
	kept, err := s.results.get(ctx, resultKey{r.GetAnalysisId(), int(r.GetBaseRevision())})
	if err != nil {
		return nil, err
	}
	series := slices.Clone(kept)
	if err := s.corrected(ctx, series, r, corrections); err != nil {
		return nil, err
	}
	m.Report, err = reportOf(r.GetAnalysisId(), m.GetReport(), series)
	return m, err
}

// revise stores the revision that corrections make of the one before, and returns its
// number.
func (s *analysisService) revise(ctx context.Context, r *endplatev1.CorrectAnalysisRequest, corrections []analysis.Correction) (int, error) {
	request, err := requestOf(ctx, r.GetRequestId(), r)
	if err != nil {
		return 0, err
	}
	if number, made, err := s.revisedBefore(ctx, r, request); made || err != nil {
		return number, err
	}
	v, err := s.revision(ctx, r, corrections)
	if err != nil {
		return 0, err
	}
	var number int
	err = s.store.Write(ctx, func(tx *store.Tx) (err error) {
		if number, err = tx.AddRevision(ctx, int(r.GetBaseRevision()), v, request); err != nil {
			return err
		}
		if err := s.jobs.Publish(ctx, tx, r.GetAnalysisId(), number); err != nil {
			return err
		}
		return s.audit.Append(ctx, tx, "AnalysisService/CorrectAnalysis", r.GetAnalysisId(), fmt.Sprintf("revision %d", number))
	})
	return number, err
}

// revisedBefore returns the revision that the same request made before; or the error
// of a request that is based on an old revision, before anything is computed for it.
func (s *analysisService) revisedBefore(ctx context.Context, r *endplatev1.CorrectAnalysisRequest, q store.Request) (number int, made bool, err error) {
	if q.ID != "" {
		err = s.store.Write(ctx, func(tx *store.Tx) (err error) {
			number, made, err = tx.MadeRevision(ctx, q)
			return err
		})
		if made || err != nil {
			return number, made, err
		}
	}
	return 0, false, s.onNewest(ctx, r)
}

// onNewest returns an error if the request is based on an old revision.
func (s *server) onNewest(ctx context.Context, r *endplatev1.CorrectAnalysisRequest) error {
	a, err := s.store.Analysis(ctx, r.GetAnalysisId())
	if err == nil && a.State == store.Succeeded && a.LatestRevision != int(r.GetBaseRevision()) {
		return fault.New(fault.Conflict, fault.StaleRevision, "revision %d is not the newest, %d is", r.GetBaseRevision(), a.LatestRevision).
			With("analysis_id", a.ID)
	}
	return err
}

// revision returns the revision that corrections make of the one that the request is
// based on.
func (s *analysisService) revision(ctx context.Context, r *endplatev1.CorrectAnalysisRequest, corrections []analysis.Correction) (store.Revision, error) {
	base, err := s.store.Revision(ctx, r.GetAnalysisId(), int(r.GetBaseRevision()), store.Whole)
	if err != nil {
		return store.Revision{}, err
	}
	result, err := s.correctedResult(ctx, base.Result, r, corrections)
	if err != nil {
		return store.Revision{}, err
	}
	kept, err := marshalCorrections(r)
	return store.Revision{
		AnalysisID:  r.GetAnalysisId(),
		Author:      auth.FromContext(ctx).Subject,
		Comment:     r.GetComment(),
		Reviewed:    r.GetReviewed(),
		Corrections: kept,
		Result:      result,
	}, err
}

// correctedResult measures and judges a stored result anew, with what the reader
// changed.
func (s *server) correctedResult(ctx context.Context, base store.Result, r *endplatev1.CorrectAnalysisRequest, corrections []analysis.Correction) (store.Result, error) {
	if len(corrections) == 0 {
		return base, nil
	}
	series, before, err := decodedWithReport(r.GetAnalysisId(), base)
	if err != nil {
		return store.Result{}, err
	}
	if err := s.corrected(ctx, series, r, corrections); err != nil {
		return store.Result{}, err
	}
	return resultOf(r.GetAnalysisId(), before, series)
}

// corrected replaces the result that corrections are of by what they make of it.
func (s *server) corrected(ctx context.Context, series []measure.StoredSeries, r *endplatev1.CorrectAnalysisRequest, corrections []analysis.Correction) error {
	index := int(r.GetAnalysisIndex())
	if index < 0 || index >= len(series) {
		return fault.InvalidFields(fault.Violation{
			Field: "analysis_index", Description: fmt.Sprintf("the report holds %d analyses", len(series)),
		})
	}
	result, err := s.correctedBy(ctx, r.GetAnalysisId(), &series[index], corrections)
	if impossible, ok := errors.AsType[*analysis.CorrectionError](err); ok {
		return fault.New(fault.Invalid, fault.ImpossibleCorrection, "%v", impossible).
			WithField(correctionField(r.GetCorrections(), impossible), "%s", impossible.Reason).WithText(impossible.Reason)
	}
	series[index].Result = result
	return err
}

// correctedBy returns the result that corrections make, on the film itself where they need
// it.
func (s *server) correctedBy(ctx context.Context, analysisID string, one *measure.StoredSeries, corrections []analysis.Correction) (*analysis.Result, error) {
	if one.Result.Film == nil || !slices.ContainsFunc(corrections, analysis.NeedsFilm) {
		return analysis.Correct(one.Result, corrections)
	}
	film, err := s.readFilm(ctx, volumeKey{analysisID, one.Stack})
	if err != nil {
		return nil, err
	}
	return analysis.CorrectFilm(ctx, film, one.Result, corrections)
}

// resultOf returns what is stored of corrected series.
func resultOf(analysisID string, before *endplatev1.Report, series []measure.StoredSeries) (store.Result, error) {
	message, err := reportOf(analysisID, before, series)
	if err != nil {
		return store.Result{}, err
	}
	b, err := measure.EncodeMessage(message)
	if err != nil {
		return store.Result{}, err
	}
	stored, err := measure.Encode(series)
	return store.Result{Report: b, Results: stored.Results, About: stored.About}, err
}

// reportOf returns the report of corrected series. What was skipped, and by which
// program the series were measured, stays as it was.
func reportOf(analysisID string, before *endplatev1.Report, series []measure.StoredSeries) (*endplatev1.Report, error) {
	if n := len(before.GetAnalyses()); n != len(series) {
		return nil, differing(analysisID, n, len(series))
	}
	corrected := &report.Report{}
	for i := range series {
		corrected.Examinations = append(corrected.Examinations, series[i].Examination())
	}
	message := convert.Report(corrected)
	message.Skipped = before.GetSkipped()
	for i, a := range message.Analyses {
		a.Algorithm = before.GetAnalyses()[i].GetAlgorithm()
	}
	return message, nil
}

// decoded reads what is stored of the series of a result.
func decoded(analysisID string, r store.Result) ([]measure.StoredSeries, error) {
	series, err := measure.Stored{Results: r.Results, About: r.About}.Decode()
	if err != nil {
		return nil, corrupt("analysis", analysisID, err)
	}
	return series, nil
}

// decodedWithReport reads also the stored report of a result, which holds an analysis
// of each series.
func decodedWithReport(analysisID string, r store.Result) ([]measure.StoredSeries, *endplatev1.Report, error) {
	series, err := decoded(analysisID, r)
	if err != nil {
		return nil, nil, err
	}
	message := &endplatev1.Report{}
	if err = proto.Unmarshal(r.Report, message); err != nil {
		return nil, nil, corrupt("analysis", analysisID, err)
	}
	if n := len(message.GetAnalyses()); n != len(series) {
		return nil, nil, differing(analysisID, n, len(series))
	}
	return series, message, nil
}

// differing says that a stored report and the stored results are not of each other.
func differing(analysisID string, analyses, results int) error {
	return corrupt("analysis", analysisID, fmt.Errorf("a report of %d analyses, and results of %d", analyses, results))
}

// corrupt says that what is stored of an analysis or a comparison cannot be read.
func corrupt(what, id string, cause error) error {
	return fault.Wrap(cause, fault.Corrupt, fault.StoredDataCorrupt, "what is stored of %s %s cannot be read", what, id).
		With(what+"_id", id)
}
