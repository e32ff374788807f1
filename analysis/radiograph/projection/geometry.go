// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"errors"
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/radiograph"
)

// Geometry places a point source and a flat detector about a patient, LPS mm.
type Geometry struct {
	Columns, Rows int

	Source r3.Vec
	Corner r3.Vec // outer corner of the first pixel
	Column r3.Vec // step from one column to the next
	Row    r3.Vec // step from one row to the next, perpendicular to Column
}

// Setup describes how a film is taken.
type Setup struct {
	Toward r3.Vec // direction of the central ray, from the source to the detector
	Up     r3.Vec // what is up on the film, as nearly as Toward allows

	Isocenter          r3.Vec  // a point of the patient on the central ray
	SourceToIsocenter  float64 // mm
	SourceToDetector   float64 // mm
	Columns, Rows      int
	ImagerPixelSpacing float64 // at the detector, mm
}

// Lateral directions of the central ray: of a left lateral film, with the patient's left
// side at the detector, and of a right lateral one. Seen from the source, anterior is to
// the right on the first.
var (
	LeftLateral  = r3.Vec{X: 1}
	RightLateral = r3.Vec{X: -1}
)

// NewGeometry returns the geometry of a setup whose central ray meets the detector at its
// middle, square to it.
func NewGeometry(s Setup) (Geometry, error) {
	toward, along := r3.Unit(s.Toward), r3.Dot(r3.Unit(s.Toward), s.Up)
	up := r3.Sub(s.Up, r3.Scale(along, toward))
	switch {
	case !(r3.Norm(s.Toward) > 0) || !(r3.Norm(up) > 0):
		return Geometry{}, errors.New("film: the central ray and what is up on the film do not span a plane")
	case !(s.SourceToIsocenter > 0) || !(s.SourceToDetector > s.SourceToIsocenter) || math.IsInf(s.SourceToDetector, 0):
		return Geometry{}, errors.New("film: the source does not stand before the patient, and he before the detector")
	case s.Columns < 1 || s.Rows < 1 || !(s.ImagerPixelSpacing > 0) || math.IsInf(s.ImagerPixelSpacing, 0):
		return Geometry{}, errors.New("film: the detector has no pixels")
	}
	row := r3.Scale(-s.ImagerPixelSpacing, r3.Unit(up))
	column := r3.Scale(s.ImagerPixelSpacing, r3.Cross(toward, r3.Unit(up)))
	g := Geometry{Columns: s.Columns, Rows: s.Rows, Column: column, Row: row}
	g.Source = r3.Sub(s.Isocenter, r3.Scale(s.SourceToIsocenter, toward))
	middle := r3.Add(g.Source, r3.Scale(s.SourceToDetector, toward))
	g.Corner = r3.Sub(middle, r3.Add(r3.Scale(float64(s.Columns)/2, column), r3.Scale(float64(s.Rows)/2, row)))
	return g, nil
}

// Position returns where a point of the film lies on the detector.
func (g *Geometry) Position(p radiograph.ImagePoint) r3.Vec {
	return r3.Add(g.Corner, r3.Add(r3.Scale(p.Col, g.Column), r3.Scale(p.Row, g.Row)))
}

// normal returns the direction from the source square to the detector, and its distance.
func (g *Geometry) normal() (n r3.Vec, distance float64) {
	n = r3.Unit(r3.Cross(g.Row, g.Column))
	if distance = r3.Dot(r3.Sub(g.Corner, g.Source), n); distance < 0 {
		return r3.Scale(-1, n), -distance
	}
	return n, distance
}

// SourceToDetector returns the distance of source and detector, mm:
// DistanceSourceToDetector.
func (g *Geometry) SourceToDetector() float64 {
	_, d := g.normal()
	return d
}

// Depth returns how far from the source p lies along the central ray, mm.
func (g *Geometry) Depth(p r3.Vec) float64 {
	n, _ := g.normal()
	return r3.Dot(r3.Sub(p, g.Source), n)
}

// Magnification returns how much larger what lies at p, in a plane parallel to the
// detector, is on the film.
func (g *Geometry) Magnification(p r3.Vec) float64 { return g.SourceToDetector() / g.Depth(p) }

// ImagerPixelSpacing returns the distances of rows and of columns at the detector, mm.
func (g *Geometry) ImagerPixelSpacing() (rows, columns float64) {
	return r3.Norm(g.Row), r3.Norm(g.Column)
}

// Project returns where p comes to lie on the film, or beside it; false if p does not lie
// between source and detector.
func (g *Geometry) Project(p r3.Vec) (radiograph.ImagePoint, bool) {
	n, distance := g.normal()
	ray := r3.Sub(p, g.Source)
	depth := r3.Dot(ray, n)
	if !(depth > 0 && depth <= distance) {
		return radiograph.ImagePoint{}, false
	}
	on := r3.Sub(r3.Add(g.Source, r3.Scale(distance/depth, ray)), g.Corner)
	return radiograph.ImagePoint{
		Col: r3.Dot(on, g.Column) / r3.Norm2(g.Column),
		Row: r3.Dot(on, g.Row) / r3.Norm2(g.Row),
	}, true
}

// Holds reports whether a point lies on the film.
func (g *Geometry) Holds(p radiograph.ImagePoint) bool {
	return p.Col >= 0 && p.Row >= 0 && p.Col <= float64(g.Columns) && p.Row <= float64(g.Rows)
}
