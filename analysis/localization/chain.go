// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package localization

import (
	"math"
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
	// The pedicle's height in its vertebra, from the disc above as a fraction of
	// the pitch: the upper half.
	pedicleTop, pedicleBottom = 0.2, 0.5
)

// findDiscs returns the positions of the discs, from superior to inferior, by
// dynamic programming over (position, pitch), and the chain's score.
func findDiscs(sg *signals) ([]int, float64) {
	n := len(sg.disc)
	const width = pitchMax - pitchMin + 1
	total := make([]float64, n*width)
	from := make([]int8, n*width)
	walls := sums(sg.wall)
	change := changeCosts()
	bestEnd, best := -1, math.Inf(-1)
	for s := range n {
		here := discGain(sg, s)
		for x := range width {
			pitch := x + pitchMin
			at := s*width + x
			total[at], from[at] = here, -1
			if here > best {
				best, bestEnd = here, at
			}
			if s-pitch < 0 {
				continue
			}
			outer := pitchPrior(sg, s, pitch)
			if math.IsInf(outer, 1) {
				continue
			}
			prior := min(outer, pitchCostMax)
			outer = min(outer, outerCostMax) - prior
			pedicle := meanOver(walls, s-pitch+int(pedicleTop*float64(pitch)), s-pitch+int(pedicleBottom*float64(pitch)))
			link := here - prior + wallWeight*pedicle - discCost
			for y := range width {
				t := total[(s-pitch)*width+y] + link
				if from[(s-pitch)*width+y] < 0 {
					t -= outer
				} else {
					t -= change[x][y]
				}
				if t > total[at] {
					total[at], from[at] = t, int8(y)
				}
			}
			if from[at] >= 0 && total[at]-outer > best {
				best, bestEnd = total[at]-outer, at
			}
		}
	}
	var discs []int
	for at := bestEnd; at >= 0; {
		s, x := at/width, at%width
		discs = append(discs, s)
		if from[at] < 0 {
			break
		}
		at = (s-x-pitchMin)*width + int(from[at])
	}
	for a, b := 0, len(discs)-1; a < b; a, b = a+1, b-1 {
		discs[a], discs[b] = discs[b], discs[a]
	}
	return discs, best
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
	const width = pitchMax - pitchMin + 1
	out := make([][]float64, width)
	for x := range out {
		out[x] = make([]float64, width)
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
