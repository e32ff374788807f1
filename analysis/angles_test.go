// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package analysis_test

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/spine"
)

// A vertebra lower in front is kyphotic, and kyphosis is positive.
func TestWedgeFractureIsKyphotic(t *testing.T) {
	truth := lumbar().truth(lumbarCT().Geometry)
	pairs, _ := matched(truth, lumbarResult(t))
	n := slices.IndexFunc(pairs, func(p pair) bool { return p.truth.Level == spine.L1 })
	l1 := pairs[n]
	if l1.got == nil || l1.got.WedgeAngle == nil {
		t.Fatal("L1 has no wedge angle")
	}
	if got, want := l1.got.WedgeAngle.Value, l1.truth.WedgeAngle; want < 5 || math.Abs(got-want) > wedgeMAE {
		t.Errorf("wedge angle of L1 = %.1f°, want %.1f", got, want)
	}
	if h := l1.got.Heights; h.Anterior >= h.Posterior {
		t.Errorf("anterior height %.1f mm is not below the posterior %.1f", h.Anterior, h.Posterior)
	}
}

// slope returns how far an endplate's line is turned from forward to upward in the
// sagittal plane across left, degrees.
func slope(e landmark.Endplate, left r3.Vec) float64 {
	up := r3.Vec{Z: 1}
	up = r3.Unit(r3.Sub(up, r3.Scale(r3.Dot(up, left), left)))
	forward := r3.Cross(left, up)
	return math.Atan2(r3.Dot(e.Direction, up), r3.Dot(e.Direction, forward)) * 180 / math.Pi
}

// Gardner's angle runs from the superior endplate of the vertebra above to the
// inferior one of the vertebra itself: it is made of two bodies and the disc
// between them. Each part has a mid-sagittal plane of its own, which makes tenths
// of a degree.
func TestGardnerIsTheSumOfItsParts(t *testing.T) {
	result := lumbarResult(t)
	found := false
	for _, a := range result.Angles {
		if a.Name != "GARDNER" {
			continue
		}
		above, below := vertebraAt(result, a.From.Level), vertebraAt(result, a.To.Level)
		if above == nil || below == nil || above.WedgeAngle == nil || below.WedgeAngle == nil {
			continue
		}
		found = true
		left := r3.Unit(r3.Add(above.Landmarks.LeftAxis, below.Landmarks.LeftAxis))
		disc := slope(below.Landmarks.Superior, left) - slope(above.Landmarks.Inferior, left)
		want := above.WedgeAngle.Value + below.WedgeAngle.Value + disc
		const tolerance = 0.5 // degrees
		if math.Abs(a.Degrees-want) > tolerance {
			t.Errorf("%v to %v: %.2f°, want %.2f", a.From, a.To, a.Degrees, want)
		}
	}
	if !found {
		t.Error("no Gardner angle between measured vertebrae")
	}
}

func vertebraAt(r *analysis.Result, level spine.Level) *analysis.Vertebra {
	n := slices.IndexFunc(r.Vertebrae, func(v analysis.Vertebra) bool { return v.Level == level && v.Landmarks != nil })
	if n < 0 {
		return nil
	}
	return &r.Vertebrae[n]
}

// angleKey tells which angle one is.
type angleKey struct {
	name     string
	from, to morphometry.EndplateOf
}

func TestAnglesAgreeWithTheTruth(t *testing.T) {
	truth := lumbar().truth(lumbarCT().Geometry)
	want := make(map[angleKey]float64)
	for _, a := range truth.Angles {
		want[angleKey{a.Name, morphometry.EndplateOf{Level: a.From, Endplate: a.FromEndplate}, morphometry.EndplateOf{Level: a.To, Endplate: a.ToEndplate}}] = a.Degrees
	}
	result := lumbarResult(t)
	if len(result.Angles) == 0 {
		t.Error("no angles")
	}
	for _, a := range result.Angles {
		w, ok := want[angleKey{a.Name, a.From, a.To}]
		if !ok {
			t.Errorf("%s from %v to %v is none of the truth's", a.Name, a.From, a.To)
			continue
		}
		if math.Abs(a.Degrees-w) > 2*max(wedgeMAE, a.SD) {
			t.Errorf("%s from %v to %v = %.1f°, want %.1f (sd %.1f)", a.Name, a.From, a.To, a.Degrees, w, a.SD)
		}
	}
}
