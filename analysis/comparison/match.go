// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/spine"
)

// missedPitch is the distance between two neighbours in a chain, in median
// distances, from which a vertebra between them was missed; half way between
// one and two.
const missedPitch = 1.5

// slots returns the place of each vertebra in its chain: 0, 1, 2 … downwards, one
// left free for each vertebra that was missed between two.
func slots(vertebrae []Vertebra) []int {
	out := make([]int, len(vertebrae))
	pitch := medianPitch(vertebrae)
	for i := 1; i < len(vertebrae); i++ {
		step := 1
		byName := vertebrae[i].Level.Order() - vertebrae[i-1].Level.Order()
		d := r3.Norm(r3.Sub(vertebrae[i].Center, vertebrae[i-1].Center))
		if byName >= 2 && pitch > 0 && d > missedPitch*pitch {
			step = max(1, min(int(math.Round(byName)), int(math.Round(d/pitch))))
		}
		out[i] = out[i-1] + step
	}
	return out
}

func medianPitch(vertebrae []Vertebra) float64 {
	var d []float64
	for i := 1; i < len(vertebrae); i++ {
		d = append(d, r3.Norm(r3.Sub(vertebrae[i].Center, vertebrae[i-1].Center)))
	}
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[len(d)/2]
}

// fit reports whether a vertebra's shape may speak for who it is: whole,
// measured, neither fractured nor treated.
func (v *Vertebra) fit() bool {
	return v.Measured() && v.Landmarks != nil && !v.fractured() && !v.treated()
}

func (v *Vertebra) fractured() bool { return v.Deformity != nil && v.Deformity.Grade > 0 }

func (v *Vertebra) treated() bool { return v.Cement != nil || v.Metal }

// measured reports whether heights were measured; of a film without a calibration only
// their ratios are told.
func (v *Vertebra) Measured() bool {
	return v.Status == analysis.Measured && (v.Heights != nil || corners(v.Landmarks) != nil)
}

// maxOffset is how many levels two examinations' names may differ by and be
// seen to: one and a half transitional segments to either side.
const maxOffset = 3

// hypothesis is a way in which two chains may belong together: the vertebra in
// slot s of the first is that in slot s + shift of the second.
type hypothesis struct {
	shift    int
	offset   int     // by how many levels the second's names then stand below the first's
	evidence float64 // of shape, natural logarithm
	levels   int     // that it rests on
	prior    float64
	chance   float64 // posterior
}

// chains are two examinations with the slots of their vertebrae.
type chains struct {
	before, after         *Examination
	slotBefore, slotAfter []int
}

func newChains(before, after *Examination) *chains {
	return &chains{before, after, slots(before.Vertebrae), slots(after.Vertebrae)}
}

// pairs returns the indices of the vertebrae that a shift puts together.
func (c *chains) pairs(shift int) [][2]int {
	var out [][2]int
	for i, s := range c.slotBefore {
		if j, ok := slices.BinarySearch(c.slotAfter, s+shift); ok {
			out = append(out, [2]int{i, j})
		}
	}
	return out
}

// byName returns the shift at which most names agree, weighted by their
// probability; false if none do.
func (c *chains) byName() (shift int, ok bool) {
	votes := make(map[int]float64)
	for i := range c.before.Vertebrae {
		for j := range c.after.Vertebrae {
			b, a := &c.before.Vertebrae[i], &c.after.Vertebrae[j]
			if b.Level == a.Level {
				votes[c.slotAfter[j]-c.slotBefore[i]] += max(b.Probability*a.Probability, 0.01)
			}
		}
	}
	most := 0.0
	for s := -len(c.slotBefore) - 60; s <= len(c.slotAfter)+60; s++ {
		if votes[s] > most {
			shift, most = s, votes[s]
		}
	}
	return shift, most > 0
}

// What is thought of the names before shape is seen. A name with probability 1 is
// still wrong at times: naming's own probabilities hold for its cues alone.
const (
	mostTrust  = 0.98
	leastTrust = 0.40
)

// offsetShare is how the rest is shared among offsets of 1, 2 and 3 to either
// side: names are mostly wrong by one.
var offsetShare = [maxOffset + 1]float64{0, 0.40, 0.075, 0.025}

// match weighs the ways in which the two chains may belong together, the best
// first in chance; named is the index of that by names. It is empty where the
// names have no level in common.
func (c *chains) match() (all []hypothesis, named int) {
	shift, ok := c.byName()
	if !ok {
		return nil, -1
	}
	trust := min(max(c.trust(), leastTrust), mostTrust)
	for d := -maxOffset; d <= maxOffset; d++ {
		h := hypothesis{shift: shift + d, offset: d, prior: (1 - trust) * offsetShare[max(d, -d)]}
		if d == 0 {
			h.prior = trust
		}
		h.evidence, h.levels = c.shapeEvidence(h.shift)
		all = append(all, h)
	}
	greatest := math.Inf(-1)
	for _, h := range all {
		greatest = max(greatest, h.evidence+math.Log(h.prior))
	}
	sum := 0.0
	for i := range all {
		all[i].chance = math.Exp(all[i].evidence + math.Log(all[i].prior) - greatest)
		sum += all[i].chance
	}
	for i := range all {
		all[i].chance /= sum
	}
	return all, maxOffset
}

// shapeEvidence is evidence, or where one is a film filmEvidence.
func (c *chains) shapeEvidence(shift int) (sum float64, levels int) {
	if c.before.Film != nil || c.after.Film != nil {
		return c.filmEvidence(shift)
	}
	return c.evidence(shift)
}

// trust returns the probability that both examinations' names are right, by what
// naming says of them.
func (c *chains) trust() float64 { return nameProbability(c.before) * nameProbability(c.after) }

// nameProbability returns the mean probability of an examination's names.
func nameProbability(e *Examination) float64 {
	sum, n := 0.0, 0
	for i := range e.Vertebrae {
		if e.Vertebrae[i].Level != spine.Unknown {
			sum, n = sum+e.Vertebrae[i].Probability, n+1
		}
	}
	if n == 0 {
		return 0
	}
	return sum / float64(n)
}
