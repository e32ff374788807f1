// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"math"
	"testing"
)

// A wall is found at its middle, whatever lies beside it: fat, muscle, or a
// vessel brighter than bone, touching it or not. The profile is the closed form
// of what a Gaussian blur makes of the layers.
func TestTraceBesideBrightVessels(t *testing.T) {
	const sigma, wallAt, plate = 0.75, 12.3, 330 // mm, mm, HU·mm
	for _, tt := range []struct {
		name                      string
		bone, gap, vessel         float64 // HU
		gapWidth                  float64 // mm from the wall to the vessel
		tolerance, toleranceFaint float64 // mm; of a plate two thirds as bright
	}{
		{"muscle", 150, 50, 50, 3, 0.05, 0.05},
		{"fat", 40, -100, 50, 3, 0.3, 0.4},
		{"as bright as muscle", 50, 50, 50, 3, 0.05, 0.05},
		{"vessel apart", 40, 45, 300, 3, 0.3, 0.5},
		{"vessel near", 40, 45, 300, 2, 0.4, 0.6},
		{"vessel touching", 150, 150, 240, 0, 0.15, 0.4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, faint := range []bool{false, true} {
				mass, tolerance := float64(plate), tt.tolerance
				if faint {
					mass, tolerance = 2*mass/3, tt.toleranceFaint
				}
				at := func(x float64) float64 {
					d := x - wallAt
					return tt.bone + (tt.gap-tt.bone)*gaussStep(d/sigma) +
						(tt.vessel-tt.gap)*gaussStep((d-tt.gapWidth)/sigma) + mass*gauss(d/sigma)/sigma
				}
				for _, insideFirst := range []bool{true, false} {
					var p profiles
					for range 8 {
						row := make([]float64, 60)
						for c := range row {
							x := p.position(float64(c))
							if !insideFirst {
								x = 2*wallAt - x
							}
							row[c] = at(x)
						}
						p.rows = append(p.rows, row)
					}
					walls, _ := trace(p, sigma, insideFirst, wallAt+2, 3)
					for _, w := range walls {
						if math.Abs(w-wallAt) > tolerance {
							t.Fatalf("faint %t, inside first %t: wall at %.2f, want %.2f ± %g", faint, insideFirst, w, wallAt, tolerance)
						}
					}
				}
			}
		})
	}
}
