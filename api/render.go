// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/render"
	"github.com/endplate/endplate/analysis/volume"
	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/store"
	"github.com/endplate/endplate/api/measure"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// What a picture may be asked to be.
const (
	leastPixel  = 0.1  // mm
	mostPixel   = 10.0 // mm
	mostSlab    = 200. // mm
	mostOffset  = 2000.
	mostWindow  = 1e5  // HU
	mostPicture = 4096 // pixels, to either side
)

func (s *analysisService) RenderImage(ctx context.Context, r *endplatev1.RenderImageRequest) (*endplatev1.RenderImageResponse, error) {
	var c checker
	c.id("analysis_id", r.GetAnalysisId())
	number := c.revision(r.Revision)
	c.picture(r)
	if err := c.err(); err != nil {
		return nil, err
	}
	one, err := s.storedSeries(ctx, r.GetAnalysisId(), number, int(r.GetAnalysisIndex()))
	if err != nil {
		return nil, err
	}
	vol, err := s.volumes.get(ctx, volumeKey{r.GetAnalysisId(), one.Stack})
	if err != nil {
		return nil, err
	}
	picture, err := draw(vol, one.Result, r)
	return picture, viewFault(err)
}

// picture rejects numbers that make no picture.
func (c *checker) picture(r *endplatev1.RenderImageRequest) {
	if r.GetAnalysisIndex() < 0 {
		c.reject("analysis_index", "negative")
	}
	c.within("offset_mm", r.GetOffsetMm(), -mostOffset, mostOffset)
	c.within("slab_mm", r.GetSlabMm(), 0, mostSlab)
	c.within("window_center_hu", r.GetWindowCenterHu(), -mostWindow, mostWindow)
	if r.WindowWidthHu != nil {
		c.within("window_width_hu", r.GetWindowWidthHu(), 1, mostWindow)
	}
	if r.PixelMm != nil {
		c.within("pixel_mm", r.GetPixelMm(), leastPixel, mostPixel)
	}
	if r.GetLevel() != endplatev1.Level_LEVEL_UNSPECIFIED {
		c.level("level", r.GetLevel())
	}
	if r.GetThrough() != nil {
		c.position("through", r.GetThrough())
		if r.GetLevel() != endplatev1.Level_LEVEL_UNSPECIFIED {
			c.reject("through", "level is there too")
		}
	}
	if _, known := endplatev1.RenderImageRequest_Format_name[int32(r.GetFormat())]; !known {
		c.reject("format", "no format")
	}
}

// storedSeries returns what is stored of one analysis of a report. It asks the store
// first: what was deleted may still be kept.
func (s *server) storedSeries(ctx context.Context, analysisID string, number, index int) (*measure.StoredSeries, error) {
	a, err := s.store.Analysis(ctx, analysisID)
	if err != nil {
		return nil, err
	}
	if number == store.Latest {
		number = a.LatestRevision
	}
	series, err := s.results.get(ctx, resultKey{analysisID, number})
	if err != nil {
		return nil, err
	}
	if index >= len(series) {
		return nil, fault.New(fault.NotReady, fault.NoSuchView, "the report holds %d analyses with pictures", len(series))
	}
	return &series[index], nil
}

// resultKey names a revision, which never changes.
type resultKey struct {
	analysisID string
	number     int
}

func (s *server) readResults(ctx context.Context, key resultKey) ([]measure.StoredSeries, error) {
	v, err := s.store.Revision(ctx, key.analysisID, key.number, store.Whole)
	if err != nil {
		return nil, err
	}
	return decoded(key.analysisID, v.Result)
}

// A decoded result takes some megabytes, of which most are outlines.
const (
	resultBytes = 4 << 20
	mostResults = 64 << 20
)

func sizeOfResults(series []measure.StoredSeries) int64 { return int64(len(series)+1) * resultBytes }

// volumeKey names a volume: a stack that an analysis measured.
type volumeKey struct {
	analysisID string
	stack      int
}

// sizeOfVolume returns the bytes that a volume's samples take.
func sizeOfVolume(vol *volume.Volume) int64 { return int64(len(vol.Samples)) * 2 }

