// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package phantom

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/volume"
)

// bar is a box with rounded edges, or with zero extents a capsule or a ball: the
// brick of arches, ribs and pelvis.
type bar struct {
	center  r3.Vec
	axes    [3]r3.Vec  // orthonormal
	half    [3]float64 // extents of the core along the axes, mm
	radius  float64    // of the rounding around the core, mm
	cortex  float64    // thickness, mm
	hu      float64    // of the cancellous bone inside
	level   uint8      // VerSe label; 0 for ribs and pelvis
	pedicle bool       // opens into the body
}

// outside returns the signed distance of a point, given along the bar's axes from
// its centre, to the surface, mm, negative inside.
func (b *bar) outside(x, y, z float64) float64 {
	x, y, z = math.Abs(x)-b.half[0], math.Abs(y)-b.half[1], math.Abs(z)-b.half[2]
	deepest := max(x, y, z)
	if deepest <= 0 {
		return deepest - b.radius
	}
	x, y, z = max(x, 0), max(y, 0), max(z, 0)
	return math.Sqrt(x*x+y*y+z*z) - b.radius
}

// coordinates returns where a point lies along the axes of b from its centre.
func (b *bar) coordinates(p r3.Vec) (x, y, z float64) {
	d := r3.Sub(p, b.center)
	return r3.Dot(d, b.axes[0]), r3.Dot(d, b.axes[1]), r3.Dot(d, b.axes[2])
}

// reach returns the half extent of b along the unit direction n.
func (b *bar) reach(n r3.Vec) float64 {
	r := b.radius
	for i := range b.axes {
		r += math.Abs(r3.Dot(n, b.axes[i])) * b.half[i]
	}
	return r
}

// rod returns the capsule between two points.
func rod(p, q r3.Vec, radius float64) bar {
	return slab(p, q, r3.Vec{X: 0.31, Y: 0.21, Z: 0.93}, radius, 0, 0)
}

// slab returns the bar between two points that extends by high along up (made
// perpendicular) and by wide across.
func slab(p, q, up r3.Vec, radius, high, wide float64) bar {
	d := r3.Sub(q, p)
	e := r3.Unit(d)
	u := r3.Unit(r3.Sub(up, r3.Scale(r3.Dot(up, e), e)))
	return bar{
		center: r3.Scale(0.5, r3.Add(p, q)),
		axes:   [3]r3.Vec{e, u, r3.Cross(e, u)},
		half:   [3]float64{r3.Norm(d) / 2, high, wide},
		radius: radius,
	}
}

// tilt turns f about its left axis by degrees, its superior axis to anterior.
func tilt(f volume.Frame, degrees float64) volume.Frame {
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	s := r3.Add(r3.Scale(cos, f.Superior), r3.Scale(sin, f.Anterior))
	a := r3.Sub(r3.Scale(cos, f.Anterior), r3.Scale(sin, f.Superior))
	return volume.NewFrame(f.Origin, s, a)
}

// lean turns f about its anterior axis by degrees, its superior axis to the right.
func lean(f volume.Frame, degrees float64) volume.Frame {
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	s := r3.Sub(r3.Scale(cos, f.Superior), r3.Scale(sin, f.Left))
	return volume.NewFrame(f.Origin, s, f.Anterior)
}

// twist turns f about its superior axis by degrees, counter-clockwise from above.
func twist(f volume.Frame, degrees float64) volume.Frame {
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	a := r3.Add(r3.Scale(cos, f.Anterior), r3.Scale(sin, f.Left))
	return volume.NewFrame(f.Origin, f.Superior, a)
}
