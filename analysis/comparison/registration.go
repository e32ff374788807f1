// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison

import "gonum.org/v1/gonum/spatial/r3"

// Registration brings the first examination's positions to the second's.
type Registration struct {
	// Global is the motion of the unaffected bodies together; it leaves all in
	// place, and Levels is 0, where there are none.
	Global   Rigid
	Residual float64 // of those bodies' landmarks, root mean square, mm
	Levels   int
	// Pieces are by Pair: the motion of each vertebra's own body where it is
	// unaffected, else that of the nearest unaffected bodies above and below.
	Pieces []Rigid
	// Above and Below are by Pair too: the motion of the nearest unaffected body on
	// each side, that of Pieces where there is none.
	Above, Below []Rigid
	// Bend is the greatest angle by which a piece turns against Global, degrees.
	Bend float64

	// Plane is what there is instead where one of the two is a film.
	Plane *Plane
}

// register finds the motions from the first examination to the second. Bodies
// that are fractured or treated in either take no part.
func register(c *Comparison) Registration {
	n := len(c.Vertebrae)
	own := make([]*aligned, n)
	var from, to []r3.Vec
	r := Registration{Global: still, Pieces: make([]Rigid, n)}
	for i, p := range c.Vertebrae {
		if !p.Unaffected {
			continue
		}
		b, a := &c.Before.Vertebrae[p.BeforeIndex], &c.After.Vertebrae[p.AfterIndex]
		if on, ok := align(b, a); ok {
			own[i] = &on
			p, q := laid(on.motion, b)
			from, to = append(from, p...), append(to, q...)
			r.Levels++
		}
	}
	if g, ok := fitRigid(from, to); ok {
		r.Global, r.Residual = g, distanceOf(g, from, to)
	}
	r.Above, r.Below = make([]Rigid, n), make([]Rigid, n)
	for i := range c.Vertebrae {
		r.Pieces[i] = r.piece(c, own, i)
		r.Above[i], r.Below[i] = r.Pieces[i], r.Pieces[i]
		if j := nearestOwn(own, i, -1); j >= 0 {
			r.Above[i] = own[j].motion
		}
		if j := nearestOwn(own, i, 1); j >= 0 {
			r.Below[i] = own[j].motion
		}
		r.Bend = max(r.Bend, r.Pieces[i].after(r.Global.Inverse()).angle())
	}
	return r
}

// laid returns a body's landmarks and where its own motion takes them: surfaces
// have then had their say.
func laid(g Rigid, v *Vertebra) (from, to []r3.Vec) {
	from = corners(v.Landmarks)
	for _, p := range from {
		to = append(to, g.Apply(p))
	}
	return from, to
}

// piece returns the motion of pair i.
func (r *Registration) piece(c *Comparison, own []*aligned, i int) Rigid {
	if own[i] != nil {
		return own[i].motion
	}
	var from, to []r3.Vec
	for _, step := range []int{-1, 1} {
		if j := nearestOwn(own, i, step); j >= 0 {
			p, q := laid(own[j].motion, &c.Before.Vertebrae[c.Vertebrae[j].BeforeIndex])
			from, to = append(from, p...), append(to, q...)
		}
	}
	if g, ok := fitRigid(from, to); ok {
		return g
	}
	return r.Global
}

// nearestOwn returns the nearest pair from i on, in steps, that has a motion of its own;
// -1 if none has.
func nearestOwn(own []*aligned, i, step int) int {
	for j := i + step; j >= 0 && j < len(own); j += step {
		if own[j] != nil {
			return j
		}
	}
	return -1
}

// inverse returns the registration that brings the second's positions to the first's.
func (r *Registration) inverse() Registration {
	back := func(all []Rigid) []Rigid {
		out := make([]Rigid, len(all))
		for i := range all {
			out[i] = all[i].Inverse()
		}
		return out
	}
	return Registration{
		Global: r.Global.Inverse(), Residual: r.Residual, Levels: r.Levels, Bend: r.Bend,
		Pieces: back(r.Pieces), Above: back(r.Above), Below: back(r.Below),
	}
}
