// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/report"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

var canalClasses = map[finding.CanalClass]endplatev1.Canal_Class{
	finding.CanalMinimal:  endplatev1.Canal_MINIMAL,
	finding.CanalMild:     endplatev1.Canal_MILD,
	finding.CanalModerate: endplatev1.Canal_MODERATE,
	finding.CanalSevere:   endplatev1.Canal_SEVERE,
	finding.CanalCritical: endplatev1.Canal_CRITICAL,
}

var wallStates = map[finding.WallState]endplatev1.PosteriorWall_State{
	finding.WallNotAssessable: endplatev1.PosteriorWall_NOT_ASSESSABLE,
	finding.WallIntact:        endplatev1.PosteriorWall_INTACT,
	finding.WallSuspect:       endplatev1.PosteriorWall_SUSPECT,
	finding.WallInvolved:      endplatev1.PosteriorWall_INVOLVED,
}

// canal returns nil where there is nothing to tell.
func canal(c *analysis.Canal) *endplatev1.Canal {
	if c.Size == nil && c.Reason == "" && c.Assessment.Reason == "" {
		return nil
	}
	out := &endplatev1.Canal{Reason: c.Reason.String()}
	if out.Reason == "" {
		out.Reason = c.Assessment.Reason.String()
	}
	if s := c.Size; s != nil {
		out.ApMm, out.ApSdMm = estimate(s.AP)
		out.AreaMm2, out.AreaSdMm2 = estimate(s.Area)
		out.NarrowestApMm, out.NarrowestApSdMm = estimate(s.NarrowestAP)
		out.NarrowestAreaMm2, out.NarrowestAreaSdMm2 = estimate(s.NarrowestArea)
		out.NarrowestAtPercent, out.OpenPercent = percent(s.NarrowestAt), percent(s.OpenShare)
	}
	if m := c.Compromise; m != nil {
		out.ExpectedApMm, out.ExpectedAreaMm2 = number(m.ExpectedAP), number(m.ExpectedArea)
		out.ExpectedFrom = levels(m.From)
		out.ApCompromisePercent, out.ApCompromiseSdPercent = estimate(m.AP)
		out.AreaCompromisePercent, out.AreaCompromiseSdPercent = estimate(m.Area)
	}
	if c.Assessment.Class != finding.CanalNotAssessed {
		rule := report.RuleOf(finding.CanalCompromise)
		out.CompromiseClass, out.Borderline = canalClasses[c.Assessment.Class], new(c.Assessment.Borderline)
		out.Criterion, out.Source = rule.Criterion.String(), rule.Source.String()
	}
	return out
}

// wall returns nil for a vertebra whose wall was not looked at.
func wall(w *analysis.Wall) *endplatev1.PosteriorWall {
	if len(w.Criteria) == 0 && w.State == finding.WallNotAssessable && w.Reason == "" {
		return nil
	}
	m := &w.Measures
	out := &endplatev1.PosteriorWall{
		State: wallStates[w.State], Reason: w.Reason.String(),
		RetropulsionReason: m.RetropulsionReason.String(), GapReason: m.GapReason.String(),
	}
	if r := m.Retropulsion; r != nil {
		out.RetropulsionMm, out.RetropulsionSdMm = estimate(r.Estimate)
		out.RetropulsionAtPercent, out.RetropulsionLeftMm = percent(r.Along), number(r.Left)
		out.RetropulsionFrom, out.RetropulsionOwnLine = levels(r.From), new(r.OwnLine)
	}
	if g := m.Gap; g != nil {
		out.GapPercent, out.IntactGapPercent, out.GapJudgedPercent = percent(g.Share), percent(g.IntactSD), percent(g.Judged)
		out.CortexMm, out.IntactCortexMm, out.IntactLevels = number(g.Cortex), number(g.Intact), new(int32(g.Levels))
	}
	wallAngles(out, m)
	if h := m.Heights.Expected; h != nil {
		out.HeightOfExpectedPercent, out.HeightOfExpectedSdPercent = percent(h.Value), percent(h.SD)
	}
	if h := m.Heights.Above; h != nil {
		out.HeightOfAbovePercent = percent(h.Value)
	}
	if h := m.Heights.Below; h != nil {
		out.HeightOfBelowPercent = percent(h.Value)
	}
	for i := range w.Criteria {
		out.Criteria = append(out.Criteria, wallCriterion(&w.Criteria[i]))
	}
	return out
}

func wallAngles(out *endplatev1.PosteriorWall, m *finding.WallMeasures) {
	if a := m.Angles; a != nil {
		out.SuperiorAngleDeg, out.SuperiorAngleSdDeg = estimate(a.Superior)
		out.InferiorAngleDeg, out.InferiorAngleSdDeg = estimate(a.Inferior)
	}
	if a := m.BesideAngles; a != nil {
		out.BesideSuperiorAngleDeg, out.BesideInferiorAngleDeg = number(a.Superior.Value), number(a.Inferior.Value)
	}
}

// wallCriterion leaves value and verdict out where there is a reason for having
// none.
func wallCriterion(c *finding.WallCriterion) *endplatev1.WallCriterion {
	out := &endplatev1.WallCriterion{
		Name: c.Name, Unit: c.Unit, Cut: number(c.Cut), Implies: wallStates[c.Implies],
		Rule: c.Rule.String(), Source: c.Source.String(), Reason: c.Reason.String(),
	}
	if c.Reason == "" {
		out.Value, out.Sd = number(c.Value), number(c.SD)
		out.Met, out.Borderline = new(c.Met), new(c.Borderline)
	}
	return out
}

func estimate(e morphometry.Estimate) (value, sd *float64) { return number(e.Value), number(e.SD) }

// percent returns a share of 0 to 1 in percent.
func percent(share float64) *float64 { return number(100 * share) }
