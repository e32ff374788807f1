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

// treated returns the parameters of a spine whose L1 holds cement.
func treated(c *phantom.Cement) phantom.Params {
	p := phantom.RandomParams(rand.New(rand.NewPCG(5, 6)), phantom.Options{})
	for i := range p.Vertebrae {
		if p.Vertebrae[i].Level == spine.L1 {
			p.Vertebrae[i].Cement = c
		}
	}
	return p
}

func measuredL1(s *phantom.Spine) phantom.Measured {
	for _, m := range s.Truth().Vertebrae {
		if m.Level == spine.L1 {
			return m
		}
	}
	return phantom.Measured{}
}

// An ellipsoid of half axes a, b, c holds 4/3·π·abc.
func TestCementHasTheVolumeOfItsEllipsoid(t *testing.T) {
	e := phantom.Blob{A: 1, L: 3, HalfS: 6, HalfA: 7, HalfL: 8}
	m := measuredL1(phantom.New(treated(&phantom.Cement{HU: 2000, Inset: 1, Fill: []phantom.Blob{e}})))
	want := 4.0 / 3 * math.Pi * e.HalfS * e.HalfA * e.HalfL / 1000
	if d := m.Cement.Volume/want - 1; math.Abs(d) > 0.002 {
		t.Errorf("volume %.4f ml, want %.4f", m.Cement.Volume, want)
	}
	if math.Abs(m.Cement.Inside-m.Cement.Volume) > 1e-9 {
		t.Errorf("%.4f of %.4f ml inside, want all", m.Cement.Inside, m.Cement.Volume)
	}
}

// What cement adds to the image is its volume times its attenuation above what it
// displaces.
func TestCementIsPaintedWithItsVolume(t *testing.T) {
	const hu = 2000
	c := &phantom.Cement{HU: hu, Inset: 3, Fill: []phantom.Blob{{HalfS: 5, HalfA: 6, HalfL: 6}, {A: 4, L: 4, HalfS: 3, HalfA: 3, HalfL: 3}}}
	with, without := treated(c), treated(nil)
	s := phantom.New(with)
	for _, slice := range []float64{1, 2.5} {
		scan := s.Cover(spine.L1, spine.L1, 4, 60, 0.8, slice)
		vol, twin := s.CT(scan), phantom.New(without).CT(scan)
		sum, bone, n := 0.0, 0.0, 0.0
		for i := range vol.Samples {
			d := float64(vol.Samples[i]) - float64(twin.Samples[i])
			sum += d
			if d > hu/2 {
				bone, n = bone+float64(twin.Samples[i]), n+1
			}
		}
		column, row, k := vol.Spacing()
		got, want := sum*column*row*k/1000/(hu-bone/n), measuredL1(s).Cement.Volume
		if math.Abs(got/want-1) > 0.01 {
			t.Errorf("%g mm slices show %.3f ml, want %.3f", slice, got, want)
		}
	}
}

func TestLeakLiesBeyondTheBody(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	places := []phantom.LeakPlace{phantom.CanalLeak, phantom.ForaminalLeak, phantom.ParavertebralLeak, phantom.SuperiorDiscLeak, phantom.InferiorDiscLeak}
	p := treated(nil)
	for i := range p.Vertebrae {
		if v := &p.Vertebrae[i]; v.Level == spine.L1 {
			v.Cement = phantom.RandomCement(rng, *v, 3, places...)
		}
	}
	m := measuredL1(phantom.New(p)).Cement
	leaked := 0.0
	for i, l := range m.Leaks {
		if l.Place != places[i] || l.Volume < 0.01 || l.Distance < 1.5 {
			t.Errorf("leak %d: place %d, %.3f ml, %.1f mm beyond", i, l.Place, l.Volume, l.Distance)
		}
		leaked += l.Volume
	}
	if math.Abs(m.Inside+leaked-m.Volume) > 1e-9 {
		t.Errorf("%.3f ml inside and %.3f leaked are not %.3f in all", m.Inside, leaked, m.Volume)
	}
}

func TestScrewsSaturate(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	p := treated(nil)
	for i := range p.Vertebrae {
		if v := &p.Vertebrae[i]; v.Level == spine.L1 {
			v.Screws = phantom.RandomScrews(rng, *v)
		}
	}
	s := phantom.New(p)
	const ceiling = 3071 // of 12 bits
	full := 0
	for _, hu := range s.CT(s.Cover(spine.L1, spine.L1, 4, 100, 0.8, 1)).Samples {
		if hu >= ceiling {
			full++
		}
	}
	// Two cylinders of 4.5 by 35 mm at least.
	if ml := float64(full) * 0.64 / 1000; ml < 2*math.Pi*2.25*2.25*35/1000*0.7 {
		t.Errorf("%.2f ml saturated, too little for two screws", ml)
	}
}
