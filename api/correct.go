// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"errors"
	"fmt"

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
	number, err := s.revise(ctx, r, corrections)
	if err != nil {
		return nil, err
	}
	m, err := s.analysisWithResult(ctx, r.GetAnalysisId(), number)
	return &endplatev1.CorrectAnalysisResponse{Analysis: m}, err
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
	a, err := s.store.Analysis(ctx, r.GetAnalysisId())
	if err == nil && a.State == store.Succeeded && a.LatestRevision != int(r.GetBaseRevision()) {
		err = fault.New(fault.Conflict, fault.StaleRevision, "revision %d is not the newest, %d is", r.GetBaseRevision(), a.LatestRevision).
			With("analysis_id", a.ID)
	}
	return 0, false, err
}

// revision returns the revision that corrections make of the one that the request is
// based on.
func (s *analysisService) revision(ctx context.Context, r *endplatev1.CorrectAnalysisRequest, corrections []analysis.Correction) (store.Revision, error) {
	base, err := s.store.Revision(ctx, r.GetAnalysisId(), int(r.GetBaseRevision()), store.Whole)
	if err != nil {
		return store.Revision{}, err
	}
	result, err := s.corrected(base.Result, r, corrections)
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

// corrected measures and judges a stored result anew, with what the reader changed.
func (s *server) corrected(base store.Result, r *endplatev1.CorrectAnalysisRequest, corrections []analysis.Correction) (store.Result, error) {
	if len(corrections) == 0 {
		return base, nil
	}
	series, before, err := decodedWithReport(r.GetAnalysisId(), base)
	if err != nil {
		return store.Result{}, err
	}
	index := int(r.GetAnalysisIndex())
	if index < 0 || index >= len(series) {
		return store.Result{}, fault.InvalidFields(fault.Violation{
			Field: "analysis_index", Description: fmt.Sprintf("the report holds %d analyses", len(series)),
		})
	}
	series[index].Result, err = analysis.Correct(series[index].Result, corrections)
	if impossible, ok := errors.AsType[*analysis.CorrectionError](err); ok {
		return store.Result{}, fault.New(fault.Invalid, fault.ImpossibleCorrection, "%v", impossible).
			WithField(correctionField(r.GetCorrections(), impossible), "%s", impossible.Reason)
	}
	if err != nil {
		return store.Result{}, err
	}
	return resultOf(before, series)
}

// resultOf returns what is stored of corrected series. What was skipped, and by which
// program the series were measured, stays as it was.
func resultOf(before *endplatev1.Report, series []measure.StoredSeries) (store.Result, error) {
	corrected := &report.Report{}
	for i := range series {
		corrected.Examinations = append(corrected.Examinations, series[i].Examination())
	}
	message := convert.Report(corrected)
	message.Skipped = before.Skipped
	for i, a := range message.Analyses {
		a.Algorithm = before.GetAnalyses()[i].GetAlgorithm()
	}
	b, err := measure.EncodeMessage(message)
	if err != nil {
		return store.Result{}, err
	}
	stored, err := measure.Encode(series)
	return store.Result{Report: b, Results: stored.Results, About: stored.About}, err
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
	err = proto.Unmarshal(r.Report, message)
	if n := len(message.GetAnalyses()); err == nil && n != len(series) {
		err = fmt.Errorf("a report of %d analyses, and results of %d", n, len(series))
	}
	if err != nil {
		return nil, nil, corrupt("analysis", analysisID, err)
	}
	return series, message, nil
}

// corrupt says that what is stored of an analysis or a comparison cannot be read.
func corrupt(what, id string, cause error) error {
	return fault.Wrap(cause, fault.Corrupt, fault.StoredDataCorrupt, "what is stored of %s %s cannot be read", what, id).
		With(what+"_id", id)
}
