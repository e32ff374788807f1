// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

const (
	wallStep      = 0.5 // mm, sampling along a profile across a wall
	wallRow       = 1.0 // mm between profiles
	wallReach     = 3.5 // mm, half width of the window fitted around a wall
	slabHalfWidth = 5.0 // mm, half width of an endplate's mean across the mid-sagittal plane
	// wallSlab, mm, is that of a wall's: the posterior wall is concave, and a
	// wider mean would lie behind its middle.
	wallSlab = 4.0
	// wallShort is how far the window reaches out where a bright vessel lies beside
	// the wall, in units of the blur: as far as the wall's own light.
	wallShort = 2.5
	// wallNoise, HU, is the contrast below which an edge counts for little:
	// the noise of a body CT, after averaging, and the texture of soft tissue.
	wallNoise = 30.0
	// farthest is the price of a place where no wall is looked for.
	farthest = 1e3
	// noStep, HU, is a step that rounding may make.
	noStep = 1e-3
	// wallBend is the price of a step of one mm from a profile to the next, in
	// units of an edge's score. The waist of a body slopes by less than half.
	wallBend = 0.35
	// wallJump is the largest step between profiles, mm.
	wallJump = 1.5
)

// profiles holds attenuation along parallel lines across a wall: row r at
// height s0 + r*wallRow, sample c at x0 + c*wallStep.
type profiles struct {
	s0, x0 float64
	rows   [][]float64
	seen   [][]float64 // how much of an edge at a sample nothing hides, 0 to 1; nil if all
}

func (p profiles) position(column float64) float64 { return p.x0 + column*wallStep }

// fitEdge fits outside | plate | inside, blurred by sigma, to the samples of p
// around sample window, with the plate at sample c; the inside is at lower
// samples if insideFirst. It returns how much better than a constant the fit is,
// ≥ 0. Bone is taken to be darker than what lies outside it only where its plate
// stands out from both: beside a vessel with contrast agent.
func fitEdge(p []float64, window, c, sigma float64, insideFirst bool) float64 {
	e := newEdge(p, window, c, sigma, wallReach, insideFirst)
	both, step, plate := e.solve(true)
	if step >= noStep && plate >= 0 {
		return both
	}
	if step < noStep {
		beside := newEdge(p, window, c, sigma, min(wallShort*sigma, wallReach), insideFirst)
		if both, _, plate = beside.solve(true); plate >= 0 && standsOut(p, c, sigma, insideFirst) {
			return both
		}
	}
	if alone, step, _ := e.solve(false); step >= 0 {
		return alone
	}
	return 0
}

// standsOut reports whether sample c is brighter than what lies just outside it.
func standsOut(p []float64, c, sigma float64, insideFirst bool) bool {
	const outside = 1.5 // of the blur, where a thin plate has lost two thirds of its light
	d := outside * sigma / wallStep
	if !insideFirst {
		d = -d
	}
	at, beside := int(math.Round(c)), int(math.Round(c+d))
	return min(at, beside) >= 0 && max(at, beside) < len(p) && p[at]-p[beside] > wallNoise
}

// edge holds the sums of a fit of constant, step and plate.
type edge struct {
	m    [3][3]float64
	v    [3]float64
	sum2 float64
}

// newEdge sums up what fitEdge fits, as far as outside mm beyond the wall.
func newEdge(p []float64, window, c, sigma, outside float64, insideFirst bool) edge {
	var e edge
	below, above := wallReach/wallStep, outside/wallStep
	if !insideFirst {
		below, above = above, below
	}
	lo, hi := max(int(math.Ceil(window-below)), 0), min(int(math.Floor(window+above)), len(p)-1)
	if hi-lo < int(wallReach/wallStep) {
		return e
	}
	for i := lo; i <= hi; i++ {
		x := (float64(i) - c) * wallStep / sigma
		if !insideFirst {
			x = -x
		}
		outside, density := normal(x)
		b := [3]float64{1, 1 - outside, density / sigma}
		for j := range 3 {
			e.v[j] += b[j] * p[i]
			for k := range 3 {
				e.m[j][k] += b[j] * b[k]
			}
		}
		e.sum2 += p[i] * p[i]
	}
	return e
}

// solve returns how much better the step and, if withPlate, the plate are than a
// constant, with their sizes.
func (e *edge) solve(withPlate bool) (gain, step, plate float64) {
	n := e.m[0][0]
	if n == 0 {
		return 0, 0, 0
	}
	step, plate, rest, ok := solveEdge(e.m, e.v, e.sum2, [2]bool{true, withPlate})
	if !ok {
		return 0, 0, -1
	}
	total := e.sum2 - e.v[0]*e.v[0]/n
	return (total - rest) / (rest + n*wallNoise*wallNoise), step, plate
}

