// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"math"
	"testing"
)

// The table keeps to its stated error everywhere, between nodes and across its ends.
func TestNormal(t *testing.T) {
	worst := [2]float64{}
	for x := -normalReach - 1.0; x <= normalReach+1; x += 1.0 / 4099 {
		step, density := normal(x)
		worst[0] = max(worst[0], math.Abs(step-0.5*math.Erfc(-x/math.Sqrt2)))
		worst[1] = max(worst[1], math.Abs(density-math.Exp(-x*x/2)/math.Sqrt(2*math.Pi)))
	}
	t.Logf("worst error: %.1g of the distribution, %.1g of the density", worst[0], worst[1])
	if max(worst[0], worst[1]) > normalError {
		t.Errorf("errors up to %.2g and %.2g, want at most %g", worst[0], worst[1], normalError)
	}
	for x, want := range map[float64]float64{math.Inf(-1): 0, math.Inf(1): 1, -1e300: 0, 1e300: 1} {
		if step, density := normal(x); step != want || density != 0 {
			t.Errorf("normal(%g) = %g, %g; want %g, 0", x, step, density, want)
		}
	}
	if step, density := normal(math.NaN()); !math.IsNaN(step) || !math.IsNaN(density) {
		t.Errorf("normal(NaN) = %g, %g", step, density)
	}
}

func BenchmarkNormal(b *testing.B) {
	x, sum := -4.0, 0.0
	for b.Loop() {
		step, density := normal(x)
		sum += step + density
		if x += 0.37; x > 4 {
			x -= 8
		}
	}
	if sum == 0 {
		b.Fatal("nothing summed")
	}
}
