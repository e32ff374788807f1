// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/spatial/r3"
)

// Modes of a disc's fit leave open where its plates are; what is known of bodies
// tells more. An endplate that dips into the body below makes the body above taller
// than any of its neighbours and that below lower. Bodies lose height, they gain none:
// a lower one may well be crushed, but is not most of the time.
const (
	// heightSpread is the standard deviation of the logarithm of an intact body's
	// height about what its neighbours lead one to expect: 2.5 to 4 % among people
	// (computed from CTSpinoPelvic1K, level_gradients.csv at a9d12ed, 802 people),
	// more at the ends of lumbar lordosis, and what the neighbours' readings are off.
	heightSpread = 0.08
	// crushedPart is the part of bodies that are deformed, by anything down to
	// leastLeft of their height; oddPart that of bodies beyond all expectation.
	// Default.
	crushedPart = 0.1
	leastLeft   = 0.2
	oddPart     = 0.002
	// expectedReach is how many bodies to each side tell of a body's height, and
	// expectedGrowth by how much bodies grow from a level to the next below it.
	expectedReach  = 2
	expectedGrowth = 0.02
)

// bodyPlaces are where a body's height is looked at, from the posterior to the
// anterior wall.
var bodyPlaces = [3]float64{0.1, 0.5, 0.9}

// bodyHeights are the heights of one body at bodyPlaces, mm.
type bodyHeights [len(bodyPlaces)]float64

// agree weighs the modes of all discs anew by the bodies that they make between
// them. discs[i] lies above body i, discs[i+1] below; either may be nil.
func agree(drafts []draft, discs []*discFit) {
	mean := make([]bodyHeights, len(drafts))
	for i := range drafts {
		if bounded(&drafts[i], discs[i], discs[i+1]) {
			mean[i] = meanHeights(&drafts[i], discs[i], discs[i+1])
		}
	}
	links := make([][][]float64, len(drafts))
	for i := range drafts {
		if expected, ok := expectedHeights(mean, i); ok && mean[i] != (bodyHeights{}) {
			links[i] = bodyLikelihoods(&drafts[i], discs[i], discs[i+1], expected)
		}
	}
	down, up := passed(discs, links, 1), passed(discs, links, -1)
	for i, f := range discs {
		if f == nil {
			continue
		}
		sum := 0.0
		for k := range f.modes {
			f.modes[k].weight *= down[i][k] * up[i][k]
			sum += f.modes[k].weight
		}
		for k := range f.modes {
			f.modes[k].weight /= sum
		}
	}
}

// bounded reports whether a body has both endplates.
func bounded(d *draft, above, below *discFit) bool {
	return !d.found.Sacral && above != nil && below != nil && above.space.has[lowerPlate] && below.space.has[upperPlate]
}

// heightsBetween returns the heights of a body between a mode of the disc above and
// one of that below.
func heightsBetween(d *draft, above, below *discFit, top, bottom int) (h bodyHeights) {
	for i, f := range bodyPlaces {
		from := below.space.point(below.modes[bottom].x, upperPlate, f)
		to := above.space.point(above.modes[top].x, lowerPlate, f)
		h[i] = max(r3.Dot(r3.Sub(to, from), d.frame.Superior), minimumBody)
	}
	return h
}

// meanHeights returns the heights of a body by the modes' weights.
func meanHeights(d *draft, above, below *discFit) (h bodyHeights) {
	for top, a := range above.modes {
		for bottom, b := range below.modes {
			for i, x := range heightsBetween(d, above, below, top, bottom) {
				h[i] += a.weight * b.weight * x
			}
		}
	}
	return h
}

// expectedHeights returns the medians of the heights of the bodies beside i, grown to
// its level; false if there are not two.
func expectedHeights(mean []bodyHeights, i int) (expected bodyHeights, ok bool) {
	for place := range expected {
		var beside []float64
		for k := max(i-expectedReach, 0); k <= min(i+expectedReach, len(mean)-1); k++ {
			if k != i && mean[k][place] > 0 {
				beside = append(beside, mean[k][place]*math.Pow(1+expectedGrowth, float64(i-k)))
			}
		}
		if len(beside) < 2 {
			return expected, false
		}
		expected[place] = median(beside)
	}
	return expected, true
}

// bodyLikelihoods returns, for each mode of the disc above and each of that below,
// how likely the body between them is. A body is crushed once: its least likely
// height counts.
func bodyLikelihoods(d *draft, above, below *discFit, expected bodyHeights) [][]float64 {
	out := make([][]float64, len(above.modes))
	for top := range out {
		out[top] = make([]float64, len(below.modes))
		for bottom := range out[top] {
			least := math.Inf(1)
			for i, h := range heightsBetween(d, above, below, top, bottom) {
				least = min(least, heightDensity(math.Log(h/expected[i])))
			}
			out[top][bottom] = least
		}
	}
	return out
}

// heightDensity is the density of the logarithm of a body's height in units of the
// one expected.
func heightDensity(x float64) float64 {
	p := oddPart + (1-crushedPart)*gauss(x/heightSpread)/heightSpread
	if x < 0 && x > math.Log(leastLeft) {
		p += crushedPart / -math.Log(leastLeft)
	}
	return p
}

// passed returns what the discs on one side tell each mode of a disc through the
// bodies between: from superior (1) or from inferior (-1).
func passed(discs []*discFit, links [][][]float64, step int) [][]float64 {
	out := make([][]float64, len(discs))
	first := 0
	if step < 0 {
		first = len(discs) - 1
	}
	for i := first; i >= 0 && i < len(discs); i += step {
		f := discs[i]
		if f == nil {
			continue
		}
		out[i] = make([]float64, len(f.modes))
		from, link := i-step, min(i, i-step)
		for k := range f.modes {
			if from < 0 || from >= len(discs) || links[link] == nil {
				out[i][k] = 1
				continue
			}
			for other, m := range discs[from].modes {
				likelihood := 0.0
				if step > 0 {
					likelihood = links[link][other][k]
				} else {
					likelihood = links[link][k][other]
				}
				out[i][k] += m.weight * out[from][other] * likelihood
			}
		}
		floats.Scale(1/floats.Sum(out[i]), out[i])
	}
	return out
}
