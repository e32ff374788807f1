// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package phantom_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/spine"
)

// What is asked for is what the truth finds.
func TestSizes(t *testing.T) {
	for _, tt := range []struct{ cleft, lytic, sclerotic float64 }{
		{cleft: 0.2}, {cleft: 2}, {lytic: 0.05}, {lytic: 0.6}, {sclerotic: 0.2},
	} {
		s := withL1(t, func(v *phantom.Vertebra) {
			v.Deformity = phantom.Fracture(phantom.Wedge, 30)
			if tt.cleft > 0 {
				e, got := phantom.SizedCleft(*v, tt.cleft)
				if math.Abs(got/tt.cleft-1) > 0.02 {
					t.Errorf("%+v: cleft of %.3f ml", tt, got)
				}
				v.Clefts = []phantom.Blob{e}
			}
			rng := rand.New(rand.NewPCG(1, 2))
			if tt.lytic > 0 {
				v.Lesions = []phantom.Lesion{{Blob: phantom.SizedLesion(rng, *v, tt.lytic), HU: 20}}
			}
			if tt.sclerotic > 0 {
				v.Lesions = []phantom.Lesion{{Blob: phantom.SizedLesion(rng, *v, tt.sclerotic), HU: 600}}
			}
		})
		m := truthOf(s, spine.L1).Tissue
		// Cubes of 0.5 mm against cubes of 0.3 mm.
		near(t, spine.L1, "cleft", m.CleftVolume, tt.cleft, 0.03*tt.cleft)
		near(t, spine.L1, "lytic share", m.LyticShare, tt.lytic, 0.03*tt.lytic)
		near(t, spine.L1, "sclerotic share", m.ScleroticShare, tt.sclerotic, 0.03*tt.sclerotic)
	}
}

// A body takes no more gas than fits.
func TestCleftIsNoLargerThanItsBody(t *testing.T) {
	s := withL1(t, func(v *phantom.Vertebra) {
		e, got := phantom.SizedCleft(*v, 200)
		if got > 60 {
			t.Errorf("%.1f ml", got)
		}
		v.Clefts = []phantom.Blob{e}
	})
	m := truthOf(s, spine.L1)
	if m.Tissue.CleftVolume > m.Volume/1000 || m.Tissue.CleftVolume < 0.5*m.Volume/1000 {
		t.Errorf("%.1f ml of %.1f ml", m.Tissue.CleftVolume, m.Volume/1000)
	}
}

func TestSizedWallGap(t *testing.T) {
	for _, share := range []float64{0.05, 0.3, 1} {
		s := withL1(t, func(v *phantom.Vertebra) { v.WallGaps = []phantom.WallGap{phantom.SizedWallGap(*v, share)} })
		// The truth counts a grid of 200 by 200 places.
		near(t, spine.L1, "wall gap", truthOf(s, spine.L1).WallGap, share, 0.01)
	}
}

func TestCementIn(t *testing.T) {
	var got float64
	s := withL1(t, func(v *phantom.Vertebra) {
		v.Cement = phantom.RandomCement(rand.New(rand.NewPCG(1, 2)), *v, 3, phantom.CanalLeak)
		got = phantom.CementIn(*v)
	})
	near(t, spine.L1, "cement", got, truthOf(s, spine.L1).Cement.Inside, 0.02)
}
