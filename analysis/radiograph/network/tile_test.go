// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Whole tiles, what is left of a row, and an obvious loop come to the same bits.
func TestAccumulate(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	draw := func(n int) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(rng.NormFloat64())
		}
		return v
	}
	for range 200 {
		pixels, n, step, outputs := 1+rng.IntN(30), 1+rng.IntN(50), 1+rng.IntN(40), tileOutputs*(1+rng.IntN(5))
		x, w, got := draw((pixels-1)*step+n), draw(n*outputs), draw(pixels*outputs)
		want := slices.Clone(got)
		for p := range pixels {
			for o := range outputs {
				for i := range n {
					product := x[p*step+i] * w[i*outputs+o]
					want[p*outputs+o] += float32(product)
				}
			}
		}
		accumulate(got, x, step, w, outputs, n, pixels)
		if !slices.Equal(got, want) {
			t.Fatalf("%d pixels of %d values, %d apart, to %d outputs: not the same", pixels, n, step, outputs)
		}
	}
}
