// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/spine"
)

// Options steer a comparison. The zero value is the default.
type Options struct {
	// Force compares examinations of different patients too, with a warning.
	Force bool
	// KeepOrder takes the examinations in the order given; without it, one whose
	// dates are reversed is an error.
	KeepOrder bool
	// Treated are levels that the caller knows to be treated, whether or not
	// cement shows.
	Treated []spine.Level
}

// Comparison is what changed between two examinations.
type Comparison struct {
	Before, After *Examination
	Days          *float64 // between them; nil where a date is not known
	Match         Match
	Vertebrae     []Pair // by level, from superior to inferior
	Angles        []AngleChange
	Findings      []finding.Finding
	Warnings      []analysis.Warning

	// NotAssessable names what a comparison with a film does not tell; nil for two CTs.
	NotAssessable []string

	// Factor is the number of standard deviations of a change that make its
	// least significant change in this comparison.
	Factor float64
}

// Change is a change of one quantity, in the unit that the holder states. Before
// and After are the readings of the two examinations, with the standard deviations
// that they have on repeated examination.
type Change struct {
	Before, After morphometry.Estimate
	// Value is the change: After less Before; where Tracked, the mean of that and of
	// what the pictures of the endplates show, found of one examination in the
	// other, weighted by inverse variance; where Misread, that of the pictures alone,
	// which the readings contradict.
	Value            float64
	Tracked, Misread bool
	// ByLater is set where After is the surer reading: its endplates were found in the
	// first examination, and those of the first not, or less alike, in the second.
	ByLater     bool
	Unread      bool        // one of Before and After is no reading, but what the pictures tell
	SD          float64     // standard deviation of Value
	LSC         float64     // least significant change
	Significant bool        // whether |Value| exceeds LSC
	Reason      phrase.Text // why it is not judged; it is then not significant
}

// Earlier returns the value in the first examination: as read, or as the surer reading
// of the second and the change tell it where the pictures contradict the readings.
func (c *Change) Earlier() float64 {
	if c.Misread && c.ByLater {
		return c.After.Value - c.Value
	}
	return c.Before.Value
}

// Later returns the value in the second examination that the change leads to.
func (c *Change) Later() float64 { return c.Earlier() + c.Value }

// Quotient is a derived number, or the reason why there is none.
type Quotient struct {
	Value, SD float64
	Defined   bool
	Reason    phrase.Text
}

// Match is how the vertebrae of two examinations belong together.
type Match struct {
	State MatchState
	// Offset is by how many levels the second examination's names stand below
	// the first's for the same vertebrae; 0 if they agree.
	Offset int
	// Probability is that of the matching used, by names and shape together.
	Probability float64
	// LogOdds is the evidence of shape for the matching by shape against that by
	// name, natural logarithm; 0 where they agree.
	LogOdds float64
	// KeptBefore says whose names are used where they disagree.
	KeptBefore bool
	Levels     int // vertebrae that it rests on

	Registration Registration
}

// MatchState says how names and shape agree.
type MatchState string

// The states.
const (
	NamesAgree     MatchState = "NAMES_AGREE"
	NamesCorrected MatchState = "NAMES_CORRECTED"
	NamesDisagree  MatchState = "NAMES_DISAGREE" // the evidence is too weak to correct them
	NamesUnchecked MatchState = "NAMES_UNCHECKED"
)
