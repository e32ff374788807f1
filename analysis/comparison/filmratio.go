// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"math"

	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/spine"
)

// Ratio names a ratio of two heights of one body.
type Ratio uint8

// The ratios.
const (
	AnteriorToPosterior Ratio = iota
	MiddleToPosterior
	numRatios = iota
)

// Height returns the height that is divided by the posterior one.
func (r Ratio) Height() finding.Height {
	return [numRatios]finding.Height{finding.AnteriorHeight, finding.MiddleHeight}[r]
}

// ratios returns the ratios of heights; nil without them.
func ratios(h *morphometry.Heights) (out [numRatios]*morphometry.Estimate) {
	if h == nil || !(h.Posterior > 0) {
		return out
	}
	for r := range Ratio(numRatios) {
		x := heightOf(h, r.Height())
		q := x.Value / h.Posterior
		out[r] = &morphometry.Estimate{Value: q, SD: math.Hypot(x.SD, q*h.PosteriorSD) / h.Posterior}
	}
	return out
}

// compareRatios fills in the changes of the ratios of a body's own heights.
func (p *Pair) compareRatios(before, after *morphometry.Heights, all *changes) {
	b, a := ratios(before), ratios(after)
	for r := range p.Ratios {
		if b[r] != nil && a[r] != nil {
			p.Ratios[r] = all.of(b[r], a[r], floor{})
		}
	}
}

// nearLevels is how many levels away an unaffected one may stand that heights are told
// relative to. The farther, the more the film's perspective and the usual proportions of
// levels count; the more of them, the less a single reading's error.
const nearLevels = 3

// relative are the heights of a pair in one examination relative to those that the levels
// unaffected in both lead one to expect of it, percent.
type relative struct {
	of          [3]morphometry.Estimate // by finding.Height; deviations by the readings alone
	prior       [3]float64              // standard deviation of expected heights by what levels usually are, percent of them
	expected    [3]float64              // mm
	from        []spine.Level
	millimetres bool // of expected; else they take the bodies as of an average adult's size
}

// relative returns the heights of pair i relative to the expected ones; nil where no level
// near is unaffected. Both examinations are told relative to the same levels, with the same
// weights, so that what these are by nature makes no change:
//
//	E = mean of H·r over the levels, r the usual ratio of pair i's height to theirs
//
// Reference: the ratios r are those of morphometry.Expect; the mean over levels unaffected
// in both examinations: default.
func (l *lengths) relative(pairs []Pair, i int) *relative {
	if l.heights[i] == nil {
		return nil
	}
	out := &relative{millimetres: l.millimetres}
	var readings, priors [3]float64 // sums of squares
	for j := max(i-nearLevels, 0); j <= min(i+nearLevels, len(pairs)-1); j++ {
		p := &pairs[j]
		if j == i || !p.Unaffected || l.heights[j] == nil || math.Abs(p.Level.Order()-pairs[i].Level.Order()) > nearLevels {
			continue
		}
		exact := *l.heights[j]
		exact.AnteriorSD, exact.MiddleSD, exact.PosteriorSD = 0, 0, 0
		e := morphometry.Expect([]morphometry.LevelHeights{{Level: p.Level, Heights: &exact}, {Level: pairs[i].Level}}, 1, make([]bool, 2))
		if len(e.From) == 0 {
			continue
		}
		out.from = append(out.from, p.Level)
		for h := range out.of {
			one, read := expectedOf(&e, finding.Height(h)), heightOf(l.heights[j], finding.Height(h))
			out.expected[h] += one.Value
			readings[h] += math.Pow(one.Value*read.SD/read.Value, 2)
			priors[h] += one.SD * one.SD
		}
	}
	n := float64(len(out.from))
	if n == 0 {
		return nil
	}
	for h := range out.of {
		out.expected[h] /= n
		x, e := heightOf(l.heights[i], finding.Height(h)), out.expected[h]
		q := x.Value / e
		out.of[h] = morphometry.Estimate{Value: 100 * q, SD: 100 / e * math.Hypot(x.SD, q*math.Sqrt(readings[h])/n)}
		out.prior[h] = 100 * math.Sqrt(priors[h]) / n / e
	}
	return out
}

// compareRelative fills in the changes of the relative heights, and which part of what was
// lost came back.
func (p *Pair) compareRelative(before, after *relative, all *changes) {
	if before == nil || after == nil {
		for h := range p.Restored {
			p.Restored[h] = Quotient{Reason: "no unfractured, untreated level near by is measured in both examinations"}
		}
		return
	}
	p.RelativeTo = before.from
	p.usual, p.usualKnown = before.expected, before.millimetres
	if !before.millimetres && after.millimetres {
		p.usual, p.usualKnown = after.expected, true
	}
	for h := range p.OfExpected {
		p.OfExpected[h] = all.of(&before.of[h], &after.of[h], floor{})
		p.Restored[h] = restoredOf(p.OfExpected[h], before.prior[h], 100*finding.MinDeficit/p.usual[h])
	}
}

// restoredOf is restored by heights relative to the expected ones, percent of them:
//
//	R = 100·(post - pre) / (100 - pre)
//
// prior is the standard deviation of the expected height itself, percent; an expected
// height that is off shifts both the same way. It is undefined where less than least, or
// than its own least significant change, was lost.
func restoredOf(c *Change, prior, least float64) Quotient {
	lost := 100 - c.Before.Value
	least = max(singleChange*math.Hypot(c.Before.SD, c.Before.Value*prior/100), least)
	if lost < least {
		return Quotient{Reason: phrase.Of("no height was lost: %.0f %% of the expected, less than the least significant %.0f %%", lost, least)}
	}
	byPost := 100 * c.After.SD / lost
	byPre := 100 * c.Before.SD * (100 - c.After.Value) / (lost * lost)
	byExpected := 100 * c.Value * prior / (lost * lost)
	return Quotient{
		Value: 100 * c.Value / lost, SD: math.Sqrt(byPost*byPost + byPre*byPre + byExpected*byExpected), Defined: true,
	}
}