// solveEdge solves the normal equations with the step, the plate or both, and
// returns the rest of the sum of squares.
func solveEdge(m [3][3]float64, v [3]float64, sum2 float64, use [2]bool) (step, plate, rest float64, ok bool) {
	// Eliminate the constant.
	n := m[0][0]
	a, b, c := m[1][1]-m[0][1]*m[0][1]/n, m[1][2]-m[0][1]*m[0][2]/n, m[2][2]-m[0][2]*m[0][2]/n
	p, q := v[1]-m[0][1]*v[0]/n, v[2]-m[0][2]*v[0]/n
	rest = sum2 - v[0]*v[0]/n
	switch {
	case use[0] && use[1]:
		det := a*c - b*b
		if det < 1e-6*a*c {
			return 0, 0, 0, false
		}
		step, plate = (p*c-q*b)/det, (q*a-p*b)/det
	case use[0]:
		step = p / max(a, 1e-9)
	default:
		plate = q / max(c, 1e-9)
	}
	return step, plate, rest - step*p - plate*q, true
}

// trace finds the wall that crosses all rows of p: the path of the best edges,
// bounded in slope, near prior (mm, standard deviation priorSD). It returns
// the wall's centre and the score of the edge for each row.
func trace(p profiles, sigma float64, insideFirst bool, prior, priorSD float64) (at, score []float64) {
	return traceWithin(p, sigma, insideFirst, prior, priorSD, math.Inf(1))
}

// traceWithin is trace no farther than most, mm, from prior, if that is in view.
func traceWithin(p profiles, sigma float64, insideFirst bool, prior, priorSD, most float64) (at, score []float64) {
	if len(p.rows) == 0 {
		return nil, nil
	}
	columns := len(p.rows[0])
	gain := make([][]float64, len(p.rows))
	for r := range p.rows {
		gain[r] = make([]float64, columns)
		for c := range columns {
			if d := p.position(float64(c)) - prior; math.Abs(d) <= most {
				gain[r][c] = p.edge(r, c, sigma, insideFirst) - 0.1*d*d/(priorSD*priorSD)
			} else {
				gain[r][c] = -farthest
			}
		}
	}
	return p.refined(bestPath(gain, int(wallJump/wallStep), wallBend*wallStep), sigma, insideFirst)
}

// edge returns the gain of an edge at sample c of row r.
func (p profiles) edge(r, c int, sigma float64, insideFirst bool) float64 {
	gain := math.Sqrt(fitEdge(p.rows[r], float64(c), float64(c), sigma, insideFirst))
	if p.seen != nil {
		gain *= p.seen[r][c]
	}
	return gain
}

// refined returns where the edges near a path of columns lie, and their scores.
func (p profiles) refined(path []int, sigma float64, insideFirst bool) (at, score []float64) {
	at, score = make([]float64, len(path)), make([]float64, len(path))
	for r, c := range path {
		x, s := refineEdge(p.rows[r], float64(c), sigma, insideFirst)
		if p.seen != nil {
			seen := p.seen[r][c]
			x, s = float64(c)+seen*(x-float64(c)), seen*s
		}
		at[r], score[r] = p.position(x), s
	}
	return at, score
}

// refineEdge returns the sample position near c, to a tenth of a sample, where
// the edge explains the samples around it best, and its score.
func refineEdge(p []float64, c, sigma float64, insideFirst bool) (x, score float64) {
	x = c
	for range 3 { // the window follows the edge
		window := x
		score = 0
		for d := -2.0; d <= 2.001; d += 0.1 {
			if s := fitEdge(p, window, window+d, sigma, insideFirst); s > score {
				x, score = window+d, s
			}
		}
		if math.Abs(x-window) < 0.5 {
			break
		}
	}
	return x, score
}

// bestPath returns the column of each row along the path of largest gain, with
// at most jump columns from a row to the next at a price each.
func bestPath(gain [][]float64, jump int, price float64) []int {
	columns := len(gain[0])
	sum := append([]float64(nil), gain[0]...)
	back := make([][]int, len(gain))
	for r := 1; r < len(gain); r++ {
		next := make([]float64, columns)
		back[r] = make([]int, columns)
		for c := range columns {
			best := math.Inf(-1)
			for d := max(c-jump, 0); d <= min(c+jump, columns-1); d++ {
				if v := sum[d] - price*math.Abs(float64(d-c)); v > best {
					best, back[r][c] = v, d
				}
			}
			next[c] = best + gain[r][c]
		}
		sum = next
	}
	path := make([]int, len(gain))
	path[len(path)-1] = floats.MaxIdx(sum)
	for r := len(gain) - 1; r > 0; r-- {
		path[r-1] = back[r][path[r]]
	}
	return path
}
