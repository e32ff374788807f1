// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package finding_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/spine"
)

func lost(shape finding.Shape, percent float64) *finding.Deformity {
	return &finding.Deformity{
		Assessed: true, Grade: finding.GenantGrade(percent), Shape: shape, WorstLoss: percent,
		Severe: percent >= 50, VertebraPlana: percent >= 67 && shape == finding.Crush,
	}
}

// sunk returns endplates sunk by so many millimetres.
func sunk(superior, inferior float64) *morphometry.EndplateShapes {
	return &morphometry.EndplateShapes{{Sunk: superior, SunkSD: 0.7, TiltedSD: 1}, {Sunk: inferior, SunkSD: 0.7, TiltedSD: 1}}
}

func classes(f *finding.Fracture) string {
	if f == nil {
		return "none"
	}
	var names []string
	for _, c := range f.Candidates {
		names = append(names, c.Class)
	}
	return strings.Join(names, " ")
}

// TestFractureCandidates holds the candidates against the discriminators of the
// AO Spine thoracolumbar classification (Vaccaro 2013; RadElement RDES271: A1 one
// endplate, A2 both, posterior wall intact; A3 one, A4 both, wall involved) and of
// the OF classification (Schnake 2018: OF2 one endplate and less than a fifth of
// the wall, OF3 more, OF4 both endplates or collapse).
func TestFractureCandidates(t *testing.T) {
	wedge := lost(finding.Wedge, 30)
	for _, tt := range []struct {
		name string
		in   finding.FractureInput
		want string
	}{
		{"no deformity", finding.FractureInput{Deformity: lost(finding.NoDeformity, 5)}, "none"},
		{"one endplate, wall intact", finding.FractureInput{Deformity: wedge, Endplates: sunk(4, 0), Wall: finding.WallIntact}, "A1 OF2"},
		{"both endplates, wall intact", finding.FractureInput{Deformity: wedge, Endplates: sunk(4, 4), Wall: finding.WallIntact}, "A2 OF4"},
		{"one endplate, a tenth of the wall", finding.FractureInput{Deformity: wedge, Endplates: sunk(4, 0), Wall: finding.WallSuspect, WallShare: new(0.1)}, "A1 A3 OF2"},
		{"one endplate, a third of the wall", finding.FractureInput{Deformity: wedge, Endplates: sunk(4, 0), Wall: finding.WallInvolved, WallShare: new(0.33)}, "A3 OF3"},
		{"both endplates, wall involved", finding.FractureInput{Deformity: wedge, Endplates: sunk(4, 4), Wall: finding.WallInvolved, WallShare: new(0.33)}, "A4 OF4"},
		{"one endplate, collapse", finding.FractureInput{Deformity: lost(finding.Wedge, 60), Endplates: sunk(4, 0), Wall: finding.WallIntact}, "A1 OF4"},
		{"wall not assessable", finding.FractureInput{Deformity: wedge, Endplates: sunk(4, 0)}, "A1 A3 OF2 OF3"},
		{"crush tells no endplate", finding.FractureInput{Deformity: lost(finding.Crush, 30), Endplates: sunk(4, 0), Wall: finding.WallIntact}, "A1 A2 OF2 OF4"},
	} {
		tt.in.Level = spine.L1
		f := finding.DescribeFracture(tt.in)
		if diff := cmp.Diff(tt.want, classes(f)); diff != "" {
			t.Errorf("%s: candidates (-want +got):\n%s", tt.name, diff)
		}
		if f == nil {
			continue
		}
		for _, c := range f.Candidates {
			if len(c.Criteria) == 0 || len(c.Open) == 0 || c.Source == "" {
				t.Errorf("%s: %s is a bare label", tt.name, c.Class)
			}
		}
	}
}

// A gap in an endplate makes it broken without any loss of height.
func TestCorticalGapBreaksAnEndplate(t *testing.T) {
	tissue := &morphometry.Tissue{}
	tissue.Cortex.Gaps[segmentation.InferiorFace] = morphometry.Gap{Assessed: true, Share: 0.4, Usual: 0.05}
	f := finding.DescribeFracture(finding.FractureInput{Level: spine.L2, Deformity: lost(finding.NoDeformity, 3), Endplates: sunk(0, 0), Tissue: tissue, Wall: finding.WallIntact})
	if f == nil || f.Inferior.Broken != finding.Yes || f.Superior.Broken != finding.No {
		t.Errorf("got %+v, want the inferior endplate broken", f)
	}
}

// TestTreatmentFacts goes through the table: PVP from C2 to L5, BKP from T5 to L5,
// vertebra plana and cortical fracture, stable A1.
//
// Reference: a treating team's slides on PVP and BKP; no published source found.
func TestTreatmentFacts(t *testing.T) {
	intact := &morphometry.Tissue{}
	wedge := finding.FractureInput{Level: spine.L1, Deformity: lost(finding.Wedge, 30), Endplates: sunk(4, 0), Wall: finding.WallIntact, Tissue: intact}
	burst := wedge
	burst.Level, burst.Wall, burst.Deformity = spine.T4, finding.WallInvolved, lost(finding.Crush, 70)
	unknown := finding.FractureInput{Level: spine.T4 + 1}
	for _, tt := range []struct {
		name string
		in   finding.FractureInput
		want []finding.Answer
	}{
		{"wedge of L1", wedge, []finding.Answer{finding.Yes, finding.Yes, finding.No, finding.No, finding.Yes}},
		{"collapse of T4", burst, []finding.Answer{finding.Yes, finding.No, finding.Yes, finding.Yes, finding.No}},
		{"nothing known of T5", unknown, []finding.Answer{finding.Yes, finding.Yes, finding.CannotTell, finding.CannotTell, finding.CannotTell}},
	} {
		facts := finding.TreatmentFacts(finding.TreatmentInput{FractureInput: tt.in, Fracture: finding.DescribeFracture(tt.in)})
		var got []finding.Answer
		for _, f := range facts {
			got = append(got, f.Answer)
			if f.Rule == "" || f.Source == "" {
				t.Errorf("%s has no rule or source", f.Code)
			}
			if strings.Contains(strings.ToLower(f.Statement.String()+f.Rule.String()+f.Source.String()), "recommend") {
				t.Errorf("%s says what to do: %q", f.Code, f.Statement)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: answers (-want +got):\n%s", tt.name, diff)
		}
	}
}
