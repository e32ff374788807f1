// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"math"
	"testing"
)

// The outer face of a shell is found whatever its thickness: at half maximum a
// thin one would be found early, the centre of a thick one late.
func TestFaceOfThinAndThickShells(t *testing.T) {
	const (
		step, at = 0.5, 3.1
		soft     = 20.0
	)
	for _, sigma := range []float64{0.4, 0.6, 0.8} {
		for _, marrow := range []float64{60, 250} {
			for _, shells := range []struct {
				believed  shell
				thickness []float64
			}{{bodyShell, []float64{0.4, 0.6, 0.9}}, {archShell, []float64{0.7, 1.1, 2}}} {
				for _, thick := range shells.thickness {
					p := make([]float64, 14)
					for i := range p {
						x := float64(i)*step - at
						outer, inner := gaussStep(x/sigma), gaussStep((x-thick)/sigma)
						p[i] = soft + (corticalHU-soft)*outer + (marrow-corticalHU)*inner
					}
					got, ok := fitFace(p, step, at+0.3, 1, sigma, soft+15, shells.believed)
					if !ok || math.Abs(got.at-at) > 0.1 {
						t.Errorf("sigma %.1f, %.1f mm over %g HU: face at %.2f, want %.2f", sigma, thick, marrow, got.at, at)
					}
				}
			}
		}
	}
}

// Without cortex there is next to none to be found.
func TestFaceWithoutCortex(t *testing.T) {
	p := make([]float64, 14)
	for i := range p {
		p[i] = 20 + 160*gaussStep((float64(i)*0.5-3)/0.6)
	}
	got, ok := fitFace(p, 0.5, 3.2, 1, 0.6, 20, bodyShell)
	if !ok || got.cortex > 0.15 {
		t.Errorf("cortex of %.2f mm, want none", got.cortex)
	}
}

func TestSolve4(t *testing.T) {
	m := [4][4]float64{{4}, {1, 5}, {0.5, -1, 6}, {2, 0.3, 1, 7}}
	want := [4]float64{1, -2, 3, 0.5}
	var v [4]float64
	full := func(i, j int) float64 { return m[max(i, j)][min(i, j)] }
	for i := range 4 {
		for j := range 4 {
			v[i] += full(i, j) * want[j]
		}
	}
	got, first, ok := solve4(m, v)
	column, _, _ := solve4(m, [4]float64{1})
	if !ok || math.Abs(first-column[0]) > 1e-12 {
		t.Errorf("first of the inverse's diagonal = %g, want %g", first, column[0])
	}
	for i := range want {
		if math.Abs(got[i]-want[i]) > 1e-12 {
			t.Errorf("x[%d] = %g, want %g", i, got[i], want[i])
		}
	}
	if _, _, ok := solve4([4][4]float64{{-1}}, v); ok {
		t.Error("solved an indefinite system")
	}
}
