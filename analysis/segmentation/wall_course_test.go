// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation_test

import (
	"math"
	"testing"

	"github.com/endplate/endplate/analysis/segmentation"
)

// wall samples a wall at heights -half to half.
func wall(half float64, at func(s float64) float64) segmentation.Wall {
	var w segmentation.Wall
	for s := -half; s <= half; s++ {
		w.S, w.A, w.SD = append(w.S, s), append(w.A, at(s)), append(w.SD, 0.3)
	}
	return w
}

// A spur is drawn in to the wall that it stands on; walls without one, waisted,
// slanting, bulging or dented, stay as they are.
func TestWithoutSpurs(t *testing.T) {
	waisted := func(half float64) func(s float64) float64 {
		return func(s float64) float64 { return 15 + 0.03*s + 1.4*s*s/(half*half) }
	}
	straight := func(s float64) float64 { return 15 + 0.1*s }
	spur := func(base func(float64) float64, top, length float64) func(float64) float64 {
		return func(s float64) float64 { return base(s) + length*math.Exp(-(s-top)*(s-top)/(2*1.2*1.2)) }
	}
	for _, tt := range []struct {
		name      string
		half      float64
		at, want  func(s float64) float64
		tolerance float64
	}{
		{"waisted", 12, waisted(12), waisted(12), 0.02},
		{"straight", 12, straight, straight, 0.05},
		{"bulging", 9, func(s float64) float64 { return 16 - 0.01*s*s }, func(s float64) float64 { return 16 - 0.01*s*s }, 0.15},
		{"low", 4, waisted(4), waisted(4), 0.05},
		{"dented at its end", 12, spur(waisted(12), 12, -1), spur(waisted(12), 12, -1), 0.25},
		{"short spur", 12, spur(waisted(12), 9, 1.5), waisted(12), 0.3},
		{"long spur", 12, spur(waisted(12), 9, 4), waisted(12), 0.3},
		{"spurs at both ends", 9, func(s float64) float64 { return spur(spur(waisted(9), 7, 3), -7, 3)(s) }, waisted(9), 0.4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, outwards := range []float64{1, -1} {
				w := wall(tt.half, func(s float64) float64 { return outwards * tt.at(s) })
				got := w.WithoutSpurs(-tt.half, tt.half, outwards)
				if len(got.S) != len(w.S) {
					t.Fatalf("%d points of %d left", len(got.S), len(w.S))
				}
				for i, s := range got.S {
					if math.Abs(s) > tt.half-3 {
						continue // nearer to the endplate than a wall line is read
					}
					if d := outwards*got.A[i] - tt.want(s); math.Abs(d) > tt.tolerance {
						t.Errorf("wall stands %+.2f mm out at %g, want 0 ± %g", d, s, tt.tolerance)
					}
					if !(got.SD[i] >= w.SD[i]) {
						t.Errorf("standard deviation %g at %g, want at least %g", got.SD[i], s, w.SD[i])
					}
				}
			}
		})
	}
}

// Beyond the endplates a wall tells nothing of the body.
func TestWithoutSpursKeepsToTheBody(t *testing.T) {
	w := wall(12, func(s float64) float64 {
		if s > 8 {
			return 22
		}
		return 15
	})
	got := w.WithoutSpurs(-12, 8, 1)
	if got.S[len(got.S)-1] > 8 {
		t.Errorf("the wall ends at %g, want 8", got.S[len(got.S)-1])
	}
	for i, s := range got.S {
		if math.Abs(got.A[i]-15) > 0.1 {
			t.Errorf("wall at %g = %.2f, want 15", s, got.A[i])
		}
	}
	if len(w.WithoutSpurs(30, 40, 1).S) != 0 {
		t.Error("a wall beside the body has points")
	}
}
