// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package sr

import (
	"strings"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/dicom/code"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/morphometry"
)

var wallCodes = map[finding.WallState]code.Code{
	finding.WallNotAssessable: code.WallNotAssessable, finding.WallIntact: code.WallIntact,
	finding.WallSuspect: code.WallSuspect, finding.WallInvolved: code.WallInvolved,
}

// wall is the posterior wall; nothing for a vertebra whose wall was not looked at.
func wall(w *analysis.Wall) []*item {
	if len(w.Criteria) == 0 && w.State == finding.WallNotAssessable && w.Reason == "" {
		return nil
	}
	all := []*item{coded(contains, code.Wall, wallCodes[w.State]).add(because(w.Reason.String()))}
	all = append(all, retropulsion(&w.Measures)...)
	all = append(all, wallGap(&w.Measures)...)
	all = append(all, wallAngles(&w.Measures)...)
	all = append(all, wallHeights(&w.Measures.Heights)...)
	for i := range w.Criteria {
		all = append(all, wallCriterion(&w.Criteria[i]))
	}
	return all
}

func onWall() *item { return site(code.PosteriorWall) }

func retropulsion(m *finding.WallMeasures) []*item {
	r := m.Retropulsion
	if r == nil {
		if m.RetropulsionReason == "" {
			return nil
		}
		return []*item{quantity{concept: code.Retropulsion, name: "retropulsion"}.unmeasured(code.Failure, m.RetropulsionReason.String()).add(onWall())}
	}
	return []*item{
		estimate(code.Retropulsion, "retropulsion", r.Estimate, code.Millimetre).item(onWall()).add(expectedFrom(r.From)...),
		share(code.RetropulsionAt, "height of the greatest retropulsion", r.Along).item(onWall()),
		quantity{concept: code.RetropulsionLeft, name: "greatest retropulsion, to the left", value: r.Left, unit: code.Millimetre}.item(onWall()),
		yesNo(code.OwnLine, r.OwnLine).add(because(m.RetropulsionReason.String())),
	}
}

func wallGap(m *finding.WallMeasures) []*item {
	g := m.Gap
	if g == nil {
		if m.GapReason == "" {
			return nil
		}
		return []*item{share(code.CortexGap, "posterior wall without cortex", 0).unmeasured(code.Failure, m.GapReason.String()).add(onWall())}
	}
	return []*item{
		share(code.CortexGap, "posterior wall without cortex", g.Share).item(onWall()),
		share(code.CortexGap, "posterior wall without cortex, intact levels", g.IntactSD).item(onWall(), method(code.OfIntact)),
		share(code.CortexJudged, "posterior wall judged", g.Judged).item(onWall()),
		quantity{concept: code.CortexThickness, name: "cortex of the posterior wall", value: g.Cortex, unit: code.Millimetre}.item(onWall(), derived(code.Median)),
		quantity{concept: code.CortexThickness, name: "cortex of the posterior wall, intact levels", value: g.Intact, unit: code.Millimetre}.item(onWall(), derived(code.Median), method(code.OfIntact)),
		quantity{concept: code.IntactLevels, name: "intact levels compared with", value: float64(g.Levels), unit: code.NoUnits}.item(),
	}
}

func wallAngles(m *finding.WallMeasures) []*item {
	var all []*item
	pair := func(a *morphometry.PosteriorAngles, name string, how code.Code) {
		if a == nil {
			return
		}
		superior, inferior := a.Superior, a.Inferior
		if how == code.BesideIntact { // whose deviations are not the vertebra's
			superior.SD, inferior.SD = 0, 0
		}
		all = append(all,
			estimate(code.Angle, "superior angle of the posterior wall"+name, superior, code.Degree).item(site(code.PosteriorWall, code.SuperiorAspect), method(how)),
			estimate(code.Angle, "inferior angle of the posterior wall"+name, inferior, code.Degree).item(site(code.PosteriorWall, code.InferiorAspect), method(how)),
		)
	}
	pair(m.Angles, "", code.ToWall)
	pair(m.BesideAngles, ", intact levels beside", code.BesideIntact)
	return all
}

func wallHeights(h *morphometry.PosteriorHeights) []*item {
	var all []*item
	add := func(e *morphometry.Estimate, name string, keepSD bool, how code.Code) {
		if e == nil {
			return
		}
		q := share(code.HeightOfExpected, name, e.Value)
		if keepSD {
			q.sd = 100 * e.SD
		}
		all = append(all, q.item(site(code.VertebralBody, code.PosteriorAspect), method(how)))
	}
	add(h.Expected, "posterior height of the expected, as a criterion", true, code.FromAdjacent)
	add(h.Above, "posterior height of that of the level above", false, code.OfAbove)
	add(h.Below, "posterior height of that of the level below", false, code.OfBelow)
	return all
}

// criterionUnits are the units of criteria of the posterior wall.
var criterionUnits = map[string]code.Code{"mm": code.Millimetre, "%": code.Percent, "deg": code.Degree, "1": code.Ratio}

// wallCriterion is whether a criterion is met, with the value and the cut that says so.
func wallCriterion(c *finding.WallCriterion) *item {
	unit := criterionUnits[c.Unit]
	name := "criterion " + words(c.Name) + ": " + c.Implies.String()
	met := code.Undetermined
	if c.Reason == "" {
		met = yes(c.Met)
	}
	i := coded(contains, code.WallCriterion, met).add(
		coded(hasProperties, code.Implies, wallCodes[c.Implies]),
		because(c.Reason.String()),
	).add(rule(c.Rule.String(), c.Source.String())...)
	if c.Reason == "" {
		i.add(
			numeric(inferredFrom, code.CriterionValue, c.Value, unit).add(text(hasConceptMod, code.EquivalentMeaning, name), uncertainty(c.SD, unit)),
			coded(hasProperties, code.Borderline, yes(c.Borderline)),
		)
	}
	return i.add(numeric(inferredFrom, code.Threshold, c.Cut, unit).add(text(hasConceptMod, code.EquivalentMeaning, "cut of "+name)))
}

// words turns a name such as CORTICAL_GAP into words.
func words(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", " ")) }
