// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package phantom_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/phantom/warp"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// stages draws a patient with a scoliosis and treats a level.
func stages(t *testing.T, level spine.Level) phantom.Stages {
	t.Helper()
	p := phantom.RandomParams(rand.New(rand.NewPCG(8, 0)), phantom.Options{Scoliosis: 20})
	s, err := phantom.Course(p, phantom.Treatment{
		Level: level, Fracture: phantom.Fracture(phantom.Wedge, 40),
		Restored: [3]float64{0.6, 0.6, 0.6}, Cement: 3, Seed: 4,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func levelTruth(p phantom.Params, level spine.Level) (phantom.Measured, phantom.Truth) {
	t := phantom.New(p).Truth()
	for _, m := range t.Vertebrae {
		if m.Level == level {
			return m, t
		}
	}
	return phantom.Measured{}, t
}

// What lies below a fracture stays in its place, be it above the reference level or
// below; what lies above keeps its shape.
func TestCourseKeepsTheLowerEnd(t *testing.T) {
	for _, level := range []spine.Level{spine.T12, spine.L4} {
		s := stages(t, level)
		_, intact := levelTruth(s.Intact, level)
		for _, p := range []phantom.Params{s.Fractured, s.Treated} {
			_, after := levelTruth(p, level)
			for i, m := range after.Vertebrae {
				if m.Level > level && r3.Norm(r3.Sub(m.Frame.Origin, intact.Vertebrae[i].Frame.Origin)) > 1e-9 {
					t.Errorf("%v: %v moves", level, m.Level)
				}
				if m.Level < level && math.Abs(m.AnteriorHeight-intact.Vertebrae[i].AnteriorHeight) > 1e-9 {
					t.Errorf("%v: height of %v changes", level, m.Level)
				}
			}
		}
	}
}

// Treatment gives back the share of the lost heights that was asked for.
func TestCourseRestores(t *testing.T) {
	s := stages(t, spine.L1)
	before, _ := levelTruth(s.Intact, spine.L1)
	broken, _ := levelTruth(s.Fractured, spine.L1)
	after, _ := levelTruth(s.Treated, spine.L1)
	for _, h := range [][3]float64{
		{before.AnteriorHeight, broken.AnteriorHeight, after.AnteriorHeight},
		{before.MiddleHeight, broken.MiddleHeight, after.MiddleHeight},
	} {
		if got := (h[2] - h[1]) / (h[0] - h[1]); math.Abs(got-0.6) > 0.03 {
			t.Errorf("heights %.2f, %.2f, %.2f mm: %.3f restored, want 0.6", h[0], h[1], h[2], got)
		}
	}
	if math.Abs(after.Cement.Inside-3) > 0.2 || before.Cement != nil || broken.Cement != nil {
		t.Errorf("cement %v, %v, %+v, want 3 ml in the last", before.Cement, broken.Cement, after.Cement)
	}
	if _, err := phantom.Course(s.Intact, phantom.Treatment{Level: spine.S1}); err == nil {
		t.Error("no error for S1")
	}
	if _, err := phantom.Course(s.Intact, phantom.Treatment{Level: spine.L1, Restored: [3]float64{1.2, 0, 0}}); err == nil {
		t.Error("no error for more restored than lost")
	}
}

// A base says the same as position and tilt, and moves the spine rigidly.
func TestMovedParams(t *testing.T) {
	p := phantom.RandomParams(rand.New(rand.NewPCG(8, 0)), phantom.Options{Scoliosis: 20})
	m := warp.Motion{Turn: r3.Vec{X: 4, Y: 1, Z: -3}, Center: p.Position, Shift: r3.Vec{X: 10, Z: 5}}
	want, got := phantom.New(p).Truth(), phantom.New(p.Moved(m)).Truth()
	for i, w := range want.Vertebrae {
		g := got.Vertebrae[i]
		if d := r3.Norm(r3.Sub(g.Superior.Anterior, m.Map()(w.Superior.Anterior))); d > 1e-6 {
			t.Errorf("%v: %g mm from where the motion takes it", w.Level, d)
		}
		if math.Abs(g.MiddleHeight-w.MiddleHeight) > 1e-9 {
			t.Errorf("%v: height changes", w.Level)
		}
	}
}

// Cement painted over an image is that which a phantom with it shows.
func TestPaintedCementIsThePhantoms(t *testing.T) {
	v := stages(t, spine.L1).Treated.Vertebrae
	for _, v := range v {
		if v.Level != spine.L1 {
			continue
		}
		f := volume.NewFrame(r3.Vec{X: 3, Y: -140, Z: -300}, r3.Vec{X: 0.1, Y: -0.2, Z: 1}, r3.Vec{Y: -1})
		for _, slice := range []float64{1, 2.5} {
			vol := volume.New(volume.Geometry{
				Columns: 80, Rows: 80, Slices: int(60 / slice), Origin: r3.Vec{X: -25, Y: -170, Z: -330},
				Column: r3.Vec{X: 0.7}, Row: r3.Vec{Y: 0.7}, Slice: r3.Vec{Z: slice},
			})
			c := *v.Cement
			c.Grain = 0
			v.Cement = &c
			truth := phantom.PaintCement(vol, v, f, phantom.Standard, 1)
			sum := 0.0
			for _, hu := range vol.Samples {
				sum += float64(hu) - volume.OutsideHU
			}
			got := sum / (c.HU - volume.OutsideHU) * 0.7 * 0.7 * slice / 1000
			if math.Abs(got/truth.Volume-1) > 0.01 {
				t.Errorf("%g mm slices: %.3f ml painted, truth %.3f", slice, got, truth.Volume)
			}
			if diff := cmp.Diff(0.0, truth.Volume-truth.Inside, cmp.Comparer(func(x, y float64) bool { return math.Abs(x-y) < 0.01 })); diff != "" {
				t.Errorf("leaks though none was asked for: %s", diff)
			}
		}
	}
}
