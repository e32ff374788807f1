// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"math"
	"math/cmplx"

	"gonum.org/v1/gonum/spatial/r3"
)

// Similarity is a motion followed by an enlargement about the origin. A motion of films
// may mirror, which Rigid's others do not.
type Similarity struct {
	Rigid
	Scale float64
}

// unmoved leaves everything in its place.
var unmoved = Similarity{still, 1}

// Apply moves a point.
func (s Similarity) Apply(p r3.Vec) r3.Vec { return r3.Scale(s.Scale, s.Rigid.Apply(p)) }

// Inverse returns the similarity back.
func (s Similarity) Inverse() Similarity {
	back := s.Rigid.Inverse()
	back.T = r3.Scale(s.Scale, back.T)
	return Similarity{back, 1 / s.Scale}
}

// After returns the similarity that does first and then s.
func (s Similarity) After(first Similarity) Similarity {
	g := s.Rigid.after(Rigid{X: first.X, Y: first.Y, Z: first.Z})
	g.T = r3.Add(s.Rotate(first.T), r3.Scale(1/first.Scale, s.T))
	return Similarity{g, s.Scale * first.Scale}
}

// Plane lays two examinations, of which one is a film, over each other in the sagittal
// plane: for pictures alone, as a film tells of no third direction and each is of another
// posture and perspective.
type Plane struct {
	// Before and After bring each examination's positions into a frame of both: that of
	// the CT; of two films that of the second one, its superior end up and anterior to the
	// left.
	Before, After Similarity
	// Pieces are by Pair: where the first examination's body lies in that frame by its
	// own points or, where it is affected, by those of the nearest unaffected ones.
	Pieces   []Similarity
	Residual float64 // of the landmarks, root mean square, mm of the frame
	Levels   int     // that it rests on
}

// Views returns what brings positions of the two examinations into the frame in which they
// are laid over each other.
func (r *Registration) Views() (before, after Similarity) {
	if r.Plane != nil {
		return r.Plane.Before, r.Plane.After
	}
	return Similarity{r.Global, 1}, unmoved
}

// Piece returns what brings the first examination's body of a pair to that frame.
func (r *Registration) Piece(i int) Similarity {
	if r.Plane != nil {
		return r.Plane.Pieces[i]
	}
	return Similarity{r.Pieces[i], 1}
}

// LaidOn returns how many vertebrae the frame of both rests on, and how far their landmarks
// then lie apart, mm.
func (r *Registration) LaidOn() (levels int, residual float64) {
	if r.Plane != nil {
		return r.Plane.Levels, r.Plane.Residual
	}
	return r.Levels, r.Residual
}

// Upright returns what turns a film so that superior is up and anterior to the left, as a CT
// lies in LPS; a CT stays.
func (e *Examination) Upright() Similarity {
	if e.Film == nil {
		return unmoved
	}
	up, back := 0.0, 0.0
	for i := range e.Vertebrae {
		p := corners(e.Vertebrae[i].Landmarks)
		if p == nil {
			continue
		}
		up += p[1].Z - p[4].Z
		back += p[2].Y - p[0].Y
	}
	g := still
	if up < 0 {
		g.Z.Z = -1
	}
	if back < 0 {
		g.Y.Y = -1
	}
	return Similarity{g, 1}
}

// flat is Upright, after which the middle of a CT's bodies lies in the plane of a film's.
func (e *Examination) flat() Similarity {
	out := e.Upright()
	if e.Film != nil {
		return out
	}
	for i := range e.Vertebrae {
		out.T.X -= e.Vertebrae[i].Center.X / float64(len(e.Vertebrae))
	}
	return out
}

