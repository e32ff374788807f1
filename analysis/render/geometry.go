// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"
)

// PixelIndex names a pixel of a picture.
type PixelIndex struct{ Col, Row int }

// Center returns where the pixel's centre lies.
func (p PixelIndex) Center() ImagePoint {
	return ImagePoint{float64(p.Col) + 0.5, float64(p.Row) + 0.5}
}

// ImagePoint is a place in a picture, in pixels to the right of and below its
// upper left corner: the centre of the first pixel is at (0.5, 0.5), as in
// DICOM's SCOORD (PS3.3 C.18.6).
type ImagePoint struct{ Col, Row float64 }

// Affine places the pixels of a plane in the patient, LPS mm.
type Affine struct {
	Origin r3.Vec // centre of the pixel (0, 0)
	Col    r3.Vec // step from one column to the next
	Row    r3.Vec // step from one row to the next
}

// Position returns where a place of the picture lies in the patient.
func (a Affine) Position(p ImagePoint) r3.Vec {
	return r3.Add(a.Origin, r3.Add(r3.Scale(p.Col-0.5, a.Col), r3.Scale(p.Row-0.5, a.Row)))
}

// Matrix returns the affine as a matrix of three rows, x, y and z, that is
// applied to (column, row, depth, 1). Columns and rows count from 0 at the
// centre of the first pixel; depth is mm along Col × Row.
func (a Affine) Matrix() [3][4]float64 {
	n := r3.Unit(r3.Cross(a.Col, a.Row))
	return [3][4]float64{
		{a.Col.X, a.Row.X, n.X, a.Origin.X},
		{a.Col.Y, a.Row.Y, n.Y, a.Origin.Y},
		{a.Col.Z, a.Row.Z, n.Z, a.Origin.Z},
	}
}

// Line is where one row of a picture lies in the patient, LPS mm. A pixel c of
// the row has its centre at Origin + c·Step.
type Line struct {
	Origin r3.Vec // centre of the row's first pixel
	Step   r3.Vec // from one pixel to the next
	Down   r3.Vec // unit, in the picture and perpendicular to Step
	Across r3.Vec // unit, out of the picture: Down × Step
}

// Geometry places the pixels of a picture in the patient. Pixels are square; in
// a picture that follows the spine, rows are PixelSize apart along it.
type Geometry struct {
	Columns, Rows int
	PixelSize     float64 // mm

	lines  []Line
	planar bool
	axis   float64 // column at which the rows of a curved picture are PixelSize apart
	native *int    // slice of the stack that is shown as it was acquired
}

// Line returns where a row lies. It panics if there is no such row.
func (g *Geometry) Line(row int) Line { return g.lines[row] }

// Affine returns where the pixels lie; false for a picture that is no plane.
func (g *Geometry) Affine() (Affine, bool) {
	if !g.planar {
		return Affine{}, false
	}
	l := &g.lines[0]
	return Affine{Origin: l.Origin, Col: l.Step, Row: r3.Scale(g.PixelSize, l.Down)}, true
}

// Position returns where a place of the picture lies in the patient, between
// rows by linear interpolation, beyond the outermost straight on.
func (g *Geometry) Position(p ImagePoint) r3.Vec {
	row := p.Row - 0.5
	i := int(min(max(row, 0), float64(g.Rows-1)))
	l, f := g.lines[i], row-float64(i)
	at := r3.Add(l.Origin, r3.Scale(p.Col-0.5, l.Step))
	if g.planar || f <= 0 || i == g.Rows-1 {
		return r3.Add(at, r3.Scale(f*g.PixelSize, l.Down))
	}
	next := g.lines[i+1]
	below := r3.Add(next.Origin, r3.Scale(p.Col-0.5, next.Step))
	return r3.Add(r3.Scale(1-f, at), r3.Scale(f, below))
}

// ImagePoint returns the place in the picture that is nearest to p, which may be
// beyond the picture's border, and how far p lies off the picture, mm: to the
// patient's left of a sagittal, inferior of an axial and anterior of a coronal
// picture. Where several rows of a curved picture pass through p, as behind a
// kyphosis, the one whose axis is nearest counts.
func (g *Geometry) ImagePoint(p r3.Vec) (at ImagePoint, depth float64) {
	f := finder{g: g, row: -1}
	return f.place(p)
}

// Moved returns the geometry after a rigid motion of the patient, given by what
// it does to positions and to directions.
func (g *Geometry) Moved(position, direction func(r3.Vec) r3.Vec) Geometry {
	moved := *g
	moved.native = nil
	moved.lines = make([]Line, len(g.lines))
	for i, l := range g.lines {
		moved.lines[i] = Line{position(l.Origin), direction(l.Step), direction(l.Down), direction(l.Across)}
	}
	return moved
}

