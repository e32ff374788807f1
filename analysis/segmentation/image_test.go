// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/localization"
	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/spine"
)

// rough is what localization would find: the truth, one to two millimetres off.
func rough(t phantom.Truth, rng *rand.Rand) *localization.Spine {
	s := &localization.Spine{}
	off := func() float64 { return 1.2 * rng.NormFloat64() }
	for _, m := range t.Vertebrae {
		if m.Margin < -25 {
			continue
		}
		f := m.Frame
		s.Vertebrae = append(s.Vertebrae, localization.Vertebra{
			Center: f.Point(off(), off(), off()), Canal: r3.Add(m.Canal, r3.Vec{X: off() / 2, Y: off() / 2}),
			Superior: f.Superior, Anterior: f.Anterior, Depth: m.Depth + off(), Width: m.Width + off(),
			SuperiorEndplate: r3.Add(m.Superior.Middle, r3.Scale(off(), f.Superior)),
			InferiorEndplate: r3.Add(m.Inferior.Middle, r3.Scale(off(), f.Superior)),
			Sacral:           m.Level == spine.S1, Truncated: m.Margin < 0,
		})
	}
	return s
}

// TestHeightsDoNotDependOnSliceThickness measures one spine at slices of 1, 2,
// 3 and 5 mm: the half maximum of an endplate would read 2.3 mm more at 5 mm
// than at 1 mm.
func TestHeightsDoNotDependOnSliceThickness(t *testing.T) {
	sp := phantom.Random(rand.New(rand.NewPCG(5, 7)), phantom.Options{})
	for _, tt := range []struct{ slice, mean, bias float64 }{{1, 0.25, 0.3}, {2, 0.4, 0.3}, {3, 0.7, 0.5}, {5, 1.2, 0.8}} {
		scan := sp.Cover(spine.T12, spine.L3, 12, 110, 0.8, tt.slice)
		scan.Noise = 15
		vol := sp.CT(scan).Canonical()
		truth := sp.Within(sp.Truth(), vol.Geometry)
		found := rough(truth, rand.New(rand.NewPCG(1, 2)))
		bodies, err := segmentation.FromImage(t.Context(), vol, found)
		if err != nil {
			t.Fatal(err)
		}
		sum, signed, n := 0.0, 0.0, 0.0
		for i, v := range found.Vertebrae {
			m := nearest(truth, v.Center)
			if m.Margin < 5 || m.Level == spine.S1 {
				continue
			}
			points, err := landmark.FromBody(&bodies[i])
			if err != nil {
				t.Errorf("%g mm: %s: %v", tt.slice, m.Level, err)
				continue
			}
			for _, h := range [][2]float64{
				{distance(points.Superior.Anterior, points.Inferior.Anterior), m.AnteriorHeight},
				{distance(points.Superior.Middle, points.Inferior.Middle), m.MiddleHeight},
				{distance(points.Superior.Posterior, points.Inferior.Posterior), m.PosteriorHeight},
			} {
				sum += math.Abs(h[0] - h[1])
				signed += h[0] - h[1]
				n++
			}
		}
		if n < 12 {
			t.Errorf("%g mm: %g heights, want at least 12", tt.slice, n)
		}
		if sum/n > tt.mean || math.Abs(signed/n) > tt.bias {
			t.Errorf("%g mm: heights off by %.2f mm, %+.2f in the mean; want at most %.2f, ±%.2f", tt.slice, sum/n, signed/n, tt.mean, tt.bias)
		}
	}
}

func distance(a, b landmark.Point) float64 { return r3.Norm(r3.Sub(a.Position, b.Position)) }

func nearest(t phantom.Truth, p r3.Vec) phantom.Measured {
	best := t.Vertebrae[0]
	for _, m := range t.Vertebrae {
		if r3.Norm(r3.Sub(m.Frame.Origin, p)) < r3.Norm(r3.Sub(best.Frame.Origin, p)) {
			best = m
		}
	}
	return best
}

// TestSacralEndplateOfAnImage: the lumbar lordosis ends at it.
func TestSacralEndplateOfAnImage(t *testing.T) {
	sp := phantom.Random(rand.New(rand.NewPCG(5, 7)), phantom.Options{})
	scan := sp.Cover(spine.L4, spine.S1, 15, 120, 0.8, 2)
	vol := sp.CT(scan).Canonical()
	truth := sp.Within(sp.Truth(), vol.Geometry)
	found := rough(truth, rand.New(rand.NewPCG(1, 2)))
	bodies, err := segmentation.FromImage(t.Context(), vol, found)
	if err != nil {
		t.Fatal(err)
	}
	last := len(bodies) - 1
	if !found.Vertebrae[last].Sacral {
		t.Fatal("the chain does not end at the sacrum")
	}
	points, err := landmark.SacrumFromBody(&bodies[last])
	if err != nil {
		t.Fatalf("S1: %v (%s)", err, bodies[last].Reason)
	}
	want := truth.Vertebrae[len(truth.Vertebrae)-1].Superior
	if cos := r3.Dot(points.Superior.Direction, want.Direction); cos < math.Cos(3*math.Pi/180) {
		t.Errorf("S1's endplate is off by %.1f°, want at most 3", math.Acos(cos)*180/math.Pi)
	}
}

func TestFromImageWithoutVertebra(t *testing.T) {
	sp := phantom.Random(rand.New(rand.NewPCG(5, 7)), phantom.Options{})
	vol := sp.CT(sp.Cover(spine.L1, spine.L2, 5, 60, 2, 4)).Canonical()
	bodies, err := segmentation.FromImage(t.Context(), vol, &localization.Spine{})
	if err != nil || len(bodies) != 0 {
		t.Errorf("FromImage = %d bodies, %v, want none", len(bodies), err)
	}
}
