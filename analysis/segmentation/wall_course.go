// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// The course of an anterior wall is a parabola between the endplates: bodies are
// waisted. Osteophytes stand out from it near the endplates.
const (
	// courseMargin is how near to an endplate the base of an osteophyte reaches,
	// mm: it springs from the attachment of the annulus, beyond the rim.
	courseMargin = 5.0
	// courseMiddle is the share of the wall that its middle keeps in a low body.
	courseMiddle = 0.5

	// courseWaist and its spread, mm: how far the middle of a wall lies inside
	// its ends, 3 to 6 % of the depth of a body. A weak prior.
	courseWaist   = 1.3
	courseWaistSD = 1.0
	// courseLeanSD is the spread of a wall's slope against the body's axis.
	courseLeanSD = 0.3

	// courseNoise, mm, is how well a traced wall keeps to its course.
	courseNoise = 0.15
	// courseOff, mm, is how far a wall may be off its course before it counts for
	// less: twice courseNoise.
	courseOff = 0.3
)

// WithoutSpurs returns the part of w between the endplates' heights lo and hi,
// drawn in to its course where it stands out from it, as at osteophytes.
// outwards is 1 for an anterior wall and -1 for a posterior one.
func (w Wall) WithoutSpurs(lo, hi, outwards float64) Wall {
	var out Wall
	for i, s := range w.S {
		if s >= lo && s <= hi {
			out.S, out.A, out.SD = append(out.S, s), append(out.A, w.A[i]), append(out.SD, w.SD[i])
		}
	}
	if len(out.S) < 3 {
		return out
	}
	c, ok := newCourse(out, lo, hi, outwards)
	if !ok {
		return out
	}
	for i, s := range out.S {
		at := c.at(s)
		stands := outwards * (out.A[i] - at)
		if stands > 0 {
			keep := trust(stands)
			out.A[i] = at + outwards*stands*keep
			out.SD[i] = math.Hypot(out.SD[i], (1-keep)*c.sd(s))
		}
	}
	return out
}

// course is a robust parabola along a wall.
type course struct {
	middle, half float64 // of the wall along s, mm
	x            [3]float64
	cov          *mat.SymDense
}

// terms returns the parabola's terms at s: place, lean and waist.
func (c *course) terms(s float64) [3]float64 {
	t := (s - c.middle) / c.half
	return [3]float64{1, t, t * t}
}

func (c *course) at(s float64) float64 {
	t := c.terms(s)
	return c.x[0]*t[0] + c.x[1]*t[1] + c.x[2]*t[2]
}

// sd is the standard deviation of the course at s, mm.
func (c *course) sd(s float64) float64 {
	t := c.terms(s)
	v := mat.NewVecDense(3, t[:])
	return math.Sqrt(max(mat.Inner(v, c.cov, v), 0))
}

// trust is how much a wall counts that leaves its course by the given length, mm.
func trust(by float64) float64 {
	x := by / courseOff
	return 1 / ((1 + x*x) * (1 + x*x))
}

// newCourse fits a course to w between lo and hi: to its middle, where there are
// no spurs, then to what keeps to that.
func newCourse(w Wall, lo, hi, outwards float64) (*course, bool) {
	c := &course{middle: (lo + hi) / 2, half: (hi - lo) / 2}
	if !(c.half > 0) {
		return nil, false
	}
	core := max(c.half-courseMargin, courseMiddle*c.half)
	const rounds = 5
	for round := range rounds {
		weight := make([]float64, len(w.S))
		for i, s := range w.S {
			switch {
			case round > 0:
				weight[i] = trust(w.A[i] - c.at(s))
			case math.Abs(s-c.middle) <= core:
				weight[i] = 1
			}
		}
		if !c.fit(w, weight, outwards) {
			return nil, false
		}
	}
	return c, true
}

// fit fits the parabola by weighted least squares with its priors.
func (c *course) fit(w Wall, weight []float64, outwards float64) bool {
	h := mat.NewSymDense(3, nil)
	var g [3]float64
	unit := 1 / (courseNoise * courseNoise)
	for i, s := range w.S {
		t := c.terms(s)
		for j := range 3 {
			g[j] += unit * weight[i] * t[j] * w.A[i]
			for k := j; k < 3; k++ {
				h.SetSym(j, k, h.At(j, k)+unit*weight[i]*t[j]*t[k])
			}
		}
	}
	lean := courseLeanSD * c.half
	h.SetSym(1, 1, h.At(1, 1)+1/(lean*lean))
	h.SetSym(2, 2, h.At(2, 2)+1/(courseWaistSD*courseWaistSD))
	g[2] += outwards * courseWaist / (courseWaistSD * courseWaistSD)
	var chol mat.Cholesky
	if !chol.Factorize(h) {
		return false
	}
	var x mat.VecDense
	c.cov = new(mat.SymDense)
	if chol.SolveVecTo(&x, mat.NewVecDense(3, g[:])) != nil || chol.InverseTo(c.cov) != nil {
		return false
	}
	c.x = [3]float64{x.AtVec(0), x.AtVec(1), x.AtVec(2)}
	return true
}
