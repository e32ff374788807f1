// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package volume

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/phrase"
)

// Geometry places a grid of voxels in the patient. The grid may be sheared
// (gantry tilt) and its slices may stand at uneven distances.
type Geometry struct {
	Columns, Rows, Slices int

	Origin r3.Vec // centre of voxel (0, 0, 0)
	Column r3.Vec // step from one column to the next, mm
	Row    r3.Vec // step from one row to the next, mm
	Slice  r3.Vec // step from one slice to the next, mm; the mean step if uneven

	// SliceOffsets holds, where slices stand at uneven distances, each slice's
	// place in units of Slice: ascending, the first 0. It is nil for an even grid.
	SliceOffsets []float64
}

// Spacing returns the distances between columns, rows and slices along the
// grid's own axes, mm.
func (g Geometry) Spacing() (column, row, slice float64) {
	return r3.Norm(g.Column), r3.Norm(g.Row), r3.Norm(g.Slice)
}

// Position returns where the voxel coordinates (i, j, k) lie. Whole numbers are
// voxel centres. On an uneven grid k is interpolated between slices.
func (g Geometry) Position(i, j, k float64) r3.Vec {
	if g.SliceOffsets != nil {
		k = offsetAt(g.SliceOffsets, k)
	}
	p := r3.Add(g.Origin, r3.Scale(i, g.Column))
	p = r3.Add(p, r3.Scale(j, g.Row))
	return r3.Add(p, r3.Scale(k, g.Slice))
}

func offsetAt(offsets []float64, k float64) float64 {
	if len(offsets) < 2 {
		return k
	}
	i := min(max(int(math.Floor(k)), 0), len(offsets)-2)
	return offsets[i] + (k-float64(i))*(offsets[i+1]-offsets[i])
}

// Indexer maps positions to voxel coordinates of an even grid.
type Indexer struct {
	origin  r3.Vec
	i, j, k r3.Vec // reciprocal basis, 1/mm
}

// Indexer returns the inverse of Position for an even grid. It panics if the
// grid is uneven (Canonical makes it even) and returns NaN coordinates if the
// steps do not span space.
func (g Geometry) Indexer() Indexer {
	if g.SliceOffsets != nil {
		panic("volume: uneven grid has no indexer")
	}
	det := r3.Dot(g.Column, r3.Cross(g.Row, g.Slice))
	return Indexer{
		origin: g.Origin,
		i:      r3.Scale(1/det, r3.Cross(g.Row, g.Slice)),
		j:      r3.Scale(1/det, r3.Cross(g.Slice, g.Column)),
		k:      r3.Scale(1/det, r3.Cross(g.Column, g.Row)),
	}
}

// Index returns the voxel coordinates of p.
func (x Indexer) Index(p r3.Vec) (i, j, k float64) {
	d := r3.Sub(p, x.origin)
	return r3.Dot(d, x.i), r3.Dot(d, x.j), r3.Dot(d, x.k)
}

// Frame is a right-angled frame of a vertebra or a disc: LPS origin and unit
// axes. Anterior, Left and Superior are right-handed in this order:
// Left = Superior × Anterior.
type Frame struct {
	Origin                   r3.Vec
	Superior, Anterior, Left r3.Vec
}

// NewFrame returns the frame at origin whose superior axis is along superior
// and whose anterior axis lies in the plane of superior and anterior. Neither
// needs to be a unit vector; they must not be parallel.
func NewFrame(origin, superior, anterior r3.Vec) Frame {
	s := r3.Unit(superior)
	a := r3.Unit(r3.Sub(anterior, r3.Scale(r3.Dot(anterior, s), s)))
	return Frame{Origin: origin, Superior: s, Anterior: a, Left: r3.Cross(s, a)}
}

// Point returns the position at s superior, a anterior and l left of the
// origin, mm.
func (f Frame) Point(s, a, l float64) r3.Vec {
	return r3.Vec{
		X: f.Origin.X + s*f.Superior.X + a*f.Anterior.X + l*f.Left.X,
		Y: f.Origin.Y + s*f.Superior.Y + a*f.Anterior.Y + l*f.Left.Y,
		Z: f.Origin.Z + s*f.Superior.Z + a*f.Anterior.Z + l*f.Left.Z,
	}
}

// Coordinates is the inverse of Point.
func (f Frame) Coordinates(p r3.Vec) (s, a, l float64) {
	d := r3.Sub(p, f.Origin)
	return r3.Dot(d, f.Superior), r3.Dot(d, f.Anterior), r3.Dot(d, f.Left)
}

// SideBeyond names the patient's side on which voxel coordinates leave a canonical
// volume by more than half a voxel; it is empty if they do not.
func (g Geometry) SideBeyond(i, j, k float64) phrase.Text {
	switch {
	case k > float64(g.Slices)-0.5:
		return "superior"
	case k < -0.5:
		return "inferior"
	case j < -0.5:
		return "anterior"
	case j > float64(g.Rows)-0.5:
		return "posterior"
	case i < -0.5:
		return "right"
	case i > float64(g.Columns)-0.5:
		return "left"
	}
	return ""
}
