// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"fmt"
	"image"
	"image/png"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/render"
	"github.com/endplate/endplate/analysis/volume"
)

// pixelMM is the size of a figure's pixels, mm: about a CT's own.
const pixelMM = 0.6

// slab are the offsets across the plane that a pixel is the mean of, mm: the
// body's outline is of ±5 mm, a little less keeps the picture crisp.
var slab = []float64{-3, -1.5, 0, 1.5, 3}

// Cement is outlined as it is seen from the side: over this distance to both
// sides of the picture's plane, mm, which holds the widest vertebra with what
// leaked beside it.
const cementReach = 40.0

// Figures are the pictures of one examination.
type Figures struct {
	views []view
}

// view is a picture in which every position has a place; anterior is left.
type view struct {
	title    string
	geometry render.Geometry
	png      []byte // nil where there is no image
	cement   string // outline of bone cement, as the path of an SVG
}

// size returns the width and the height of the picture, mm.
func (v *view) size() (width, height float64) {
	return float64(v.geometry.Columns) * v.geometry.PixelSize, float64(v.geometry.Rows) * v.geometry.PixelSize
}

// place returns where p is seen, mm from the picture's upper left corner, to the
// right and downwards.
func (v *view) place(p r3.Vec) (x, y float64) {
	at, _ := v.geometry.ImagePoint(p)
	return at.Col * v.geometry.PixelSize, at.Row * v.geometry.PixelSize
}

// Draw draws the straightened and the sagittal picture of result. The volume
// may be nil: the outlines are then all there is. It returns nil where nothing
// can be drawn.
func Draw(vol *volume.Volume, result *analysis.Result) (*Figures, error) {
	path := render.SpinePath(result)
	if len(path) == 0 {
		return nil, nil
	}
	if result.Film != nil {
		return drawFilm(vol, result)
	}
	if vol != nil && vol.SliceOffsets != nil {
		vol = vol.Canonical()
	}
	f := &Figures{}
	field, margins := render.Field{PixelSize: pixelMM}, render.AroundSpine()
	if vol != nil && len(result.Canal) > 1 {
		g, err := render.AlongCanal(result.Canal, render.Sagittal, 0, margins, field)
		if err != nil {
			return nil, fmt.Errorf("figure: %w", err)
		}
		f.views = append(f.views, view{title: "Straightened along the canal", geometry: g})
	}
	if vol == nil {
		margins.Ends *= 3 // the path ends at the centres of the outermost bodies
	}
	g, err := render.AlongPath(path, 0, margins, field)
	if err != nil {
		return nil, fmt.Errorf("figure: %w", err)
	}
	f.views = append(f.views, view{title: "Sagittal, curved to follow the spine from side to side", geometry: g})
	if vol == nil {
		return f, nil
	}
	grid := vol.Canonical().Geometry // that of the masks of cement
	for i := range f.views {
		if err := f.views[i].fill(vol, &f.views[i].geometry); err != nil {
			return nil, err
		}
		f.views[i].outlineCement(result, grid)
	}
	return f, nil
}

// What a figure of a film shows of it at most, pixels to a side, and how finely, mm.
const (
	filmPixels  = 1400
	filmPixelMM = 0.3
)

// drawFilm draws the film as it is.
func drawFilm(vol *volume.Volume, result *analysis.Result) (*Figures, error) {
	if vol == nil {
		return nil, nil
	}
	scene, err := render.New(vol, result)
	if err != nil {
		return nil, fmt.Errorf("figure: %w", err)
	}
	g, err := scene.Plane(render.Sagittal, 0, render.Field{Whole: true, PixelSize: filmPixelMM, MaxColumns: filmPixels, MaxRows: filmPixels})
	if err != nil {
		return nil, fmt.Errorf("figure: %w", err)
	}
	v := view{title: "The film", geometry: g}
	picture, err := render.Grey(vol.Canonical(), &g, []float64{0}, filmWindow)
	if err != nil {
		return nil, fmt.Errorf("figure: %w", err)
	}
	if err := v.encode(picture); err != nil {
		return nil, err
	}
	return &Figures{views: []view{v}}, nil
}

var filmWindow = render.Window{Center: analysis.FilmWindowCenter, Width: analysis.FilmWindowWidth}

// fill gives the view the picture of vol in geometry g, which may be the view's own
// in the place of another examination.
func (v *view) fill(vol *volume.Volume, g *render.Geometry) error {
	picture, err := render.Grey(vol, g, slab, render.Spine)
	if err != nil {
		return fmt.Errorf("figure: %w", err)
	}
	return v.encode(picture)
}

// encode keeps the picture of a view as PNG.
func (v *view) encode(picture image.Image) error {
	var b bytes.Buffer
	if err := png.Encode(&b, picture); err != nil {
		return fmt.Errorf("figure: %w", err)
	}
	v.png = b.Bytes()
	return nil
}

// outlineCement draws the outlines of result's cement, found on the given grid.
func (v *view) outlineCement(result *analysis.Result, grid volume.Geometry) {
	for _, outlines := range render.CementOutlines(&v.geometry, result, grid, cementReach) {
		for _, points := range outlines {
			v.cement += svgPath(points)
		}
	}
}
