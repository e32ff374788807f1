// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/render"
	"github.com/endplate/endplate/api/internal/fault"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

var filmWindow = render.Window{Center: analysis.FilmWindowCenter, Width: analysis.FilmWindowWidth}

// usualFilm is how many pixels to a side a picture of a film has at most, unless it is asked
// for with a pixel size: more than a screen shows of it at once.
const usualFilm = 2048

// viewOfFilm returns the only picture that there is of a film: it, as it is.
func viewOfFilm(scene *render.Scene, r *endplatev1.RenderImageRequest, field render.Field) (render.Geometry, error) {
	switch r.GetView() {
	case endplatev1.RenderImageRequest_VIEW_UNSPECIFIED, endplatev1.RenderImageRequest_SAGITTAL:
	default:
		return render.Geometry{}, fault.New(fault.NotReady, fault.NoSuchView, "a film has no view but its own")
	}
	field.Whole = true
	if field.PixelSize == 0 { // whatever a unit of positions is
		low, high, spacing, _ := scene.Extent()
		field.PixelSize = max(min(spacing.Y, spacing.Z), (high.Y-low.Y)/usualFilm, (high.Z-low.Z)/usualFilm)
	}
	return scene.Plane(render.Sagittal, 0, field)
}

// pixelToFilm tells where the pixels of a picture lie on a film.
func pixelToFilm(g *render.Geometry, f *analysis.Film) []*endplatev1.PixelToPatient {
	line, next := g.Line(0), g.Line(min(1, g.Rows-1))
	origin := f.Point(line.Origin)
	step := func(p r3.Vec) *endplatev1.Position {
		q := f.Point(p)
		return &endplatev1.Position{Column: &q.Col, Row: &q.Row}
	}
	return []*endplatev1.PixelToPatient{{
		Origin: &endplatev1.Position{Column: &origin.Col, Row: &origin.Row},
		Column: step(line.Step), Row: step(r3.Sub(next.Origin, line.Origin)),
	}}
}

// extentOfFilm tells how large a film is, in columns and rows.
func extentOfFilm(f *analysis.Film) *endplatev1.Extent {
	corner := func(column, row float64) *endplatev1.Position {
		return &endplatev1.Position{Column: &column, Row: &row}
	}
	return &endplatev1.Extent{Low: corner(0, 0), High: corner(float64(f.Columns), float64(f.Rows)), Spacing: corner(1, 1)}
}
