// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package finding_test

import (
	"slices"
	"testing"

	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/spine"
)

// Shares of lesions count from 5 % of the body, gaps of the cortex from 20 % of a face
// beyond the patient's usual, gas and eroded pedicles wherever they were found.
//
// Reference: McKiernan et al., Arthritis Rheum 2003;48:1414 for clefts; the shares are
// defaults of this program, for which no published threshold was found.
func TestTissueFindings(t *testing.T) {
	share := func(x float64) morphometry.Share { return morphometry.Share{Assessed: true, Value: x} }
	gap := func(f segmentation.Face, share, usual float64) morphometry.Cortex {
		var c morphometry.Cortex
		c.Gaps[f] = morphometry.Gap{Assessed: true, Share: share, Usual: usual}
		return c
	}
	for _, tt := range []struct {
		name   string
		level  spine.Level
		tissue morphometry.Tissue
		want   []string
	}{
		{"nothing", spine.L1, morphometry.Tissue{}, nil},
		{"lytic, 4 %", spine.L1, morphometry.Tissue{Lesions: morphometry.Lesions{Lytic: share(0.04)}}, nil},
		{"lytic, 5 %", spine.L1, morphometry.Tissue{Lesions: morphometry.Lesions{Lytic: share(0.05)}}, []string{finding.LyticLesionCode}},
		{"lytic, not assessed", spine.L1, morphometry.Tissue{Lesions: morphometry.Lesions{Lytic: morphometry.Share{Value: 0.5}}}, nil},
		{"sclerotic, 4 %", spine.L1, morphometry.Tissue{Lesions: morphometry.Lesions{Sclerotic: share(0.04)}}, nil},
		{"sclerotic, 12 %", spine.L1, morphometry.Tissue{Lesions: morphometry.Lesions{Sclerotic: share(0.12)}}, []string{finding.ScleroticLesionCode}},
		{"a cleft", spine.L1, morphometry.Tissue{Cleft: morphometry.Gas{Assessed: true, Volume: 0.2, SD: 0.05}}, []string{finding.VacuumCleftCode}},
		{"no gas", spine.L1, morphometry.Tissue{Cleft: morphometry.Gas{Assessed: true}}, nil},
		{"an eroded pedicle", spine.L1, morphometry.Tissue{Left: morphometry.Pedicle{Status: morphometry.PedicleEroded}}, []string{finding.PedicleErosionCode}},
		{"both pedicles present", spine.L1, morphometry.Tissue{
			Left: morphometry.Pedicle{Status: morphometry.PediclePresent}, Right: morphometry.Pedicle{Status: morphometry.PediclePresent},
		}, nil},
		{"a third of an endplate bare", spine.L1, morphometry.Tissue{Cortex: gap(segmentation.SuperiorFace, 0.33, 0.05)}, []string{finding.CorticalGapCode}},
		{"as thin elsewhere", spine.L1, morphometry.Tissue{Cortex: gap(segmentation.SuperiorFace, 0.33, 0.15)}, nil},
		{"a lateral wall", spine.L1, morphometry.Tissue{Cortex: gap(segmentation.LeftFace, 0.4, 0)}, []string{finding.CorticalGapCode}},
		{"a transverse process of the neck", spine.C7, morphometry.Tissue{Cortex: gap(segmentation.LeftFace, 0.4, 0)}, nil},
	} {
		var got []string
		for _, f := range finding.TissueFindings(tt.level, &tt.tissue) {
			got = append(got, f.Code)
			if f.Criterion == "" || f.Source == "" || f.Statement == "" || !slices.Equal(f.Levels, []spine.Level{tt.level}) {
				t.Errorf("%s: finding %+v", tt.name, f)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: findings %v, want %v", tt.name, got, tt.want)
		}
	}
}

// PVP is for C2 to L5 and BKP for T5 to L5: the levels at either end belong to it, those
// beyond do not.
//
// Reference: a treating team's slides on PVP and BKP; no published source found.
func TestRangesOfTreatment(t *testing.T) {
	for _, tt := range []struct {
		level    spine.Level
		pvp, bkp finding.Answer
	}{
		{spine.C1, finding.No, finding.No}, {spine.C2, finding.Yes, finding.No}, {spine.T4, finding.Yes, finding.No},
		{spine.T4 + 1, finding.Yes, finding.Yes}, {spine.L5, finding.Yes, finding.Yes}, {spine.S1, finding.No, finding.No},
		{spine.Unknown, finding.CannotTell, finding.CannotTell},
	} {
		facts := finding.TreatmentFacts(finding.TreatmentInput{FractureInput: finding.FractureInput{Level: tt.level}})
		if facts[0].Answer != tt.pvp || facts[1].Answer != tt.bkp {
			t.Errorf("%v: within the range of PVP %v and of BKP %v, want %v and %v", tt.level, facts[0].Answer, facts[1].Answer, tt.pvp, tt.bkp)
		}
	}
}
