// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package warp

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/volume"
)

// Height names one of the three heights of a body.
type Height int

// The heights, as indices of three values.
const (
	Anterior Height = iota
	Middle
	Posterior
)

// Body is a vertebral body as far as a deformation must know it, LPS mm.
type Body struct {
	// Superior and Inferior are the points on the outer faces of the endplates in
	// the mid-sagittal plane, by Height.
	Superior, Inferior [3]r3.Vec
	// Left is the unit direction to the body's left, across the mid-sagittal plane.
	Left r3.Vec
	// Width is that of the endplates, mm.
	Width float64
	// DiscAbove and DiscBelow are the least heights of the discs, mm.
	DiscAbove, DiscBelow float64
}

// Heights returns the distances of the point pairs, mm.
func (b *Body) Heights() (h [3]float64) {
	for i := range h {
		h[i] = r3.Norm(r3.Sub(b.Superior[i], b.Inferior[i]))
	}
	return h
}

// Frame returns the frame between the corners: anterior along the mean of the
// endplates' chords.
func (b *Body) Frame() volume.Frame {
	corners := [4]r3.Vec{b.Superior[Anterior], b.Superior[Posterior], b.Inferior[Anterior], b.Inferior[Posterior]}
	origin := r3.Scale(0.25, r3.Add(r3.Add(corners[0], corners[1]), r3.Add(corners[2], corners[3])))
	forward := r3.Add(r3.Sub(corners[0], corners[1]), r3.Sub(corners[2], corners[3]))
	return volume.NewFrame(origin, r3.Cross(forward, b.Left), forward)
}

// plate is an endplate as a surface over the axial plane of a body's frame: the
// chord of its corners less a dish that is deepest in the middle, mm.
type plate struct {
	front, back  place // corners
	depth        float64
	left, right  float64 // lateral extent of the dish
	middleAnswer float64 // of the dish at the middle point
}

// place is a point of the mid-sagittal plane: superior and anterior of the frame's
// origin, and how far left of it.
type place struct{ s, a, l float64 }

func placeOf(f volume.Frame, p r3.Vec) place {
	s, a, l := f.Coordinates(p)
	return place{s, a, l}
}

func newPlate(f volume.Frame, points [3]r3.Vec, width float64) plate {
	p := plate{front: placeOf(f, points[Anterior]), back: placeOf(f, points[Posterior])}
	p.left = flatDish / 2 * width
	p.right = wholeDish / 2 * width
	m := placeOf(f, points[Middle])
	p.middleAnswer = p.dish(m.a, m.l)
	p.depth = (p.chord(m.a) - m.s) / p.middleAnswer
	return p
}

// The dent of an endplate is as deep as in the middle over the first, and gone
// beyond the second of these shares of its width.
const flatDish, wholeDish = 0.35, 0.95

// chord returns the height of the corners' line at a. It levels off beyond the
// corners, so that nothing rests on where the line would run far from the body.
func (p *plate) chord(a float64) float64 {
	const beyond = 6 // mm
	a = levelled(a, p.back.a, p.front.a, beyond)
	return p.back.s + (a-p.back.a)/(p.front.a-p.back.a)*(p.front.s-p.back.s)
}

// levelled returns x within [low, high] and, beyond, what approaches the ends
// within reach.
func levelled(x, low, high, reach float64) float64 {
	switch {
	case x > high:
		return high + (x-high)*reach/(x-high+reach)
	case x < low:
		return low - (low-x)*reach/(low-x+reach)
	}
	return x
}

// dish returns how much of a dent in the middle there is at (a, l), 0 to 1.
func (p *plate) dish(a, l float64) float64 {
	x := 2*(a-p.back.a)/(p.front.a-p.back.a) - 1
	if x <= -1 || x >= 1 {
		return 0
	}
	across := 1 - step(math.Abs(l), p.left, p.right)
	return (1 - x*x) * (1 - x*x) * across
}

// at returns the height of the surface at (a, l).
func (p *plate) at(a, l float64) float64 { return p.chord(a) - p.depth*p.dish(a, l) }

// step rises from 0 at low to 1 at high, with a continuous slope.
func step(x, low, high float64) float64 {
	t := min(max((x-low)/(high-low), 0), 1)
	return t * t * (3 - 2*t)
}

// ramp rises from 0 at t = 0 to 1 at t = 1: straight but for its ends, which are
// rounded over the given share.
func ramp(t, rounded float64) float64 {
	switch {
	case t <= 0:
		return 0
	case t >= 1:
		return 1
	case t < rounded:
		return t * t / (2 * rounded * (1 - rounded))
	case t > 1-rounded:
		return 1 - (1-t)*(1-t)/(2*rounded*(1-rounded))
	}
	return (t - rounded/2) / (1 - rounded)
}

// onset is x²/(x+soft) beyond 0: a line that begins with no slope.
func onset(x, soft float64) float64 {
	if x <= 0 {
		return 0
	}
	return x * x / (x + soft)
}
