// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// spline is a uniform cubic B-spline basis on [lo, hi].
type spline struct {
	lo, hi float64
	n      int // coefficients; n-3 intervals
}

// newSpline returns a basis on [lo, hi] with intervals of about step.
func newSpline(lo, hi, step float64, minIntervals, maxIntervals int) spline {
	intervals := int(math.Round((hi - lo) / step))
	return spline{lo, hi, min(max(intervals, minIntervals), maxIntervals) + 3}
}

// interval returns the width of one interval.
func (b spline) interval() float64 { return (b.hi - b.lo) / float64(b.n-3) }

// at returns the first of the four basis functions that are not zero at x, their
// values and their derivatives. Outside [lo, hi] the end interval's polynomial
// goes on.
func (b spline) at(x float64) (first int, w, dw [4]float64) {
	h := b.interval()
	u := (x - b.lo) / h
	first = min(max(int(math.Floor(u)), 0), b.n-4)
	u -= float64(first)
	v := 1 - u
	w = [4]float64{v * v * v / 6, (4 - 6*u*u + 3*u*u*u) / 6, (4 - 6*v*v + 3*v*v*v) / 6, u * u * u / 6}
	dw = [4]float64{-v * v / (2 * h), (-4*u + 3*u*u) / (2 * h), (4*v - 3*v*v) / (2 * h), u * u / (2 * h)}
	return first, w, dw
}

// value returns the spline with the given coefficients at x, and its slope.
func (b spline) value(coef []float64, x float64) (y, slope float64) {
	first, w, dw := b.at(x)
	for i := range 4 {
		y += w[i] * coef[first+i]
		slope += dw[i] * coef[first+i]
	}
	return y, slope
}

// through returns the coefficients of a smooth spline near the points (x, y):
// least squares with a penalty on second differences.
func (b spline) through(x, y []float64) []float64 {
	const smooth = 0.3 // relative to the weight of a point
	m := mat.NewSymDense(b.n, nil)
	v := mat.NewVecDense(b.n, nil)
	for i, at := range x {
		first, w, _ := b.at(at)
		for p := range 4 {
			v.SetVec(first+p, v.AtVec(first+p)+w[p]*y[i])
			for q := p; q < 4; q++ {
				m.SetSym(first+p, first+q, m.At(first+p, first+q)+w[p]*w[q])
			}
		}
	}
	bend := [3]float64{1, -2, 1}
	for i := range b.n - 2 {
		for p := range 3 {
			for q := p; q < 3; q++ {
				m.SetSym(i+p, i+q, m.At(i+p, i+q)+smooth*bend[p]*bend[q])
			}
		}
	}
	var chol mat.Cholesky
	out := make([]float64, b.n)
	if !chol.Factorize(m) {
		return out
	}
	var sol mat.VecDense
	if chol.SolveVecTo(&sol, v) == nil {
		copy(out, sol.RawVector().Data)
	}
	return out
}
