// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"math"
	"slices"

	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/spine"
)

// Cuts of the criteria.
const (
	// NewFractureLoss, percent, and NewFractureDeficit, mm: both must be reached by
	// one height.
	//
	// Reference: EPOS (eprints.soton 25772); alternatives: Black et al., J Bone Miner
	// Res 1999;14:90.
	NewFractureLoss    = 20.0
	NewFractureDeficit = 4.0
	// RecollapseLoss, percent of a height, or RecollapseKyphosis, degrees, against
	// the first examination after treatment.
	//
	// Reference: Yu 2017 (PMC5266161).
	RecollapseLoss     = 15.0
	RecollapseKyphosis = 10.0
)

// Codes of findings.
const (
	HeightRestored     = "HEIGHT_RESTORED"
	HeightUnchanged    = "HEIGHT_UNCHANGED"
	HeightLost         = "HEIGHT_LOST_FURTHER"
	Recollapse         = "RECOLLAPSE"
	NewFracture        = "NEW_FRACTURE" // where no level is treated
	NewAdjacent        = "NEW_FRACTURE_ADJACENT"
	NewRemote          = "NEW_FRACTURE_REMOTE"
	KyphosisCorrected  = "KYPHOSIS_CORRECTED"
	KyphosisIncreased  = "KYPHOSIS_INCREASED"
	NewCement          = "NEW_CEMENT"
	NewCementLeak      = "NEW_CEMENT_LEAK"
	RetropulsionChange = "RETROPULSION_CHANGED"
)

// Criteria and sources as they stand in findings.
var (
	changeCriterion     = phrase.Of("a height of a fractured or treated body changed by more than its least significant change, at a probability of %g %% of any false one in the whole comparison", 100*FamilyError)
	fractureCriterion   = phrase.Of("a height at least %g %% and %g mm lower than before, by more than its least significant change", NewFractureLoss, NewFractureDeficit)
	recollapseCriterion = phrase.Of("after treatment a height at least %g %% lower, or the Gardner angle (without it, the wedge angle) at least %g° greater, than in the first examination after it, by more than the least significant change", RecollapseLoss, RecollapseKyphosis)
	kyphosisCriterion   = phrase.Text("Gardner angle of a fractured or treated level changed by more than its least significant change")
)

const (
	changeSource     phrase.Text = "least significant change: 2.77 precision SD, of a family of changes; clinical practice of densitometry"
	fractureSource   phrase.Text = "EPOS; alternatives in Black 1999, J Bone Miner Res 14:90"
	recollapseSource phrase.Text = "Yu 2017, PMC5266161"
	kyphosisSource   phrase.Text = "Curfs 2016 for the angle"
	cementSource     phrase.Text = "default of this program"
)

// findings states what the changes come to, from superior to inferior.
func findings(c *Comparison) []finding.Finding {
	var out []finding.Finding
	for i := range c.Vertebrae {
		p := &c.Vertebrae[i]
		if p.Reason != "" && p.Heights[0] == nil {
			continue
		}
		j := judge{c, i, p}
		out = append(out, j.heights()...)
		out = append(out, j.kyphosis()...)
		out = append(out, j.retropulsion()...)
		out = append(out, j.cement()...)
	}
	return out
}

// judge judges pair i of a comparison.
type judge struct {
	c *Comparison
	i int
	p *Pair
}

func (j judge) finding(code string, criterion, source, statement phrase.Text) finding.Finding {
	return finding.Finding{
		Code: code, Levels: []spine.Level{j.p.Level}, Criterion: criterion, Source: source,
		Statement: phrase.Of("%s: %s", j.p.Level, statement),
	}
}

// heights judges the heights of a body: one that was fractured or treated by
// whether they came back, one that was neither by whether it is fractured now.
func (j judge) heights() []finding.Finding {
	// Of changes that are not judged it is not said that they are none.
	unchanged := func(said phrase.Text) phrase.Text {
		return phrase.Of("no height changed by more than its least significant change: %s", said)
	}
	if slices.ContainsFunc(j.p.Heights[:], func(c *Change) bool { return c != nil && c.Reason != "" }) {
		unchanged = nil
	}
	return j.heightsBy(j, changeCriterion, unchanged)
}

