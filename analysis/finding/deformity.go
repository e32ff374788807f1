// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package finding

import (
	"math"

	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/spine"
)

// loss is the loss of one height.
type loss struct {
	height   Height
	percent  float64
	sd       float64 // of percent
	reading  float64 // the part of sd that comes from the measured height
	deficit  float64 // mm
	limit    float64 // mm; a deficit up to here is within the spread of people
	measured float64 // mm
	expected float64 // mm
}

// passes tells whether the loss counts as a deformity.
func (l loss) passes() bool {
	return l.percent >= MildLoss && l.deficit >= MinDeficit && l.deficit > l.limit
}

func newLoss(h Height, measured, sd, expected, expectedSD, limit float64) loss {
	return loss{
		height: h, percent: 100 * (1 - measured/expected),
		sd:      100 * measured / expected * math.Hypot(sd/measured, expectedSD/expected),
		reading: 100 * sd / expected,
		deficit: expected - measured, limit: limit, measured: measured, expected: expected,
	}
}

// adjacentLosses returns the losses of the three heights against those expected
// from the neighbours, nil without neighbours.
func adjacentLosses(h *morphometry.Heights, e *morphometry.Expected) []loss {
	if len(e.From) == 0 {
		return nil
	}
	return []loss{
		newLoss(AnteriorHeight, h.Anterior, h.AnteriorSD, e.Anterior, e.AnteriorSD, RepeatabilityLimit*e.AnteriorSD),
		newLoss(MiddleHeight, h.Middle, h.MiddleSD, e.Middle, e.MiddleSD, RepeatabilityLimit*e.MiddleSD),
		newLoss(PosteriorHeight, h.Posterior, h.PosteriorSD, e.Posterior, e.PosteriorSD, RepeatabilityLimit*e.PosteriorSD),
	}
}

// ownLosses returns the losses of anterior and middle height against those that
// go with the body's own posterior height at its level; nil outside T1 to L5.
func ownLosses(l spine.Level, h *morphometry.Heights) []loss {
	r, ok := morphometry.RatiosOf(l, *h)
	if !ok {
		return nil
	}
	own := func(height Height, r morphometry.Ratio, measured, sd float64) loss {
		spread := h.Posterior * r.MeanSD
		expectedSD := math.Hypot(spread, r.Mean*h.PosteriorSD)
		return newLoss(height, measured, sd, h.Posterior*r.Mean, expectedSD, OwnRatioLimit*spread)
	}
	return []loss{
		own(AnteriorHeight, r.Wedge, h.Anterior, h.AnteriorSD),
		own(MiddleHeight, r.Biconcavity, h.Middle, h.MiddleSD),
	}
}

// worst returns the greatest loss that passes, or the greatest if none does.
func worst(losses []loss) loss {
	best := losses[0]
	for _, l := range losses[1:] {
		if l.passes() == best.passes() && l.percent > best.percent || l.passes() && !best.passes() {
			best = l
		}
	}
	return best
}

// deformityOf grades one vertebra by the heights expected from its neighbours.
// As a second opinion its middle height is judged by its own posterior one:
// where the neighbours are as biconcave as it is, they hide it. The greater loss
// counts. Without neighbours the own posterior height is all there is.
//
// Reference: Genant et al., J Bone Miner Res 1993;8:1137; Buckens et al., PLoS ONE
// 2013;8:e71204 (nearest unfractured vertebra); RadElement RDES230 (nearest normal
// vertebra or own posterior height, whichever is larger).
func deformityOf(l spine.Level, h *morphometry.Heights, e *morphometry.Expected) *Deformity {
	own := ownLosses(l, h)
	if own == nil {
		return &Deformity{Reason: "heights are graded from T1 to L5"}
	}
	adjacent := adjacentLosses(h, e)
	if adjacent == nil {
		d := graded(own, OwnPosteriorHeight)
		d.Reason = "no usable neighbour: a loss of all heights alike cannot be seen"
		return d
	}
	basis := AdjacentLevels
	if len(e.From) == 1 {
		basis = OneAdjacentLevel
	}
	d := graded(adjacent, basis)
	d.VertebraPlana = plana(adjacent)
	d.addDoubt(l, e)
	middle := own[len(own)-1:]
	if !middle[0].passes() || middle[0].percent <= d.WorstLoss {
		return d
	}
	second := graded(middle, OwnPosteriorHeight)
	second.Severe = second.Severe || d.Severe
	second.VertebraPlana = d.VertebraPlana
	second.Reason = phrase.Of("by the neighbours the %s height lost %.0f %%", d.WorstHeight.Text(), d.WorstLoss)
	return second
}

// graded grades the worst of the losses.
func graded(losses []loss, basis Basis) *Deformity {
	w := worst(losses)
	d := &Deformity{
		Assessed: true, WorstLoss: w.percent, WorstLossSD: w.sd, WorstHeight: w.height,
		Borderline: borderline(w.percent, w.reading), Basis: basis,
	}
	if !w.passes() {
		if w.percent >= MildLoss {
			d.Borderline = true
			d.Reason = phrase.Of("%.0f %% loss is within the spread of normal heights or less than %g mm", w.percent, MinDeficit)
		}
		return d
	}
	d.Grade = GenantGrade(w.percent)
	d.Shape = shapeOf(losses, w)
	d.Severe = w.measured <= SevereCollapseRatio*w.expected
	return d
}

// shapeOf returns the shape by the height that lost most; a loss of all three,
// or mostly of the posterior one, is a crush.
func shapeOf(losses []loss, w loss) Shape {
	if w.height == PosteriorHeight {
		return Crush
	}
	uniform := len(losses) == 3
	for _, l := range losses {
		uniform = uniform && l.percent >= max(MildLoss, uniformShare*w.percent)
	}
	switch {
	case uniform:
		return Crush
	case w.height == MiddleHeight:
		return Biconcave
	}
	return Wedge
}

func plana(losses []loss) bool {
	for _, l := range losses {
		if l.measured > VertebraPlanaRatio*l.expected {
			return false
		}
	}
	return true
}

// addDoubt says what makes the grade doubtful.
func (d *Deformity) addDoubt(l spine.Level, e *morphometry.Expected) {
	doubts := []phrase.Text{d.Reason}
	if len(e.From) == 1 {
		doubts = append(doubts, phrase.Of("expected from %s alone", e.From[0]))
	}
	var far []spine.Level
	for _, from := range e.From {
		if !morphometry.Adjacent(from, l) && !morphometry.Adjacent(l, from) {
			far = append(far, from)
		}
	}
	switch len(far) {
	case 0:
	case 1:
		doubts = append(doubts, phrase.Of("%s is not adjacent: the levels between are deformed or not measured", far[0]))
	default:
		doubts = append(doubts, phrase.Of("%s are not adjacent: the levels between are deformed or not measured", phrase.Names(" and ", far)))
	}
	if l < spine.T4 || l >= spine.L5 && l != spine.T13 {
		doubts = append(doubts, "grades are defined from T4 to L4")
	}
	d.Reason = phrase.Join("; ", doubts...)
}
