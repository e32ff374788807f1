// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package warp

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"
	"gonum.org/v1/gonum/stat"

	"github.com/endplate/endplate/analysis/spine"
)

// Vertebra is what is carried along of a vertebra, LPS mm. Of the sacrum the inferior
// points are those of the superior endplate.
type Vertebra struct {
	Level spine.Level
	// Superior and Inferior are the points of the endplates, by Height.
	Superior, Inferior [3]r3.Vec
	// The unit directions of the endplates' least-squares lines, from posterior to
	// anterior.
	SuperiorDirection, InferiorDirection r3.Vec
	Left                                 r3.Vec // unit, across the mid-sagittal plane
	Center                               r3.Vec // of the body
	Width                                float64
}

// Heights returns the distances of the point pairs, mm.
func (v *Vertebra) Heights() [3]float64 {
	return (&Body{Superior: v.Superior, Inferior: v.Inferior}).Heights()
}

// Wedge returns the angle between the endplates, degrees, kyphosis positive.
func (v *Vertebra) Wedge() float64 {
	return sagittalAngle(v.SuperiorDirection, v.InferiorDirection, v.Left)
}

// Angle returns the angle from v's superior to w's inferior endplate, or superior one
// where w is the sacrum, in the mean of their mid-sagittal planes, degrees, kyphosis
// positive.
func (v *Vertebra) Angle(w *Vertebra) float64 {
	to := w.InferiorDirection
	if w.Level == spine.S1 {
		to = w.SuperiorDirection
	}
	return sagittalAngle(v.SuperiorDirection, to, r3.Unit(r3.Add(v.Left, w.Left)))
}

// DiscHeight returns the distance of the middles of the endplates between v and the
// vertebra below, mm.
func (v *Vertebra) DiscHeight(below *Vertebra) float64 {
	return r3.Norm(r3.Sub(v.Inferior[Middle], below.Superior[Middle]))
}

// sagittalAngle returns by how many degrees the lower direction rises against the
// upper one in the plane across left.
func sagittalAngle(upper, lower, left r3.Vec) float64 {
	flat := func(v r3.Vec) r3.Vec { return r3.Sub(v, r3.Scale(r3.Dot(v, left), left)) }
	u, v := flat(upper), flat(lower)
	return math.Atan2(r3.Dot(r3.Cross(v, u), left), r3.Dot(u, v)) * 180 / math.Pi
}

// Moved returns v where m takes it.
func (v *Vertebra) Moved(m Motion) Vertebra {
	w, forth, turn := *v, m.Map(), m.Directions()
	for i := range w.Superior {
		w.Superior[i], w.Inferior[i] = forth(v.Superior[i]), forth(v.Inferior[i])
	}
	w.SuperiorDirection, w.InferiorDirection, w.Left = turn(v.SuperiorDirection), turn(v.InferiorDirection), turn(v.Left)
	w.Center = forth(v.Center)
	return w
}

// Deformed returns v as d leaves it. An endplate's line turns by as much as the line
// through points along the curve of its three.
func (v *Vertebra) Deformed(d *Deformation) Vertebra {
	w := *v
	for i := range w.Superior {
		w.Superior[i], w.Inferior[i] = d.Forward(v.Superior[i]), d.Forward(v.Inferior[i])
	}
	superior, inferior := d.turn(v.Superior), d.turn(v.Inferior)
	about := func(direction r3.Vec, angle float64) r3.Vec {
		return r3.Unit(r3.NewRotation(-angle, d.frame.Left).Rotate(direction))
	}
	w.SuperiorDirection = about(v.SuperiorDirection, superior)
	w.InferiorDirection = about(v.InferiorDirection, inferior)
	w.Left = about(v.Left, (superior+inferior)/2)
	w.Center = d.Forward(v.Center)
	return w
}

// turn returns by what angle, radians, d lifts the front of an endplate's line.
func (d *Deformation) turn(points [3]r3.Vec) float64 {
	stays := func(p r3.Vec) r3.Vec { return p }
	return d.rise(points, d.Forward) - d.rise(points, stays)
}

// rise returns by what angle, radians, the least-squares line rises to the front that
// is fitted to points along the parabola through three, each where to takes it.
func (d *Deformation) rise(points [3]r3.Vec, to func(r3.Vec) r3.Vec) float64 {
	const n = 40 // intervals
	front, middle, back := points[Anterior], points[Middle], points[Posterior]
	chord := r3.Sub(front, back)
	at := r3.Dot(r3.Sub(middle, back), chord) / r3.Norm2(chord) // of the middle
	dip := r3.Scale(1/(at*(1-at)), r3.Sub(middle, r3.Add(back, r3.Scale(at, chord))))
	s0, a0, _ := d.frame.Coordinates(to(back))
	s1, a1, _ := d.frame.Coordinates(to(front))
	angle := math.Atan2(s1-s0, a1-a0)
	sin, cos := math.Sincos(angle)
	var x, y []float64
	for i := range n + 1 {
		t := float64(i) / n
		s, a, _ := d.frame.Coordinates(to(r3.Add(r3.Add(back, r3.Scale(t, chord)), r3.Scale(t*(1-t), dip))))
		// Along the corners' line: a line fitted to it turns as the points do.
		x, y = append(x, cos*a+sin*s), append(y, cos*s-sin*a)
	}
	_, slope := stat.LinearRegression(x, y, nil, false)
	return angle + math.Atan(slope)
}

// BodyOf returns the body of column[i] with the discs beside it, which are taken to be
// as high as that on the other side, or 4 mm, where the neighbour is not known.
// column runs from superior to inferior.
func BodyOf(column []Vertebra, i int) Body {
	v := &column[i]
	b := Body{Superior: v.Superior, Inferior: v.Inferior, Left: v.Left, Width: v.Width}
	const usual = 4.0 // mm
	if i > 0 {
		b.DiscAbove = gap(column[i-1].Inferior, v.Superior)
	}
	if i+1 < len(column) {
		b.DiscBelow = gap(v.Inferior, column[i+1].Superior)
	}
	if b.DiscAbove == 0 {
		b.DiscAbove = max(b.DiscBelow, usual)
	}
	if b.DiscBelow == 0 {
		b.DiscBelow = b.DiscAbove
	}
	return b
}

// gap returns the least distance of two endplates' points, mm.
func gap(upper, lower [3]r3.Vec) float64 {
	least := math.Inf(1)
	for i := range upper {
		least = min(least, r3.Norm(r3.Sub(upper[i], lower[i])))
	}
	return least
}
