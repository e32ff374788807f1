// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package finding

import (
	"fmt"
	"strings"

	"github.com/endplate/endplate/analysis/spine"
)

// TreatmentFact is a fact that those who plan a vertebroplasty (PVP) or a balloon
// kyphoplasty (BKP) ask for. It states, and decides nothing.
type TreatmentFact struct {
	Code      string
	Answer    Answer
	Statement string
	Rule      string
	Source    string
}

// TreatmentInput is what the facts rest on.
type TreatmentInput struct {
	FractureInput

	Fracture *Fracture // nil if the body is not fractured
}

// treatmentRule is one row of the table of facts.
type treatmentRule struct {
	code, rule, source string
	ask                func(*TreatmentInput) (Answer, string)
}

// sourceSlides are a treating team's slides on PVP and BKP, in Dutch; no published
// source of their facts was found.
const sourceSlides = "checklist of the treating team (PVP C2 to L5, BKP T5 to L5; BKP: vertebra plana or severe fracture and, relatively, cortical fracture are contraindications; trauma: stable A1)"

// treatmentRules is the table of facts.
var treatmentRules = []treatmentRule{
	{"LEVEL_WITHIN_PVP_RANGE", "level from C2 to L5", sourceSlides, func(in *TreatmentInput) (Answer, string) { return within(in.Level, spine.C2, spine.L5) }},
	{"LEVEL_WITHIN_BKP_RANGE", "level from T5 to L5", sourceSlides, func(in *TreatmentInput) (Answer, string) { return within(in.Level, spine.T4+1, spine.L5) }},
	{"SEVERE_COLLAPSE", severeCriterion + ", or " + planaCriterion + " (contraindication to BKP)", sourceSlides + "; cuts: " + planaSource, severe},
	{"POSTERIOR_WALL_OR_CORTICAL_FRACTURE", "posterior wall involved, or a face of the body with a gap of its cortex (relative contraindication to BKP)", sourceSlides, corticalFracture},
	{"STABLE_WEDGE_A1", "wedge deformity, one endplate broken, posterior wall intact (AO A1; ligaments not judged)", sourceSlides + "; " + sourceAO, stableWedge},
}

// TreatmentFacts answers every row of the table for one body.
func TreatmentFacts(in TreatmentInput) []TreatmentFact {
	facts := make([]TreatmentFact, len(treatmentRules))
	for i, r := range treatmentRules {
		answer, statement := r.ask(&in)
		facts[i] = TreatmentFact{Code: r.code, Answer: answer, Statement: in.Level.String() + ": " + statement, Rule: r.rule, Source: r.source}
	}
	return facts
}

func within(l, from, to spine.Level) (Answer, string) {
	switch {
	case l == spine.Unknown:
		return CannotTell, "the level is not known"
	case l.Order() >= from.Order() && l.Order() <= to.Order():
		return Yes, fmt.Sprintf("within %s to %s", from, to)
	}
	return No, fmt.Sprintf("outside %s to %s", from, to)
}

func severe(in *TreatmentInput) (Answer, string) {
	d := in.Deformity
	switch {
	case d == nil || !d.Assessed:
		return CannotTell, "loss of height not assessed"
	case d.VertebraPlana:
		return Yes, "vertebra plana"
	case d.Severe:
		return Yes, fmt.Sprintf("severe collapse, worst height %.0f %% of the expected", 100-d.WorstLoss)
	}
	return No, fmt.Sprintf("worst height %.0f %% of the expected", 100-d.WorstLoss)
}

func corticalFracture(in *TreatmentInput) (Answer, string) {
	var statement strings.Builder
	statement.WriteString("posterior wall " + in.Wall.String())
	bare := 0
	if in.Tissue != nil {
		for _, face := range bareFaces(in.Level, &in.Tissue.Cortex) {
			statement.WriteString("; without cortical bone: " + face)
			bare++
		}
	}
	switch {
	case in.Wall == WallInvolved || bare > 0:
		return Yes, statement.String()
	case in.Wall == WallIntact && in.Tissue != nil && in.Tissue.Cortex.Reason == "":
		return No, statement.String() + ", no gap of the cortex"
	}
	return CannotTell, statement.String()
}

func stableWedge(in *TreatmentInput) (Answer, string) {
	d := in.Deformity
	if d == nil || !d.Assessed {
		return CannotTell, "loss of height not assessed"
	}
	if d.Grade == 0 || d.Shape != Wedge {
		return No, fmt.Sprintf("%s deformity", d.Shape)
	}
	if in.Fracture == nil {
		return CannotTell, "wedge deformity, endplates not judged"
	}
	wall, one := wallIntact(&in.FractureInput, in.Fracture), oneEndplate(&in.FractureInput, in.Fracture)
	statement := "wedge deformity, " + wall.Because
	switch {
	case wall.Answer == No || one.Answer == No:
		return No, statement + "; " + one.Because
	case wall.Answer == Yes && one.Answer == Yes:
		return Yes, statement + "; " + one.Because
	}
	return CannotTell, statement + "; " + one.Because
}
