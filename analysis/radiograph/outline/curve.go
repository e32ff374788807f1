// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package outline

import (
	"math"

	"gonum.org/v1/gonum/interp"
	"gonum.org/v1/gonum/spatial/r2"
)

// Positions on a film are r2.Vec in units in which pixels are square: X along rows, Y down.

// curve runs through the centres of bodies from superior to inferior, by arc length.
type curve struct {
	points []r2.Vec // every step
	step   float64
	origin float64 // arc length of points[0]
	knots  []float64
}

// newCurve returns the curve through centres, and straight on for reach beyond both ends.
// The arc length of centre i is knots[i], that of the first 0.
func newCurve(centres []r2.Vec, step, reach float64) *curve {
	t := make([]float64, len(centres))
	for i := 1; i < len(t); i++ {
		t[i] = t[i-1] + max(r2.Norm(r2.Sub(centres[i], centres[i-1])), step)
	}
	at := splines(t, centres)
	c := &curve{step: step, knots: make([]float64, len(t))}
	const fine = 24
	previous, s := centres[0], 0.0
	line := []r2.Vec{previous}
	arc := []float64{0}
	for i := 1; i < len(t); i++ {
		for k := 1; k <= fine; k++ {
			p := at(t[i-1] + (t[i]-t[i-1])*float64(k)/fine)
			s += r2.Norm(r2.Sub(p, previous))
			previous = p
			line, arc = append(line, p), append(arc, s)
		}
		c.knots[i] = s
	}
	n := int(math.Ceil(reach / step))
	c.origin = -float64(n) * step
	first, last := r2.Unit(r2.Sub(line[1], line[0])), r2.Unit(r2.Sub(line[len(line)-1], line[len(line)-2]))
	j := 0
	for k := 0; ; k++ {
		d := c.origin + float64(k)*step
		switch {
		case d > s+reach:
			return c
		case d <= 0:
			c.points = append(c.points, r2.Add(line[0], r2.Scale(d, first)))
		case d >= s:
			c.points = append(c.points, r2.Add(line[len(line)-1], r2.Scale(d-s, last)))
		default:
			for arc[j+1] < d {
				j++
			}
			f := (d - arc[j]) / (arc[j+1] - arc[j])
			c.points = append(c.points, r2.Add(line[j], r2.Scale(f, r2.Sub(line[j+1], line[j]))))
		}
	}
}

// splines returns a smooth curve through points at t; a straight one through two.
func splines(t []float64, points []r2.Vec) func(float64) r2.Vec {
	x, y := make([]float64, len(points)), make([]float64, len(points))
	for i, p := range points {
		x[i], y[i] = p.X, p.Y
	}
	if len(points) == 2 {
		return func(s float64) r2.Vec {
			return r2.Add(points[0], r2.Scale((s-t[0])/(t[1]-t[0]), r2.Sub(points[1], points[0])))
		}
	}
	var fx, fy interp.NaturalCubic
	if fx.Fit(t, x) != nil || fy.Fit(t, y) != nil {
		panic("outline: arc length does not grow")
	}
	return func(s float64) r2.Vec { return r2.Vec{X: fx.Predict(s), Y: fy.Predict(s)} }
}

// frame returns the point at arc length s, the direction along the curve to inferior, and
// that across it to anterior, which is to the right of a film where right is set.
func (c *curve) frame(s float64, right bool) (p, along, across r2.Vec) {
	f := min(max((s-c.origin)/c.step, 0), float64(len(c.points)-1))
	i := min(int(f), len(c.points)-2)
	p = r2.Add(c.points[i], r2.Scale(f-float64(i), r2.Sub(c.points[i+1], c.points[i])))
	low, high := max(i-4, 0), min(i+5, len(c.points)-1)
	along = r2.Unit(r2.Sub(c.points[high], c.points[low]))
	across = r2.Vec{X: along.Y, Y: -along.X} // to the right where along is down
	if !right {
		across = r2.Scale(-1, across)
	}
	return p, along, across
}
