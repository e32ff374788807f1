// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package sr

import (
	"slices"

	"github.com/endplate/endplate/analysis/cement"
	"github.com/endplate/endplate/analysis/dicom/code"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/spine"
)

// cementOf is the cement of a vertebra.
func cementOf(t *cement.Treated) []*item {
	if t == nil {
		return nil
	}
	where := func() *item { return site(code.BoneCement) }
	all := []*item{
		quantity{concept: code.Volume, name: "volume of cement", value: t.Volume, sd: t.VolumeSD, unit: code.Millilitre}.item(where()),
		quantity{concept: code.Volume, name: "volume of cement in body and pedicles", value: t.Inside, unit: code.Millilitre}.item(where(), method(code.InBody)),
		quantity{concept: code.Attenuation, name: "attenuation of the cement", value: t.Attenuation, unit: code.Hounsfield}.item(where(), derived(code.Median)),
		share(code.Saturated, "cement at the scanner's ceiling", t.SaturatedShare).item(where()),
		quantity{concept: code.CementConfidence, name: "confidence in the cement, 0 to 1", value: t.Confidence, unit: code.NoUnits}.item(where()),
	}
	for _, doubt := range t.Doubts {
		all = append(all, text(contains, code.Doubt, doubt.String()))
	}
	if t.Inside > 0 {
		all = append(all, share(code.LeftShare, "cement to the left", t.Left).item(where()))
	}
	if slices.Contains(t.Doubts, cement.DoubtOutline) {
		return all // the rest is relative to the body's outline
	}
	all = append(all, share(code.BodyShare, "cement of the body", t.BodyShare).item(where()))
	all = append(all, contact(&t.Contacts[spine.Superior], "superior", code.SuperiorAspect)...)
	all = append(all, contact(&t.Contacts[spine.Inferior], "inferior", code.InferiorAspect)...)
	for _, l := range t.Leaks {
		all = append(all, leak(l)...)
	}
	return all
}

func contact(c *cement.Contact, name string, part code.Code) []*item {
	if *c == (cement.Contact{}) {
		return nil // not measured
	}
	where := func() *item { return site(code.EndplateSite, part) }
	return []*item{
		quantity{concept: code.EndplateGap, name: "cement to the " + name + " endplate", value: c.Gap, unit: code.Millimetre}.item(where()),
		quantity{concept: code.Area, name: "area of the " + name + " endplate that cement touches", value: c.Area, unit: code.SquareMillimetre}.item(where()),
		yesNo(code.Touches, c.Touches).add(where()),
	}
}

var leakCodes = map[cement.Place]code.Code{
	cement.Canal: code.LeakCanal, cement.Foramen: code.LeakForamen, cement.Paravertebral: code.LeakBeside,
	cement.SuperiorDisc: code.LeakDiscAbove, cement.InferiorDisc: code.LeakDiscBelow,
}

func leak(l cement.Leak) []*item {
	place := func() *item { return coded(hasConceptMod, code.Leak, leakCodes[l.Place]) }
	return []*item{
		coded(contains, code.Leak, leakCodes[l.Place]),
		quantity{concept: code.Volume, name: "volume of the leak: " + l.Place.String(), value: l.Volume, unit: code.Millilitre}.item(place()),
		quantity{concept: code.LeakDistance, name: "reach of the leak: " + l.Place.String(), value: l.Distance, unit: code.Millimetre}.item(place()),
	}
}

func metal(m *cement.Metal) []*item {
	if m == nil {
		return nil
	}
	return []*item{
		quantity{concept: code.Volume, name: "volume of metal and its artefacts", value: m.Volume, unit: code.Millilitre}.item(site(code.VertebralMetal)),
		yesNo(code.MetalInBody, m.InBody),
	}
}

// fracture describes a fracture: what is broken, and the classes that may hold.
func fracture(f *finding.Fracture) []*item {
	if f == nil {
		return nil
	}
	all := []*item{
		answer(contains, code.EndplateBroke, f.Superior.Broken).add(site(code.EndplateSite, code.SuperiorAspect), because(f.Superior.Because.String())),
		answer(contains, code.EndplateBroke, f.Inferior.Broken).add(site(code.EndplateSite, code.InferiorAspect), because(f.Inferior.Because.String())),
		coded(contains, code.FractureCode, wallCodes[f.Wall]).add(site(code.PosteriorWall)),
	}
	if f.WallShare != nil {
		all = append(all, share(code.CortexGap, "posterior wall without cortex, of the fracture", *f.WallShare).item(site(code.PosteriorWall)))
	}
	for i := range f.Candidates {
		all = append(all, candidate(&f.Candidates[i]))
	}
	return all
}

// candidate is a class that may hold, with what it asks for.
func candidate(c *finding.Candidate) *item {
	i := text(contains, code.Candidate, c.System+" "+c.Class).add(text(hasProperties, code.Source, c.Source.String()))
	for _, asked := range c.Criteria {
		i.add(answer(hasProperties, code.ClassAsks, asked.Answer).add(text(hasProperties, code.Criterion, asked.Text.String()), because(asked.Because.String())))
	}
	for _, open := range c.Open {
		i.add(text(hasProperties, code.OpenQuestion, open.String()))
	}
	return i
}

// facts are what those who plan a treatment ask for.
func facts(all []finding.TreatmentFact) []*item {
	var items []*item
	for _, f := range all {
		items = append(items, answer(contains, code.Fact, f.Answer).add(text(hasProperties, code.Statement, f.Statement.String())).add(rule(f.Rule.String(), f.Source.String())...))
	}
	return items
}
