// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package naming

import (
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/localization"
)

// A body crushed to a fifth that was not found leaves its discs and what is left
// of it between two others.
func TestLongStepTellsOfAMissedVertebra(t *testing.T) {
	const pitch, disc, crushed = 22.0, 4.0, 4.0 // mm
	for _, tt := range []struct {
		name string
		gap  float64 // between the fourth and the fifth
		want int
	}{
		{"none missed", pitch, 0},
		{"a crushed one missed", pitch + disc + crushed, 1},
	} {
		var chain []localization.Vertebra
		z := 0.0
		for i := range 8 {
			if i == 4 {
				z -= tt.gap - pitch
			}
			chain = append(chain, localization.Vertebra{Center: r3.Vec{Z: z}})
			z -= pitch
		}
		seen := &observation{vertebrae: chain, geometry: newGeometry(chain)}
		h := hypothesis{column: &columns()[0], first: 8, skip: -1, extra: -1}
		if got := missed(h, seen); len(got) != tt.want {
			t.Errorf("%s: %q, want %d warnings", tt.name, got, tt.want)
		}
	}
}
