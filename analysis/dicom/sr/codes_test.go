// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package sr_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/endplate/endplate/analysis/dicom/code"
	"github.com/endplate/endplate/analysis/dicom/sr"
	"github.com/endplate/endplate/analysis/report"
	"github.com/endplate/endplate/api/convert"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// coded are the codes of the JSON's words.
var coded = map[fmt.Stringer]code.Code{
	endplatev1.Vertebra_MEASURED: code.IsMeasured, endplatev1.Vertebra_TRUNCATED: code.IsTruncated, endplatev1.Vertebra_NOT_MEASURABLE: code.NotMeasurable,
	endplatev1.Deformity_NONE: code.ShapeNone, endplatev1.Deformity_WEDGE: code.ShapeWedge, endplatev1.Deformity_BICONCAVE: code.ShapeBiconc, endplatev1.Deformity_CRUSH: code.ShapeCrush,
	endplatev1.Canal_MINIMAL: code.CanalMinimal, endplatev1.Canal_MILD: code.CanalMild, endplatev1.Canal_MODERATE: code.CanalModerate,
	endplatev1.Canal_SEVERE: code.CanalSevere, endplatev1.Canal_CRITICAL: code.CanalCritical,
	endplatev1.PosteriorWall_INTACT: code.WallIntact, endplatev1.PosteriorWall_SUSPECT: code.WallSuspect,
	endplatev1.PosteriorWall_INVOLVED: code.WallInvolved, endplatev1.PosteriorWall_NOT_ASSESSABLE: code.WallNotAssessable,
	endplatev1.Pedicle_PRESENT: code.PediclePresent, endplatev1.Pedicle_ERODED_OR_LYTIC: code.PedicleEroded, endplatev1.Pedicle_NOT_ASSESSABLE: code.PedicleUnknown,
	endplatev1.CementLeak_CANAL: code.LeakCanal, endplatev1.CementLeak_INFERIOR_DISC: code.LeakDiscBelow,
	endplatev1.Answer_YES: code.Yes, endplatev1.Answer_NO: code.No, endplatev1.Answer_CANNOT_TELL: code.Undetermined,
	endplatev1.Density_NOT_BANDED: code.BoneUnknown, endplatev1.Density_AT_MOST_110_HU: code.Bone110, endplatev1.Density_AT_MOST_135_HU: code.Bone135,
	endplatev1.Density_AT_MOST_160_HU: code.Bone160, endplatev1.Density_OVER_160_HU: code.BoneOver160,
	endplatev1.Contrast_ABSENT: code.ContrastAbsent, endplatev1.Contrast_PRESENT: code.ContrastPresent, endplatev1.Contrast_UNKNOWN: code.ContrastUnknown,
}

// statements collects what a group has to say in codes.
type statements [][2]string

func (s *statements) add(concept, value code.Code) {
	*s = append(*s, [2]string{concept.Value, value.Value})
}

// word adds a word of the JSON, unless it says nothing.
func (s *statements) word(concept code.Code, word fmt.Stringer) {
	if c, ok := coded[word]; ok {
		s.add(concept, c)
	}
}

func (s *statements) yesNo(concept code.Code, holds *bool) {
	switch {
	case holds == nil:
	case *holds:
		s.add(concept, code.Yes)
	default:
		s.add(concept, code.No)
	}
}

// statementsOf lists what the JSON of a vertebra says in words.
func statementsOf(v *endplatev1.Vertebra) statements {
	var s statements
	s.word(code.Status, v.GetStatus())
	s.yesNo(code.Complete, v.Complete)
	if v.GetLevelByReader() {
		s.add(code.ByReader, code.NamedByReader)
	}
	if v.GetStatusByReader() {
		s.add(code.ByReader, code.JudgedReader)
	}
	if d := v.GetDeformity(); d != nil && d.GenantGrade != nil {
		s.add(code.Genant, []code.Code{code.Genant0, code.Genant1, code.Genant2, code.Genant3}[d.GetGenantGrade()])
		s.word(code.Deformity, d.GetShape())
		s.yesNo(code.Severe, d.Severe)
		s.yesNo(code.Plana, d.VertebraPlana)
	}
	s.word(code.CanalClass, v.GetCanal().GetCompromiseClass())
	w := v.GetPosteriorWall()
	s.word(code.Wall, w.GetState())
	for _, c := range w.GetCriteria() {
		if c.Met == nil {
			s.add(code.WallCriterion, code.Undetermined)
		}
		s.yesNo(code.WallCriterion, c.Met)
	}
	if w != nil {
		s.yesNo(code.OwnLine, w.RetropulsionOwnLine)
	}
	s.word(code.PedicleState, v.GetPedicles().GetLeft().GetStatus())
	s.word(code.PedicleState, v.GetPedicles().GetRight().GetStatus())
	if g := v.GetVacuumCleft(); g != nil {
		s.yesNo(code.VacuumCleft, g.Present)
	}
	return append(s, treatmentOf(v)...)
}

func treatmentOf(v *endplatev1.Vertebra) statements {
	var s statements
	for _, c := range []*endplatev1.CementContact{v.GetCement().GetSuperiorContact(), v.GetCement().GetInferiorContact()} {
		if c != nil {
			s.yesNo(code.Touches, c.Touches)
		}
	}
	for _, l := range v.GetCement().GetLeaks() {
		s.word(code.Leak, l.GetPlace())
	}
	if m := v.GetMetal(); m != nil {
		s.yesNo(code.MetalInBody, m.InBody)
	}
	if f := v.GetFracture(); f != nil {
		s.word(code.EndplateBroke, f.GetSuperiorEndplate().GetBroken())
		s.word(code.EndplateBroke, f.GetInferiorEndplate().GetBroken())
		s.word(code.FractureCode, f.GetPosteriorWall())
	}
	for _, f := range v.GetTreatmentFacts() {
		s.word(code.Fact, f.GetAnswer())
	}
	return s
}

// What the JSON says in words, the groups say in codes: the same, as often, and no more.
func TestEveryWordComesBackAsACode(t *testing.T) {
	r := measured(t)
	d, err := sr.Report(originOf(t, "a"), r, provenance())
	if err != nil {
		t.Fatal(err)
	}
	groups := groupsOf(t, writtenTo(t, d))
	of := convert.Report(&report.Report{Examinations: []report.Examination{{Modality: "CT", Result: r}}}).GetAnalyses()[0]
	for _, v := range of.GetVertebrae() {
		compareStatements(t, v.GetLevel().String(), groups[v.GetLevel().String()+" vertebra"].Codes, statementsOf(v))
	}
	if b := of.GetDensity(); b != nil {
		var s statements
		s.word(code.Bone, b.GetBand())
		s.word(code.Contrast, b.GetContrast().GetState())
		compareStatements(t, "bone", groups["cancellous bone"].Codes, s)
	}
}

func compareStatements(t *testing.T, name string, got [][2]string, want statements) {
	t.Helper()
	// These say what the group is of, not what was found.
	got = slices.DeleteFunc(slices.Clone(got), func(c [2]string) bool { return c[0] == code.Finding.Value || c[0] == code.Alternative.Value })
	sort := func(s [][2]string) {
		slices.SortFunc(s, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	}
	sort(got)
	sort(want)
	if !slices.Equal(got, [][2]string(want)) {
		t.Errorf("%s says\n%v, want\n%v", name, got, want)
	}
}
