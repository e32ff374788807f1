// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package naming

import (
	"math"

	"github.com/endplate/endplate/analysis/localization"
	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/spine"
)

// hypothesis is a column, the place of the chain in it, and at most one fault of
// the chain.
type hypothesis struct {
	column *column
	first  int // site of the chain's first vertebra
	skip   int // the step at which the chain lacks a vertebra, -1 if none
	extra  int // the link that is no vertebra, -1 if none
}

const (
	// A step longer than oddPitchRatio, and one twice its neighbours, as signs
	// of a missed vertebra; two steps that together are one, as a sign of a link
	// too many: log prior odds.
	longStepOdds, doubleStepOdds, halfStepsOdds = -4.0, 0.0, -0.5
	doublePitchRatio                            = 1.6
	// halfStepsSpread is the standard deviation of the logarithm of two such steps
	// together by their neighbours' median: that of one step (pitchSpread). The
	// steps to and from a vertebra plana come to 1.2 and more: they still hold two
	// discs.
	halfStepsSpread = 0.08

	// The chain may run on below the sacrum's first segment by up to overrunMost
	// links, seldom: log prior odds of one, and of each more.
	overrunMost                 = 4
	overrunOdds, overrunFurther = -4.0, -0.5
)

// enumerate returns all hypotheses that the chain allows.
func enumerate(chain []localization.Vertebra, g *geometry) []hypothesis {
	faults := []hypothesis{{skip: -1, extra: -1}}
	for i, r := range g.ratio {
		if r > oddPitchRatio {
			faults = append(faults, hypothesis{skip: i, extra: -1})
		}
		if i > 0 && g.together(i) < oddPitchRatio {
			faults = append(faults, hypothesis{skip: -1, extra: i})
		}
	}
	cols := columns()
	var out []hypothesis
	for c := range cols {
		for _, h := range faults {
			h.column = &cols[c]
			for h.first = range cols[c].sites {
				if h.overrun(len(chain)) <= overrunMost {
					out = append(out, h)
				}
			}
		}
	}
	return out
}

// site returns the site of link i, below the column's last if the chain runs on
// there, -1 if the link is no vertebra.
func (h hypothesis) site(i int) int {
	switch {
	case i == h.extra:
		return -1
	case h.extra >= 0 && i > h.extra:
		return h.first + i - 1
	case h.skip >= 0 && i > h.skip:
		return h.first + i + 1
	}
	return h.first + i
}

// at returns what is expected at link i with all names moved down by move sites.
func (h hypothesis) at(i, move int) *site {
	k := h.site(i) + move
	if i == h.extra || k < 0 || k >= len(h.column.sites) {
		return &nowhere
	}
	return &h.column.sites[k]
}

func (h hypothesis) level(i int) spine.Level { return h.at(i, 0).level }

// gap returns the place in table.go of the step from link i to the next, -1 if
// it has none.
func (h hypothesis) gap(i int) float64 {
	if i == h.skip || h.level(i) == spine.Unknown || h.level(i+1) == spine.Unknown {
		return -1
	}
	return h.at(i, 0).gap
}

// overrun returns how many of n links lie below the column.
func (h hypothesis) overrun(n int) int { return max(h.site(n-1)+1-len(h.column.sites), 0) }

// logPrior returns the log of the prior, up to a constant, of a chain with g's
// steps.
func (h hypothesis) logPrior(g *geometry) float64 {
	p := h.column.logPrior
	if n := h.overrun(len(g.pitch) + 1); n > 0 {
		p += overrunOdds + overrunFurther*float64(n-1)
	}
	switch {
	case h.extra >= 0:
		z := math.Log(g.together(h.extra)) / halfStepsSpread
		p += halfStepsOdds - z*z/2
	case h.skip >= 0 && g.ratio[h.skip] >= doublePitchRatio:
		p += doubleStepOdds
	case h.skip >= 0:
		p += longStepOdds
	}
	return p
}

// inconsistencies tells what in the chain contradicts h.
func (h hypothesis) inconsistencies(chain []localization.Vertebra) []phrase.Text {
	var out []phrase.Text
	if h.skip >= 0 {
		out = append(out, phrase.Of("a vertebra between %s and %s seems to be missing", h.level(h.skip), h.level(h.skip+1)))
	}
	if h.extra >= 0 {
		out = append(out, phrase.Of("what was found between %s and %s seems to be no vertebra", h.level(h.extra-1), h.level(h.extra+1)))
	}
	if n := h.overrun(len(chain)); n > 0 {
		out = append(out, phrase.Of("the chain seems to run %d segments beyond S1", n))
	}
	for i, v := range chain {
		if v.Sacral && h.level(i) != spine.S1 && h.level(i) != spine.Unknown {
			out = append(out, phrase.Of("what was found as the sacrum seems to be %s", h.level(i)))
		}
	}
	return out
}