// draw draws one picture.
func draw(vol *volume.Volume, result *analysis.Result, r *endplatev1.RenderImageRequest) (*endplatev1.RenderImageResponse, error) {
	scene, err := render.New(result.Placed(vol), result)
	if err != nil {
		return nil, err
	}
	g, err := viewOf(scene, result, r)
	if err != nil {
		return nil, err
	}
	return pictureOf(scene, &g, result, r)
}

// pictureOf draws a picture of a surface, as the request asks but for the surface.
func pictureOf(scene *render.Scene, g *render.Geometry, result *analysis.Result, r *endplatev1.RenderImageRequest) (*endplatev1.RenderImageResponse, error) {
	m := &endplatev1.RenderImageResponse{
		Columns:        int32(g.Columns),
		Rows:           int32(g.Rows),
		PixelToPatient: pixelToPatient(g),
		Extent:         extent(scene),
	}
	if result.Film != nil {
		m.PixelToPatient, m.Extent = pixelToFilm(g, result.Film), extentOfFilm(result.Film)
	}
	if r.GetOutlines() {
		m.Outlines = outlines(scene, g, result)
	}
	var err error
	switch r.GetFormat() {
	case endplatev1.RenderImageRequest_NO_PICTURE:
	case endplatev1.RenderImageRequest_SAMPLES:
		m.Samples, err = packedSamples(scene, g, r.GetSlabMm())
	default:
		m.Png, err = pngOf(scene, g, result, r)
	}
	return m, err
}

// pngOf draws a picture as PNG.
func pngOf(scene *render.Scene, g *render.Geometry, result *analysis.Result, r *endplatev1.RenderImageRequest) ([]byte, error) {
	opt := render.Options{Window: windowOf(r, render.Spine), Thickness: r.GetSlabMm()}
	if result.Film != nil {
		opt.Window = windowOf(r, filmWindow)
	}
	if r.GetOverlay() {
		opt.Layers = render.AllLayers
	}
	picture, err := scene.Render(g, opt)
	if err != nil {
		return nil, err
	}
	var png bytes.Buffer
	err = render.WritePNG(&png, picture)
	return png.Bytes(), err
}

// windowOf returns the grey window that was asked for, the usual one where none was.
func windowOf(r *endplatev1.RenderImageRequest, usual render.Window) render.Window {
	w := usual
	if r.WindowCenterHu != nil {
		w.Center = r.GetWindowCenterHu()
	}
	if r.WindowWidthHu != nil {
		w.Width = r.GetWindowWidthHu()
	}
	return w
}

// viewOf returns the surface that a picture is of.
func viewOf(scene *render.Scene, result *analysis.Result, r *endplatev1.RenderImageRequest) (render.Geometry, error) {
	field := render.Field{PixelSize: r.GetPixelMm(), MaxColumns: mostPicture, MaxRows: mostPicture}
	if result.Film != nil {
		return viewOfFilm(scene, r, field)
	}
	vertebra, err := vertebraOf(result, r.GetLevel())
	if err != nil {
		return render.Geometry{}, err
	}
	at := func() r3.Vec {
		if r.GetThrough() != nil {
			return vec(r.GetThrough())
		}
		return centre(result, vertebra)
	}
	switch view := r.GetView(); view {
	case endplatev1.RenderImageRequest_STRAIGHTENED:
		return straightened(scene, r, field)
	case endplatev1.RenderImageRequest_AXIAL:
		field.Whole = true
		return scene.Plane(render.Axial, at().Z+r.GetOffsetMm(), field)
	case endplatev1.RenderImageRequest_CORONAL:
		return scene.Plane(render.Coronal, at().Y+r.GetOffsetMm(), field)
	default:
		if vertebra < 0 && r.GetThrough() == nil {
			return scene.Following(r.GetOffsetMm(), field)
		}
		return scene.Plane(render.Sagittal, at().X+r.GetOffsetMm(), field)
	}
}

// straightened returns a picture along the canal, through a position where one is
// asked for.
func straightened(scene *render.Scene, r *endplatev1.RenderImageRequest, field render.Field) (render.Geometry, error) {
	offset := r.GetOffsetMm()
	if r.GetThrough() != nil {
		middle, err := scene.Straightened(render.Sagittal, 0, field)
		if err != nil {
			return middle, err
		}
		_, depth := middle.ImagePoint(vec(r.GetThrough()))
		offset += depth
	}
	return scene.Straightened(render.Sagittal, offset, field)
}

