// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"testing"

	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/spine"
)

// Voltage and contrast medium are said whatever the reason against a band is.
func TestDensityIsSaidWithVoltageAndContrast(t *testing.T) {
	plain := finding.Contrast{State: finding.ContrastAbsent, Statement: "the aorta has 40 HU: not enhanced"}
	enhanced := finding.Contrast{State: finding.ContrastPresent, Statement: "the aorta has 300 HU: enhanced"}
	for _, tt := range []struct {
		kvp      float64
		contrast finding.Contrast
		hu       float64
		want     string
	}{
		{120, plain, 120, "L1 over 110 to 135 HU; 120 kVp; the aorta has 40 HU: not enhanced"},
		{120, plain, 112, "L1 over 110 to 135 HU (borderline); 120 kVp; the aorta has 40 HU: not enhanced"},
		{120, enhanced, 120, "HU only, not banded: contrast medium (the aorta has 300 HU: enhanced); 120 kVp"},
		{140, plain, 120, "HU only, not banded: 140 kVp, the cuts hold at 120; the aorta has 40 HU: not enhanced"},
		{0, plain, 120, "HU only, not banded: the tube voltage is not known; the aorta has 40 HU: not enhanced"},
	} {
		level := finding.LevelAttenuation{Level: spine.L1, Attenuation: morphometry.Attenuation{HU: tt.hu, SD: 2, Volume: 3}}
		d := finding.AssessDensity([]finding.LevelAttenuation{level}, tt.kvp, tt.contrast)
		if got := densityText(&d); got != tt.want {
			t.Errorf("density at %g kVp, %g HU = %q, want %q", tt.kvp, tt.hu, got, tt.want)
		}
	}
}
