// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package landmark

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// ReaderSD is the standard deviation of a point that a reader placed, along the
// body's superior axis, mm. Experts' ratios of two heights of one body have .047 per
// reader (computed from github.com/neuro-ml/vertebral-fractures-severity at 5120fcb,
// 2,971 pairs of readings): of a height of 22 mm 0.75 mm, and of either of its
// points 1/√2 of that, 0.53 mm. The precision of heights in morphometry is 0.6 mm
// (Bagur 2000), which gives 0.42 mm. It holds for slices up to some 2 mm; in thicker
// ones readers do worse.
const ReaderSD = 0.5

// Moved returns v with one point placed by a reader. measured is the vertebra before
// any such move, nil if a reader placed all of it.
//
// An endplate's line is a fit to a whole curve, of which three points are known here.
// While some of them are as measured, it turns by as much as the least-squares line
// through the three points turns, and the concavity changes as that of the three
// does: an endplate moved as a whole keeps its angle. Once a reader has placed all
// three, they alone tell line and concavity.
func (v *Vertebra) Moved(measured *Vertebra, n Name, to r3.Vec) *Vertebra {
	out := *v
	*out.Point(n) = Point{Position: to, SD: ReaderSD, ByReader: true}
	e := n.Endplate()
	var before *Endplate
	if measured != nil {
		before = measured.Endplate(e)
	}
	out.Endplate(e).refit(before, out.frame(), upOf(e))
	return &out
}

// FromPoints returns the vertebra whose six points, by Name, a reader placed. Its axes
// are those of the points: superior along the line between the endplates' means, left
// perpendicular to it and to the line from the posterior points to the anterior.
func FromPoints(points [NumPoints]r3.Vec) *Vertebra {
	v := &Vertebra{}
	for n, p := range points {
		*v.Point(Name(n)) = Point{Position: p, SD: ReaderSD, ByReader: true}
		v.Center = r3.Add(v.Center, r3.Scale(1./NumPoints, p))
	}
	between := func(from, to [3]r3.Vec) r3.Vec {
		var d r3.Vec
		for i := range from {
			d = r3.Add(d, r3.Sub(to[i], from[i]))
		}
		return d
	}
	p := points
	superior := between([3]r3.Vec(p[InferiorAnterior:]), [3]r3.Vec(p[:InferiorAnterior]))
	anterior := r3.Add(r3.Sub(p[SuperiorAnterior], p[SuperiorPosterior]), r3.Sub(p[InferiorAnterior], p[InferiorPosterior]))
	f := volume.NewFrame(v.Center, superior, anterior)
	v.SuperiorAxis, v.LeftAxis = f.Superior, f.Left
	for _, e := range []spine.Endplate{spine.Superior, spine.Inferior} {
		v.Endplate(e).refit(nil, f, upOf(e))
	}
	return v
}

// upOf returns the sign of the direction out of the body at an endplate.
func upOf(e spine.Endplate) float64 {
	if e == spine.Inferior {
		return -1
	}
	return 1
}

// frame returns the frame of the body.
func (v *Vertebra) frame() volume.Frame {
	return volume.NewFrame(v.Center, v.SuperiorAxis, r3.Cross(v.LeftAxis, v.SuperiorAxis))
}

// byReader reports whether a reader placed all three points.
func (e *Endplate) byReader() bool {
	return e.Anterior.ByReader && e.Middle.ByReader && e.Posterior.ByReader
}

// refit tells line and concavity of e by its points, and by what they were before
// with other points; up is 1 for the superior endplate and -1 for the inferior.
func (e *Endplate) refit(before *Endplate, f volume.Frame, up float64) {
	now := e.fit(f, up)
	if e.byReader() {
		e.Direction = r3.Add(r3.Scale(math.Cos(now.angle), f.Anterior), r3.Scale(math.Sin(now.angle), f.Superior))
		e.DirectionSD, e.Depth = now.sd*180/math.Pi, now.depth
		return
	}
	was := before.fit(f, up)
	turned := math.Atan2(r3.Dot(before.Direction, f.Superior), r3.Dot(before.Direction, f.Anterior)) + now.angle - was.angle
	e.Direction = r3.Add(r3.Scale(math.Cos(turned), f.Anterior), r3.Scale(math.Sin(turned), f.Superior))
	e.DirectionSD = math.Hypot(before.DirectionSD, now.readerSD*180/math.Pi)
	e.Depth = before.Depth + now.depth - was.depth
}

// pointsFit is what three points tell of an endplate.
type pointsFit struct {
	angle    float64 // of their least-squares line, from anterior towards superior, radians
	sd       float64 // of angle, radians
	readerSD float64 // the part of sd that points placed by a reader have in it
	depth    float64 // of the middle point under the corners' chord, mm
}

func (e *Endplate) fit(f volume.Frame, up float64) pointsFit {
	points := [...]Point{e.Posterior, e.Middle, e.Anterior}
	var s, a [3]float64
	for i, p := range points {
		s[i], a[i], _ = f.Coordinates(p.Position)
	}
	mean := (a[0] + a[1] + a[2]) / 3
	var slope, square, variance, byReader float64
	for i := range a {
		square += (a[i] - mean) * (a[i] - mean)
	}
	for i, p := range points {
		weight := (a[i] - mean) / square
		slope += weight * s[i]
		variance += weight * weight * p.SD * p.SD
		if p.ByReader {
			byReader += weight * weight * p.SD * p.SD
		}
	}
	chord := (s[2] - s[0]) / (a[2] - a[0])
	return pointsFit{
		angle: math.Atan(slope), sd: math.Sqrt(variance) / (1 + slope*slope), readerSD: math.Sqrt(byReader) / (1 + slope*slope),
		depth: up * (s[0] + chord*(a[1]-a[0]) - s[1]) / math.Hypot(1, chord),
	}
}
