// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"crypto/sha256"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/endplate/endplate/api/internal/auth"
	"github.com/endplate/endplate/api/internal/store"
	"github.com/endplate/endplate/api/measure"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// analysisService measures stored series.
type analysisService struct {
	endplatev1.UnimplementedAnalysisServiceServer
	*server
}

func (s *analysisService) CreateAnalysis(ctx context.Context, r *endplatev1.CreateAnalysisRequest) (*endplatev1.CreateAnalysisResponse, error) {
	var c checker
	c.uid("series_instance_uid", r.GetSeriesInstanceUid())
	c.text("request_id", r.GetRequestId(), longestName)
	c.options("options", r.GetOptions())
	if err := c.err(); err != nil {
		return nil, err
	}
	n, err := newAnalysis(ctx, r)
	if err != nil {
		return nil, err
	}
	var a store.Analysis
	err = s.store.Write(ctx, func(tx *store.Tx) (err error) {
		var created bool
		if a, created, err = tx.CreateAnalysis(ctx, n); err != nil || !created {
			return err
		}
		if err := s.jobs.EnqueueAnalysis(ctx, tx, a); err != nil {
			return err
		}
		return s.audit.Append(ctx, tx, "AnalysisService/CreateAnalysis", a.SeriesInstanceUID, a.ID)
	})
	if err != nil {
		return nil, err
	}
	m, err := analysisMessage(a)
	return &endplatev1.CreateAnalysisResponse{Analysis: m}, err
}

// newAnalysis returns what a request asks for.
func newAnalysis(ctx context.Context, r *endplatev1.CreateAnalysisRequest) (store.NewAnalysis, error) {
	options, err := measure.EncodeMessage(r.GetOptions())
	if err != nil {
		return store.NewAnalysis{}, err
	}
	request, err := requestOf(ctx, r.GetRequestId(), r)
	return store.NewAnalysis{
		SeriesInstanceUID: r.GetSeriesInstanceUid(),
		Options:           options,
		Origin:            store.Requested,
		CreatedBy:         auth.FromContext(ctx).Subject,
		Request:           request,
	}, err
}

// requestOf returns the caller's name for a request with what tells it from another
// of the same name.
func requestOf(ctx context.Context, id string, r proto.Message) (store.Request, error) {
	b, err := measure.EncodeMessage(r)
	if err != nil {
		return store.Request{}, err
	}
	kind := string(r.ProtoReflect().Descriptor().FullName())
	return store.Request{
		Creator: auth.FromContext(ctx).Subject,
		ID:      id,
		Hash:    sha256.Sum256(append([]byte(kind+"\x00"), b...)),
	}, nil
}

func (s *analysisService) GetAnalysis(ctx context.Context, r *endplatev1.GetAnalysisRequest) (*endplatev1.GetAnalysisResponse, error) {
	var c checker
	c.id("analysis_id", r.GetAnalysisId())
	number := c.revision(r.Revision)
	if err := c.err(); err != nil {
		return nil, err
	}
	m, err := s.analysisWithResult(ctx, r.GetAnalysisId(), number)
	return &endplatev1.GetAnalysisResponse{Analysis: m}, err
}

// analysisWithResult returns an analysis with a revision of its result. One without
// a result is returned as it is, unless a certain revision is asked for.
func (s *server) analysisWithResult(ctx context.Context, id string, number int) (*endplatev1.AnalysisRun, error) {
	a, err := s.store.Analysis(ctx, id)
	if err != nil {
		return nil, err
	}
	m, err := analysisMessage(a)
	if err != nil || (a.State != store.Succeeded && number == store.Latest) {
		return m, err
	}
	v, err := s.store.Revision(ctx, id, number, store.Report)
	if err != nil {
		return nil, err
	}
	// A correction may have come between the two readings.
	m.LatestRevision = max(m.LatestRevision, int32(v.Number))
	if err := withResult(m, v); err != nil {
		return nil, err
	}
	m.Publication, err = s.publicationOf(ctx, store.OfRevision(id, v.Number))
	return m, err
}

func (s *analysisService) ListAnalyses(ctx context.Context, r *endplatev1.ListAnalysesRequest) (*endplatev1.ListAnalysesResponse, error) {
	var c checker
	size := c.page(r.GetPageSize())
	c.uidOrEmpty("study_instance_uid", r.GetStudyInstanceUid())
	c.uidOrEmpty("series_instance_uid", r.GetSeriesInstanceUid())
	states := c.states("states", r.GetStates())
	if err := c.err(); err != nil {
		return nil, err
	}
	filter := store.AnalysisFilter{
		StudyInstanceUID: r.GetStudyInstanceUid(), SeriesInstanceUID: r.GetSeriesInstanceUid(), States: states,
	}
	analyses, next, err := s.store.ListAnalyses(ctx, filter, store.Page{Size: size, Token: r.GetPageToken()})
	if err != nil {
		return nil, err
	}
	messages, err := each(analyses, analysisMessage)
	return &endplatev1.ListAnalysesResponse{Analyses: messages, NextPageToken: next}, err
}

func (s *analysisService) CancelAnalysis(ctx context.Context, r *endplatev1.CancelAnalysisRequest) (*endplatev1.CancelAnalysisResponse, error) {
	var c checker
	c.id("analysis_id", r.GetAnalysisId())
	if err := c.err(); err != nil {
		return nil, err
	}
	var a store.Analysis
	err := s.store.Write(ctx, func(tx *store.Tx) (err error) {
		reason := fmt.Sprintf("cancelled by %s", auth.FromContext(ctx).Subject)
		if a, err = s.jobs.CancelAnalysis(ctx, tx, r.GetAnalysisId(), reason); err != nil {
			return err
		}
		return s.audit.Append(ctx, tx, "AnalysisService/CancelAnalysis", a.SeriesInstanceUID, a.ID)
	})
	if err != nil {
		return nil, err
	}
	m, err := analysisMessage(a)
	return &endplatev1.CancelAnalysisResponse{Analysis: m}, err
}

func (s *analysisService) ListRevisions(ctx context.Context, r *endplatev1.ListRevisionsRequest) (*endplatev1.ListRevisionsResponse, error) {
	var c checker
	c.id("analysis_id", r.GetAnalysisId())
	if err := c.err(); err != nil {
		return nil, err
	}
	revisions, err := s.store.Revisions(ctx, r.GetAnalysisId())
	if err != nil {
		return nil, err
	}
	messages, err := each(revisions, revisionMessage)
	return &endplatev1.ListRevisionsResponse{Revisions: messages}, err
}
