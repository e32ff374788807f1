// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package naming

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/localization"
	"github.com/endplate/endplate/analysis/spine"
)

// window returns n neighbouring vertebrae of s that all are there, and the level
// of the first, or nothing.
func window(rng *rand.Rand, s namedSpine, n int) ([]localization.Vertebra, spine.Level) {
	var firsts []spine.Level
	for first := spine.C2; first+spine.Level(n)-1 <= spine.L5; first++ {
		whole := true
		for i := range n {
			if _, ok := s[first+spine.Level(i)]; !ok {
				whole = false
			}
		}
		if whole {
			firsts = append(firsts, first)
		}
	}
	if len(firsts) == 0 {
		return nil, spine.Unknown
	}
	first := firsts[rng.IntN(len(firsts))]
	chain := make([]localization.Vertebra, n)
	for i := range chain {
		chain[i].Center = s[first+spine.Level(i)]
	}
	return chain, first
}

// blind returns the names that geometry alone gives to a chain.
func blind(chain []localization.Vertebra) []Name {
	o := &observation{vertebrae: chain, geometry: newGeometry(chain)}
	o.left, o.right = make([]reach, len(chain)+2), make([]reach, len(chain)+2)
	for range chain {
		o.lung = append(o.lung, math.NaN())
	}
	hs := enumerate(chain, o.geometry)
	return conclude(hs, weigh(hs, o), o, nil).Names
}

// Without an image, from the centres of 4 to 9 neighbours, the stated
// probability does not exceed the frequency of being right, over all windows and
// where it is high. It is lower, as these centres are better than a chain's and
// these spines straighter than fractured ones, but not by more than 0.35.
func TestGeometryIsNotOverconfident(t *testing.T) {
	spines := readSpines(t, groundTruth)
	rng := rand.New(rand.NewPCG(1, 2))
	var all, sure struct{ n, right, stated float64 }
	for _, s := range spines {
		chain, first := window(rng, s, 4+rng.IntN(6))
		if chain == nil {
			continue
		}
		name := blind(chain)[0]
		right := 0.0
		if name.Level == first {
			right = 1
		}
		all.n, all.right, all.stated = all.n+1, all.right+right, all.stated+name.Probability
		if name.Probability > 0.5 {
			sure.n, sure.right, sure.stated = sure.n+1, sure.right+right, sure.stated+name.Probability
		}
	}
	t.Logf("%.0f windows: right %.3f, stated %.3f; of the %.0f stated above 0.5: right %.3f, stated %.3f",
		all.n, all.right/all.n, all.stated/all.n, sure.n, sure.right/sure.n, sure.stated/sure.n)
	if d := all.stated/all.n - all.right/all.n; d > 0 || d < -0.35 {
		t.Errorf("stated probability exceeds the frequency of right names by %.3f, want -0.35 to 0", d)
	}
	if d := sure.stated/sure.n - sure.right/sure.n; d > 0 {
		t.Errorf("above 0.5, stated probability exceeds the frequency of right names by %.3f, want at most 0", d)
	}
}

// A spine 15 % larger or smaller keeps its names' order of likelihood within one
// level.
func TestGeometryAllowsForSize(t *testing.T) {
	spines := readSpines(t, groundTruth)
	rng := rand.New(rand.NewPCG(3, 4))
	for _, scale := range []float64{0.85, 1.15} {
		n, near := 0.0, 0.0
		for _, s := range spines[:600] {
			chain, first := window(rng, s, 8)
			if chain == nil {
				continue
			}
			for i := range chain {
				chain[i].Center = r3.Scale(scale, chain[i].Center)
			}
			n++
			if d := int(blind(chain)[0].Level) - int(first); d >= -1 && d <= 1 {
				near++
			}
		}
		if near/n < 0.8 {
			t.Errorf("scale %v: %.3f of the names within one level, want 0.8", scale, near/n)
		}
	}
}
