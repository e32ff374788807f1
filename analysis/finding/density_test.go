// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package finding_test

import (
	"strings"
	"testing"

	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/spine"
)

func hu(value float64) morphometry.Attenuation {
	return morphometry.Attenuation{HU: value, SD: 2, Volume: 5}
}

var (
	plain    = morphometry.Aorta{HU: 42, Levels: 5, Sure: true}
	enhanced = morphometry.Aorta{HU: 310, Levels: 5, Enhanced: true, Sure: true}
	doubtful = morphometry.Aorta{HU: 60, Levels: 1, Reason: "1 of 5 levels agree about the vessel beside the bodies"}
)

// TestDensityBands holds the bands against Pickhardt et al., Ann Intern Med
// 2013;158:588: at most 110 HU more than 90 % specific, 135 balanced, at most 160
// 90 % sensitive for osteoporosis; L1, 120 kVp, unenhanced.
func TestDensityBands(t *testing.T) {
	for _, tt := range []struct {
		hu         float64
		want       finding.DensityBand
		borderline bool
	}{
		{70, finding.BandTo110, false},
		{110, finding.BandTo110, true},
		{111, finding.BandTo135, true},
		{125, finding.BandTo135, false},
		{135.5, finding.BandTo160, true},
		{150, finding.BandTo160, false},
		{200, finding.BandAbove160, false},
	} {
		column := []finding.LevelAttenuation{{Level: spine.T12, Attenuation: hu(50)}, {Level: spine.L1, Attenuation: hu(tt.hu)}}
		d := finding.AssessDensity(column, 120, finding.AssessContrast("", plain))
		if d.Band != tt.want || d.Borderline != tt.borderline || d.Reason != "" {
			t.Errorf("%g HU: band %v, borderline %v, reason %q; want %v, %v", tt.hu, d.Band, d.Borderline, d.Reason, tt.want, tt.borderline)
		}
	}
}

// TestDensityNotBanded: cuts hold at L1, at 120 kVp and without contrast medium.
func TestDensityNotBanded(t *testing.T) {
	l1 := []finding.LevelAttenuation{{Level: spine.L1, Attenuation: hu(100)}}
	for _, tt := range []struct {
		name     string
		column   []finding.LevelAttenuation
		kvp      float64
		agent    string
		aorta    morphometry.Aorta
		contains string
	}{
		{"enhanced aorta, silent header", l1, 120, "", enhanced, "310 HU"},
		{"agent named, aorta not found", l1, 120, "IV", morphometry.Aorta{}, "names a contrast agent"},
		{"nothing known", l1, 120, "", doubtful, "not known"},
		{"140 kVp", l1, 140, "", plain, "140 kVp"},
		{"voltage not known", l1, 0, "", plain, "voltage is not known"},
		{"no L1", []finding.LevelAttenuation{{Level: spine.L2, Attenuation: hu(100)}}, 120, "", plain, "L1 was not measured"},
		{"L1 deformed", []finding.LevelAttenuation{{Level: spine.L1, Attenuation: hu(100), Deformed: true}}, 120, "", plain, "L1 is deformed"},
	} {
		d := finding.AssessDensity(tt.column, tt.kvp, finding.AssessContrast(tt.agent, tt.aorta))
		if d.Band != finding.NotBanded || !strings.HasPrefix(d.Reason.String(), "HU only, not banded") || !strings.Contains(d.Reason.String(), tt.contains) {
			t.Errorf("%s: band %v, reason %q", tt.name, d.Band, d.Reason)
		}
		if f := d.Findings(hu(100)); len(f) != 0 {
			t.Errorf("%s: finding %q", tt.name, f[0].Statement)
		}
	}
}

// An oral agent in the header does not enhance the blood.
func TestContrastBelievesTheAorta(t *testing.T) {
	if c := finding.AssessContrast("ORAL", plain); c.State != finding.ContrastAbsent {
		t.Errorf("state %v, want absent: %s", c.State, c.Statement)
	}
	if c := finding.AssessContrast("NONE", doubtful); c.State != finding.ContrastUnknown {
		t.Errorf("state %v, want unknown: %s", c.State, c.Statement)
	}
}