// layFilm lays the first examination on the second by the landmarks of the bodies that are
// unaffected in both; where there is none, by those of all.
func layFilm(c *Comparison) *Plane {
	before, after := c.Before.flat(), c.After.flat()
	points := make([][2][]complex128, len(c.Vertebrae))
	gather := func(wanted func(*Pair) bool) (n int) {
		for i := range c.Vertebrae {
			p := &c.Vertebrae[i]
			points[i] = [2][]complex128{}
			if p.BeforeIndex < 0 || p.AfterIndex < 0 || !wanted(p) {
				continue
			}
			b, a := c.Before.sagittal(p.BeforeIndex, before), c.After.sagittal(p.AfterIndex, after)
			if b != nil && a != nil {
				points[i] = [2][]complex128{b, a}
				n++
			}
		}
		return n
	}
	out := &Plane{}
	if out.Levels = gather(func(p *Pair) bool { return p.Unaffected }); out.Levels == 0 {
		out.Levels = gather(func(*Pair) bool { return true })
	}
	var from, to []complex128
	for _, p := range points {
		from, to = append(from, p[0]...), append(to, p[1]...)
	}
	whole, residual := fitPlane(from, to)
	toAfter := whole.similarity()
	out.Before, out.After, out.Residual = toAfter.After(before), after, residual
	out.Pieces = make([]Similarity, len(points))
	for i := range points {
		out.Pieces[i] = pieceOf(points, i, whole).After(before)
	}
	out.center(c)
	return out
}

// sagittal returns a vertebra's landmarks in the sagittal plane, y and z as real and
// imaginary part.
func (e *Examination) sagittal(i int, flat Similarity) []complex128 {
	var out []complex128
	for _, p := range corners(e.Vertebrae[i].Landmarks) {
		q := flat.Apply(p)
		out = append(out, complex(q.Y, q.Z))
	}
	return out
}

// planar is a similarity of the plane that does not mirror: p goes to turn·p + shift.
type planar struct{ turn, shift complex128 }

// fitPlane returns the similarity that brings from to to with the least sum of squared
// distances, and what remains of them, root mean square.
func fitPlane(from, to []complex128) (g planar, residual float64) {
	if len(from) == 0 {
		return planar{turn: 1}, 0
	}
	var p, q, across, along complex128
	for i := range from {
		p, q = p+from[i], q+to[i]
	}
	n := complex(float64(len(from)), 0)
	p, q = p/n, q/n
	for i := range from {
		a, b := from[i]-p, to[i]-q
		across += cmplx.Conj(a) * b
		along += cmplx.Conj(a) * a
	}
	g.turn = 1
	if along != 0 && across != 0 {
		g.turn = across / along
	}
	g.shift = q - g.turn*p
	for i := range from {
		d := cmplx.Abs(g.turn*from[i] + g.shift - to[i])
		residual += d * d
	}
	return g, math.Sqrt(residual / real(n))
}

// similarity returns g as one of space, across the plane too.
func (g planar) similarity() Similarity {
	k := cmplx.Abs(g.turn)
	u := g.turn / complex(k, 0)
	return Similarity{Rigid{
		X: r3.Vec{X: 1}, Y: r3.Vec{Y: real(u), Z: -imag(u)}, Z: r3.Vec{Y: imag(u), Z: real(u)},
		T: r3.Vec{Y: real(g.shift) / k, Z: imag(g.shift) / k},
	}, k}
}

// pieceOf returns where pair i's body of the first examination lies on the second, at the
// size that the whole has there.
func pieceOf(points [][2][]complex128, i int, whole planar) Similarity {
	from, to := points[i][0], points[i][1]
	if len(from) == 0 {
		for _, step := range []int{-1, 1} {
			for j := i + step; j >= 0 && j < len(points); j += step {
				if len(points[j][0]) > 0 {
					from, to = append(from, points[j][0]...), append(to, points[j][1]...)
					break
				}
			}
		}
	}
	if len(from) == 0 {
		return whole.similarity()
	}
	g, _ := fitPlane(from, to)
	g.turn *= complex(cmplx.Abs(whole.turn)/cmplx.Abs(g.turn), 0)
	var p, q complex128
	for k := range from {
		p, q = p+from[k], q+to[k]
	}
	n := complex(float64(len(from)), 0)
	g.shift = q/n - g.turn*p/n
	return g.similarity()
}

// center moves the frame from the plane of the second examination to the CT, where one is.
func (p *Plane) center(c *Comparison) {
	frame := unmoved
	switch {
	case c.After.Film == nil:
		frame = p.After.Inverse()
	case c.Before.Film == nil:
		frame = p.Before.Inverse()
		p.Residual *= frame.Scale
	}
	p.Before, p.After = frame.After(p.Before), frame.After(p.After)
	for i := range p.Pieces {
		p.Pieces[i] = frame.After(p.Pieces[i])
	}
}
