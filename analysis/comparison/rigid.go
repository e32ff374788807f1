// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/spatial/r3"
)

// Rigid is a motion: p goes to R·p + T, with the rows X, Y and Z of R.
type Rigid struct {
	X, Y, Z r3.Vec
	T       r3.Vec // mm
}

// still leaves everything in its place.
var still = Rigid{X: r3.Vec{X: 1}, Y: r3.Vec{Y: 1}, Z: r3.Vec{Z: 1}}

// Apply moves a point.
func (g Rigid) Apply(p r3.Vec) r3.Vec { return r3.Add(g.Rotate(p), g.T) }

// Rotate turns a direction.
func (g Rigid) Rotate(d r3.Vec) r3.Vec {
	return r3.Vec{X: r3.Dot(g.X, d), Y: r3.Dot(g.Y, d), Z: r3.Dot(g.Z, d)}
}

// Inverse returns the motion back.
func (g Rigid) Inverse() Rigid {
	back := Rigid{
		X: r3.Vec{X: g.X.X, Y: g.Y.X, Z: g.Z.X},
		Y: r3.Vec{X: g.X.Y, Y: g.Y.Y, Z: g.Z.Y},
		Z: r3.Vec{X: g.X.Z, Y: g.Y.Z, Z: g.Z.Z},
	}
	back.T = r3.Scale(-1, back.Rotate(g.T))
	return back
}

// after returns the motion that does first and then g.
func (g Rigid) after(first Rigid) Rigid {
	back := first.Inverse() // its rows are the columns of first
	return Rigid{
		X: r3.Vec{X: r3.Dot(g.X, back.X), Y: r3.Dot(g.X, back.Y), Z: r3.Dot(g.X, back.Z)},
		Y: r3.Vec{X: r3.Dot(g.Y, back.X), Y: r3.Dot(g.Y, back.Y), Z: r3.Dot(g.Y, back.Z)},
		Z: r3.Vec{X: r3.Dot(g.Z, back.X), Y: r3.Dot(g.Z, back.Y), Z: r3.Dot(g.Z, back.Z)},
		T: g.Apply(first.T),
	}
}

// angle returns by how many degrees g turns.
func (g Rigid) angle() float64 {
	axis := r3.Vec{X: g.Z.Y - g.Y.Z, Y: g.X.Z - g.Z.X, Z: g.Y.X - g.X.Y}
	return math.Atan2(r3.Norm(axis), g.X.X+g.Y.Y+g.Z.Z-1) * 180 / math.Pi
}

// lineRatio is the least ratio of the second to the first singular value of the
// points' scatter below which they lie on a line, and a rotation about it is
// free.
const lineRatio = 1e-3

// fitRigid returns the motion that brings from to to with the least sum of
// squared distances; false for fewer than three points, or points on a line.
//
// Reference: Kabsch, Acta Cryst 1976;A32:922; the sign of the determinant:
// Umeyama, IEEE PAMI 1991;13:376.
func fitRigid(from, to []r3.Vec) (Rigid, bool) {
	if len(from) < 3 || len(from) != len(to) {
		return still, false
	}
	p, q := centroid(from), centroid(to)
	h := mat.NewDense(3, 3, nil)
	for i := range from {
		a, b := r3.Sub(from[i], p), r3.Sub(to[i], q)
		h.Add(h, mat.NewDense(3, 3, []float64{
			a.X * b.X, a.X * b.Y, a.X * b.Z,
			a.Y * b.X, a.Y * b.Y, a.Y * b.Z,
			a.Z * b.X, a.Z * b.Y, a.Z * b.Z,
		}))
	}
	var svd mat.SVD
	if !svd.Factorize(h, mat.SVDFull) {
		return still, false
	}
	if s := svd.Values(nil); !(s[1] > lineRatio*s[0]) {
		return still, false
	}
	var u, v, r mat.Dense
	svd.UTo(&u)
	svd.VTo(&v)
	r.Mul(&v, u.T())
	if mat.Det(&r) < 0 {
		for i := range 3 {
			v.Set(i, 2, -v.At(i, 2))
		}
		r.Mul(&v, u.T())
	}
	g := Rigid{X: row(&r, 0), Y: row(&r, 1), Z: row(&r, 2)}
	g.T = r3.Sub(q, g.Rotate(p))
	return g, true
}

func row(m *mat.Dense, i int) r3.Vec { return r3.Vec{X: m.At(i, 0), Y: m.At(i, 1), Z: m.At(i, 2)} }

func centroid(points []r3.Vec) r3.Vec {
	var sum r3.Vec
	for _, p := range points {
		sum = r3.Add(sum, p)
	}
	return r3.Scale(1/float64(len(points)), sum)
}

// small returns the motion by the rotation vector w, radians, and the shift t.
func small(w, t r3.Vec) Rigid {
	angle := r3.Norm(w)
	if angle == 0 {
		return Rigid{still.X, still.Y, still.Z, t}
	}
	// r3's rotation is of vectors; its images of the axes are the columns.
	turn := r3.NewRotation(angle, w)
	columns := Rigid{X: turn.Rotate(still.X), Y: turn.Rotate(still.Y), Z: turn.Rotate(still.Z)}
	g := columns.Inverse()
	g.T = t
	return g
}
