// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package finding_test

import (
	"testing"

	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/spine"
)

func estimate(value, sd float64) morphometry.Estimate {
	return morphometry.Estimate{Value: value, SD: sd}
}

// intactWall returns measures of a wall that nothing is wrong with.
func intactWall() finding.WallMeasures {
	one := estimate(1.01, 0.03)
	return finding.WallMeasures{
		Retropulsion: &morphometry.Retropulsion{Estimate: estimate(0.4, 0.55)},
		Gap:          &morphometry.WallGap{Share: 0.01, IntactSD: 0.02},
		Angles:       &morphometry.PosteriorAngles{Superior: estimate(90, 2), Inferior: estimate(92, 2)},
		BesideAngles: &morphometry.PosteriorAngles{Superior: estimate(89, 1.5), Inferior: estimate(93, 1.5)},
		Heights:      morphometry.PosteriorHeights{Expected: &one},
	}
}

func TestStatesOfAPosteriorWall(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func(m *finding.WallMeasures)
		want finding.WallState
		code string
	}{
		{"nothing", func(*finding.WallMeasures) {}, finding.WallIntact, ""},
		// Convention, unverified: behind the line of the adjacent walls.
		{"retropulsion", func(m *finding.WallMeasures) { m.Retropulsion.Value = 4 }, finding.WallInvolved, finding.PosteriorWallInvolved},
		{"retropulsion that is not believed", func(m *finding.WallMeasures) {
			m.Retropulsion.Estimate, m.RetropulsionReason = estimate(8, 8), "most of the canal"
		}, finding.WallSuspect, finding.PosteriorWallSuspect},
		{"within the error", func(m *finding.WallMeasures) { m.Retropulsion.Estimate = estimate(2.4, 1) }, finding.WallIntact, ""},
		// More than a fifth of the wall: OF3 (AO Spine-DGOU).
		{"a quarter without cortex", func(m *finding.WallMeasures) { m.Gap.Share = 0.25 }, finding.WallInvolved, finding.PosteriorWallInvolved},
		{"a seventh without cortex", func(m *finding.WallMeasures) { m.Gap.Share = 0.14 }, finding.WallSuspect, finding.PosteriorWallSuspect},
		{"as many gaps at intact levels", func(m *finding.WallMeasures) { m.Gap.Share, m.Gap.IntactSD = 0.25, 0.2 }, finding.WallIntact, ""},
		// Above 100° (McGrory 1993).
		{"angle", func(m *finding.WallMeasures) { m.Angles.Superior.Value = 107 }, finding.WallSuspect, finding.PosteriorWallSuspect},
		{"angle of the spine's lordosis", func(m *finding.WallMeasures) {
			m.Angles.Inferior.Value, m.BesideAngles.Inferior.Value = 106, 102
		}, finding.WallIntact, ""},
		// Encroachment goes with posterior height loss (Kim 2017).
		{"posterior height", func(m *finding.WallMeasures) { m.Heights.Expected.Value = 0.7 }, finding.WallSuspect, finding.PosteriorWallSuspect},
		{"no line, nothing else", func(m *finding.WallMeasures) {
			m.Retropulsion, m.RetropulsionReason = nil, "no intact wall"
		}, finding.WallNotAssessable, ""},
		{"no line, but a gap", func(m *finding.WallMeasures) {
			m.Retropulsion, m.RetropulsionReason = nil, "no intact wall"
			m.Gap.Share = 0.4
		}, finding.WallInvolved, finding.PosteriorWallInvolved},
		{"cortex unknown", func(m *finding.WallMeasures) { m.Gap, m.GapReason = nil, "a label map" }, finding.WallIntact, ""},
	} {
		m := intactWall()
		tt.edit(&m)
		w := finding.AssessPosteriorWall(m)
		if w.State != tt.want {
			t.Errorf("%s: %v, want %v; criteria %+v", tt.name, w.State, tt.want, w.Criteria)
		}
		f, ok := finding.WallStatement(spine.L1, w)
		if ok != (tt.code != "") || f.Code != tt.code {
			t.Errorf("%s: stated %v as %q, want %q", tt.name, ok, f.Code, tt.code)
		}
		if w.State == finding.WallNotAssessable && w.Reason == "" {
			t.Errorf("%s: no reason", tt.name)
		}
	}
}

func TestEveryWallCriterionSaysItsRuleAndSource(t *testing.T) {
	for _, c := range finding.AssessPosteriorWall(intactWall()).Criteria {
		if c.Name == "" || c.Rule == "" || c.Source == "" || c.Unit == "" || c.Implies < finding.WallSuspect {
			t.Errorf("criterion %+v", c)
		}
	}
}
