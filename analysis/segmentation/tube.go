// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"iter"
	"math"

	"gonum.org/v1/gonum/spatial/r3"
)

// Tube is a surface of rings around an axis, all of the same number of points.
type Tube struct {
	Ring   int
	Points []r3.Vec // LPS mm, ring by ring
}

// Tube returns the surface in the patient, its poles as rings of one place: it is
// closed. A Surface of another number of points than its kind has gives an empty one.
func (s *Surface) Tube() Tube {
	const inner = SurfaceAngles * SurfaceRings
	t := Tube{Ring: SurfaceAngles}
	if len(s.Points) != inner+2 {
		return t
	}
	at := func(p r3.Vec) r3.Vec { return s.Frame.Point(p.X, p.Y, p.Z) }
	for range t.Ring {
		t.Points = append(t.Points, at(s.Points[0]))
	}
	for _, p := range s.Points[1 : inner+1] {
		t.Points = append(t.Points, at(p))
	}
	for range t.Ring {
		t.Points = append(t.Points, at(s.Points[inner+1]))
	}
	return t
}

// Solid returns the surface with points between those of each ring, where radius and
// height lie between those of the neighbours: what it encloses is the body, where
// chords between the points alone would cut off 1 % of it.
func (s *Surface) Solid() Tube {
	coarse := s.Tube()
	if len(coarse.Points) == 0 {
		return coarse
	}
	t := Tube{Ring: SurfaceAngles * finer}
	pole := func(p r3.Vec) {
		for range t.Ring {
			t.Points = append(t.Points, s.Frame.Point(p.X, p.Y, p.Z))
		}
	}
	pole(s.Points[0])
	for from := 1; from+SurfaceAngles < len(s.Points); from += SurfaceAngles {
		ring := s.Points[from:][:SurfaceAngles]
		for n := range t.Ring {
			p, q := ring[n/finer], ring[(n/finer+1)%SurfaceAngles]
			part := float64(n%finer) / finer
			radius := (1-part)*math.Hypot(p.Y, p.Z) + part*math.Hypot(q.Y, q.Z)
			sin, cos := math.Sincos(2 * math.Pi * float64(n) / float64(t.Ring))
			t.Points = append(t.Points, s.Frame.Point((1-part)*p.X+part*q.X, radius*cos, radius*sin))
		}
	}
	pole(s.Points[len(s.Points)-1])
	return t
}

// Tube returns the outline of the canal as a surface, from the first section to the
// last, open at both ends.
func (c *Canal) Tube() Tube {
	t := Tube{Ring: CanalRays}
	for i := range c.Sections {
		for n, radius := range c.Sections[i].Radius {
			sin, cos := math.Sincos(2 * math.Pi * float64(n) / CanalRays)
			t.Points = append(t.Points, c.Frame.Point(c.Sections[i].S, radius*cos, radius*sin))
		}
	}
	return t
}

// Solid returns the canal's outline closed by its first and its last section, which
// are flat.
func (c *Canal) Solid() Tube {
	open := c.Tube()
	if len(open.Points) == 0 {
		return open
	}
	closed := Tube{Ring: open.Ring}
	middle := func(s float64) {
		for range open.Ring {
			closed.Points = append(closed.Points, c.Frame.Point(s, 0, 0))
		}
	}
	middle(c.Sections[0].S)
	closed.Points = append(closed.Points, open.Points...)
	middle(c.Sections[len(c.Sections)-1].S)
	return closed
}

// Triangles yields the corners of the triangles between the rings, as places in
// Points, all turning the same way seen from outside.
func (t Tube) Triangles() iter.Seq[[3]int] {
	return func(yield func([3]int) bool) {
		if t.Ring < 1 {
			return
		}
		for from := 0; from+2*t.Ring <= len(t.Points); from += t.Ring {
			for i := range t.Ring {
				j := (i + 1) % t.Ring
				p, q, r, s := from+i, from+j, from+t.Ring+i, from+t.Ring+j
				if !yield([3]int{p, r, q}) || !yield([3]int{q, r, s}) {
					return
				}
			}
		}
	}
}
