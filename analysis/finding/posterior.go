// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package finding

import (
	"math"

	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/spine"
)

// WallState says what is known of a posterior wall.
type WallState uint8

// The states.
const (
	WallNotAssessable WallState = iota
	WallIntact
	WallSuspect
	WallInvolved
)

// Text returns the state's name in lower case.
func (s WallState) Text() phrase.Text {
	return [...]phrase.Text{
		WallNotAssessable: "not assessable", WallIntact: "intact", WallSuspect: "suspect", WallInvolved: "involved",
	}[s]
}

func (s WallState) String() string { return s.Text().String() }

// Cuts of the posterior wall's criteria.
const (
	// WallRetropulsion, mm, is the retropulsion from which a wall is involved. No
	// published norm was found; it is the deficit from which a height counts, above
	// the least significant change of 1.7 mm that follows from a precision of heights
	// of 0.6 mm (Bagur 2000).
	WallRetropulsion = 2.0
	// ImplausibleRetropulsion is the share of the canal's depth, by its own remaining
	// diameter and by that of the adjacent levels, from which a wall that stands
	// behind its place is not believed where the body is neither crushed nor treated:
	// fragments are driven back by the force that crushes the body; else what bounds a
	// narrow canal from behind may have been taken for the wall. A default of this
	// program.
	ImplausibleRetropulsion = 0.4
	// WallGapInvolved is the share of the wall's area without cortex from which
	// it is involved: the share that separates OF2 from OF3 (AO-DGOU OF card).
	WallGapInvolved = 0.2
	// WallGapSuspect is the share from which a wall is suspect: a default of this
	// program, as much as blur and noise leave unseen of an intact wall.
	WallGapSuspect = 0.1
	// WallAngle, degrees, is the posterior body angle above which a wall is
	// suspect. McGrory, J Bone Joint Surg Am 1993; the cut is unverified.
	WallAngle = 100.0
	// WallHeight is the posterior height relative to the expected one at which a
	// wall is suspect: the loss of Genant's grade 1. That encroachment of the
	// canal goes with posterior height loss: Kim 2017, Injury.
	WallHeight = 1 - MildLoss/100
)

// WallCriterion is one thing that was looked at in a posterior wall.
type WallCriterion struct {
	Name       string // RETROPULSION, CORTICAL_GAP, SUPERIOR_ANGLE, INFERIOR_ANGLE, POSTERIOR_HEIGHT, POSTERIOR_BODY_LINE
	Value, SD  float64
	Unit       string // mm, %, deg or 1
	Cut        float64
	Met        bool
	Borderline bool      // within one standard deviation of the cut
	Implies    WallState // the state that the criterion stands for if met
	Rule       phrase.Text
	Source     phrase.Text
	Reason     phrase.Text // why there is no value
}

// WallMeasures are the measures of one posterior wall; nil where there is none,
// and then the reason.
type WallMeasures struct {
	Retropulsion       *morphometry.Retropulsion
	RetropulsionReason phrase.Text // with a retropulsion: why it is not believed
	Gap                *morphometry.WallGap
	GapReason          phrase.Text
	Angles             *morphometry.PosteriorAngles
	BesideAngles       *morphometry.PosteriorAngles // of the intact levels beside it
	Heights            morphometry.PosteriorHeights
}

// PosteriorWall is the assessment of one posterior wall.
type PosteriorWall struct {
	State    WallState
	Criteria []WallCriterion
	Reason   phrase.Text // why it is not assessable, or what makes it doubtful
}

// AssessPosteriorWall judges a posterior wall. It is involved if a retropulsion
// or a gap of its cortex says so, suspect if any other criterion is met, and
// intact only where it was seen against intact neighbours.
//
// Reference: those of the cuts; how they combine: no published source found,
// default.
func AssessPosteriorWall(m WallMeasures) PosteriorWall {
	w := PosteriorWall{Criteria: m.criteria()}
	for _, c := range w.Criteria {
		if c.Met {
			w.State = max(w.State, c.Implies)
		}
	}
	switch {
	case m.Retropulsion == nil && w.State == WallNotAssessable:
		w.Reason = m.RetropulsionReason
	case m.RetropulsionReason != "":
		w.Reason = phrase.Of("retropulsion: %s", m.RetropulsionReason)
	case w.State == WallNotAssessable:
		w.State = WallIntact
		if m.Gap == nil {
			w.Reason = phrase.Of("cortex not judged: %s", m.GapReason)
		}
	}
	return w
}

