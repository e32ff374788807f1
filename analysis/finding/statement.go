// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package finding

import (
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/spine"
)

// Codes of findings.
const (
	VertebralDeformity          = "VERTEBRAL_DEFORMITY"
	SuspectedVertebralDeformity = "SUSPECTED_VERTEBRAL_DEFORMITY" // Genant's 0.5
	SevereCollapse              = "SEVERE_COLLAPSE"
	VertebraPlanaCode           = "VERTEBRA_PLANA"
)

// Criteria and their sources, as they stand in findings.
var (
	genantCriterion = phrase.Of("worst of anterior, middle and posterior height %g, %g or %g %% below the expected one (grade 1, 2, 3), by at least %g mm and %g SD of the expected height",
		MildLoss, ModerateLoss, SevereLoss, MinDeficit, RepeatabilityLimit)
	ownCriterion = phrase.Of("middle height %g, %g or %g %% below that usual for the level at the body's own posterior height (grade 1, 2, 3), by at least %g mm and %g SD",
		MildLoss, ModerateLoss, SevereLoss, MinDeficit, OwnRatioLimit)
	severeCriterion = phrase.Of("worst height at most %g of the expected one", SevereCollapseRatio)
	planaCriterion  = phrase.Text("all three heights at most a third of the expected ones")
)

const (
	genantSource phrase.Text = "Genant 1993, J Bone Miner Res 8:1137; RadElement RDES150; reference height: Buckens 2013, PLoS ONE 8:e71204"
	ownSource    phrase.Text = "RadElement RDES230; McCloskey 1993, Osteoporos Int 3:138"
	planaSource  phrase.Text = "no consensus definition; default of this program"
)

// statements puts the deformity of v into findings.
func statements(v *Vertebra) []Finding {
	d := v.Deformity
	if !d.Assessed || d.Grade == 0 && !d.Borderline {
		return nil
	}
	f := Finding{
		Code: VertebralDeformity, Levels: []spine.Level{v.Level}, Borderline: d.Borderline,
		Statement: statement(v), Criterion: genantCriterion, Source: genantSource,
	}
	if d.Grade == 0 {
		f.Code = SuspectedVertebralDeformity
	}
	if d.Basis == OwnPosteriorHeight {
		f.Criterion, f.Source = ownCriterion, ownSource
	}
	found := []Finding{f}
	if d.Severe {
		f.Code, f.Criterion, f.Source, f.Borderline = SevereCollapse, severeCriterion, planaSource, false
		f.Statement = phrase.Of("%s: severe collapse, %s height %.0f %% of the expected", v.Level, d.WorstHeight.Text(), 100-d.WorstLoss)
		found = append(found, f)
	}
	if d.VertebraPlana {
		f.Code, f.Criterion, f.Source, f.Borderline = VertebraPlanaCode, planaCriterion, planaSource, false
		f.Statement = phrase.Of("%s: vertebra plana, heights %.0f, %.0f and %.0f %% of the expected", v.Level,
			100*v.Heights.Anterior/v.Expected.Anterior, 100*v.Heights.Middle/v.Expected.Middle, 100*v.Heights.Posterior/v.Expected.Posterior)
		found = append(found, f)
	}
	return found
}

// statement says in a sentence what was found, against what, and how sure.
func statement(v *Vertebra) phrase.Text {
	d := v.Deformity
	s := phrase.Of("%s: Genant grade %d, %s deformity", v.Level, d.Grade, d.Shape.Text())
	if d.Grade == 0 {
		s = phrase.Of("%s: no certain deformity", v.Level)
	}
	s = phrase.Of("%s, %s height %.0f ± %.0f %% below that expected from %s",
		s, d.WorstHeight.Text(), d.WorstLoss, d.WorstLossSD, basisOf(d, v.Expected))
	if d.Reason != "" {
		s = phrase.Of("%s (%s)", s, d.Reason)
	}
	return s
}

func basisOf(d *Deformity, e *morphometry.Expected) phrase.Text {
	if d.Basis == OwnPosteriorHeight {
		return "its posterior height"
	}
	return phrase.Names(" and ", e.From)
}
