// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/cement"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/segmentation"
)

// NewExamination keeps of a result what comparisons need.
func NewExamination(result *analysis.Result, about About) *Examination {
	e := &Examination{About: about, Angles: slices.Clone(result.Angles), Reason: result.Reason, Film: newFilm(result.Film)}
	for i := range result.Vertebrae {
		e.Vertebrae = append(e.Vertebrae, newVertebra(&result.Vertebrae[i]))
	}
	return e
}

func newFilm(f *analysis.Film) *Film {
	if f == nil {
		return nil
	}
	return &Film{f.Calibration}
}

func newVertebra(v *analysis.Vertebra) Vertebra {
	out := Vertebra{
		Level: v.Level, Probability: v.LevelProbability, Alternative: v.LevelAlternative,
		Status: v.Status, Complete: v.Complete, Reason: v.Reason, Center: v.Center,
		Landmarks: v.Landmarks, Heights: v.Heights, Expected: v.Expected,
		Wedge: (*morphometry.Estimate)(v.WedgeAngle), DiscHeight: (*morphometry.Estimate)(v.DiscHeight),
		Deformity: v.Deformity, Canal: v.Canal.Size, Metal: v.Metal != nil,
		Cement: newCement(v.Cement),
	}
	if r := v.Wall.Measures.Retropulsion; r != nil {
		out.Retropulsion = &r.Estimate
	}
	switch {
	case v.Body != nil && v.Landmarks != nil:
		out.Shape = newShape(v.Body, v.Surface)
		out.Shape.Picture = v.Picture
	case v.Body != nil && v.Picture != nil: // what another examination may tell of it
		out.Shape = &Shape{Frame: v.Body.Frame, Picture: v.Picture}
	}
	return out
}

func newCement(c *cement.Treated) *Cement {
	if c == nil {
		return nil
	}
	out := &Cement{Volume: c.Volume, VolumeSD: c.VolumeSD, Inside: c.Inside}
	for _, l := range c.Leaks {
		out.Leaks = append(out.Leaks, Leak{l.Place.Text(), l.Volume, l.Distance})
	}
	return out
}

// outlineStep, mm, is the distance of an outline's points, and kept, mm, the
// digit to which positions of outlines and surfaces are kept: far below what is
// measured.
const (
	outlineStep = 1.5
	kept        = 0.1
)

func newShape(b *segmentation.Body, surface *segmentation.Surface) *Shape {
	s := &Shape{Frame: b.Frame, Depth: b.Depth, Width: b.Width, Outline: outline(b)}
	if surface == nil {
		return s
	}
	// The surface is told in its own frame, which is the body's.
	s.Volume = surface.Volume
	s.Surface = make([][3]float64, len(surface.Points))
	for i, p := range surface.Points {
		s.Surface[i] = [3]float64{rounded(p.X), rounded(p.Y), rounded(p.Z)}
	}
	return s
}

// rounded returns x to the nearest multiple of kept.
func rounded(x float64) float64 { return math.Round(x/kept) / (1 / kept) }

// outline returns the closed outline of a body: along the superior endplate to
// anterior, down the anterior wall, back along the inferior endplate and up the
// posterior wall.
func outline(b *segmentation.Body) [][2]float64 {
	var points [][2]float64
	add := func(s, a []float64, backwards bool) {
		for i := range s {
			if backwards {
				i = len(s) - 1 - i
			}
			if n := len(points); n == 0 || math.Hypot(s[i]-points[n-1][0], a[i]-points[n-1][1]) >= outlineStep {
				points = append(points, [2]float64{rounded(s[i]), rounded(a[i])})
			}
		}
	}
	add(b.Superior.S, b.Superior.A, false)
	wallBetween(b, b.Anterior, func(s, a []float64) { add(s, a, true) }, len(b.Superior.A)-1, len(b.Inferior.A)-1)
	add(b.Inferior.S, b.Inferior.A, true)
	wallBetween(b, b.Posterior, func(s, a []float64) { add(s, a, false) }, 0, 0)
	return points
}

// wallBetween hands on the part of a wall between the ends of the two endplates
// beside it.
func wallBetween(b *segmentation.Body, w segmentation.Wall, add func(s, a []float64), top, bottom int) {
	if len(w.S) == 0 || len(b.Superior.S) == 0 || len(b.Inferior.S) == 0 {
		return
	}
	from := floats.NearestIdx(w.S, b.Inferior.S[bottom])
	to := floats.NearestIdx(w.S, b.Superior.S[top])
	if to > from {
		add(w.S[from:to+1], w.A[from:to+1])
	}
}

// point returns a point of the surface where it lies in the patient.
func (s *Shape) point(i int) r3.Vec {
	p := s.Surface[i]
	return s.Frame.Point(p[0], p[1], p[2])
}