func (m *WallMeasures) criteria() []WallCriterion {
	out := []WallCriterion{m.retropulsion()}
	gap := m.gap()
	out = append(out, gap...)
	return append(out, m.judged()...)
}

// judged are the criteria of angles and heights, which stand on landmarks alone.
func (m *WallMeasures) judged() []WallCriterion {
	var out []WallCriterion
	if m.Angles != nil && m.BesideAngles != nil {
		out = append(out,
			angleCriterion("SUPERIOR_ANGLE", m.Angles.Superior, m.BesideAngles.Superior),
			angleCriterion("INFERIOR_ANGLE", m.Angles.Inferior, m.BesideAngles.Inferior))
	}
	if h := m.Heights.Expected; h != nil {
		c := WallCriterion{
			Name: "POSTERIOR_HEIGHT", Value: h.Value, SD: h.SD, Unit: "1", Cut: WallHeight, Implies: WallSuspect,
			Rule:   phrase.Of("posterior height at most %g of the expected one and %g SD below it", WallHeight, RepeatabilityLimit),
			Source: "Kim 2017, Injury; Genant 1993, J Bone Miner Res 8:1137",
		}
		c.judge(c.Value <= c.Cut && 1-c.Value > RepeatabilityLimit*c.SD)
		out = append(out, c)
	}
	return out
}

// angleCriterion judges a posterior body angle. Above the cut alone lie normal
// vertebrae too, those of a strong lordosis: it must also exceed the angle of the
// levels beside it.
func angleCriterion(name string, own, beside morphometry.Estimate) WallCriterion {
	c := WallCriterion{
		Name: name, Value: own.Value, SD: own.SD, Unit: "deg", Cut: WallAngle, Implies: WallSuspect,
		Rule:   phrase.Of("posterior body angle above %g° by its SD, and %g SD above that of the levels beside it", WallAngle, RepeatabilityLimit),
		Source: "McGrory 1993, J Bone Joint Surg Am (cut unverified)",
	}
	c.judge(own.Value-own.SD > WallAngle && own.Value-beside.Value > RepeatabilityLimit*math.Hypot(own.SD, beside.SD))
	return c
}

func (c *WallCriterion) judge(met bool) {
	c.Met = met
	c.Borderline = c.Value-c.SD <= c.Cut && c.Cut <= c.Value+c.SD
}

func (m *WallMeasures) retropulsion() WallCriterion {
	c := WallCriterion{
		Name: "RETROPULSION", Unit: "mm", Cut: WallRetropulsion, Implies: WallInvolved, Reason: m.RetropulsionReason,
		Rule:   phrase.Of("wall at least %g mm and %g SD behind the line through the intact walls beside it", WallRetropulsion, RepeatabilityLimit),
		Source: "convention; cut: default of this program",
	}
	if r := m.Retropulsion; r != nil {
		c.Value, c.SD = r.Value, r.SD
		c.judge(retropulsed(r))
		if m.RetropulsionReason != "" {
			c.Met, c.Borderline, c.Implies = true, true, WallSuspect
		}
	}
	return c
}

// doubtRetropulsion withdraws the belief in a retropulsion that is not plausible:
// it may as well be none. own is the canal beside it, with the diameter that the
// adjacent levels lead one to expect, 0 if they tell none.
func (m *WallMeasures) doubtRetropulsion(own *morphometry.Canal, expectedAP float64) {
	r := m.Retropulsion
	if r == nil || own == nil || !retropulsed(r) {
		return
	}
	depth := r.Value + own.NarrowestAP.Value
	if expectedAP > 0 {
		depth = min(depth, expectedAP)
	}
	if r.Value < ImplausibleRetropulsion*depth {
		return
	}
	r.SD = math.Hypot(r.SD, r.Value)
	m.RetropulsionReason = phrase.Of("%.0f mm would be %.0f %% of the canal's depth behind a body that is not crushed: a lamina may have been taken for the wall",
		r.Value, 100*r.Value/depth)
}

