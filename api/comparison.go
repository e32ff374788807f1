// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"fmt"

	"github.com/endplate/endplate/api/internal/auth"
	"github.com/endplate/endplate/api/internal/store"
	"github.com/endplate/endplate/api/measure"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// comparisonService compares analyses.
type comparisonService struct {
	endplatev1.UnimplementedComparisonServiceServer
	*server
}

func (s *comparisonService) CreateComparison(ctx context.Context, r *endplatev1.CreateComparisonRequest) (*endplatev1.CreateComparisonResponse, error) {
	var c checker
	c.compared("analysis_ids", r.GetAnalysisIds())
	c.text("request_id", r.GetRequestId(), longestName)
	for i, l := range r.GetOptions().GetTreated() {
		c.level(fmt.Sprintf("options.treated[%d]", i), l)
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	options, err := measure.EncodeMessage(r.GetOptions())
	if err != nil {
		return nil, err
	}
	request, err := requestOf(ctx, r.GetRequestId(), r)
	if err != nil {
		return nil, err
	}
	var made store.Comparison
	err = s.store.Write(ctx, func(tx *store.Tx) (err error) {
		var created bool
		made, created, err = tx.CreateComparison(ctx, store.NewComparison{
			AnalysisIDs: r.GetAnalysisIds(), Options: options,
			CreatedBy: auth.FromContext(ctx).Subject, Request: request,
		})
		if err != nil || !created {
			return err
		}
		if err := s.jobs.EnqueueComparison(ctx, tx, made); err != nil {
			return err
		}
		return s.audit.Append(ctx, tx, "ComparisonService/CreateComparison", append([]string{made.ID}, made.AnalysisIDs...)...)
	})
	if err != nil {
		return nil, err
	}
	made.Report = nil
	m, err := comparisonMessage(made)
	return &endplatev1.CreateComparisonResponse{Comparison: m}, err
}

// compared rejects what are no two or more different analyses.
func (c *checker) compared(field string, ids []string) {
	switch {
	case len(ids) < 2:
		c.reject(field, "want at least two")
	case len(ids) > mostCompared:
		c.reject(field, "want at most %d", mostCompared)
	}
	seen := make(map[string]bool, len(ids))
	for i, id := range ids {
		at := fmt.Sprintf("%s[%d]", field, i)
		c.id(at, id)
		if seen[id] {
			c.reject(at, "named twice")
		}
		seen[id] = true
	}
}

func (s *comparisonService) GetComparison(ctx context.Context, r *endplatev1.GetComparisonRequest) (*endplatev1.GetComparisonResponse, error) {
	var c checker
	c.id("comparison_id", r.GetComparisonId())
	if err := c.err(); err != nil {
		return nil, err
	}
	found, err := s.store.Comparison(ctx, r.GetComparisonId())
	if err != nil {
		return nil, err
	}
	m, err := comparisonMessage(found)
	if err != nil {
		return nil, err
	}
	m.Publication, err = s.publicationOf(ctx, store.OfComparison(found.ID))
	return &endplatev1.GetComparisonResponse{Comparison: m}, err
}

func (s *comparisonService) ListComparisons(ctx context.Context, r *endplatev1.ListComparisonsRequest) (*endplatev1.ListComparisonsResponse, error) {
	var c checker
	size := c.page(r.GetPageSize())
	c.uidOrEmpty("study_instance_uid", r.GetStudyInstanceUid())
	if err := c.err(); err != nil {
		return nil, err
	}
	comparisons, next, err := s.store.ListComparisons(ctx, store.ComparisonFilter{StudyInstanceUID: r.GetStudyInstanceUid()}, store.Page{Size: size, Token: r.GetPageToken()})
	if err != nil {
		return nil, err
	}
	messages, err := each(comparisons, comparisonMessage)
	return &endplatev1.ListComparisonsResponse{Comparisons: messages, NextPageToken: next}, err
}
