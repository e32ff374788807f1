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

// Whatever a map labels, radii and walls are numbers.
func TestCanalOfHostileLabels(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 1))
	for range 40 {
		g := volume.Geometry{
			Columns: 40, Rows: 40, Slices: 30,
			Column: r3.Vec{X: 0.5 + 2*rng.Float64()}, Row: r3.Vec{Y: 0.5 + 2*rng.Float64()}, Slice: r3.Vec{Z: 0.5 + 4*rng.Float64()},
		}
		m := &volume.LabelMap{Geometry: g, Labels: make([]uint16, g.Columns*g.Rows*g.Slices)}
		for range 6 {
			fillBox(m, rng, uint16(18+rng.IntN(5)))
		}
		for range 3 {
			fillBox(m, rng, 0)
		}
		bodies, err := segmentation.FromLabels(t.Context(), m)
		if err != nil {
			continue // nothing labelled is left
		}
		canals, err := segmentation.CanalFromLabels(t.Context(), m, bodies)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range canals {
			checkFinite(t, &c)
		}
	}
}

// fillBox labels a random box.
func fillBox(m *volume.LabelMap, rng *rand.Rand, label uint16) {
	lo := [3]int{rng.IntN(m.Columns), rng.IntN(m.Rows), rng.IntN(m.Slices)}
	hi := [3]int{min(lo[0]+5+rng.IntN(25), m.Columns), min(lo[1]+5+rng.IntN(25), m.Rows), min(lo[2]+3+rng.IntN(15), m.Slices)}
	for k := lo[2]; k < hi[2]; k++ {
		for j := lo[1]; j < hi[1]; j++ {
			for i := lo[0]; i < hi[0]; i++ {
				m.Labels[(k*m.Rows+j)*m.Columns+i] = label
			}
		}
	}
}

func checkFinite(t *testing.T, c *segmentation.Canal) {
	t.Helper()
	finite := func(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
	for _, s := range c.Sections {
		for i := range s.Radius {
			if !finite(s.Radius[i]) || !finite(s.SD[i]) {
				t.Fatalf("radius %g ± %g", s.Radius[i], s.SD[i])
			}
		}
	}
	for _, row := range c.Wall.Cells {
		for _, cell := range row {
			if !finite(cell.A) || !finite(cell.SD) {
				t.Fatalf("wall at %g ± %g", cell.A, cell.SD)
			}
		}
	}
	if len(c.Sections) == 0 && c.Reason == "" {
		t.Fatal("no section and no reason")
	}
}
