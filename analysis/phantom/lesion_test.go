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

// ellipsoid is the volume of an ellipsoid, ml.
func ellipsoid(e phantom.Blob) float64 {
	return 4 * math.Pi / 3 * e.HalfS * e.HalfA * e.HalfL / 1000
}

func withL1(t *testing.T, change func(v *phantom.Vertebra)) *phantom.Spine {
	t.Helper()
	p := phantom.RandomParams(rand.New(rand.NewPCG(3, 4)), phantom.Options{})
	for i := range p.Vertebrae {
		if p.Vertebrae[i].Level == spine.L1 {
			change(&p.Vertebrae[i])
		}
	}
	return phantom.New(p)
}

func truthOf(s *phantom.Spine, l spine.Level) phantom.Measured {
	for _, m := range s.Truth().Vertebrae {
		if m.Level == l {
			return m
		}
	}
	return phantom.Measured{}
}

// TestTissueTruth holds the truth against the volumes of ellipsoids that lie
// wholly inside the body.
func TestTissueTruth(t *testing.T) {
	lytic := phantom.Blob{S: -4, A: 3, L: 8, HalfS: 4, HalfA: 6, HalfL: 5}
	dense := phantom.Blob{S: 3, A: 2, L: -9, HalfS: 3, HalfA: 4, HalfL: 4}
	gas := phantom.Blob{S: 6, A: 3, L: 3, HalfS: 1.5, HalfA: 5, HalfL: 6}
	s := withL1(t, func(v *phantom.Vertebra) {
		v.Lesions = []phantom.Lesion{{Blob: lytic, HU: 40}, {Blob: dense, HU: 600}}
		v.Clefts = []phantom.Blob{gas}
	})
	m := truthOf(s, spine.L1)
	for _, tt := range []struct {
		name      string
		got, want float64
	}{
		{"lytic", m.Tissue.LyticShare * m.Volume / 1000, ellipsoid(lytic)},
		{"sclerotic", m.Tissue.ScleroticShare * m.Volume / 1000, ellipsoid(dense)},
		{"gas", m.Tissue.CleftVolume, ellipsoid(gas)},
	} {
		if math.Abs(tt.got/tt.want-1) > 0.02 {
			t.Errorf("%s: %.3f ml, want %.3f", tt.name, tt.got, tt.want)
		}
	}
}

// TestRenderedGas sums what gas takes from the attenuation of a body: the
// rendering must hold as much as the ellipsoid.
func TestRenderedGas(t *testing.T) {
	gas := phantom.Blob{S: 5, A: 3, HalfS: 1.2, HalfA: 5, HalfL: 6}
	sum := func(change func(v *phantom.Vertebra)) float64 {
		s := withL1(t, change)
		scan := s.Cover(spine.L1, spine.L1, 20, 60, 0.75, 1)
		total := 0.0
		for _, hu := range s.CT(scan).Samples {
			total += float64(hu)
		}
		return total * 0.75 * 0.75
	}
	var bone float64
	before := sum(func(v *phantom.Vertebra) { bone = v.TrabecularHU })
	after := sum(func(v *phantom.Vertebra) { v.Clefts = []phantom.Blob{gas} })
	if got, want := (before-after)/(bone+1000)/1000, ellipsoid(gas); math.Abs(got/want-1) > 0.02 {
		t.Errorf("%.4f ml of gas, want %.4f", got, want)
	}
}
