// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"google.golang.org/protobuf/proto"

	"github.com/endplate/endplate/analysis/report"
	"github.com/endplate/endplate/api/convert"
	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/store"
	"github.com/endplate/endplate/api/measure"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

var comparisonWriters = map[endplatev1.ExportAnalysisRequest_Format]func(io.Writer, *report.ComparisonReport) error{
	endplatev1.ExportAnalysisRequest_JSON: convert.WriteComparisonJSON,
	endplatev1.ExportAnalysisRequest_CSV:  report.WriteComparisonCSV,
	endplatev1.ExportAnalysisRequest_HTML: report.WriteComparisonHTML,
	endplatev1.ExportAnalysisRequest_TABLE: func(w io.Writer, r *report.ComparisonReport) error {
		return report.WriteComparisonTable(w, r, report.Colors{})
	},
}

func (s *comparisonService) ExportComparison(ctx context.Context, r *endplatev1.ExportComparisonRequest) (*endplatev1.ExportComparisonResponse, error) {
	var c checker
	c.id("comparison_id", r.GetComparisonId())
	object, isObject := objectKinds[r.GetFormat()]
	var kind document
	var format endplatev1.ExportAnalysisRequest_Format
	switch {
	case !isObject:
		kind, format = c.document("format", r.GetFormat())
	case object != measure.KindOfComparisons:
		c.reject("format", "no format of comparisons")
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	found, err := s.store.Comparison(ctx, r.GetComparisonId())
	if err != nil {
		return nil, err
	}
	if isObject {
		return s.exportComparisonObject(ctx, found, object)
	}
	whole, err := s.comparisonReportOf(ctx, found, kind.figures)
	if err != nil {
		return nil, err
	}
	var content bytes.Buffer
	if err := comparisonWriters[format](&content, whole); err != nil {
		return nil, err
	}
	return &endplatev1.ExportComparisonResponse{
		MediaType: kind.mediaType,
		Filename:  fmt.Sprintf("endplate-%s.%s", found.ID, kind.extension),
		Content:   content.Bytes(),
	}, nil
}

// exportComparisonObject writes the structured reports of a comparison.
func (s *server) exportComparisonObject(ctx context.Context, c store.Comparison, kind string) (*endplatev1.ExportComparisonResponse, error) {
	if c.State != store.Succeeded {
		return nil, unfinished(c)
	}
	d, err := s.exportObjects(ctx, store.OfComparison(c.ID), kind, "endplate-"+c.ID)
	if err != nil {
		return nil, err
	}
	return &endplatev1.ExportComparisonResponse{MediaType: d.GetMediaType(), Filename: d.GetFilename(), Content: d.GetContent()}, nil
}

// comparisonReportOf returns a comparison as reports are written from.
func (s *server) comparisonReportOf(ctx context.Context, c store.Comparison, figures bool) (*report.ComparisonReport, error) {
	all, out, err := s.comparedOf(ctx, c)
	if err == nil && figures {
		err = s.drawComparisons(ctx, c.AnalysisIDs, all, out)
	}
	return out, err
}

// comparedOf returns the comparison of the revisions which were compared, made once
// more, and the examinations in the order of the analyses.
func (s *server) comparedOf(ctx context.Context, c store.Comparison) ([]measure.Compared, *report.ComparisonReport, error) {
	if c.State != store.Succeeded {
		return nil, nil, unfinished(c)
	}
	message := &endplatev1.ComparisonReport{}
	if err := proto.Unmarshal(c.Report, message); err != nil {
		return nil, nil, corrupt("comparison", c.ID, err)
	}
	task := measure.CompareTask{Options: c.Options}
	for i, id := range c.AnalysisIDs {
		v, err := s.store.Revision(ctx, id, c.Revisions[i], store.Whole)
		if err != nil {
			return nil, nil, err
		}
		task.Examinations = append(task.Examinations, measure.Stored{Results: v.Result.Results, About: v.Result.About})
	}
	out := &report.ComparisonReport{Algorithm: message.GetAlgorithm().GetName(), Version: message.GetAlgorithm().GetVersion()}
	all, err := task.Compare(out)
	return all, out, err
}

// unfinished says why a comparison has no result.
func unfinished(c store.Comparison) error {
	if !c.State.Ended() {
		return fault.New(fault.NotReady, fault.NotFinished, "comparison %s is %s", c.ID, c.State).With("comparison_id", c.ID)
	}
	return fault.New(fault.NotReady, fault.AnalysisFailed, "comparison %s has no result: it is %s", c.ID, c.State).With("comparison_id", c.ID)
}

// drawComparisons draws the pictures of each comparison of a report.
func (s *server) drawComparisons(ctx context.Context, analysisIDs []string, all []measure.Compared, r *report.ComparisonReport) error {
	keys := make(map[string]volumeKey, len(all)) // by SeriesInstanceUID
	for i, e := range all {
		keys[e.SeriesInstanceUID] = volumeKey{analysisIDs[i], e.Stack}
	}
	for _, c := range r.Comparisons {
		before, err := s.volumes.get(ctx, keys[c.Before.SeriesInstanceUID])
		if err != nil {
			return err
		}
		after, err := s.volumes.get(ctx, keys[c.After.SeriesInstanceUID])
		if err != nil {
			return err
		}
		drawn, err := report.DrawComparison(before, after, c)
		if err != nil {
			return err
		}
		r.Figures = append(r.Figures, drawn)
	}
	return nil
}
