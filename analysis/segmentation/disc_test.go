// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/volume"
)

// flatDisc is a disc space of 20 mm depth whose superior axis is the slice axis.
func flatDisc() *discSpace {
	d := &discSpace{
		frame: volume.NewFrame(r3.Vec{}, r3.Vec{Z: 1}, r3.Vec{Y: -1}),
		has:   [2]bool{true, true},
		basis: newSpline(-10, 10, knotStep, 3, 9),
		ends:  [2][2]float64{{-10, 10}, {-10, 10}},
		wall:  [2][2]float64{{-9.7, 9.7}, {-9.7, 9.7}},

		wallSigma: 0.6,
		volume:    1,
		temper:    0.05,
	}
	d.mass = spline{d.basis.lo, d.basis.hi, massKnots}
	d.blur = psf{axes: [3]r3.Vec{{X: 1}, {Y: 1}, {Z: 1}}, variance: [3]float64{0.3, 0.3, 0.02}, slice: 2, box: 1, width: 1}
	d.sloped = newSlopedBlur(d.blur, d.frame)
	return d
}

// madePlates returns the parameters of a disc between two concave plates.
func (d *discSpace) madePlates() []float64 {
	truth := make([]float64, d.size())
	for i := range d.basis.n {
		u := float64(i) - float64(d.basis.n-1)/2
		truth[d.surface(lowerPlate)+i], truth[d.surface(upperPlate)+i] = -3+0.08*u*u, 2.5-0.1*u*u
	}
	for i := d.masses(0); i < d.levels(); i++ {
		truth[i] = 280
	}
	copy(truth[d.levels():], []float64{150, 0, 85, 0, 160, 0, 250, 250, 250, 250})
	return truth
}

// draw sets the voxels to the mean of what the model says of each of truths, with
// noise of 25 HU.
func (d *discSpace) draw(rng *rand.Rand, truths ...[]float64) {
	for s := -10.0; s <= 10; s++ {
		for a := -9.5; a <= 9.5; a += 0.8 {
			for l := -4.5; l <= 4.5; l += 1.3 {
				v := d.at(s+0.3*a/10, a, l, 0)
				v.hu = 25 * rng.NormFloat64()
				for _, truth := range truths {
					v.hu += d.predict(truth, &v, new(row)) / float64(len(truths))
				}
				d.voxels = append(d.voxels, v)
			}
		}
	}
}

// TestFitFindsThePlatesOfItsOwnModel draws voxels from the model, with noise,
// and starts two millimetres off.
func TestFitFindsThePlatesOfItsOwnModel(t *testing.T) {
	d := flatDisc()
	truth := d.madePlates()
	d.draw(rand.New(rand.NewPCG(3, 4)), truth)
	start := append([]float64(nil), truth...)
	for plate, shift := range []float64{2, -2} {
		for i := range d.basis.n {
			start[d.surface(plate)+i] += shift
		}
	}
	fit := d.fit(start)
	for plate := range 2 {
		for a := -8.0; a <= 8; a += 2 {
			got, _ := d.height(fit.modes[0].x, plate, a, 0)
			want, _ := d.height(truth, plate, a, 0)
			if math.Abs(got-want) > 0.15 {
				t.Errorf("plate %d at %.0f: %.2f, want %.2f", plate, a, got, want)
			}
			if _, sd := fit.outer(plate, a, 0); !(sd > 0 && sd < 0.5) {
				t.Errorf("plate %d at %.0f: standard deviation %.3f", plate, a, sd)
			}
		}
	}
	if math.Abs(fit.noise-25) > 3 {
		t.Errorf("noise %.1f HU, want 25", fit.noise)
	}
}

func BenchmarkLinearize(b *testing.B) {
	d := flatDisc()
	truth := d.madePlates()
	d.draw(rand.New(rand.NewPCG(3, 4)), truth)
	for b.Loop() {
		d.linearize(truth, 25)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(d.voxels)), "ns/voxel")
}
