// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package morphometry_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/localization"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// scene is a made column as it was read.
type scene struct {
	vol     *volume.Volume
	regions []*segmentation.Region
	truth   []phantom.Measured // of each region
	tissue  []morphometry.Tissue
}

// read renders T11 to L3 of a spine and reads its bodies from where they are.
func read(t *testing.T, opt phantom.Options, change func(v *phantom.Vertebra)) scene {
	t.Helper()
	p := phantom.RandomParams(rand.New(rand.NewPCG(11, 13)), opt)
	for i := range p.Vertebrae {
		if change != nil {
			change(&p.Vertebrae[i])
		}
	}
	sp := phantom.New(p)
	scan := sp.Cover(spine.T11, spine.L3, 12, 110, 0.9, 1)
	scan.Noise, scan.Seed = 14, 3
	s := scene{vol: sp.CT(scan).Canonical()}
	found := &localization.Spine{}
	for _, m := range sp.Within(sp.Truth(), s.vol.Geometry).Vertebrae {
		if m.Margin < 4 || m.Level == spine.S1 {
			continue
		}
		s.truth = append(s.truth, m)
		found.Vertebrae = append(found.Vertebrae, localization.Vertebra{
			Center: m.Frame.Origin, Canal: m.Canal, Superior: m.Frame.Superior, Anterior: m.Frame.Anterior,
			SuperiorEndplate: m.Superior.Middle, InferiorEndplate: m.Inferior.Middle, Depth: m.Depth, Width: m.Width,
		})
	}
	filled := segmentation.WithoutGas(s.vol, found)
	bodies, err := segmentation.FromImage(t.Context(), filled, found)
	if err != nil {
		t.Fatal(err)
	}
	outlines := make([]*segmentation.Body, len(bodies))
	for i := range bodies {
		outlines[i] = &bodies[i]
	}
	if s.regions, err = segmentation.RegionsOf(t.Context(), filled, outlines); err != nil {
		t.Fatal(err)
	}
	column := make([]morphometry.Body, len(bodies))
	for i := range column {
		column[i].Region = s.regions[i]
	}
	s.tissue = morphometry.Tissues(s.vol, column)
	return s
}

// TestIntactTissue: nothing is invented in a column without lesions, and its
// cancellous bone reads what it was made of.
func TestIntactTissue(t *testing.T) {
	s := read(t, phantom.Options{Contrast: true}, nil)
	for i, v := range s.tissue {
		level := s.truth[i].Level
		if d := v.Attenuation.HU - s.truth[i].TrabecularHU; math.Abs(d) > 3 {
			t.Errorf("%s: attenuation off by %+.1f HU", level, d)
		}
		if v.Cleft.Present() || v.Lesions.Lytic.Value > 0 || v.Lesions.Sclerotic.Value > 0 {
			t.Errorf("%s: cleft %v, lesions %+v", level, v.Cleft, v.Lesions)
		}
		if v.Left.Status != morphometry.PediclePresent || v.Right.Status != morphometry.PediclePresent {
			t.Errorf("%s: pedicles %+v, %+v", level, v.Left, v.Right)
		}
		for face, g := range v.Cortex.Gaps {
			if !g.Assessed || g.Share > 0.05 {
				t.Errorf("%s: face %d %+v", level, face, g)
			}
		}
	}
	if a := morphometry.FindAorta(s.vol, s.regions); !a.Sure || !a.Enhanced {
		t.Errorf("aorta %+v, want it enhanced", a)
	}
}

// TestMadeLesions finds each lesion where it was made, and nowhere else.
func TestMadeLesions(t *testing.T) {
	lytic := phantom.Blob{S: 1, A: 5, L: 9, HalfS: 6, HalfA: 8, HalfL: 9}
	dense := phantom.Blob{S: -3, A: 4, L: -8, HalfS: 5, HalfA: 6, HalfL: 6}
	gas := phantom.Blob{S: 5, A: 3, L: 2, HalfS: 1.4, HalfA: 6, HalfL: 7}
	disc := phantom.Blob{S: -17, A: 1, HalfS: 1.5, HalfA: 6, HalfL: 8}
	s := read(t, phantom.Options{}, func(v *phantom.Vertebra) {
		switch v.Level {
		case spine.T11:
			v.DiscGas = []phantom.Blob{disc}
		case spine.T12:
			v.Lesions = []phantom.Lesion{{Blob: dense, HU: 600}}
		case spine.L1:
			v.Clefts = []phantom.Blob{gas}
			v.Erosions = []phantom.Erosion{{Left: true, Extent: 0.8, Center: 0.5, HU: 45}}
		case spine.L2:
			v.Lesions = []phantom.Lesion{{Blob: lytic, HU: 40}}
			v.Erosions = []phantom.Erosion{{Left: true, Extent: 1, Center: 0.5, HU: 45}, {Extent: 0.7, Center: 0.6, HU: 45}}
		}
	})
	if a := morphometry.FindAorta(s.vol, s.regions); !a.Sure || a.Enhanced {
		t.Errorf("aorta %+v, want it not enhanced", a)
	}
	for i, v := range s.tissue {
		m := s.truth[i]
		want := m.Tissue
		if got := v.Cleft.Volume; math.Abs(got-want.CleftVolume) > 0.1*want.CleftVolume {
			t.Errorf("%s: cleft of %.3f ml, want %.3f", m.Level, got, want.CleftVolume)
		}
		if want.CleftVolume > 0 && r3.Norm(r3.Sub(v.Cleft.Center, m.Frame.Point(gas.S, gas.A, gas.L))) > 2 {
			t.Errorf("%s: cleft at %v", m.Level, v.Cleft.Center)
		}
		// Of a lesion's border half is blurred and a rim at the cortex is not read.
		if got := v.Lesions.Lytic.Value; math.Abs(got-want.LyticShare) > 0.35*want.LyticShare {
			t.Errorf("%s: lytic %.3f, want %.3f", m.Level, got, want.LyticShare)
		}
		if got := v.Lesions.Sclerotic.Value; math.Abs(got-want.ScleroticShare) > 0.35*want.ScleroticShare {
			t.Errorf("%s: sclerotic %.3f, want %.3f", m.Level, got, want.ScleroticShare)
		}
		checkPedicle(t, m.Level, "left", v.Left, want.LeftErosion)
		checkPedicle(t, m.Level, "right", v.Right, want.RightErosion)
		if d := v.Attenuation.HU - m.TrabecularHU; math.Abs(d) > 3 {
			t.Errorf("%s: attenuation off by %+.1f HU", m.Level, d)
		}
	}
}

func checkPedicle(t *testing.T, l spine.Level, side string, p morphometry.Pedicle, eroded float64) {
	t.Helper()
	want := morphometry.PediclePresent
	if eroded > 0 {
		want = morphometry.PedicleEroded
	}
	if p.Status != want {
		t.Errorf("%s %s: %+v, want %v", l, side, p, want)
	}
}
