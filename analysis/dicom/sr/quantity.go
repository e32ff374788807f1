// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package sr

import (
	"github.com/endplate/endplate/analysis/dicom/code"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/spine"
)

// quantity is a number that was measured.
type quantity struct {
	concept code.Code
	// name is what the concept means here, in words; no other number of the group
	// has it. PS3.16 TID 300 row 16.
	name      string
	value, sd float64 // sd is 0 where none is stated
	unit      code.Code
	// on is what was measured: nil where nothing is drawn. It goes first, for
	// viewers that look for the graphic there.
	on *item
}

// item returns the number as TID 300 has it; nil for one that is not finite.
func (q quantity) item(modifiers ...*item) *item {
	return numeric(contains, q.concept, q.value, q.unit).add(q.on, q.meaning()).add(modifiers...).add(uncertainty(q.sd, q.unit))
}

func (q quantity) meaning() *item { return text(hasConceptMod, code.EquivalentMeaning, q.name) }

// unmeasured returns the quantity as one that has no value, and why.
func (q quantity) unmeasured(qualifier code.Code, reason string) *item {
	return unmeasured(contains, q.concept, qualifier).add(q.meaning(), because(reason))
}

// uncertainty is that of a number: one standard deviation to either side. TID 310
// row 5, CID 225.
func uncertainty(sd float64, unit code.Code) *item {
	if sd == 0 {
		return nil
	}
	return numeric(hasProperties, code.Uncertainty, sd, unit).add(coded(hasConceptMod, code.Derivation, code.StandardDeviation))
}

// because is the reason for what it is added to, if there is one.
func because(reason string) *item { return text(hasProperties, code.Because, reason) }

// rule is the rule that a statement rests on.
func rule(criterion, source string) []*item {
	return []*item{text(hasProperties, code.Criterion, criterion), text(hasProperties, code.Source, source)}
}

// site is where something is, with the part of it.
func site(where code.Code, part ...code.Code) *item {
	i := coded(hasConceptMod, code.FindingSite, where)
	for _, p := range part {
		i.add(coded(hasConceptMod, code.TopographicModifier, p))
	}
	return i
}

// onSide is site with a side of the patient.
func onSide(where, side code.Code) *item {
	return site(where).add(coded(hasConceptMod, code.Laterality, side))
}

func method(how code.Code) *item  { return coded(hasConceptMod, code.MeasurementMethod, how) }
func derived(how code.Code) *item { return coded(hasConceptMod, code.Derivation, how) }

// yesNo is a statement that holds or does not.
func yesNo(concept code.Code, holds bool) *item {
	if holds {
		return coded(contains, concept, code.Yes)
	}
	return coded(contains, concept, code.No)
}

// answer is the answer to a question.
func answer(r relation, concept code.Code, a finding.Answer) *item {
	return coded(r, concept, map[finding.Answer]code.Code{
		finding.Yes: code.Yes, finding.No: code.No, finding.CannotTell: code.Undetermined,
	}[a])
}

// expectedFrom names the levels that a value is expected from.
func expectedFrom(levels []spine.Level) []*item {
	var all []*item
	for _, l := range levels {
		if c, ok := code.Level(l); ok {
			all = append(all, coded(hasConceptMod, code.ExpectedFrom, c))
		}
	}
	return all
}

// estimate is a quantity of an estimate.
func estimate(concept code.Code, name string, e morphometry.Estimate, unit code.Code) quantity {
	return quantity{concept: concept, name: name, value: e.Value, sd: e.SD, unit: unit}
}

// share is a quantity in percent of a part from 0 to 1.
func share(concept code.Code, name string, part float64) quantity {
	return quantity{concept: concept, name: name, value: 100 * part, unit: code.Percent}
}
