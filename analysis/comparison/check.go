// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/phrase"
)

// Codes of warnings.
const (
	LevelsDisagree  = "LEVELS_DISAGREE"
	LevelsUnchecked = "LEVELS_UNCHECKED"
	PostureDiffers  = "POSTURE_DIFFERS"
	PostureUnknown  = "POSTURE_UNKNOWN" // of a film
	SlicesDiffer    = "SLICES_DIFFER"
	ModalityDiffers = "MODALITY_DIFFERS"
	PatientUnknown  = "PATIENT_UNKNOWN"
	PatientDiffers  = "PATIENT_DIFFERS"
	DateUnknown     = "DATE_UNKNOWN"
	DatesReversed   = "DATES_REVERSED"
)

// slicesAlike is the ratio of two slice distances from which readings may differ
// by it.
const slicesAlike = 1.5

// check returns an error where two examinations are not to be compared.
func check(before, after *Examination, opt Options) error {
	if before.Patient.differs(after.Patient) && !opt.Force {
		return ErrOtherPatient
	}
	if before.reversed(after) && !opt.KeepOrder {
		return ErrReversed
	}
	for _, e := range []*Examination{before, after} {
		if !e.Measurable() {
			reason := e.Reason
			if reason == "" {
				reason = "of the vertebrae found none could be measured"
			}
			return &NotMeasurableError{Name: e.Name, Before: e == before, Reason: reason}
		}
	}
	return nil
}

// Measurable reports whether any vertebra was measured.
func (e *Examination) Measurable() bool { return e.MeasuredLevels() > 0 }

// MeasuredLevels returns how many vertebrae were measured.
func (e *Examination) MeasuredLevels() int {
	n := 0
	for i := range e.Vertebrae {
		if e.Vertebrae[i].Measured() {
			n++
		}
	}
	return n
}

// reversed reports whether e was acquired after other.
func (e *Examination) reversed(other *Examination) bool {
	return !e.Acquired.IsZero() && !other.Acquired.IsZero() && e.Acquired.After(other.Acquired)
}

// differs reports whether both identities know something that differs.
func (p Identity) differs(q Identity) bool {
	unlike := func(a, b string) bool { return a != "" && b != "" && a != b }
	return unlike(p.Patient, q.Patient) || unlike(p.Issuer, q.Issuer) || unlike(p.Traits, q.Traits)
}

// known reports whether both identities know the patient.
func (p Identity) known(q Identity) bool { return p.Patient != "" && q.Patient != "" }

// warnings says what makes the comparison of two examinations doubtful.
func warnings(before, after *Examination) []analysis.Warning {
	var out []analysis.Warning
	warn := func(code string, message phrase.Text) {
		out = append(out, analysis.Warning{Code: code, Message: message})
	}
	switch {
	case before.Patient.differs(after.Patient):
		warn(PatientDiffers, "the examinations are of different patients by their headers; compared because that was asked for")
	case !before.Patient.known(after.Patient):
		warn(PatientUnknown, "whether both examinations are of one patient cannot be told: an identifier is missing")
	}
	switch {
	case before.Acquired.IsZero() || after.Acquired.IsZero():
		warn(DateUnknown, "an examination has no date: which came first is taken from the order given")
	case before.reversed(after):
		warn(DatesReversed, "by its date the first examination is the later one; the order given was kept")
	}
	switch {
	case before.Posture != after.Posture && before.Posture != "" && after.Posture != "":
		warn(PostureDiffers, phrase.Of("%s against %s: posture alone changes heights of a fractured body by 3 to 4 mm and kyphosis by 5 to 8°",
			before.Posture.Text(), after.Posture.Text()))
	case before.Film != nil && before.Posture == "" || after.Film != nil && after.Posture == "":
		warn(PostureUnknown, "a film does not tell in which posture it was taken, mostly standing: posture alone changes heights of a fractured body by 3 to 4 mm and kyphosis by 5 to 8°")
	}
	switch {
	case before.Film != nil && after.Film != nil: // CR, DX and others are all films
	case before.Modality != after.Modality:
		warn(ModalityDiffers, phrase.Of("%s against %s: readings of the two differ", before.Modality, after.Modality))
	}
	if b, a := before.SliceSpacing, after.SliceSpacing; b > 0 && a > 0 && max(a, b) > slicesAlike*min(a, b) {
		warn(SlicesDiffer, phrase.Of("slices stand %.3g mm apart in the first and %.3g mm in the second examination: the coarser one decides what can be told", b, a))
	}
	return out
}

// hoursPerDay turns durations into days.
const hoursPerDay = 24

// daysBetween returns the days from one examination to the other; nil where a
// date is not known.
func daysBetween(before, after *Examination) *float64 {
	if before.Acquired.IsZero() || after.Acquired.IsZero() {
		return nil
	}
	days := after.Acquired.Sub(before.Acquired).Hours() / hoursPerDay
	return &days
}
