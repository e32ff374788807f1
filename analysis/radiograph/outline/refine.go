// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package outline

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r2"
	"gonum.org/v1/gonum/stat"

	"github.com/endplate/endplate/analysis/landmark"
)

// place is a point in the frame of a body: s to superior, a to anterior of its middle.
type place struct{ s, a float64 }

// frame is that of a body on the film.
type frame struct{ origin, superior, anterior r2.Vec }

func (f *frame) point(p place) r2.Vec {
	return r2.Add(f.origin, r2.Add(r2.Scale(p.s, f.superior), r2.Scale(p.a, f.anterior)))
}

// body traces the endplates and walls of body i on the film and places its points.
func (s *search) body(i int) Body {
	p, w := s.plates[i], s.walls[i]
	var corner [2][2]r2.Vec // superior and inferior, posterior and anterior
	for n, f := range []float64{0, 1} {
		corner[n] = [2]r2.Vec{s.place(p, f, w.posterior), s.place(p, f, w.anterior)}
	}
	mean := func(a, b r2.Vec) r2.Vec { return r2.Scale(0.5, r2.Add(a, b)) }
	fr := frame{origin: mean(mean(corner[0][0], corner[0][1]), mean(corner[1][0], corner[1][1]))}
	fr.anterior = r2.Unit(r2.Sub(mean(corner[0][1], corner[1][1]), mean(corner[0][0], corner[1][0])))
	fr.superior = r2.Vec{X: -fr.anterior.Y, Y: fr.anterior.X}
	if r2.Dot(fr.superior, r2.Sub(mean(corner[0][0], corner[0][1]), fr.origin)) < 0 {
		fr.superior = r2.Scale(-1, fr.superior)
	}
	t := tracer{film: s.film, frame: fr, sigma: 0.75 * s.scale, usual: s.scale}
	at := func(q r2.Vec) place {
		d := r2.Sub(q, fr.origin)
		return place{r2.Dot(d, fr.superior), r2.Dot(d, fr.anterior)}
	}
	var lines [2][]place
	for n := range lines {
		lines[n] = t.endplate(at(corner[n][0]), at(corner[n][1]), 1-2*float64(n))
	}
	depth := r2.Norm(r2.Sub(mean(corner[0][1], corner[1][1]), mean(corner[0][0], corner[1][0])))
	back := t.wall(at(corner[0][0]), at(corner[1][0]), -1, 0.08*depth)
	front := t.wall(at(corner[0][1]), at(corner[1][1]), 1, 0.1*depth)
	b := Body{Level: usuals[s.level[i]].level, Center: s.film.point(fr.origin), Strength: s.power[i], Seeded: s.seed[i] != nil}
	s.put(&b, &fr, spineSide{lines[0], lines[1], back, front, 1}, landmark.SuperiorAnterior)
	s.put(&b, &fr, spineSide{lines[1], lines[0], back, front, -1}, landmark.InferiorAnterior)
	return b
}

// spineSide is an endplate with what else bounds its body; up is 1 for the superior.
type spineSide struct {
	plate, other []place
	back, front  []place
	up           float64
}

// The definition of the corners, as in CT but with a body's usual size for millimetres:
// 1.5 mm inside the wall's line, which is read 3 to 5 mm from the endplate.
const (
	cornerInset        = 1.5
	wallNear, wallDeep = 3, 5
)

// put places the three points of an endplate on b, from the anterior one's name on.
func (s *search) put(b *Body, fr *frame, e spineSide, first landmark.Name) {
	rear, fore := e.corner(e.back, 1, s.scale), e.corner(e.front, -1, s.scale)
	middle := (rear.a + fore.a) / 2 // the insets are alike
	points := [3]place{fore, {heightAt(e.plate, middle), middle}, rear}
	residual, slope, slopeSD := e.line(rear.a, fore.a)
	line := Line{SD: math.Hypot(slopeSD, lineSD)}
	line.Direction = r2.Unit(r2.Add(fr.anterior, r2.Scale(slope, fr.superior)))
	for _, q := range e.plate {
		if q.a > rear.a && q.a < fore.a {
			chord := rear.s + (fore.s-rear.s)*(q.a-rear.a)/(fore.a-rear.a)
			line.Depth = max(line.Depth, e.up*(chord-q.s))
		}
	}
	for n, p := range points {
		b.Points[int(first)+n] = s.film.point(fr.point(p))
		b.SD[int(first)+n] = math.Hypot(pointSD*s.scale, residual)
	}
	if e.up > 0 {
		b.Superior = line
	} else {
		b.Inferior = line
	}
}

// The standard deviations of a point along its body's axis, in usual millimetres, and of a
// line, in degrees, beside what the scatter of the trace says: those of 34 fits on rendered
// films of five made spines, edges that were mistaken for others among them.
const (
	pointSD = 2.0
	lineSD  = 3.0
)

// corner returns the endplate's point inside a wall; inward is the sign of the direction
// from the wall to the middle.
func (e *spineSide) corner(wall []place, inward, scale float64) place {
	at := e.plate[0]
	if inward < 0 {
		at = e.plate[len(e.plate)-1]
	}
	for range 4 {
		height := math.Abs(at.s - heightAt(e.other, at.a))
		shrink := min(scale, height/(2*wallDeep))
		var a []float64
		for _, q := range wall {
			if d := e.up * (at.s - q.s); d >= wallNear*shrink && d <= wallDeep*shrink {
				a = append(a, q.a)
			}
		}
		if len(a) == 0 {
			for _, q := range wall {
				a = append(a, q.a)
			}
		}
		slices.Sort(a)
		at.a = a[len(a)/2] + inward*cornerInset*scale
		at.s = heightAt(e.plate, at.a)
	}
	return at
}

// line returns the least-squares line of the endplate between two depths: the standard
// deviation of what it leaves of a quadratic curve, its slope, and that of the slope in
// degrees.
func (e *spineSide) line(from, to float64) (residual, slope, slopeSD float64) {
	var x, y []float64
	for _, q := range e.plate {
		if q.a >= from && q.a <= to {
			x, y = append(x, q.a), append(y, q.s)
		}
	}
	if len(x) < 4 {
		return math.Abs(to-from) / 10, 0, 10
	}
	_, slope = stat.LinearRegression(x, y, nil, false)
	var rough, spread float64
	mean := stat.Mean(x, nil)
	for i := range x {
		spread += (x[i] - mean) * (x[i] - mean)
		if i > 0 && i < len(x)-1 {
			bend := y[i-1] - 2*y[i] + y[i+1]
			rough += bend * bend / 6 / float64(len(x)-2) // of independent scatter
		}
	}
	residual = math.Sqrt(rough)
	return residual, slope, math.Atan(residual/math.Sqrt(spread/float64(len(x))*float64(len(x)-2))) * 180 / math.Pi
}

// heightAt returns s of a line of places, ordered by a, at a; at its ends' beyond them.
func heightAt(line []place, a float64) float64 {
	i, _ := slices.BinarySearchFunc(line, a, func(p place, a float64) int {
		if p.a < a {
			return -1
		}
		return 1
	})
	if i == 0 {
		return line[0].s
	}
	if i == len(line) {
		return line[len(line)-1].s
	}
	t := (a - line[i-1].a) / (line[i].a - line[i-1].a)
	return line[i-1].s + t*(line[i].s-line[i-1].s)
}
