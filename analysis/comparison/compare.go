// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"cmp"
	"slices"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/phrase"
)

// Compare tells what changed from before to after. It returns ErrOtherPatient,
// ErrReversed, ErrNoCommonLevel or a *NotMeasurableError where they cannot be
// compared. Neither examination is changed; the result may share data with them.
func Compare(before, after *Examination, opt Options) (*Comparison, error) {
	if err := check(before, after, opt); err != nil {
		return nil, err
	}
	c := newChains(before, after)
	ways, named := c.match()
	if named < 0 {
		return nil, ErrNoCommonLevel
	}
	out := &Comparison{Before: before, After: after, Days: daysBetween(before, after), Warnings: warnings(before, after)}
	shift, match, doubts := decide(c, ways, named)
	out.Match = match
	out.Warnings = append(out.Warnings, doubts...)
	if match.State == NamesCorrected {
		c.rename(shift, match.KeptBefore)
		out.Before, out.After = c.before, c.after
	}
	out.warnOfGuesses()
	out.Vertebrae = c.pair(shift, opt.Treated)
	out.keepTreated()
	for i := range out.Vertebrae {
		out.Vertebrae[i].describe(out.Before, out.After)
	}
	if !slices.ContainsFunc(out.Vertebrae, func(p Pair) bool { return p.Reason == "" }) {
		return nil, ErrNoCommonLevel
	}
	if out.ofFilm() {
		out.compareFilm()
		return out, nil
	}
	out.Match.Registration = register(out)
	out.measure()
	out.Findings = findings(out)
	return out, nil
}

// measure fills in the changes of all pairs and judges them as a family.
func (c *Comparison) measure() {
	all := newChanges(c.Before, c.After)
	expected := expectedHeights(c.Vertebrae, c.Before, c.After)
	found := c.see()
	for i := range c.Vertebrae {
		p := &c.Vertebrae[i]
		p.Expected = expected[i]
		p.compare(c.Before, c.After, found[i], all)
		for h := range p.Restored {
			p.Restored[h] = restored(finding.Height(h), p.Heights[h], p.Expected)
		}
	}
	c.Angles = angleChanges(c.Before, c.After, all)
	c.seeBetween(found, all)
	c.Factor = all.judge()
	c.holdVolumes()
	c.Warnings = append(c.Warnings, c.misread()...)
}

// decide chooses among the ways in which two chains may belong together, and says
// what that rests on.
func decide(c *chains, ways []hypothesis, named int) (shift int, m Match, doubts []analysis.Warning) {
	best := slices.MaxFunc(ways, func(a, b hypothesis) int { return cmp.Compare(a.chance, b.chance) })
	byName := ways[named]
	m = Match{
		State: NamesAgree, Probability: byName.chance, Levels: byName.levels,
		KeptBefore: nameProbability(c.before) >= nameProbability(c.after),
	}
	warn := func(code string, message phrase.Text) {
		doubts = append(doubts, analysis.Warning{Code: code, Message: message})
	}
	kept := phrase.Text("second")
	if m.KeptBefore {
		kept = "first"
	}
	switch {
	case best.offset == 0 && best.chance >= likely && best.levels >= leastLevels:
		return byName.shift, m, nil
	case best.offset != 0 && best.chance >= c.sure() && best.levels >= leastLevels:
		m = Match{
			State: NamesCorrected, Offset: best.offset, Probability: best.chance, Levels: best.levels,
			LogOdds: best.evidence - byName.evidence, KeptBefore: m.KeptBefore,
		}
		warn(LevelsDisagree, phrase.Of("by the shape of %d vertebrae the names of the second examination stand %s those of the first (probability %.3f); the names of the %s examination, whose own probability is higher, are used for both",
			best.levels, beside(best.offset), best.chance, kept))
		return best.shift, m, doubts
	case best.offset != 0 && best.chance >= likely:
		m.State, m.Offset, m.LogOdds = NamesDisagree, best.offset, best.evidence-byName.evidence
		warn(LevelsDisagree, phrase.Of("by shape the names of the second examination probably stand %s those of the first (probability %.2f): too little to correct them; vertebrae are compared by name",
			beside(best.offset), best.chance))
	default:
		m.State = NamesUnchecked
		warn(LevelsUnchecked, phrase.Of("whether the two examinations name the same vertebrae alike cannot be told: too few unfractured, untreated vertebrae in both, or too alike (%d)", byName.levels))
	}
	return byName.shift, m, doubts
}

// Probabilities from which the way in which two examinations belong together is
// taken to be told, and from which it overrules names: defaults of this program.
// Names are overruled only where they would be wrong in all but one of a thousand
// such cases.
const (
	likely  = 0.9
	certain = 0.999
)

// leastLevels is how many vertebrae the shapes must agree in before they say
// anything of the names.
const leastLevels = 2

// beside says an offset in words.
func beside(offset int) phrase.Text {
	switch {
	case offset == 1:
		return "1 level below"
	case offset == -1:
		return "1 level above"
	case offset < 0:
		return phrase.Of("%d levels above", -offset)
	}
	return phrase.Of("%d levels below", offset)
}
