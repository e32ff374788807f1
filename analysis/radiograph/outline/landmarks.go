// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package outline

import (
	"gonum.org/v1/gonum/spatial/r2"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/volume"
)

// Landmarks returns the points of b as those of a body whose mid-sagittal plane is the film,
// mm: y runs along its columns' numbers and z against its rows'. Which way is superior and
// which anterior, the points say themselves. unit is the spacing that Fit was called with,
// mm how many millimetres such a unit is.
func (b *Body) Landmarks(unit radiograph.Spacing, mm float64) *landmark.Vertebra {
	vector := func(p r2.Vec) r3.Vec { return r3.Vec{Y: mm * p.X, Z: -mm * p.Y} }
	at := func(p radiograph.ImagePoint) r3.Vec {
		return vector(r2.Vec{X: p.Col * unit.Columns, Y: p.Row * unit.Rows})
	}
	v := &landmark.Vertebra{Center: at(b.Center)}
	for n := range landmark.Name(landmark.NumPoints) {
		*v.Point(n) = landmark.Point{Position: at(b.Points[n]), SD: mm * b.SD[n]}
	}
	v.Superior.Direction, v.Superior.DirectionSD, v.Superior.Depth = r3.Unit(vector(b.Superior.Direction)), b.Superior.SD, mm*b.Superior.Depth
	v.Inferior.Direction, v.Inferior.DirectionSD, v.Inferior.Depth = r3.Unit(vector(b.Inferior.Direction)), b.Inferior.SD, mm*b.Inferior.Depth
	up := r3.Sub(v.Superior.Middle.Position, v.Inferior.Middle.Position)
	f := volume.NewFrame(v.Center, up, r3.Add(v.Superior.Direction, v.Inferior.Direction))
	v.SuperiorAxis, v.LeftAxis = f.Superior, f.Left
	return v
}

// NominalScale returns how many millimetres a unit is if the bodies are of an average
// adult's size. It serves limits that are in millimetres, never a result.
func (s *Spine) NominalScale(unit radiograph.Spacing) float64 {
	var found, expected float64
	for _, b := range s.Bodies {
		up := radiograph.ImagePoint{Col: b.Points[landmark.SuperiorAnterior].Col - b.Points[landmark.SuperiorPosterior].Col, Row: b.Points[landmark.SuperiorAnterior].Row - b.Points[landmark.SuperiorPosterior].Row}
		found += r2.Norm(r2.Vec{X: up.Col * unit.Columns, Y: up.Row * unit.Rows})
		expected += usuals[nearestUsual(b.Level)].depth - 2*cornerInset
	}
	return expected / found
}
