// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison

import "gonum.org/v1/gonum/spatial/r3"

// Rigid is a motion: p goes to R·p + T. The rows of R are X, Y, Z.
type Rigid struct {
	X, Y, Z r3.Vec
	T       r3.Vec // mm
}

// Apply moves a point.
func (g Rigid) Apply(p r3.Vec) r3.Vec { return r3.Add(g.Rotate(p), g.T) }

// Rotate turns a direction.
func (g Rigid) Rotate(d r3.Vec) r3.Vec {
	return r3.Vec{X: r3.Dot(g.X, d), Y: r3.Dot(g.Y, d), Z: r3.Dot(g.Z, d)}
}

// Registration brings the first examination's positions to the second's.
type Registration struct {
	Global   Rigid
	Residual float64 // root mean square, mm
	// Pieces are by Pair: the motion of each vertebra's own body, or of its
	// nearest unaffected neighbours where it is fractured or treated.
	Pieces []Rigid
	// Bend is the greatest angle by which a piece turns against Global, degrees.
	Bend float64
}
