// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/radiograph/outline"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// film returns what a result tells of its film; nil for a CT.
func film(r *analysis.Result) *endplatev1.Film {
	f := r.Film
	if f == nil {
		return nil
	}
	view := endplatev1.Film_LATERAL
	switch f.Refusal {
	case radiograph.NotLateral:
		view = endplatev1.Film_NOT_LATERAL
	case radiograph.BlankFrame, radiograph.NotSpine:
		view = endplatev1.Film_VIEW_UNSPECIFIED
	}
	return &endplatev1.Film{
		SopInstanceUid: f.SOPInstanceUID,
		Columns:        int32(f.Columns),
		Rows:           int32(f.Rows),
		View:           view,
		Refusal:        f.Refusal,
		Calibration:    calibration(&f.Calibration),
		Anterior:       sides[f.Anterior],
		AnteriorTold:   ifSet(f.AnteriorTold),

		NotAssessableOnRadiograph: analysis.NotOnFilms,
	}
}

var sides = map[outline.Side]endplatev1.Film_Side{
	outline.UnknownSide: endplatev1.Film_SIDE_UNSPECIFIED, outline.Left: endplatev1.Film_LEFT, outline.Right: endplatev1.Film_RIGHT,
}

var bases = map[radiograph.Basis]endplatev1.Calibration_Basis{
	radiograph.Uncalibrated:  endplatev1.Calibration_UNCALIBRATED,
	radiograph.Fiducial:      endplatev1.Calibration_PIXEL_SPACING_FIDUCIAL,
	radiograph.GeometryOf:    endplatev1.Calibration_PIXEL_SPACING_GEOMETRY,
	radiograph.Corrected:     endplatev1.Calibration_PIXEL_SPACING_CORRECTED,
	radiograph.Magnification: endplatev1.Calibration_MAGNIFICATION_FACTOR,
	radiograph.Distances:     endplatev1.Calibration_SOURCE_DISTANCES,
	radiograph.ByReader:      endplatev1.Calibration_READER,
}

func calibration(c *radiograph.Calibration) *endplatev1.Calibration {
	out := &endplatev1.Calibration{Basis: bases[c.Basis], Reason: c.Reason.String()}
	if c.Millimetres() {
		out.RelativeSdPercent = number(100 * c.RelativeSD)
		out.ColumnSpacingMm, out.RowSpacingMm = number(c.Spacing.Columns), number(c.Spacing.Rows)
	}
	return out
}

// plane says in what positions are told: LPS, or columns and rows of a film.
type plane struct{ film *analysis.Film } // nil for LPS

func (in plane) position(p r3.Vec) *endplatev1.Position {
	if in.film == nil || !finite(p) {
		return position(p)
	}
	at := in.film.Point(p)
	return &endplatev1.Position{Column: number(at.Col), Row: number(at.Row)}
}

func (in plane) point(p landmark.Point) *endplatev1.Landmark {
	out := point(p)
	if in.film == nil || out == nil {
		return out
	}
	at := in.film.Point(p.Position)
	out.X, out.Y, out.Z = nil, nil, nil
	out.Column, out.Row, out.SdPixels = number(at.Col), number(at.Row), number(in.film.Pixels(p.SD))
	if !in.film.Calibration.Millimetres() {
		out.SdMm = nil
	}
	return out
}

func (in plane) direction(d r3.Vec) *endplatev1.Direction {
	out := direction(d)
	if in.film == nil || out == nil {
		return out
	}
	return &endplatev1.Direction{Column: number(d.Y), Row: number(-d.Z)}
}

var pediclesOnFilm = &endplatev1.Pedicles{
	Left:  &endplatev1.Pedicle{Status: endplatev1.Pedicle_NOT_ASSESSABLE, Reason: analysis.NotOnFilm.String()},
	Right: &endplatev1.Pedicle{Status: endplatev1.Pedicle_NOT_ASSESSABLE, Reason: analysis.NotOnFilm.String()},
}

func ratios(r *analysis.Ratios) *endplatev1.HeightRatios {
	if r == nil {
		return nil
	}
	out := &endplatev1.HeightRatios{
		AnteriorToPosterior: number(r.Anterior.Value), AnteriorToPosteriorSd: number(r.Anterior.SD),
		MiddleToPosterior: number(r.Middle.Value), MiddleToPosteriorSd: number(r.Middle.SD),
		ExpectedFrom: levels(r.ExpectedFrom),
	}
	for _, e := range []struct {
		which     finding.Height
		value, sd **float64
	}{
		{finding.AnteriorHeight, &out.AnteriorOfExpectedPercent, &out.AnteriorOfExpectedSdPercent},
		{finding.MiddleHeight, &out.MiddleOfExpectedPercent, &out.MiddleOfExpectedSdPercent},
		{finding.PosteriorHeight, &out.PosteriorOfExpectedPercent, &out.PosteriorOfExpectedSdPercent},
	} {
		if q := r.OfExpected[e.which]; q != nil {
			*e.value, *e.sd = number(100*q.Value), number(100*q.SD)
		}
	}
	return out
}
