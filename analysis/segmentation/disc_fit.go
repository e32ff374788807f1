// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

// stage is one stage of a fit: how much of the slice profile's box is softened
// to a Gaussian, whose flanks draw the surfaces from farther away, and whether
// surfaces may bend sharply.
type stage struct {
	soften float64
	kinks  bool
}

// final is the last stage of all fits: their costs compare.
var final = stage{0, true}

// stagesSmooth keep a smooth start smooth as long as they can; stagesKinked
// take the kinks of a start for true.
var (
	stagesSmooth = []stage{{1, false}, {0, false}, {0, true}}
	stagesKinked = []stage{{1, true}, {0, true}}
)

// mostSteps bounds the steps of one stage.
const mostSteps = 12

// system holds the normal equations H·δ = -g of one linearization.
type system struct {
	n    int
	h    []float64 // row major; the upper triangle once folded
	g    []float64
	cost float64
}

func newSystem(n int) *system { return &system{n: n, h: make([]float64, n*n), g: make([]float64, n)} }

// add counts in a residual r of weight w with the given derivatives. Products fall
// on either side of the diagonal until fold.
func (q *system) add(r, w float64, terms []term) {
	for i, t := range terms {
		wt := w * t.v
		q.g[t.at] += wt * r
		row := q.h[t.at*q.n : (t.at+1)*q.n]
		for _, o := range terms[i:] {
			row[o.at] += wt * o.v
		}
	}
}

// fold adds what lies below the diagonal to what lies above.
func (q *system) fold() {
	for i := range q.n {
		for j := range i {
			q.h[j*q.n+i] += q.h[i*q.n+j]
			q.h[i*q.n+j] = 0
		}
	}
}

// prior counts in a Gaussian prior on a linear combination.
func (q *system) prior(r, sd float64, terms ...term) {
	q.cost += r * r / (2 * sd * sd)
	q.add(r, 1/(sd*sd), terms)
}

// solve returns the damped step of the system.
func (q *system) solve(damping float64) ([]float64, bool) {
	var chol mat.Cholesky
	if !chol.Factorize(q.upper(damping)) {
		return nil, false
	}
	var step mat.VecDense
	if chol.SolveVecTo(&step, mat.NewVecDense(q.n, q.g)) != nil {
		return nil, false
	}
	out := make([]float64, q.n)
	for i := range out {
		out[i] = -step.AtVec(i)
	}
	return out, true
}

// upper returns the curvature, with a trace of it added on the diagonal so that
// what nothing determines stays where it is.
func (q *system) upper(damping float64) *mat.SymDense {
	h := mat.NewSymDense(q.n, nil)
	for i := range q.n {
		for j := i; j < q.n; j++ {
			h.SetSym(i, j, q.h[i*q.n+j])
		}
		h.SetSym(i, i, q.h[i*q.n+i]*(1+damping)+1e-9)
	}
	return h
}

// covariance returns the inverse of the curvature, nil if it has none.
func (q *system) covariance() *mat.SymDense {
	var chol mat.Cholesky
	if !chol.Factorize(q.upper(0)) {
		return nil
	}
	var inv mat.SymDense
	if chol.InverseTo(&inv) != nil {
		return nil
	}
	return &inv
}

// minimize runs Levenberg–Marquardt from x, which it changes.
func (d *discSpace) minimize(x []float64, noise float64, iterations int) *system {
	q := d.linearize(x, noise)
	damping := 1e-3
	trial := make([]float64, len(x))
	for range iterations {
		step, ok := q.solve(damping)
		if !ok {
			damping *= 10
			continue
		}
		largest := 0.0
		for i := range x {
			trial[i] = x[i] + step[i]
			if i < d.masses(0) {
				largest = max(largest, math.Abs(step[i]))
			}
		}
		d.clampMasses(trial)
		next := d.linearize(trial, noise)
		if next.cost >= q.cost {
			damping *= 8
			if damping > 1e6 {
				break
			}
			continue
		}
		done := q.cost-next.cost < 1e-3 && largest < 0.01
		copy(x, trial)
		q = next
		damping = max(damping/5, 1e-6)
		if done {
			break
		}
	}
	return q
}

// clampMasses keeps plates from becoming darker than their surroundings.
func (d *discSpace) clampMasses(x []float64) {
	for i := d.masses(0); i < d.levels(); i++ {
		x[i] = max(x[i], 0)
	}
	for i := d.walls(); i < d.annulus(); i++ {
		x[i] = max(x[i], 0)
	}
}

// residualNoise returns the robust standard deviation of the residuals, HU.
func (d *discSpace) residualNoise(x []float64) float64 {
	r := make([]float64, len(d.voxels))
	terms := make([]term, 0, 32)
	for i := range d.voxels {
		y, _ := d.predict(x, &d.voxels[i], terms[:0])
		r[i] = math.Abs(y - d.voxels[i].hu)
	}
	slices.Sort(r)
	return max(1.4826*r[len(r)/2], 5)
}

// fitFrom refines the surfaces from one start.
func (d *discSpace) fitFrom(start []float64, stages []stage) (x []float64, noise float64) {
	x = slices.Clone(start)
	noise = d.residualNoise(x)
	for _, stage := range stages { // the noise follows the fit
		d.enter(stage)
		d.minimize(x, noise, mostSteps)
		noise = d.residualNoise(x)
	}
	return x, noise
}

// enter sets the blur and the law of bends for a stage.
func (d *discSpace) enter(s stage) {
	d.sloped, d.kinks = newSlopedBlur(d.blur.softened(s.soften), d.frame), s.kinks
}

// smoothed returns a start with straight plates of the usual concavity through
// those of x.
func (d *discSpace) smoothed(x []float64) []float64 {
	out := slices.Clone(x)
	n := d.basis.n
	u := make([]float64, n)
	for i := range u {
		u[i] = float64(i) - float64(n-1)/2
	}
	for plate := range 2 {
		p := d.surface(plate)
		bare, dish := make([]float64, n), make([]float64, n)
		for i := range bare {
			dish[i] = concavity[plate] * d.dishAt(plate, d.coefficientAt(i))
			bare[i] = x[p+i] - dish[i]
		}
		offset, slope := stat.LinearRegression(u, bare, nil, false)
		for i := range u {
			out[p+i] = offset + slope*u[i] + dish[i]
		}
		out[d.dish(plate)] = concavity[plate]
	}
	return out
}