// Enlarged returns the geometry after the patient was enlarged by k about the origin.
func (g Geometry) Enlarged(k float64) Geometry {
	lines := make([]Line, len(g.lines))
	for i, l := range g.lines {
		lines[i] = Line{r3.Scale(k, l.Origin), r3.Scale(k, l.Step), l.Down, l.Across}
	}
	g.lines, g.PixelSize, g.native = lines, k*g.PixelSize, nil
	return g
}

// across returns the direction out of the picture in its middle.
func (g *Geometry) across() r3.Vec { return g.lines[len(g.lines)/2].Across }

// finder finds the places of positions. It starts from the row of the one before.
type finder struct {
	g   *Geometry
	row int // -1 if there is none
}

// Rows are searched in steps of coarseMM, and from the row before for at most
// so many steps.
const (
	coarseMM  = 5.0
	mostSteps = 24
)

func (f *finder) place(p r3.Vec) (at ImagePoint, depth float64) {
	if f.g.planar {
		l := &f.g.lines[0]
		d := r3.Sub(p, l.Origin)
		size := f.g.PixelSize
		return ImagePoint{r3.Dot(d, l.Step)/(size*size) + 0.5, r3.Dot(d, l.Down)/size + 0.5}, r3.Dot(d, l.Across)
	}
	if !f.walk(p) {
		f.search(p)
	}
	return f.at(p)
}

// below returns how far p lies below a row, mm.
func (f *finder) below(row int, p r3.Vec) float64 {
	l := &f.g.lines[row]
	return r3.Dot(r3.Sub(p, l.Origin), l.Down)
}

// walk looks for the row above p from the one before. It reports whether it was
// found.
func (f *finder) walk(p r3.Vec) bool {
	last := f.g.Rows - 1
	if f.row < 0 || f.row >= last {
		return false
	}
	for range mostSteps {
		d := f.below(f.row, p)
		switch {
		case d < 0 && f.row > 0:
			f.row = max(f.row+min(int(d/f.g.PixelSize), -1), 0)
		case d >= 0 && f.below(f.row+1, p) <= 0:
			return true
		case d >= 0 && f.row < last-1:
			f.row = min(f.row+max(int(d/f.g.PixelSize), 1), last-1)
		default:
			return false
		}
	}
	return false
}

// search looks for the row above p: of those that are, the one with the nearest
// axis; at the ends, the outermost.
func (f *finder) search(p r3.Vec) {
	g := f.g
	last := g.Rows - 1
	stride := max(int(coarseMM/g.PixelSize), 1)
	distance := func(row int) float64 {
		l := &g.lines[row]
		return r3.Norm(r3.Sub(p, r3.Add(l.Origin, r3.Scale(g.axis-0.5, l.Step))))
	}
	f.row = 0
	if distance(last) < distance(0) {
		f.row = last
	}
	best, upper := math.Inf(1), f.below(0, p)
	for from := 0; from < last; from += stride {
		to := min(from+stride, last)
		lower := f.below(to, p)
		if upper >= 0 && lower <= 0 {
			if d := distance(from); d < best {
				best, f.row = d, f.between(from, to, p)
			}
		}
		upper = lower
	}
}

// between returns the last row from from to to that is above p; to is below it.
func (f *finder) between(from, to int, p r3.Vec) int {
	for to-from > 1 {
		if middle := (from + to) / 2; f.below(middle, p) >= 0 {
			from = middle
		} else {
			to = middle
		}
	}
	return from
}

// at returns the place of p between the row found and the next.
func (f *finder) at(p r3.Vec) (ImagePoint, float64) {
	g := f.g
	l := g.lines[f.row]
	d := r3.Dot(r3.Sub(p, l.Origin), l.Down)
	fraction := d / g.PixelSize
	if f.row < g.Rows-1 && d >= 0 {
		next := &g.lines[f.row+1]
		if lower := f.below(f.row+1, p); lower <= 0 {
			fraction = 0
			if d > lower {
				fraction = d / (d - lower)
			}
			l = l.mixed(next, fraction)
		}
	}
	v := r3.Sub(p, l.Origin)
	return ImagePoint{r3.Dot(v, l.Step)/r3.Norm2(l.Step) + 0.5, float64(f.row) + fraction + 0.5}, r3.Dot(v, l.Across)
}

// mixed returns the line that lies a fraction of the way from l to next.
func (l Line) mixed(next *Line, fraction float64) Line {
	mix := func(a, b r3.Vec) r3.Vec { return r3.Add(r3.Scale(1-fraction, a), r3.Scale(fraction, b)) }
	return Line{
		Origin: mix(l.Origin, next.Origin), Step: mix(l.Step, next.Step),
		Down: mix(l.Down, next.Down), Across: mix(l.Across, next.Across),
	}
}
