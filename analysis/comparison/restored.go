// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"math"

	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/phrase"
)

// expectedHeights returns what each pair's heights are expected to be by the
// levels that are measured, unfractured and untreated in both examinations: the
// mean of their two readings, weighted by inverse variance, times the usual ratio
// of levels. nil where there is no such level near.
//
// Reference: no published source found for neighbours measured in both
// examinations; default.
func expectedHeights(pairs []Pair, before, after *Examination) []*morphometry.Expected {
	column := make([]morphometry.LevelHeights, len(pairs))
	excluded := make([]bool, len(pairs))
	for i, p := range pairs {
		column[i].Level = p.Level
		excluded[i] = !p.Unaffected
		if p.Unaffected {
			column[i].Heights = meanHeights(before.Vertebrae[p.BeforeIndex].Heights, after.Vertebrae[p.AfterIndex].Heights)
		}
	}
	out := make([]*morphometry.Expected, len(pairs))
	for i := range pairs {
		if e := morphometry.Expect(column, i, excluded); len(e.From) > 0 {
			out[i] = &e
		}
	}
	return out
}

// meanHeights returns the mean of two readings, weighted by inverse variance.
func meanHeights(a, b *morphometry.Heights) *morphometry.Heights {
	var h morphometry.Heights
	h.Anterior, h.AnteriorSD = weighted(a.Anterior, a.AnteriorSD, b.Anterior, b.AnteriorSD)
	h.Middle, h.MiddleSD = weighted(a.Middle, a.MiddleSD, b.Middle, b.MiddleSD)
	h.Posterior, h.PosteriorSD = weighted(a.Posterior, a.PosteriorSD, b.Posterior, b.PosteriorSD)
	return &h
}

// leastSD, mm, keeps the weights of estimates without an error finite.
const leastSD = 1e-3

func weighted(x, sx, y, sy float64) (mean, sd float64) {
	wx, wy := 1/math.Pow(max(sx, leastSD), 2), 1/math.Pow(max(sy, leastSD), 2)
	return (wx*x + wy*y) / (wx + wy), 1 / math.Sqrt(wx+wy)
}

// restored returns which part of the lost height came back, percent:
//
//	R = 100·(post - pre) / (expected - pre)
//
// with the standard deviation by the propagation of those of the three heights.
// It is undefined where nothing was lost: where the loss is less than its own
// least significant change (1.96 standard deviations of a loss) or than the
// 2 mm that a deficit must have to count.
//
// Reference: convention, unverified (McKiernan; Lieberman, Spine 2001, whose 4.1 mm
// are 46.8 % of the lost height as another source quotes it).
func restored(h finding.Height, c *Change, e *morphometry.Expected) Quotient {
	if c == nil {
		return Quotient{Reason: "not measured in both examinations"}
	}
	if e == nil {
		return Quotient{Reason: "no unfractured, untreated level near by is measured in both examinations"}
	}
	expected := expectedOf(e, h)
	lost := expected.Value - c.Earlier()
	least := max(singleChange*math.Hypot(expected.SD, c.Before.SD), finding.MinDeficit)
	if lost < least {
		return Quotient{Reason: phrase.Of("no height was lost: %.1f mm, less than the least significant %.1f mm", lost, least)}
	}
	q := Quotient{Value: 100 * c.Value / lost, Defined: true}
	byPost := c.After.SD
	byPre := c.Before.SD * (expected.Value - c.Later()) / lost
	if c.Tracked { // the change depends little on the reading before
		byPost, byPre = c.SD, c.Before.SD*c.Value/lost
	}
	byExpected := expected.SD * c.Value / lost
	q.SD = 100 / lost * math.Sqrt(byPost*byPost+byPre*byPre+byExpected*byExpected)
	return q
}

// singleChange is the number of standard deviations of a difference that makes it
// significant by itself at 5 %: 2.77/√2.
const singleChange = 1.96

// expectedOf returns one of the expected heights.
func expectedOf(e *morphometry.Expected, h finding.Height) morphometry.Estimate {
	switch h {
	case finding.AnteriorHeight:
		return morphometry.Estimate{Value: e.Anterior, SD: e.AnteriorSD}
	case finding.MiddleHeight:
		return morphometry.Estimate{Value: e.Middle, SD: e.MiddleSD}
	}
	return morphometry.Estimate{Value: e.Posterior, SD: e.PosteriorSD}
}

// heightOf returns one of the heights; nil if there are none.
func heightOf(h *morphometry.Heights, which finding.Height) *morphometry.Estimate {
	if h == nil {
		return nil
	}
	switch which {
	case finding.AnteriorHeight:
		return &morphometry.Estimate{Value: h.Anterior, SD: h.AnteriorSD}
	case finding.MiddleHeight:
		return &morphometry.Estimate{Value: h.Middle, SD: h.MiddleSD}
	}
	return &morphometry.Estimate{Value: h.Posterior, SD: h.PosteriorSD}
}
