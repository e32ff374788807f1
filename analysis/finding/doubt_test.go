// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package finding

import (
	"testing"

	"github.com/endplate/endplate/analysis/morphometry"
)

// A wall that would stand behind the middle of the canal, and whose body is not
// crushed, may as well be a lamina. What was measured where laminae were taken for
// walls, in canals of 4 to 8 mm, is not believed.
func TestRetropulsionThroughMostOfTheCanalIsDoubted(t *testing.T) {
	for _, tt := range []struct {
		name                    string
		value, rest, expectedAP float64 // mm
		want                    bool
	}{
		{"none", 0.2, 15, 15, false},
		{"a fragment", 4, 11, 15, false},
		{"a lamina, little canal left behind it", 7.3, 3.2, 14, true},
		{"a lamina, the space behind it open", 7, 10.2, 14.5, true},
		{"no canal beside it", 8, 4, 0, true},
	} {
		m := WallMeasures{Retropulsion: &morphometry.Retropulsion{Estimate: morphometry.Estimate{Value: tt.value, SD: 0.5}}}
		m.doubtRetropulsion(&morphometry.Canal{NarrowestAP: morphometry.Estimate{Value: tt.rest}}, tt.expectedAP)
		if got := m.RetropulsionReason != ""; got != tt.want {
			t.Errorf("%s: doubted %t, want %t", tt.name, got, tt.want)
		}
		if retropulsed(m.Retropulsion) == tt.want && tt.value >= WallRetropulsion {
			t.Errorf("%s: %.1f ± %.1f mm counts: %t", tt.name, m.Retropulsion.Value, m.Retropulsion.SD, tt.want)
		}
	}
}
