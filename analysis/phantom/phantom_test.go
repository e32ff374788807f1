// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package phantom_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

func random(seed uint64, opt phantom.Options) *phantom.Spine {
	return phantom.Random(rand.New(rand.NewPCG(seed, 1)), opt)
}

func at(t *testing.T, truth phantom.Truth, l spine.Level) phantom.Measured {
	t.Helper()
	for _, v := range truth.Vertebrae {
		if v.Level == l {
			return v
		}
	}
	t.Fatalf("no %v in the truth", l)
	return phantom.Measured{}
}

func TestLabelsHaveTheTruthsVolume(t *testing.T) {
	s := random(3, phantom.Options{Fractures: map[spine.Level]phantom.Deformity{spine.L1: phantom.Fracture(phantom.Wedge, 30)}})
	scan := s.Cover(spine.T12, spine.L2, 10, 70, 0.5, 0.5)
	scan.Center.Y -= 15
	g := scan.Geometry()
	count := map[uint16]int{}
	for _, l := range s.BodyLabels(g).Labels {
		count[l]++
	}
	truth := s.Truth()
	for _, l := range []spine.Level{spine.T12, spine.L1, spine.L2} {
		got, want := float64(count[uint16(l)])*0.125, at(t, truth, l).Volume
		if math.Abs(got-want) > 0.005*want {
			t.Errorf("%v: labelled volume = %.0f mm³, want %.0f", l, got, want)
		}
	}
}

// The mass of bone along a line through an endplate does not depend on the
// point spread function: the plate's place follows from sums of attenuation.
func TestProfileKeepsItsMass(t *testing.T) {
	s := random(4, phantom.Options{})
	l2 := at(t, s.Truth(), spine.L2)
	mass := func(kernel phantom.Kernel, thickness float64) float64 {
		scan := s.Cover(spine.L1, spine.L3, 10, 40, 0.5, 0.5)
		scan.SliceThickness, scan.Kernel = thickness, kernel
		scan.Center.X, scan.Center.Y = l2.Frame.Origin.X, l2.Frame.Origin.Y
		v := s.CT(scan)
		at := v.Sampler()
		var sum float64
		const reach, step = 4, 0.05 // mm; the next endplate is far enough for the thick slices too
		for d := -reach; d < reach; d++ {
			for f := 0.0; f < 1; f += step {
				sum += at.At(r3.Add(l2.Superior.Middle, r3.Vec{Z: float64(d) + f})) * step
			}
		}
		return sum
	}
	want := mass(phantom.Kernel{Sigma: 0.3}, 0.6)
	for _, tt := range []struct {
		name      string
		kernel    phantom.Kernel
		thickness float64
	}{
		{"thick", phantom.Kernel{Sigma: 0.3}, 2.5},
		{"soft", phantom.Soft, 0.6},
	} {
		// 30 HU·mm are 0.05 mm of an endplate of 600 HU.
		if got := mass(tt.kernel, tt.thickness); math.Abs(got-want) > 30 {
			t.Errorf("%s: mass = %.0f HU·mm, want %.0f", tt.name, got, want)
		}
	}
}

func TestOrientationDoesNotMoveThePatient(t *testing.T) {
	s := random(5, phantom.Options{})
	scan := s.Cover(spine.L1, spine.L1, 6, 70, 0.7, 0.8)
	// No voxel lies just on a border between two cells of a table.
	scan.Center = r3.Add(scan.Center, r3.Vec{X: 0.123, Y: 0.237, Z: 0.071})
	want := s.CT(scan)
	reference := want.Sampler()
	for _, position := range []string{"HFP", "HFDL", "HFDR", "FFS", "FFP", "FFDL", "FFDR"} {
		scan := scan
		scan.PatientPosition = position
		if worst := worstDifference(s.CT(scan), reference, 17); worst > 2 {
			t.Errorf("%s: differs by %.0f HU from HFS", position, worst)
		}
	}
}

// worstDifference compares v within a radius of its middle with another volume.
func worstDifference(v *volume.Volume, reference volume.Sampler, radius float64) float64 {
	var worst float64
	middle := v.Position(float64(v.Columns-1)/2, float64(v.Rows-1)/2, float64(v.Slices-1)/2)
	for n, hu := range v.Samples {
		i, j, k := n%v.Columns, n/v.Columns%v.Rows, n/v.Columns/v.Rows
		p := v.Position(float64(i), float64(j), float64(k))
		if r3.Norm(r3.Sub(p, middle)) < radius {
			worst = max(worst, math.Abs(float64(hu)-reference.At(p)))
		}
	}
	return worst
}

func TestTruthFollowsTheFracture(t *testing.T) {
	for _, tt := range []struct {
		shape phantom.Shape
		loss  float64
		worst phantom.Height
	}{
		{phantom.Wedge, 35, phantom.AnteriorHeight},
		{phantom.Biconcave, 30, phantom.MiddleHeight},
	} {
		s := random(6, phantom.Options{Fractures: map[spine.Level]phantom.Deformity{spine.L1: phantom.Fracture(tt.shape, tt.loss)}})
		m := at(t, s.Truth(), spine.L1)
		loss, height := m.WorstLoss()
		if height != tt.worst || math.Abs(loss-tt.loss) > 4 {
			t.Errorf("shape %v of %v %%: loses %.1f %% of height %v", tt.shape, tt.loss, loss, height)
		}
	}
}

func TestSameSeedSameSamples(t *testing.T) {
	render := func() *volume.Volume {
		s := random(7, phantom.Options{Osteophytes: true, RandomFractures: 2})
		scan := s.Cover(spine.T12, spine.L1, 5, 60, 1, 1)
		scan.Noise, scan.Seed = 20, 3
		return s.CT(scan)
	}
	a, b := render(), render()
	for i := range a.Samples {
		if a.Samples[i] != b.Samples[i] {
			t.Fatalf("sample %d differs: %d and %d", i, a.Samples[i], b.Samples[i])
		}
	}
}
