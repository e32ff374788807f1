// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/spatial/r3"
	"gonum.org/v1/gonum/stat"

	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/segmentation"
)

// surface is a body's surface where it lies in the patient.
type surface struct {
	points, normals []r3.Vec
}

// surfaceOf returns a body's surface; false where it has none.
func surfaceOf(v *Vertebra) (surface, bool) {
	if v.Shape == nil || len(v.Shape.Surface) != 2+segmentation.SurfaceAngles*segmentation.SurfaceRings {
		return surface{}, false
	}
	s := surface{points: make([]r3.Vec, len(v.Shape.Surface))}
	for i := range s.points {
		s.points[i] = v.Shape.point(i)
	}
	s.normals = normals(s.points)
	return s, true
}

// normals returns the unit normals at the points of a segmentation.Surface,
// outwards or inwards; zero where the points coincide.
func normals(points []r3.Vec) []r3.Vec {
	const n = segmentation.SurfaceAngles
	last := len(points) - 1
	at := func(ring, i int) r3.Vec {
		switch {
		case ring < 0:
			return points[0]
		case ring >= segmentation.SurfaceRings:
			return points[last]
		}
		return points[1+ring*n+(i+n)%n]
	}
	out := make([]r3.Vec, len(points))
	for ring := range segmentation.SurfaceRings {
		for i := range n {
			along := r3.Sub(at(ring, i+1), at(ring, i-1))
			down := r3.Sub(at(ring+1, i), at(ring-1, i))
			out[1+ring*n+i] = unit(r3.Cross(along, down))
		}
	}
	out[0] = unit(r3.Cross(r3.Sub(at(0, 0), at(0, n/2)), r3.Sub(at(0, n/4), at(0, 3*n/4))))
	low := segmentation.SurfaceRings - 1
	out[last] = unit(r3.Cross(r3.Sub(at(low, 0), at(low, n/2)), r3.Sub(at(low, n/4), at(low, 3*n/4))))
	return out
}

func unit(v r3.Vec) r3.Vec {
	if n := r3.Norm(v); n > 0 {
		return r3.Scale(1/n, v)
	}
	return r3.Vec{}
}

// corners returns the six landmarks of a body; nil where they are not all there.
func corners(v *landmark.Vertebra) []r3.Vec {
	if v == nil || !v.Superior.Found() || !v.Inferior.Found() {
		return nil
	}
	return []r3.Vec{
		v.Superior.Anterior.Position, v.Superior.Middle.Position, v.Superior.Posterior.Position,
		v.Inferior.Anterior.Position, v.Inferior.Middle.Position, v.Inferior.Posterior.Position,
	}
}

// aligned is how one body lies on another.
type aligned struct {
	motion   Rigid
	residual float64 // root mean square of the surfaces' distances, mm; of the landmarks' without surfaces
	surface  bool
}

// The refinement of a body's motion by its surface.
const (
	refinements = 6
	// robust, mm, is the distance from which a point counts by less: an osteophyte
	// or an edge taken for another must not turn the whole body.
	robust = 1.0
)

// align lays one body on another: by the six landmarks, then surface on surface.
// The landmarks of a mid-sagittal plane leave a turn about it free to their
// errors, so a third direction is added, that of the body's left axis.
func align(from, to *Vertebra) (aligned, bool) {
	p, q := corners(from.Landmarks), corners(to.Landmarks)
	if p == nil || q == nil {
		return aligned{}, false
	}
	const lever = 15.0 // mm, about half a body's width
	p = append(p, r3.Add(from.Landmarks.Center, r3.Scale(lever, from.Landmarks.LeftAxis)),
		r3.Sub(from.Landmarks.Center, r3.Scale(lever, from.Landmarks.LeftAxis)))
	q = append(q, r3.Add(to.Landmarks.Center, r3.Scale(lever, to.Landmarks.LeftAxis)),
		r3.Sub(to.Landmarks.Center, r3.Scale(lever, to.Landmarks.LeftAxis)))
	g, ok := fitRigid(p, q)
	if !ok {
		return aligned{}, false
	}
	a := aligned{motion: g, residual: distanceOf(g, p, q)}
	moving, ok1 := surfaceOf(from)
	fixed, ok2 := surfaceOf(to)
	if ok1 && ok2 {
		a.surface = true
		a.motion, a.residual = refine(g, moving, fixed, to.Landmarks.Center)
	}
	return a, true
}

// distanceOf returns the root mean square distance of moved points, mm.
func distanceOf(g Rigid, from, to []r3.Vec) float64 {
	sum := 0.0
	for i := range from {
		sum += r3.Norm2(r3.Sub(g.Apply(from[i]), to[i]))
	}
	return math.Sqrt(sum / float64(len(from)))
}

// refine improves a motion by the distances of the moved points to the planes
// that touch the other surface at its nearest points, and returns what remains
// of them, mm. center is about what it turns.
//
// Reference: Chen and Medioni, Image Vision Comput 1992;10:145.
func refine(g Rigid, from, to surface, center r3.Vec) (Rigid, float64) {
	residual := math.Inf(1)
	for range refinements {
		step, rms, ok := planeStep(g, from, to, center)
		residual = rms
		if !ok {
			break
		}
		g = step.after(g)
	}
	if _, rms, _ := planeStep(g, from, to, center); rms < residual {
		residual = rms
	}
	return g, residual
}

// planeStep returns the small motion that lessens the distances most, and their
// root weighted mean square before it.
func planeStep(g Rigid, from, to surface, center r3.Vec) (step Rigid, rms float64, ok bool) {
	normal, right := mat.NewSymDense(6, nil), mat.NewVecDense(6, nil)
	row := mat.NewVecDense(6, nil)
	var squares, weights []float64
	for _, p := range from.points {
		moved := g.Apply(p)
		n := nearest(to.points, moved)
		at := to.normals[n]
		d := r3.Dot(at, r3.Sub(moved, to.points[n]))
		w := 1 / (1 + d*d/(robust*robust))
		arm := r3.Cross(r3.Sub(moved, center), at)
		for i, x := range [6]float64{arm.X, arm.Y, arm.Z, at.X, at.Y, at.Z} {
			row.SetVec(i, x)
		}
		normal.SymRankOne(normal, w, row)
		right.AddScaledVec(right, -w*d, row)
		squares, weights = append(squares, d*d), append(weights, w)
	}
	rms = math.Sqrt(stat.Mean(squares, weights))
	var x mat.VecDense
	if err := x.SolveVec(normal, right); err != nil {
		return still, rms, false
	}
	w := r3.Vec{X: x.AtVec(0), Y: x.AtVec(1), Z: x.AtVec(2)}
	t := r3.Vec{X: x.AtVec(3), Y: x.AtVec(4), Z: x.AtVec(5)}
	turn := small(w, r3.Vec{})
	turn.T = r3.Add(t, r3.Sub(center, turn.Rotate(center)))
	return turn, rms, true
}

// nearest returns the index of the point nearest to p.
func nearest(points []r3.Vec, p r3.Vec) int {
	best, least := 0, math.Inf(1)
	for i, q := range points {
		if d := r3.Norm2(r3.Sub(q, p)); d < least {
			best, least = i, d
		}
	}
	return best
}
