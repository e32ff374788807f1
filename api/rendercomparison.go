// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"
	"google.golang.org/protobuf/proto"

	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/render"
	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/measure"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// aligned says how the pictures of a comparison's examinations are laid over each
// other: on a path along the spine in the first one's frame of reference, of a film in its
// plane, superior up and anterior to the left.
type aligned struct {
	path         []r3.Vec
	examinations []alignedExamination // in the order of the comparison
}

type alignedExamination struct {
	analysisID string
	revision   int
	stack      int
	here       comparison.Similarity // brings the frame of the path here
}

// comparedPixel is the size of pixels where none is asked for, mm.
const comparedPixel = 0.5

func (s *comparisonService) RenderComparison(ctx context.Context, r *endplatev1.RenderComparisonRequest) (*endplatev1.RenderComparisonResponse, error) {
	as := &endplatev1.RenderImageRequest{
		OffsetMm: r.GetOffsetMm(), SlabMm: r.SlabMm, WindowCenterHu: r.WindowCenterHu, WindowWidthHu: r.WindowWidthHu,
		PixelMm: r.PixelMm, Format: r.GetFormat(), Outlines: r.GetOutlines(),
	}
	var c checker
	c.id("comparison_id", r.GetComparisonId())
	c.picture(as)
	if err := c.err(); err != nil {
		return nil, err
	}
	if _, err := s.store.Comparison(ctx, r.GetComparisonId()); err != nil {
		return nil, err // what was deleted may still be kept
	}
	all, err := s.aligned.get(ctx, r.GetComparisonId())
	if err != nil {
		return nil, err
	}
	if i := int(r.GetExamination()); i < 0 || i >= len(all.examinations) {
		return nil, fault.New(fault.NotExist, fault.NotFound, "the comparison is of %d examinations", len(all.examinations))
	}
	e := all.examinations[r.GetExamination()]
	image, err := s.drawAligned(ctx, all.path, e, as)
	if err != nil {
		return nil, viewFault(err)
	}
	return &endplatev1.RenderComparisonResponse{Image: image, AnalysisId: e.analysisID, Revision: int32(e.revision)}, nil
}

// drawAligned draws one examination.
func (s *server) drawAligned(ctx context.Context, path []r3.Vec, e alignedExamination, r *endplatev1.RenderImageRequest) (*endplatev1.RenderImageResponse, error) {
	field := render.Field{PixelSize: comparedPixel, MaxColumns: mostPicture, MaxRows: mostPicture}
	if r.PixelMm != nil {
		field.PixelSize = r.GetPixelMm()
	}
	g, err := render.AlongPath(path, r.GetOffsetMm(), render.AroundSpine(), field)
	if err != nil {
		return nil, err
	}
	g = g.Moved(e.here.Rigid.Apply, e.here.Rotate).Enlarged(e.here.Scale)
	series, err := s.results.get(ctx, resultKey{e.analysisID, e.revision})
	if err != nil {
		return nil, err
	}
	one := slices.IndexFunc(series, func(one measure.StoredSeries) bool { return one.Stack == e.stack })
	if one < 0 {
		return nil, fault.New(fault.NotReady, fault.NoSuchView, "the result has no stack %d", e.stack)
	}
	vol, err := s.volumes.get(ctx, volumeKey{e.analysisID, e.stack})
	if err != nil {
		return nil, err
	}
	scene, err := render.New(series[one].Result.Placed(vol), series[one].Result)
	if err != nil {
		return nil, err
	}
	if series[one].Result.Film != nil { // a window of HU is none for a film
		r = proto.CloneOf(r)
		r.WindowCenterHu, r.WindowWidthHu = nil, nil
	}
	return pictureOf(scene, &g, series[one].Result, r)
}

// What is kept of a comparison takes some kilobytes.
const (
	alignedBytes = 16 << 10
	mostAligned  = 8 << 20
)

func sizeOfAligned(*aligned) int64 { return alignedBytes }

// readAligned compares once more what a comparison is of, and says how its
// examinations lie to each other.
func (s *server) readAligned(ctx context.Context, comparisonID string) (*aligned, error) {
	c, err := s.store.Comparison(ctx, comparisonID)
	if err != nil {
		return nil, err
	}
	all, r, err := s.comparedOf(ctx, c)
	if err != nil {
		return nil, err
	}
	first := r.Comparisons[0]
	upright := first.Before.Upright()
	a := &aligned{path: pathOfFirst(first, upright)}
	add := func(e *comparison.Examination, here comparison.Similarity) {
		i := e.Given
		a.examinations = append(a.examinations, alignedExamination{c.AnalysisIDs[i], c.Revisions[i], all[i].Stack, here})
	}
	add(first.Before, upright.Inverse())
	for _, one := range r.Comparisons { // each later one with the first
		before, after := one.Match.Registration.Views()
		add(one.After, after.Inverse().After(before).After(upright.Inverse()))
	}
	return a, nil
}

// pathOfFirst returns the centres of the bodies in the first examination's frame, upright.
func pathOfFirst(c *comparison.Comparison, upright comparison.Similarity) []r3.Vec {
	var path []r3.Vec
	_, after := c.Match.Registration.Views()
	for i, p := range c.Vertebrae {
		switch {
		case p.BeforeIndex >= 0:
			path = append(path, upright.Apply(c.Before.Vertebrae[p.BeforeIndex].Center))
		case p.AfterIndex >= 0:
			back := upright.After(c.Match.Registration.Piece(i).Inverse())
			path = append(path, back.Apply(after.Apply(c.After.Vertebrae[p.AfterIndex].Center)))
		}
	}
	return path
}