// heightReading is what the heights of a body are judged by: millimetres, or what of
// the expected heights a film shows.
type heightReading interface {
	recollapse() (finding.Finding, bool)
	newFracture() (finding.Finding, bool)
	said(holds func(*Change) bool) phrase.Text
}

// heightsBy is heights by a reading, with the criterion of its changes. unchanged says of
// what was judged that it did not change; nil: it is not said.
func (j judge) heightsBy(by heightReading, criterion phrase.Text, unchanged func(said phrase.Text) phrase.Text) []finding.Finding {
	if f, ok := by.recollapse(); ok {
		return []finding.Finding{f}
	}
	affected := j.p.TreatedBefore || j.p.Treated || j.p.GradeBefore != nil && *j.p.GradeBefore > 0
	if !affected {
		if f, ok := by.newFracture(); ok {
			return []finding.Finding{f}
		}
		return nil
	}
	var out []finding.Finding
	if s := by.said(func(c *Change) bool { return c.Significant && c.Value > 0 }); s != "" {
		out = append(out, j.finding(HeightRestored, criterion, changeSource, phrase.Of("height restored: %s", s)))
	}
	if s := by.said(func(c *Change) bool { return c.Significant && c.Value < 0 }); s != "" {
		out = append(out, j.finding(HeightLost, criterion, changeSource, phrase.Of("height lost further: %s", s)))
	}
	if s := by.said(func(*Change) bool { return true }); len(out) == 0 && unchanged != nil && s != "" {
		out = append(out, j.finding(HeightUnchanged, criterion, changeSource, unchanged(s)))
	}
	return out
}

// said says the changes of the heights that hold, with the share restored.
func (j judge) said(holds func(*Change) bool) phrase.Text {
	var parts []phrase.Text
	for h, c := range j.p.Heights {
		if c == nil || !holds(c) {
			continue
		}
		s := phrase.Of("%s %+.1f ± %.1f mm (%.1f to %.1f)", finding.Height(h).Text(), c.Value, c.SD, c.Earlier(), c.Later())
		if q := j.p.Restored[h]; q.Defined {
			s = phrase.Of("%s, %.0f ± %.0f %% of what was lost", s, q.Value, q.SD)
		}
		parts = append(parts, s)
	}
	return phrase.Join("; ", parts...)
}

// newFracture tells of a body that lost height and was not fractured before.
func (j judge) newFracture() (finding.Finding, bool) {
	h, percent := j.greatestLoss()
	if h < 0 {
		return finding.Finding{}, false
	}
	c := j.p.Heights[h]
	if percent < NewFractureLoss || -c.Value < NewFractureDeficit || !c.Significant {
		return finding.Finding{}, false
	}
	code, what := j.newFractureBy()
	f := j.finding(code, fractureCriterion, fractureSource, phrase.Of("%s: %s height %.1f ± %.1f mm and %.0f %% lower (%.1f to %.1f)",
		what, finding.Height(h).Text(), -c.Value, c.SD, percent, c.Earlier(), c.Later()))
	f.Borderline = math.Abs(percent-NewFractureLoss) < finding.BorderlineMargin || -c.Value-NewFractureDeficit < c.SD
	return f, true
}

// newFractureBy says which kind of new fracture one is, by the nearest treated level.
func (j judge) newFractureBy() (code string, what phrase.Text) {
	at, ok := j.nearestTreated()
	switch {
	case !ok:
		return NewFracture, "new fracture"
	case at == j.i-1 || at == j.i+1:
		return NewAdjacent, phrase.Of("new fracture, adjacent to the treated %s", j.c.Vertebrae[at].Level)
	}
	return NewRemote, phrase.Of("new fracture, remote from the treated %s", j.c.Vertebrae[at].Level)
}

// greatestLoss returns the height that lost most, percent of what it was; -1
// where none was measured in both.
func (j judge) greatestLoss() (which int, percent float64) {
	which = -1
	for h, c := range j.p.Heights {
		if c == nil || c.Earlier() <= 0 {
			continue
		}
		if loss := -100 * c.Value / c.Earlier(); which < 0 || loss > percent {
			which, percent = h, loss
		}
	}
	return which, percent
}

// nearestTreated returns the nearest treated level but this one.
func (j judge) nearestTreated() (at int, ok bool) {
	for d := 1; d < len(j.c.Vertebrae); d++ {
		for _, at := range []int{j.i - d, j.i + d} {
			if at >= 0 && at < len(j.c.Vertebrae) && (j.c.Vertebrae[at].Treated || j.c.Vertebrae[at].TreatedBefore) {
				return at, true
			}
		}
	}
	return 0, false
}

