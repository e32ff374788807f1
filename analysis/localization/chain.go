// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package localization

import (
	"math"
	"slices"
)

// The chain of discs, mm along the canal.
const (
	pitchMin, pitchMax = 8, 60 // a child's neck or a vertebra plana; a tall man's loins and a block vertebra
	// pitchByDepth is the pitch of a vertebra by its body's depth: 0.75 to 1.3
	// from T1 to L5 in the four series read, mean 1.03.
	pitchByDepth = 1.03
	// pitchSpread is the standard deviation of that ratio's logarithm,
	// changeSpread of the pitch's from one vertebra to the next.
	pitchSpread, changeSpread = 0.22, 0.12
	pitchWeight, changeWeight = 0.35, 0.25
	// Costs end here, so that a crushed body can be half as high as the next.
	pitchCostMax, changeCostMax = 0.6, 0.5
	// outerCostMax holds for the two outermost vertebrae, which no neighbours on
	// both sides support.
	outerCostMax = 1.2
	// leastPitch is the least pitch by the expected one: a vertebra plana of 5 mm
	// between two discs.
	leastPitch = 0.33
	// wallWeight is the weight of the lateral wall's signal against the disc's.
	wallWeight = 0.35
	// discCost is what each further disc must gain.
	discCost = 0.15
	// leastChain is the least score of a chain: half a clear disc.
	leastChain = 0.5
	// The pedicle's height in its vertebra, from the disc above as a fraction of
	// the pitch: the upper half.
	pedicleTop, pedicleBottom = 0.2, 0.5
)

// pitches is how many pitches are tried.
const pitches = pitchMax - pitchMin + 1

// chain is the dynamic programming of findDiscs. Its state s*pitches+x is a disc
// at s below a vertebra of pitch x+pitchMin.
type chain struct {
	sg     *signals
	walls  []float64 // running totals of the lateral wall's signal
	change [][]float64
	total  []float64 // best score of a chain that ends in the state
	from   []int8    // the pitch above the one before; -1 where the chain starts

	best    float64
	bestEnd int
}

// findDiscs returns the positions of the discs, from superior to inferior, by
// dynamic programming over (position, pitch), and the chain's score. It returns
// none if the best chain shows no disc.
func findDiscs(sg *signals) ([]int, float64) {
	n := len(sg.disc) * pitches
	c := &chain{
		sg: sg, walls: sums(sg.wall), change: changeCosts(),
		total: make([]float64, n), from: make([]int8, n), best: math.Inf(-1),
	}
	for s := range sg.disc {
		c.advance(s)
	}
	if c.best < leastChain {
		return nil, c.best
	}
	return c.trace(), c.best
}

// advance finds the best chains that end with a disc at s.
func (c *chain) advance(s int) {
	here := discGain(c.sg, s)
	if here > c.best {
		c.best, c.bestEnd = here, s*pitches
	}
	for x := range pitches {
		at, pitch := s*pitches+x, x+pitchMin
		c.total[at], c.from[at] = here, -1
		if s < pitch {
			continue
		}
		cost := pitchPrior(c.sg, s, pitch)
		if math.IsInf(cost, 1) {
			continue
		}
		prior := min(cost, pitchCostMax)
		outer := min(cost, outerCostMax) - prior
		pedicle := meanOver(c.walls, s-pitch+int(pedicleTop*float64(pitch)), s-pitch+int(pedicleBottom*float64(pitch)))
		c.extend(at, x, (s-pitch)*pitches, here-prior+wallWeight*pedicle-discCost, outer)
		if c.from[at] >= 0 && c.total[at]-outer > c.best {
			c.best, c.bestEnd = c.total[at]-outer, at
		}
	}
}

// extend chooses the chain before the link of pitch x into state at, among the
// states from before on. A chain's first link costs outer more.
func (c *chain) extend(at, x, before int, link, outer float64) {
	for y := range pitches {
		t := c.total[before+y] + link
		if c.from[before+y] < 0 {
			t -= outer
		} else {
			t -= c.change[x][y]
		}
		if t > c.total[at] {
			c.total[at], c.from[at] = t, int8(y)
		}
	}
}

// trace returns the discs of the best chain, from superior to inferior.
func (c *chain) trace() []int {
	at := c.bestEnd
	discs := []int{at / pitches}
	for c.from[at] >= 0 {
		at = (at/pitches-at%pitches-pitchMin)*pitches + int(c.from[at])
		discs = append(discs, at/pitches)
	}
	slices.Reverse(discs)
	return discs
}

// discGain is what a disc at s is worth.
func discGain(sg *signals, s int) float64 {
	if !sg.visible[s] {
		return -2
	}
	return sg.disc[s] - wallWeight*sg.wall[s]
}

// pitchPrior is the cost of a vertebra of this pitch above s: log-normal about
// what the body's depth leads to expect, and infinite below leastPitch.
func pitchPrior(sg *signals, s, pitch int) float64 {
	m := s - pitch/2
	ratio := float64(pitch) / (pitchByDepth * (sg.anterior[m] - sg.posterior[m]))
	if ratio < leastPitch {
		return math.Inf(1)
	}
	t := math.Log(ratio) / pitchSpread
	return pitchWeight * t * t
}

// changeCosts tabulates the cost of a change of pitch.
func changeCosts() [][]float64 {
	out := make([][]float64, pitches)
	for x := range out {
		out[x] = make([]float64, pitches)
		for y := range out[x] {
			t := math.Log(float64(x+pitchMin)/float64(y+pitchMin)) / changeSpread
			out[x][y] = min(changeWeight*t*t, changeCostMax)
		}
	}
	return out
}

// sums returns the running totals of v: out[i] is the sum of v[:i].
func sums(v []float64) []float64 {
	out := make([]float64, len(v)+1)
	for i, x := range v {
		out[i+1] = out[i] + x
	}
	return out
}

// meanOver returns the mean of v[lo … hi] from its running totals.
func meanOver(totals []float64, lo, hi int) float64 {
	return (totals[hi+1] - totals[lo]) / float64(hi-lo+1)
}
