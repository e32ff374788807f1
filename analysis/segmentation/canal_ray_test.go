// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"math"
	"testing"
)

// A flat wall goes on to the sides as far as the body bounds the canal, whatever a ray
// met beyond it; a ray to the side ends at a pedicle, or nowhere.
func TestWallBesideItsColumns(t *testing.T) {
	const at = 8.0 // mm before the canal's middle
	w := PosteriorWall{S: []float64{-1, 0, 1}, L: []float64{-4, -2, 0, 2, 4}}
	for range w.S {
		row := make([]WallCell, len(w.L))
		for j := range row {
			row[j] = WallCell{A: at, SD: 0.2, Found: true}
		}
		w.Cells = append(w.Cells, row)
	}
	for ray := range CanalRays {
		angle := rayAngle(ray)
		got, ok := w.besideRay(0, angle)
		anterior := min(angle, 2*math.Pi-angle) <= anteriorSector
		if ok != anterior {
			t.Errorf("ray at %.0f°: wall beside it %t, want %t", angle*180/math.Pi, ok, anterior)
		}
		if want := at / math.Cos(angle); ok && math.Abs(got-want) > 1e-9 {
			t.Errorf("ray at %.0f°: wall at %.2f mm, want %.2f", angle*180/math.Pi, got, want)
		}
	}
}
