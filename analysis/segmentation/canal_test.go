// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation_test

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

// narrowed returns a spine with a fragment behind L1 and a canal that is narrow
// throughout at L2.
func narrowed(seed uint64) *phantom.Spine {
	p := phantom.RandomParams(rand.New(rand.NewPCG(seed, 1)), phantom.Options{
		Fractures: map[spine.Level]phantom.Deformity{spine.L1: {Retropulsion: 5, SuperiorShare: 0.7}},
	})
	for i := range p.Vertebrae {
		if v := &p.Vertebrae[i]; v.Level == spine.L2 {
			v.CanalAP *= 0.6
		}
	}
	return phantom.New(p)
}

// The diameter and the area of the canal are those from bone to bone, beside
// normal, fractured and narrowed vertebrae.
func TestCanalOfPhantoms(t *testing.T) {
	sp := narrowed(3)
	scan := sp.Cover(spine.T12, spine.L3, 18, 100, 0.7, 1)
	scan.Noise = 15
	vol := sp.CT(scan)
	found, err := localization.Find(t.Context(), vol)
	if err != nil {
		t.Fatal(err)
	}
	bodies, err := segmentation.FromImage(t.Context(), vol, found)
	if err != nil {
		t.Fatal(err)
	}
	canals, err := segmentation.CanalFromImage(t.Context(), vol, found, bodies)
	if err != nil {
		t.Fatal(err)
	}
	truth := sp.Within(sp.Truth(), vol.Geometry)
	measured := 0
	for i := range canals {
		if m := nearest(truth, found.Vertebrae[i].Center); m.Complete() {
			measured++
			compareCanal(t, sp, m.Level, &canals[i])
		}
	}
	if measured < 4 {
		t.Errorf("measured %d levels, want 4", measured)
	}
}

// compareCanal compares the narrowest place of a canal with the truth. Over many
// spines the mean error is below half of what is allowed here.
func compareCanal(t *testing.T, sp *phantom.Spine, l spine.Level, c *segmentation.Canal) {
	t.Helper()
	want, _ := sp.Canal(l)
	got, ok := morphometry.MeasureCanal(c)
	if !ok {
		t.Errorf("%v: not measured: %s", l, c.Reason)
		return
	}
	if d := got.NarrowestAP.Value - want.NarrowestAP; math.Abs(d) > 1 {
		t.Errorf("%v: narrowest diameter %.2f mm, want %.2f", l, got.NarrowestAP.Value, want.NarrowestAP)
	}
	if d := got.NarrowestArea.Value/want.NarrowestArea - 1; math.Abs(d) > 0.1 {
		t.Errorf("%v: narrowest area %.0f mm², want %.0f", l, got.NarrowestArea.Value, want.NarrowestArea)
	}
}

// In a label map the canal is the hole of the ring.
func TestCanalOfLabels(t *testing.T) {
	sp := narrowed(4)
	scan := sp.Cover(spine.T12, spine.L3, 18, 120, 0.8, 0.8)
	labels := sp.Labels(scan.Geometry())
	bodies, err := segmentation.FromLabels(t.Context(), labels)
	if err != nil {
		t.Fatal(err)
	}
	canals, err := segmentation.CanalFromLabels(t.Context(), labels, bodies)
	if err != nil {
		t.Fatal(err)
	}
	measured := 0
	for i, b := range bodies {
		if b.Level >= spine.T12 && b.Level <= spine.L3 {
			measured++
			compareCanal(t, sp, b.Level, &canals[i])
		}
	}
	if measured != 4 {
		t.Errorf("measured %d levels, want 4", measured)
	}
}

// A map of bodies alone shows no canal, and says so.
func TestBodiesAloneHaveNoCanal(t *testing.T) {
	sp := phantom.Random(rand.New(rand.NewPCG(6, 1)), phantom.Options{})
	scan := sp.Cover(spine.L1, spine.L2, 15, 80, 1, 1)
	labels := sp.BodyLabels(scan.Geometry())
	bodies, err := segmentation.FromLabels(t.Context(), labels)
	if err != nil {
		t.Fatal(err)
	}
	canals, err := segmentation.CanalFromLabels(t.Context(), labels, bodies)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range canals {
		if len(c.Sections) > 0 || c.Reason == "" {
			t.Errorf("%v: %d sections, reason %q", bodies[i].Level, len(c.Sections), c.Reason)
		}
	}
}

// What the volume does not show is not made up: with the field of view cut behind
// the bodies there is no bone behind the canal.
func TestCanalOutOfTheField(t *testing.T) {
	sp := phantom.Random(rand.New(rand.NewPCG(7, 1)), phantom.Options{})
	scan := sp.Cover(spine.L1, spine.L3, 20, 100, 1, 1)
	vol := sp.CT(scan)
	truth := sp.Within(sp.Truth(), vol.Geometry)
	found := rough(truth, rand.New(rand.NewPCG(1, 2)))
	bodies, err := segmentation.FromImage(t.Context(), vol, found)
	if err != nil {
		t.Fatal(err)
	}
	for n := range vol.Samples {
		j := n / vol.Columns % vol.Rows
		for _, m := range truth.Vertebrae {
			if m.Level == spine.L2 && vol.Position(0, float64(j), 0).Y > m.Canal.Y-3 {
				vol.Samples[n] = volume.OutsideHU
			}
		}
	}
	canals, err := segmentation.CanalFromImage(t.Context(), vol, found, bodies)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range canals {
		if m := nearest(truth, found.Vertebrae[i].Center); m.Level == spine.L2 && (len(c.Sections) > 0 || c.Reason == "") {
			t.Errorf("L2: %d sections, reason %q", len(c.Sections), c.Reason)
		}
	}
}

// The outline lies in a plane: its points are told by angle and radius from the
// frame's axis.
func TestSectionsAscendBetweenTheEndplates(t *testing.T) {
	sp := phantom.Random(rand.New(rand.NewPCG(8, 1)), phantom.Options{})
	labels := sp.Labels(sp.Cover(spine.L2, spine.L3, 20, 100, 1, 1).Geometry())
	bodies, err := segmentation.FromLabels(t.Context(), labels)
	if err != nil {
		t.Fatal(err)
	}
	canals, err := segmentation.CanalFromLabels(t.Context(), labels, bodies)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range canals {
		for k, s := range c.Sections {
			if s.S < c.Low || s.S > c.High || k > 0 && s.S <= c.Sections[k-1].S {
				t.Errorf("%v: section %d at %.1f mm, from %.1f to %.1f", bodies[i].Level, k, s.S, c.Low, c.High)
			}
			for _, r := range s.Radius {
				if !(r > 0 && r < 40) {
					t.Errorf("%v: radius %g", bodies[i].Level, r)
				}
			}
		}
		if f := c.Frame; math.Abs(r3.Dot(f.Superior, f.Anterior)) > 1e-9 {
			t.Errorf("%v: axes of %+v are not perpendicular", bodies[i].Level, f)
		}
	}
}
