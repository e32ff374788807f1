// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package warp

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"
)

// Motion is a rigid motion of a patient: turned about Center, then shifted. The
// zero value leaves everything in its place.
type Motion struct {
	// Turn is by how many degrees the patient turns about the axes that run to the
	// left, to posterior and to superior, in this order, counter-clockwise when
	// seen against the axis.
	Turn   r3.Vec
	Center r3.Vec // what Turn leaves in its place, LPS mm
	Shift  r3.Vec // mm
}

// Map returns where the motion takes a point.
func (m Motion) Map() func(p r3.Vec) r3.Vec {
	turn := m.turn()
	return func(p r3.Vec) r3.Vec {
		return r3.Add(r3.Add(m.Center, m.Shift), turn.MulVec(r3.Sub(p, m.Center)))
	}
}

// Inverse returns where the motion takes a point from.
func (m Motion) Inverse() func(p r3.Vec) r3.Vec {
	turn := m.turn()
	return func(p r3.Vec) r3.Vec {
		return r3.Add(m.Center, turn.MulVecTrans(r3.Sub(r3.Sub(p, m.Center), m.Shift)))
	}
}

// Back is Inverse for lines of points.
func (m Motion) Back() Map {
	inverse := m.Inverse()
	return func(line []r3.Vec) {
		for i, p := range line {
			line[i] = inverse(p)
		}
	}
}

// Directions returns the motion's effect on directions.
func (m Motion) Directions() func(d r3.Vec) r3.Vec { return m.turn().MulVec }

// turn returns the rotation matrix.
func (m Motion) turn() *r3.Mat {
	sx, cx := math.Sincos(m.Turn.X * math.Pi / 180)
	sy, cy := math.Sincos(m.Turn.Y * math.Pi / 180)
	sz, cz := math.Sincos(m.Turn.Z * math.Pi / 180)
	return r3.NewMat([]float64{
		cz * cy, cz*sy*sx - sz*cx, cz*sy*cx + sz*sx,
		sz * cy, sz*sy*sx + cz*cx, sz*sy*cx - cz*sx,
		-sy, cy * sx, cy * cx,
	})
}
