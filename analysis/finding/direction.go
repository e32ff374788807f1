// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package finding

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"
)

// direction is a vector in the plane of a film.
type direction r3.Vec

func vector(from, to r3.Vec) direction { return direction(r3.Sub(to, from)) }

func (d direction) norm() float64 { return r3.Norm(r3.Vec(d)) }

func (d direction) back() direction { return direction(r3.Scale(-1, r3.Vec(d))) }

// angle returns the angle between two directions, degrees in [0, 180].
func (d direction) angle(o direction) float64 {
	return math.Atan2(r3.Norm(r3.Cross(r3.Vec(d), r3.Vec(o))), r3.Dot(r3.Vec(d), r3.Vec(o))) * 180 / math.Pi
}

// aside returns how far p lies beside the line along d, on the side towards which it is
// positive.
func (d direction) aside(p, towards direction) float64 {
	unit := r3.Unit(r3.Vec(d))
	across := r3.Sub(r3.Vec(towards), r3.Scale(r3.Dot(r3.Vec(towards), unit), unit))
	return r3.Dot(r3.Vec(p), r3.Unit(across))
}