// recollapse tells of a body treated before the first examination that lost
// height or tilted since.
func (j judge) recollapse() (finding.Finding, bool) {
	if !j.p.TreatedBefore || !j.p.Treated {
		return finding.Finding{}, false
	}
	var said []phrase.Text
	borderline := true
	if h, percent := j.greatestLoss(); h >= 0 && percent >= RecollapseLoss && j.p.Heights[h].Significant {
		said = append(said, phrase.Of("%s height %.0f %% lower (%.1f to %.1f mm)", finding.Height(h).Text(), percent, j.p.Heights[h].Earlier(), j.p.Heights[h].Later()))
		borderline = percent-RecollapseLoss < finding.BorderlineMargin
	}
	if name, c := j.kyphotic(); c != nil && c.Value >= RecollapseKyphosis && c.Significant {
		said = append(said, phrase.Of("%s %.1f ± %.1f° greater", name, c.Value, c.SD))
		borderline = borderline && c.Value-RecollapseKyphosis < c.SD
	}
	if len(said) == 0 {
		return finding.Finding{}, false
	}
	f := j.finding(Recollapse, recollapseCriterion, recollapseSource, phrase.Of("recollapse: %s", phrase.Join(", ", said...)))
	f.Borderline = borderline
	return f, true
}

// kyphotic returns the change of the level's Gardner angle, or of its wedge angle
// where that is not known; nil without either.
func (j judge) kyphotic() (name phrase.Text, c *Change) {
	for i := range j.c.Angles {
		if a := &j.c.Angles[i]; a.Name == morphometry.Gardner && a.Level == j.p.Level {
			return "Gardner angle", a.Change
		}
	}
	return "wedge angle", j.p.Wedge
}

// kyphosis tells of a regional kyphosis that was corrected or grew.
func (j judge) kyphosis() []finding.Finding {
	affected := j.p.Treated || j.p.GradeBefore != nil && *j.p.GradeBefore > 0 || j.p.GradeAfter != nil && *j.p.GradeAfter > 0
	name, c := j.kyphotic()
	if !affected || c == nil || !c.Significant {
		return nil
	}
	code, what := KyphosisCorrected, phrase.Text("kyphosis corrected")
	if c.Value > 0 {
		code, what = KyphosisIncreased, "kyphosis increased"
	}
	s := phrase.Of("%s: %s %+.1f ± %.1f° (%.1f to %.1f)", what, name, c.Value, c.SD, c.Before.Value, c.Later())
	if b, a := j.c.Before.Posture, j.c.After.Posture; b != a && b != "" && a != "" {
		s = phrase.Of("%s, in another posture", s)
	}
	return []finding.Finding{j.finding(code, kyphosisCriterion, kyphosisSource, s)}
}

// retropulsion tells of a posterior wall that moved.
func (j judge) retropulsion() []finding.Finding {
	c := j.p.Retropulsion
	if c == nil || !c.Significant || max(c.Before.Value, c.Later()) < finding.WallRetropulsion {
		return nil
	}
	return []finding.Finding{j.finding(RetropulsionChange, "retropulsion changed by more than its least significant change", changeSource,
		phrase.Of("retropulsion %+.1f ± %.1f mm (%.1f to %.1f)", c.Value, c.SD, c.Before.Value, c.Later()))}
}

// cement tells of cement and leaks that the first examination does not show.
func (j judge) cement() []finding.Finding {
	var out []finding.Finding
	cement := j.p.Cement
	if cement == nil {
		return nil
	}
	after := j.c.After.Vertebrae[j.p.AfterIndex].Cement
	if after != nil && j.c.Before.Vertebrae[j.p.BeforeIndex].Cement == nil {
		out = append(out, j.finding(NewCement, "cement in the second examination alone", cementSource,
			phrase.Of("cement, %.1f ± %.1f ml", after.Volume, after.VolumeSD)))
	}
	for _, l := range cement.NewLeaks {
		out = append(out, j.finding(NewCementLeak, "a leak of cement to a place without one in the first examination", cementSource,
			phrase.Of("new leak of cement, %s: %.2f ml, to %.1f mm from the body", l.Place, l.Volume, l.Distance)))
	}
	return out
}
