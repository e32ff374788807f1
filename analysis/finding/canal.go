// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package finding

import (
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/spine"
)

// CanalClass is a class of canal compromise.
type CanalClass uint8

// The classes, from the widest canal to the narrowest.
const (
	CanalNotAssessed CanalClass = iota
	CanalMinimal
	CanalMild
	CanalModerate
	CanalSevere
	CanalCritical
)

// Cuts of the classes, percent of the canal that the adjacent levels lead one to
// expect. The first three belong to the higher class; "more than" 40 and 50 %
// make the last two.
//
// Reference: spinebase.org, a textbook's classes, seen only as another source quotes
// them.
const (
	CanalMildCut     = 10.0
	CanalModerateCut = 25.0
	CanalSevereCut   = 40.0
	CanalCriticalCut = 50.0
)

// ClassOfCanal returns the class of a compromise in percent.
func ClassOfCanal(percent float64) CanalClass {
	switch {
	case percent > CanalCriticalCut:
		return CanalCritical
	case percent > CanalSevereCut:
		return CanalSevere
	case percent >= CanalModerateCut:
		return CanalModerate
	case percent >= CanalMildCut:
		return CanalMild
	}
	return CanalMinimal
}

// Text returns the class's name in lower case.
func (c CanalClass) Text() phrase.Text {
	return [...]phrase.Text{
		CanalNotAssessed: "not assessed", CanalMinimal: "minimal", CanalMild: "mild",
		CanalModerate: "moderate", CanalSevere: "severe", CanalCritical: "critical",
	}[c]
}

func (c CanalClass) String() string { return c.Text().String() }

// CanalCompromise is the code of a canal that is narrower than beside the
// adjacent levels.
const CanalCompromise = "CANAL_COMPROMISE"

// Criterion and sources of a canal's compromise.
var canalCriterion = phrase.Of("area of the bony canal at its narrowest behind the body, against the mean of the adjacent levels' narrowest: %g to %g %% less mild, to %g %% moderate, more severe, more than %g %% critical; minimal within %g SD",
	CanalMildCut, CanalModerateCut, CanalSevereCut, CanalCriticalCut, RepeatabilityLimit)

const canalSource phrase.Text = "formula: PLoS ONE 2015;10:e0135735; classes: spinebase.org (textbook)"

// Canal is the assessment of the canal at one level.
type Canal struct {
	Class      CanalClass
	Borderline bool        // within one standard deviation of another class
	Reason     phrase.Text // why it was not assessed
}

// AssessCanal classes the compromise of the canal by its area. What lies within
// the repeatability limit of normal levels' spread is minimal, and borderline if
// it is past the first cut.
func AssessCanal(c *morphometry.Compromise, reason phrase.Text) Canal {
	if c == nil {
		return Canal{Reason: reason}
	}
	area := c.Area
	class := ClassOfCanal(area.Value)
	borderline := ClassOfCanal(area.Value-area.SD) != class || ClassOfCanal(area.Value+area.SD) != class
	if class > CanalMinimal && area.Value <= RepeatabilityLimit*area.SD {
		class, borderline = CanalMinimal, true
	}
	return Canal{Class: class, Borderline: borderline}
}

// CanalStatement states a compromise of the canal; false if it is minimal or not
// assessed.
func CanalStatement(l spine.Level, own *morphometry.Canal, c *morphometry.Compromise, a Canal) (Finding, bool) {
	if own == nil || c == nil || a.Class <= CanalMinimal {
		return Finding{}, false
	}
	return Finding{
		Code: CanalCompromise, Levels: []spine.Level{l}, Borderline: a.Borderline,
		Statement: phrase.Of("%s: %s compromise of the canal, area %.0f ± %.0f %% and diameter %.0f ± %.0f %% below those beside %s (%.0f mm² and %.1f mm at the narrowest)",
			l, a.Class.Text(), c.Area.Value, c.Area.SD, c.AP.Value, c.AP.SD, phrase.Names(" and ", c.From), own.NarrowestArea.Value, own.NarrowestAP.Value),
		Criterion: canalCriterion, Source: canalSource,
	}, true
}

// SuspectCanal, mm, is how near bone must stand behind a posterior wall, where the
// canal could not be followed, for it to be suspected of a severe narrowing: half of
// what bony canals measure from T12 to L5, 14 to 19 mm in the mean of three series. A
// default of this program.
const SuspectCanal = 9.0

// SuspectedCanal states that a canal which could not be measured may be severely
// narrowed; false if nothing says so.
func SuspectedCanal(l spine.Level, own *segmentation.Canal) (Finding, bool) {
	if own == nil || !(own.Behind > 0 && own.Behind <= SuspectCanal) {
		return Finding{}, false
	}
	return Finding{
		Code: CanalCompromise, Levels: []spine.Level{l}, Borderline: true,
		Statement: phrase.Of("%s: severe narrowing of the canal suspected, not measurable: bone stands some %.0f mm behind the posterior wall", l, own.Behind),
		Criterion: phrase.Of("where the canal could not be followed: bone at most %g mm behind the posterior wall", SuspectCanal),
		Source:    "default of this program",
	}, true
}