// vertebraOf returns the index of a level's vertebra; -1 if none is asked for.
func vertebraOf(result *analysis.Result, level endplatev1.Level) (int, error) {
	if level == endplatev1.Level_LEVEL_UNSPECIFIED {
		return -1, nil
	}
	for i := range result.Vertebrae {
		if int32(result.Vertebrae[i].Level) == int32(level) {
			return i, nil
		}
	}
	return 0, fault.New(fault.NotExist, fault.NotFound, "the result has no vertebra %s", level)
}

// centre returns the middle of a vertebra, or of all there are.
func centre(result *analysis.Result, vertebra int) r3.Vec {
	if vertebra >= 0 {
		return result.Vertebrae[vertebra].Center
	}
	path := render.SpinePath(result)
	if len(path) == 0 {
		return r3.Vec{X: math.NaN(), Y: math.NaN(), Z: math.NaN()}
	}
	return path[len(path)/2]
}

// pixelToPatient tells where pixels lie: one affine for a plane, else one a row.
func pixelToPatient(g *render.Geometry) []*endplatev1.PixelToPatient {
	if a, ok := g.Affine(); ok {
		m := a.Matrix()
		column := func(i int) *endplatev1.Position { return xyz(m[0][i], m[1][i], m[2][i]) }
		return []*endplatev1.PixelToPatient{{Column: column(0), Row: column(1), Origin: column(3)}}
	}
	all := make([]*endplatev1.PixelToPatient, g.Rows)
	for row := range all {
		l := g.Line(row)
		all[row] = &endplatev1.PixelToPatient{Origin: xyz(l.Origin.X, l.Origin.Y, l.Origin.Z), Column: xyz(l.Step.X, l.Step.Y, l.Step.Z)}
	}
	return all
}

func xyz(x, y, z float64) *endplatev1.Position { return &endplatev1.Position{X: &x, Y: &y, Z: &z} }

// viewFault classes the errors of views.
func viewFault(err error) error {
	if err == nil {
		return nil
	}
	for _, known := range []struct {
		err    error
		kind   fault.Kind
		reason fault.Reason
	}{
		{render.ErrOutside, fault.Invalid, fault.NoSuchView},
		{render.ErrNoImage, fault.NotReady, fault.NoSuchView},
		{render.ErrNoSpine, fault.NotReady, fault.NoSuchView},
		{render.ErrTooLarge, fault.Invalid, fault.LimitExceeded},
		{render.ErrInvalid, fault.Invalid, fault.NoSuchView},
	} {
		if errors.Is(err, known.err) {
			return fault.New(known.kind, known.reason, "%v", err)
		}
	}
	return err
}

// readFilm reads the film that an analysis measured.
func (s *server) readFilm(ctx context.Context, key volumeKey) (*radiograph.Image, error) {
	a, err := s.store.Analysis(ctx, key.analysisID)
	if err != nil {
		return nil, err
	}
	instances, err := s.store.InstancesOf(ctx, a)
	if err != nil {
		return nil, err
	}
	m, err := measure.Film(ctx, s.sources(ctx, instances), key.stack)
	if err != nil {
		return nil, fault.Wrap(err, cmp.Or(fault.Of(err), fault.Corrupt), fault.StoredDataCorrupt, "the film of analysis %s cannot be read", a.ID)
	}
	return m, nil
}

// readVolume reads the volume that an analysis measured, from what is stored. The
// analysis has succeeded: a child process has read the same instances before.
func (s *server) readVolume(ctx context.Context, key volumeKey) (*volume.Volume, error) {
	a, err := s.store.Analysis(ctx, key.analysisID)
	if err != nil {
		return nil, err
	}
	instances, err := s.store.InstancesOf(ctx, a)
	if err != nil {
		return nil, err
	}
	vol, err := measure.Stack(ctx, s.sources(ctx, instances), key.stack)
	if err != nil {
		return nil, fault.Wrap(err, cmp.Or(fault.Of(err), fault.Corrupt), fault.StoredDataCorrupt, "the images of analysis %s cannot be read", a.ID)
	}
	return vol.Canonical(), nil // which pictures are made of
}
