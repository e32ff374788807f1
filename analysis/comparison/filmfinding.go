// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"math"

	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/phrase"
)

// filmFindings states what the changes come to where one of the two is a film: by heights
// relative to those expected, which need no scale.
func filmFindings(c *Comparison) []finding.Finding {
	out := []finding.Finding{postureFinding(c.Before, c.After)}
	if out[0].Code == "" {
		out = nil
	}
	for i := range c.Vertebrae {
		p := &c.Vertebrae[i]
		if p.Reason != "" {
			continue
		}
		j := filmJudge{judge{c, i, p}}
		out = append(out, j.heights()...)
		out = append(out, j.kyphosis()...)
	}
	return out
}

const (
	postureSource    phrase.Text = "JOSR 2023 (s13018-023-03758-w): T11–L2, sitting to lying, anterior height +3.4 mm, wedge -4.9°; Hutchins 2016: upright to supine CT, kyphosis -8.2 ± 4.2°"
	postureCriterion phrase.Text = "the examinations were made in different postures, or a film does not say in which"
)

// postureFinding says that posture is part of every change; its Code is empty where both
// are known to be of one posture.
func postureFinding(before, after *Examination) finding.Finding {
	if before.Posture == after.Posture && before.Posture != "" {
		return finding.Finding{}
	}
	return finding.Finding{
		Code: PostureDiffers, Criterion: postureCriterion, Source: postureSource,
		Statement: phrase.Of("posture is part of every change: %s against %s; lying down gives a fractured body 3 to 4 mm of its height and 5 to 8° of its kyphosis back by itself",
			before.described(), after.described()),
	}
}

// described says what an examination is, and in which posture.
func (e *Examination) described() phrase.Text {
	what := phrase.Text("CT")
	if e.Film != nil {
		what = "film"
	}
	switch {
	case e.Posture != "":
		return phrase.Of("%s (%s)", what, e.Posture.Text())
	case e.Film != nil:
		return "film (posture not told, mostly standing)"
	}
	return phrase.Of("%s (posture not told)", what)
}

// Criteria of films as they stand in findings.
var (
	filmChangeCriterion     = phrase.Of("a height of a fractured or treated body, relative to that expected from levels unaffected in both, changed by more than its least significant change, at a probability of %g %% of any false one in the whole comparison", 100*FamilyError)
	filmFractureCriterion   = phrase.Of("a height, relative to that expected from levels unaffected in both, at least %g %% and %g mm lower than before, by more than its least significant change", NewFractureLoss, NewFractureDeficit)
	filmRecollapseCriterion = phrase.Of("after treatment a height, relative to that expected from levels unaffected in both, at least %g %% lower, or the Gardner angle (without it, the wedge angle) at least %g° greater, than in the first examination after it, by more than the least significant change", RecollapseLoss, RecollapseKyphosis)
)

// filmJudge judges a pair of which one is on a film.
type filmJudge struct{ judge }

// heights is judge.heights by relative heights.
func (j filmJudge) heights() []finding.Finding {
	return j.heightsBy(j, filmChangeCriterion, func(said phrase.Text) phrase.Text {
		return phrase.Of("no height that is judged changed by more than its least significant change: %s", said)
	})
}

// said says the changes of the relative heights that hold, with the share restored.
func (j filmJudge) said(holds func(*Change) bool) phrase.Text {
	var parts []phrase.Text
	for h, c := range j.p.OfExpected {
		if c == nil || c.Reason != "" || !holds(c) {
			continue
		}
		s := phrase.Of("%s %+.0f ± %.0f %% of the expected (%.0f to %.0f)", finding.Height(h).Text(), c.Value, c.SD, c.Before.Value, c.Later())
		if q := j.p.Restored[h]; q.Defined {
			s = phrase.Of("%s, %.0f ± %.0f %% of what was lost", s, q.Value, q.SD)
		}
		parts = append(parts, s)
	}
	return phrase.Join("; ", parts...)
}

// greatestLoss returns the relative height that lost most, percent of what it was; -1 where
// none is known in both.
func (j filmJudge) greatestLoss() (which int, percent float64) {
	which = -1
	for h, c := range j.p.OfExpected {
		if c == nil || c.Reason != "" || !(c.Before.Value > 0) {
			continue
		}
		if loss := -100 * c.Value / c.Before.Value; which < 0 || loss > percent {
			which, percent = h, loss
		}
	}
	return which, percent
}

// newFracture tells of a body that lost height and was not fractured before. Its mm are
// those of the examination that has some; without any, those of an average adult's body, and
// the finding is borderline.
func (j filmJudge) newFracture() (finding.Finding, bool) {
	h, percent := j.greatestLoss()
	if h < 0 {
		return finding.Finding{}, false
	}
	c := j.p.OfExpected[h]
	deficit, sd := -c.Value*j.p.usual[h]/100, c.SD*j.p.usual[h]/100
	if percent < NewFractureLoss || deficit < NewFractureDeficit || !c.Significant {
		return finding.Finding{}, false
	}
	code, what := j.newFractureBy()
	s := phrase.Of("%s: %s height %.0f %% lower (%.0f to %.0f %% of the expected), %.1f ± %.1f mm", what, finding.Height(h).Text(), percent, c.Before.Value, c.Later(), deficit, sd)
	if !j.p.usualKnown {
		s = phrase.Of("%s in a body of an average adult's size", s)
	}
	f := j.finding(code, filmFractureCriterion, fractureSource, s)
	f.Borderline = math.Abs(percent-NewFractureLoss) < finding.BorderlineMargin || deficit-NewFractureDeficit < sd || !j.p.usualKnown
	return f, true
}

// recollapse is judge.recollapse by relative heights.
func (j filmJudge) recollapse() (finding.Finding, bool) {
	if !j.p.TreatedBefore || !j.p.Treated {
		return finding.Finding{}, false
	}
	var said []phrase.Text
	borderline := true
	if h, percent := j.greatestLoss(); h >= 0 && percent >= RecollapseLoss && j.p.OfExpected[h].Significant {
		c := j.p.OfExpected[h]
		said = append(said, phrase.Of("%s height %.0f %% lower (%.0f to %.0f %% of the expected)", finding.Height(h).Text(), percent, c.Before.Value, c.Later()))
		borderline = percent-RecollapseLoss < finding.BorderlineMargin
	}
	if name, c := j.kyphotic(); c != nil && c.Value >= RecollapseKyphosis && c.Significant {
		said = append(said, phrase.Of("%s %.1f ± %.1f° greater", name, c.Value, c.SD))
		borderline = borderline && c.Value-RecollapseKyphosis < c.SD
	}
	if len(said) == 0 {
		return finding.Finding{}, false
	}
	f := j.finding(Recollapse, filmRecollapseCriterion, recollapseSource, phrase.Of("recollapse: %s", phrase.Join(", ", said...)))
	f.Borderline = borderline
	return f, true
}
