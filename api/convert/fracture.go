// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"slices"

	"github.com/endplate/endplate/analysis/cement"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/spine"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

var answers = map[finding.Answer]endplatev1.Answer{
	finding.CannotTell: endplatev1.Answer_CANNOT_TELL,
	finding.Yes:        endplatev1.Answer_YES,
	finding.No:         endplatev1.Answer_NO,
}

var leakPlaces = map[cement.Place]endplatev1.CementLeak_Place{
	cement.Canal:         endplatev1.CementLeak_CANAL,
	cement.Foramen:       endplatev1.CementLeak_FORAMEN,
	cement.Paravertebral: endplatev1.CementLeak_PARAVERTEBRAL,
	cement.SuperiorDisc:  endplatev1.CementLeak_SUPERIOR_DISC,
	cement.InferiorDisc:  endplatev1.CementLeak_INFERIOR_DISC,
}

func treated(t *cement.Treated) *endplatev1.Cement {
	if t == nil {
		return nil
	}
	out := &endplatev1.Cement{
		VolumeMl:         number(t.Volume),
		VolumeSdMl:       number(t.VolumeSD),
		InsideMl:         number(t.Inside),
		AttenuationHu:    number(t.Attenuation),
		SaturatedPercent: percent(t.SaturatedShare),
		Confidence:       number(t.Confidence),
	}
	out.Doubts = told(t.Doubts)
	if t.Inside > 0 {
		out.LeftSharePercent = percent(t.Left)
	}
	if slices.Contains(t.Doubts, cement.DoubtOutline) {
		return out // the rest is relative to the body's outline
	}
	out.BodySharePercent = percent(t.BodyShare)
	out.SuperiorContact = contact(&t.Contacts[spine.Superior])
	out.InferiorContact = contact(&t.Contacts[spine.Inferior])
	for _, l := range t.Leaks {
		out.Leaks = append(out.Leaks, &endplatev1.CementLeak{
			Place: leakPlaces[l.Place], VolumeMl: number(l.Volume), DistanceMm: number(l.Distance),
		})
	}
	return out
}

// contact returns nil where it was not measured.
func contact(c *cement.Contact) *endplatev1.CementContact {
	if *c == (cement.Contact{}) {
		return nil
	}
	return &endplatev1.CementContact{Touches: new(c.Touches), GapMm: number(c.Gap), AreaMm2: number(c.Area)}
}

func metal(m *cement.Metal) *endplatev1.Metal {
	if m == nil {
		return nil
	}
	return &endplatev1.Metal{VolumeMl: number(m.Volume), InBody: new(m.InBody)}
}

func fracture(f *finding.Fracture) *endplatev1.Fracture {
	if f == nil {
		return nil
	}
	out := &endplatev1.Fracture{
		SuperiorEndplate: endplate(f.Superior),
		InferiorEndplate: endplate(f.Inferior),
		PosteriorWall:    wallStates[f.Wall],
	}
	if f.WallShare != nil {
		out.WallSharePercent = percent(*f.WallShare)
	}
	for i := range f.Candidates {
		out.Candidates = append(out.Candidates, candidate(&f.Candidates[i]))
	}
	return out
}

func endplate(e finding.EndplateState) *endplatev1.EndplateState {
	return &endplatev1.EndplateState{Broken: answers[e.Broken], Because: e.Because.String()}
}

// candidate gives each criterion the source of the class that asks for it.
func candidate(c *finding.Candidate) *endplatev1.FractureCandidate {
	out := &endplatev1.FractureCandidate{System: c.System, ClassName: c.Class, Open: told(c.Open), Source: c.Source.String()}
	for _, r := range c.Criteria {
		out.Criteria = append(out.Criteria, &endplatev1.ClassCriterion{
			Rule: r.Text.String(), Answer: answers[r.Answer], Because: r.Because.String(), Source: c.Source.String(),
		})
	}
	return out
}

func treatmentFacts(facts []finding.TreatmentFact) []*endplatev1.TreatmentFact {
	var out []*endplatev1.TreatmentFact
	for _, f := range facts {
		out = append(out, &endplatev1.TreatmentFact{
			Code: f.Code, Answer: answers[f.Answer], Statement: f.Statement.String(), Rule: f.Rule.String(), Source: f.Source.String(),
		})
	}
	return out
}

// told returns texts in English.
func told(all []phrase.Text) []string {
	var out []string
	for _, t := range all {
		out = append(out, t.String())
	}
	return out
}
