// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/volume"
)

// Surface is a body's surface as points at the same places of every body: rings
// of SurfaceAngles around the superior axis of the frame, from the superior to
// the inferior endplate, between a pole at either end.
type Surface struct {
	Frame  volume.Frame
	Points []r3.Vec // superior (X), anterior (Y) and left (Z) of the frame's origin, mm
	Volume float64  // mm³, of the polyhedron of a finer grid
}

// The places of a Surface's points: the rings of each endplate at parts of the
// wall's radius, those of the wall at shares of the height.
const (
	SurfaceAngles = 24
	plateRings    = 3
	wallRings     = 5
	SurfaceRings  = 2*plateRings + wallRings
)

// finer is how many times finer the grid is that the volume is taken of. Of a
// cylinder an inscribed polyhedron of 24·4 angles has 0.07 % less.
const finer = 4

// Surface returns the surface of the body.
func (r *Region) Surface() Surface {
	return Surface{
		Frame:  r.Frame,
		Points: r.rings(SurfaceAngles, plateRings, wallRings),
		Volume: polyhedron(r.rings(SurfaceAngles*finer, plateRings*finer, wallRings*finer), SurfaceAngles*finer),
	}
}

// rings returns the points of the surface for so many angles, rings of an
// endplate, the last at the rim, and rings of the wall between the rims.
func (r *Region) rings(angles, plate, wall int) []r3.Vec {
	top, bottom := r.Heights(0, 0)
	points := []r3.Vec{{X: top}}
	for n := range plate {
		points = r.ring(points, angles, float64(n+1)/float64(plate), 1)
	}
	for n := range wall {
		points = r.ring(points, angles, 1, 1-float64(n+1)/float64(wall+1))
	}
	for n := range plate {
		points = r.ring(points, angles, float64(plate-n)/float64(plate), 0)
	}
	return append(points, r3.Vec{X: bottom})
}

// ring appends a ring at a part of the wall's radius and a share of the way from
// the inferior to the superior endplate.
func (r *Region) ring(points []r3.Vec, angles int, part, share float64) []r3.Vec {
	for i := range angles {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(angles))
		radius, _ := r.wall.at(math.Atan2(sin, cos), share)
		a, l := part*radius*cos, part*radius*sin
		top, bottom := r.Heights(a, l)
		points = append(points, r3.Vec{X: bottom + share*(top-bottom), Y: a, Z: l})
	}
	return points
}

// polyhedron returns the volume within the triangles between rings of so many
// angles and the two poles, mm³: the sum over them of a sixth of the product of
// their corners.
func polyhedron(points []r3.Vec, angles int) float64 {
	last := len(points) - 1
	sum := 0.0
	add := func(a, b, c r3.Vec) { sum += r3.Dot(a, r3.Cross(b, c)) }
	for i := range angles {
		j := (i + 1) % angles
		add(points[0], points[1+i], points[1+j])
		for ring := 1; ring+2*angles <= last; ring += angles {
			p, q := points[ring+i], points[ring+j]
			below, belowNext := points[ring+angles+i], points[ring+angles+j]
			add(p, below, q)
			add(q, below, belowNext)
		}
		add(points[last-angles+i], points[last], points[last-angles+j])
	}
	return math.Abs(sum) / 6
}
