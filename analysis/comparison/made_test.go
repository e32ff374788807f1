// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison_test

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// A body here is an elliptic cylinder between two planes, and a column of them is
// a straight stack: all of it is known in closed form.
type body struct {
	level                       spine.Level
	anterior, middle, posterior float64 // heights, mm
	depth, width                float64
	disc                        float64 // below, mm
	cement                      float64 // ml
}

// sd is the standard deviation of every height here, mm.
const sd = 0.1

// column returns bodies of the usual proportions, each a little different as
// people's are.
func column(first, last spine.Level, seed uint64) []body {
	rng := rand.New(rand.NewPCG(seed, 17))
	var out []body
	for l := first; l <= last; l++ {
		h := 20 + float64(l-spine.T10) + 0.6*rng.NormFloat64()
		out = append(out, body{
			level: l, anterior: h, middle: h - 2 + 0.4*rng.NormFloat64(), posterior: h + 1 + 0.4*rng.NormFloat64(),
			depth: 28 + 0.7*float64(l-spine.T10) + rng.NormFloat64(), width: 38 + float64(l-spine.T10) + rng.NormFloat64(),
			disc: 7 + rng.NormFloat64(),
		})
	}
	return out
}

// examine returns what a perfect reader sees of a column that hangs down from at.
func examine(bodies []body, at r3.Vec) *comparison.Examination {
	e := &comparison.Examination{About: comparison.About{Name: "made", Modality: "CT", SliceSpacing: 1}}
	z := at.Z
	for _, b := range bodies {
		center := r3.Vec{X: at.X, Y: at.Y, Z: z - b.middle/2}
		e.Vertebrae = append(e.Vertebrae, b.vertebra(center))
		z -= b.middle + b.disc
	}
	grade(e)
	return e
}

func (b body) vertebra(center r3.Vec) comparison.Vertebra {
	f := volume.NewFrame(center, r3.Vec{Z: 1}, r3.Vec{Y: -1})
	at := func(s, a float64) landmark.Point {
		return landmark.Point{Position: f.Point(s, a, 0), SD: sd / math.Sqrt2}
	}
	plate := func(sign float64) landmark.Endplate {
		e := landmark.Endplate{
			Anterior: at(sign*b.anterior/2, b.depth/2-1.5), Middle: at(sign*b.middle/2, 0), Posterior: at(sign*b.posterior/2, 1.5-b.depth/2),
			DirectionSD: 0.3,
		}
		e.Direction = r3.Unit(r3.Sub(e.Anterior.Position, e.Posterior.Position))
		return e
	}
	v := comparison.Vertebra{
		Level: b.level, Probability: 0.95, Status: analysis.Measured, Complete: true, Center: center,
		Landmarks: &landmark.Vertebra{Superior: plate(1), Inferior: plate(-1), Center: center, SuperiorAxis: f.Superior, LeftAxis: f.Left},
		Shape:     b.shape(f),
	}
	if b.cement > 0 {
		v.Cement = &comparison.Cement{Volume: b.cement, VolumeSD: 0.1, Inside: b.cement}
	}
	return v
}

// shape returns the surface in the places of segmentation.Surface.
func (b body) shape(f volume.Frame) *comparison.Shape {
	s := &comparison.Shape{Frame: f, Depth: b.depth, Width: b.width, Volume: math.Pi / 4 * b.depth * b.width * (b.anterior + b.posterior) / 2}
	height := func(a float64) float64 {
		return b.middle + (b.anterior-b.middle)*max(2*a/b.depth, 0) + (b.posterior-b.middle)*max(-2*a/b.depth, 0)
	}
	add := func(part, share float64) {
		for i := range segmentation.SurfaceAngles {
			sin, cos := math.Sincos(2 * math.Pi * float64(i) / segmentation.SurfaceAngles)
			a, l := part*b.depth/2*cos, part*b.width/2*sin
			s.Surface = append(s.Surface, [3]float64{(share - 0.5) * height(a), a, l})
		}
	}
	s.Surface = append(s.Surface, [3]float64{b.middle / 2, 0, 0})
	for _, part := range []float64{1. / 3, 2. / 3, 1} {
		add(part, 1)
	}
	for n := range segmentation.SurfaceRings - 6 {
		add(1, 1-float64(n+1)/float64(segmentation.SurfaceRings-5))
	}
	for _, part := range []float64{1, 2. / 3, 1. / 3} {
		add(part, 0)
	}
	s.Surface = append(s.Surface, [3]float64{-b.middle / 2, 0, 0})
	return s
}

// grade measures and grades an examination as the pipeline does.
func grade(e *comparison.Examination) {
	var all []morphometry.Vertebra
	for i := range e.Vertebrae {
		v := &e.Vertebrae[i]
		all = append(all, morphometry.Vertebra{Level: v.Level, Landmarks: v.Landmarks, Treated: v.Cement != nil})
	}
	a := finding.Assess(all)
	for i, assessed := range a.Vertebrae {
		v := &e.Vertebrae[i]
		v.Heights, v.Expected, v.Deformity = assessed.Heights, assessed.Expected, assessed.Deformity
		v.Wedge, v.DiscHeight = (*morphometry.Estimate)(assessed.WedgeAngle), (*morphometry.Estimate)(assessed.DiscHeight)
	}
	e.Angles = a.Angles
}

// moved returns an examination of the same patient lying otherwise.
func moved(e *comparison.Examination, degrees float64, axis, by r3.Vec) *comparison.Examination {
	turn := r3.NewRotation(degrees*math.Pi/180, axis)
	point := func(p r3.Vec) r3.Vec { return r3.Add(turn.Rotate(p), by) }
	out := *e
	out.Vertebrae = nil
	for _, v := range e.Vertebrae {
		l := *v.Landmarks
		for _, plate := range []*landmark.Endplate{&l.Superior, &l.Inferior} {
			for _, p := range []*landmark.Point{&plate.Anterior, &plate.Middle, &plate.Posterior} {
				p.Position = point(p.Position)
			}
			plate.Direction = turn.Rotate(plate.Direction)
		}
		l.Center, l.SuperiorAxis, l.LeftAxis = point(l.Center), turn.Rotate(l.SuperiorAxis), turn.Rotate(l.LeftAxis)
		shape := *v.Shape
		f := shape.Frame
		shape.Frame = volume.Frame{Origin: point(f.Origin), Superior: turn.Rotate(f.Superior), Anterior: turn.Rotate(f.Anterior), Left: turn.Rotate(f.Left)}
		v.Landmarks, v.Shape, v.Center = &l, &shape, point(v.Center)
		out.Vertebrae = append(out.Vertebrae, v)
	}
	return &out
}
