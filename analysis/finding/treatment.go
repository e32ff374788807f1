// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package finding

import (
	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/spine"
)

// TreatmentFact is a fact that those who plan a vertebroplasty (PVP) or a balloon
// kyphoplasty (BKP) ask for. It states, and decides nothing.
type TreatmentFact struct {
	Code      string
	Answer    Answer
	Statement phrase.Text
	Rule      phrase.Text
	Source    phrase.Text
}

// TreatmentInput is what the facts rest on.
type TreatmentInput struct {
	FractureInput

	Fracture *Fracture // nil if the body is not fractured
}

// treatmentRule is one row of the table of facts.
type treatmentRule struct {
	code         string
	rule, source phrase.Text
	ask          func(*TreatmentInput) (Answer, phrase.Text)
}

// sourceSlides are a treating team's slides on PVP and BKP, in Dutch; no published
// source of their facts was found.
const sourceSlides phrase.Text = "checklist of the treating team (PVP C2 to L5, BKP T5 to L5; BKP: vertebra plana or severe fracture and, relatively, cortical fracture are contraindications; trauma: stable A1)"

// treatmentRules is the table of facts.
var treatmentRules = []treatmentRule{
	{"LEVEL_WITHIN_PVP_RANGE", "level from C2 to L5", sourceSlides, func(in *TreatmentInput) (Answer, phrase.Text) { return within(in.Level, spine.C2, spine.L5) }},
	{"LEVEL_WITHIN_BKP_RANGE", "level from T5 to L5", sourceSlides, func(in *TreatmentInput) (Answer, phrase.Text) { return within(in.Level, spine.T4+1, spine.L5) }},
	{"SEVERE_COLLAPSE", phrase.Of("%s, or %s (contraindication to BKP)", severeCriterion, planaCriterion), phrase.Of("%s; cuts: %s", sourceSlides, planaSource), severe},
	{"POSTERIOR_WALL_OR_CORTICAL_FRACTURE", "posterior wall involved, or a face of the body with a gap of its cortex (relative contraindication to BKP)", sourceSlides, corticalFracture},
	{"STABLE_WEDGE_A1", "wedge deformity, one endplate broken, posterior wall intact (AO A1; ligaments not judged)", phrase.Join("; ", sourceSlides, sourceAO), stableWedge},
}

// TreatmentFacts answers every row of the table for one body.
func TreatmentFacts(in TreatmentInput) []TreatmentFact {
	facts := make([]TreatmentFact, len(treatmentRules))
	for i, r := range treatmentRules {
		answer, statement := r.ask(&in)
		facts[i] = TreatmentFact{Code: r.code, Answer: answer, Statement: phrase.Of("%s: %s", in.Level, statement), Rule: r.rule, Source: r.source}
	}
	return facts
}

func within(l, from, to spine.Level) (Answer, phrase.Text) {
	switch {
	case l == spine.Unknown:
		return CannotTell, "the level is not known"
	case l.Order() >= from.Order() && l.Order() <= to.Order():
		return Yes, phrase.Of("within %s to %s", from, to)
	}
	return No, phrase.Of("outside %s to %s", from, to)
}

func severe(in *TreatmentInput) (Answer, phrase.Text) {
	d := in.Deformity
	switch {
	case d == nil || !d.Assessed:
		return CannotTell, "loss of height not assessed"
	case d.VertebraPlana:
		return Yes, "vertebra plana"
	case d.Severe:
		return Yes, phrase.Of("severe collapse, worst height %.0f %% of the expected", 100-d.WorstLoss)
	}
	return No, phrase.Of("worst height %.0f %% of the expected", 100-d.WorstLoss)
}

func corticalFracture(in *TreatmentInput) (Answer, phrase.Text) {
	said := []phrase.Text{phrase.Of("posterior wall %s", in.Wall.Text())}
	if in.Tissue != nil {
		for _, face := range bareFaces(in.Level, &in.Tissue.Cortex) {
			said = append(said, phrase.Of("without cortical bone: %s", face))
		}
	}
	statement := phrase.Join("; ", said...)
	switch {
	case in.Wall == WallInvolved || len(said) > 1:
		return Yes, statement
	case in.Wall == WallIntact && in.Tissue != nil && in.Tissue.Cortex.Reason == "":
		return No, phrase.Of("%s, no gap of the cortex", statement)
	}
	return CannotTell, statement
}

func stableWedge(in *TreatmentInput) (Answer, phrase.Text) {
	d := in.Deformity
	if d == nil || !d.Assessed {
		return CannotTell, "loss of height not assessed"
	}
	if d.Grade == 0 {
		return No, "no deformity"
	}
	if d.Shape != Wedge {
		return No, phrase.Of("%s deformity", d.Shape.Text())
	}
	if in.Fracture == nil {
		return CannotTell, "wedge deformity, endplates not judged"
	}
	wall, one := wallIntact(&in.FractureInput, in.Fracture), oneEndplate(&in.FractureInput, in.Fracture)
	statement := phrase.Join("; ", phrase.Of("wedge deformity, %s", wall.Because), one.Because)
	switch {
	case wall.Answer == No || one.Answer == No:
		return No, statement
	case wall.Answer == Yes && one.Answer == Yes:
		return Yes, statement
	}
	return CannotTell, statement
}
