// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package sr

import (
	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/dicom/code"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/report"
)

var canalCodes = map[finding.CanalClass]code.Code{
	finding.CanalMinimal: code.CanalMinimal, finding.CanalMild: code.CanalMild, finding.CanalModerate: code.CanalModerate,
	finding.CanalSevere: code.CanalSevere, finding.CanalCritical: code.CanalCritical,
}

// canal is the bony canal beside a vertebra.
func canal(c *analysis.Canal) []*item {
	where := site(code.VertebralCanal)
	reason := c.Reason
	if reason == "" {
		reason = c.Assessment.Reason
	}
	if c.Size == nil {
		if reason == "" {
			return nil
		}
		return []*item{quantity{concept: code.Area, name: "canal area at the pedicles"}.unmeasured(code.Failure, reason.String()).add(where)}
	}
	s := c.Size
	all := []*item{
		estimate(code.Diameter, "canal diameter at the pedicles, mid-sagittal", s.AP, code.Millimetre).item(where, method(code.AtPedicles)),
		estimate(code.Area, "canal area at the pedicles", s.Area, code.SquareMillimetre).item(where, method(code.AtPedicles)),
		estimate(code.Diameter, "canal diameter at its narrowest, mid-sagittal", s.NarrowestAP, code.Millimetre).item(where, method(code.AtNarrowest)),
		estimate(code.Area, "canal area at its narrowest", s.NarrowestArea, code.SquareMillimetre).item(where, method(code.AtNarrowest)),
		share(code.NarrowestAt, "height of the narrowest place of the canal", s.NarrowestAt).item(where),
		share(code.OpenShare, "canal bounded by no bone", s.OpenShare).item(where),
	}
	if c.Compromise != nil {
		all = append(all, compromise(c)...)
	}
	if class, ok := canalCodes[c.Assessment.Class]; ok {
		r := report.RuleOf(finding.CanalCompromise)
		return append(all, coded(contains, code.CanalClass, class).add(
			coded(hasProperties, code.Borderline, yes(c.Assessment.Borderline)), because(reason.String()),
		).add(rule(r.Criterion.String(), r.Source.String())...))
	}
	if reason != "" {
		all = append(all, quantity{concept: code.Compromise, name: "canal compromise by area"}.unmeasured(code.Failure, reason.String()).add(where))
	}
	return all
}

// compromise is how much narrower the canal is than beside the adjacent levels.
func compromise(c *analysis.Canal) []*item {
	m := c.Compromise
	from := func() []*item { return expectedFrom(m.From) }
	expected := func(q quantity) *item {
		return q.item(site(code.VertebralCanal), derived(code.Estimated), method(code.FromAdjacent)).add(from()...)
	}
	return []*item{
		expected(quantity{concept: code.Diameter, name: "expected canal diameter at its narrowest", value: m.ExpectedAP, unit: code.Millimetre}),
		expected(quantity{concept: code.Area, name: "expected canal area at its narrowest", value: m.ExpectedArea, unit: code.SquareMillimetre}),
		estimate(code.Compromise, "canal compromise by diameter", m.AP, code.Percent).item(site(code.VertebralCanal)).add(from()...),
		estimate(code.Compromise, "canal compromise by area", m.Area, code.Percent).item(site(code.VertebralCanal)).add(from()...),
	}
}
