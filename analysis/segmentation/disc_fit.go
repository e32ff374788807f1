// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/lapack/lapack64"
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

// effort bounds a minimization: its steps, and the gain of cost from which on a step
// is worth it. A cost is half a square of standard deviations.
type effort struct {
	steps  int
	enough float64
}

// exploring finds which mode a start leads to, settling where the mode is, to a tenth
// of its standard deviation.
var (
	exploring = effort{12, 0.02}
	settling  = effort{24, 0.003}
)

// system holds the normal equations H·δ = -g of one linearization.
type system struct {
	n    int
	h    []float64 // row major; the upper triangle once folded
	g    []float64
	cost float64
}

func newSystem(n int) *system { return &system{n: n, h: make([]float64, n*n), g: make([]float64, n)} }

// term is one non-zero derivative of a residual.
type term struct {
	at int
	v  float64
}

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

// addBlock counts in voxels whose rows stand for the given parameters. Products fall
// on either side of the diagonal until fold.
func (q *system) addBlock(b *block, columns [rowSize]int) {
	for i, ci := range columns {
		q.g[ci] += b.g[i]
		row := q.h[ci*q.n : (ci+1)*q.n]
		for j := i; j < rowSize; j++ {
			row[columns[j]] += b.h[i][j]
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

// solve returns the damped step of the system, without those of the parameters held
// where they are.
func (q *system) solve(damping float64, held []int) ([]float64, bool) {
	h, step := q.upper(damping).RawSymmetric(), make([]float64, q.n)
	for i, g := range q.g {
		step[i] = -g
	}
	for _, i := range held {
		for j := range q.n {
			h.Data[min(i, j)*h.Stride+max(i, j)] = 0
		}
		h.Data[i*h.Stride+i], step[i] = 1, 0
	}
	factor, ok := lapack64.Potrf(h)
	if ok {
		lapack64.Potrs(factor, blas64.General{Rows: q.n, Cols: 1, Stride: 1, Data: step})
	}
	return step, ok
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

// minimize runs Levenberg–Marquardt from x, which it changes, until a step brings, or
// promises, less than enough, or it comes to a place that is known.
func (d *discSpace) minimize(x []float64, noise float64, e effort, known func(x []float64) bool) *system {
	q := d.linearize(x, noise)
	damping := 1e-3
	trial := make([]float64, len(x))
	for range e.steps {
		step, ok := q.solve(damping, d.held(x, q))
		if !ok {
			damping *= 10
			continue
		}
		floats.AddTo(trial, x, step)
		d.bright(func(i int) { trial[i] = max(trial[i], 0) })
		next := d.linearize(trial, noise)
		if next.cost >= q.cost {
			damping *= 8
			if -floats.Dot(step, q.g)/2 < e.enough || damping > 1e6 {
				break
			}
			continue
		}
		done := q.cost-next.cost < e.enough
		copy(x, trial)
		q = next
		damping = max(damping/5, 1e-6)
		if done || known != nil && known(x) {
			break
		}
	}
	return q
}

// bright calls each with every parameter that is not negative: plates, walls and rim
// are no darker than their surroundings.
func (d *discSpace) bright(each func(i int)) {
	for i := d.masses(0); i < d.levels(); i++ {
		each(i)
	}
	for i := d.walls(); i < d.annulus(); i++ {
		each(i)
	}
}

// held returns the parameters that are 0 and would become negative: a step that
// counted on it would be none down.
func (d *discSpace) held(x []float64, q *system) (held []int) {
	d.bright(func(i int) {
		if x[i] == 0 && q.g[i] > 0 {
			held = append(held, i)
		}
	})
	return held
}

// residualNoise returns the robust standard deviation of the residuals, HU.
func (d *discSpace) residualNoise(x []float64) float64 {
	r := make([]float64, len(d.voxels))
	var t row
	for i := range d.voxels {
		v := &d.voxels[i]
		r[i] = math.Abs(d.predict(x, v, &t) - v.hu)
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
		d.minimize(x, noise, exploring, nil)
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