// retropulsed tells whether a retropulsion counts.
func retropulsed(r *morphometry.Retropulsion) bool {
	return r.Value >= WallRetropulsion && r.Value > RepeatabilityLimit*r.SD
}

// gap returns two criteria of one measure: the share that makes a wall suspect
// and the one from which it is involved.
func (m *WallMeasures) gap() []WallCriterion {
	suspect := WallCriterion{
		Name: "CORTICAL_GAP", Unit: "%", Cut: 100 * WallGapSuspect, Implies: WallSuspect, Reason: m.GapReason,
		Rule:   phrase.Of("at least %g %% of the wall without cortex, and %g times what intact levels show", 100*WallGapSuspect, RepeatabilityLimit),
		Source: "default of this program",
	}
	involved := suspect
	involved.Cut, involved.Implies = 100*WallGapInvolved, WallInvolved
	involved.Rule = phrase.Of("at least %g %% of the wall without cortex, and %g times what intact levels show", 100*WallGapInvolved, RepeatabilityLimit)
	involved.Source = "AO Spine-DGOU OF classification: a fifth of the wall"
	out := []WallCriterion{suspect, involved}
	if g := m.Gap; g != nil {
		for i := range out {
			c := &out[i]
			c.Value, c.SD = 100*g.Share, 100*g.IntactSD
			c.judge(c.Value >= c.Cut && c.Value > RepeatabilityLimit*c.SD)
		}
	}
	return out
}

// Codes of findings of the posterior wall.
const (
	PosteriorWallInvolved = "POSTERIOR_WALL_INVOLVED"
	PosteriorWallSuspect  = "POSTERIOR_WALL_SUSPECT"
)

// WallStatement states that a posterior wall is suspect or involved, with the
// criteria that led to it; false if it is neither.
func WallStatement(l spine.Level, w PosteriorWall) (Finding, bool) {
	if w.State < WallSuspect {
		return Finding{}, false
	}
	f := Finding{Code: PosteriorWallSuspect, Levels: []spine.Level{l}, Borderline: true}
	if w.State == WallInvolved {
		f.Code = PosteriorWallInvolved
	}
	var said, rules, sources []phrase.Text
	for _, c := range w.Criteria {
		if !c.Met || c.Implies < w.State {
			continue
		}
		text := c.Text()
		if c.Reason != "" {
			text = phrase.Of("%s (%s)", text, c.Reason)
		}
		said = append(said, text)
		rules, sources = append(rules, c.Rule), append(sources, c.Source)
		f.Borderline = f.Borderline && c.Borderline
	}
	f.Statement = phrase.Of("%s: posterior wall %s: %s", l, w.State.Text(), phrase.Join(", ", said...))
	f.Criterion, f.Source = phrase.Join("; ", rules...), phrase.Join("; ", sources...)
	return f, true
}

// Text says what was found, such as "retropulsion 4.2 ± 0.5 mm".
func (c *WallCriterion) Text() phrase.Text {
	switch c.Name {
	case "RETROPULSION":
		return phrase.Of("retropulsion %.1f ± %.1f mm", c.Value, c.SD)
	case "CORTICAL_GAP":
		return phrase.Of("%.0f %% of the wall without cortex", c.Value)
	case "POSTERIOR_HEIGHT":
		return phrase.Of("posterior height %.0f ± %.0f %% of the expected", 100*c.Value, 100*c.SD)
	case "POSTERIOR_BODY_LINE":
		return phrase.Of("a corner %.0f ± %.0f %% of the body's depth behind the posterior vertebral body line", c.Value, c.SD)
	case "SUPERIOR_ANGLE":
		return phrase.Of("superior posterior body angle %.0f ± %.0f°", c.Value, c.SD)
	}
	return phrase.Of("inferior posterior body angle %.0f ± %.0f°", c.Value, c.SD)
}
