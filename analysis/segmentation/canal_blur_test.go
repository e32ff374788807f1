// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/endplate/endplate/analysis/localization"
	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/spine"
)

// The blur of the kernel is told from the image: what the kernel itself and the
// linear interpolation between pixels give, p²/6.
func TestKernelIsTold(t *testing.T) {
	const pixel, noise = 0.7, 12
	sp := phantom.Random(rand.New(rand.NewPCG(21, 1)), phantom.Options{})
	for _, k := range []phantom.Kernel{phantom.Standard, phantom.Soft} {
		scan := sp.Cover(spine.L1, spine.L2, 16, 90, pixel, 1)
		scan.Kernel, scan.Noise = k, noise
		vol := sp.CT(scan)
		found, err := localization.Find(t.Context(), vol)
		if err != nil {
			t.Fatal(err)
		}
		bodies, err := FromImage(t.Context(), vol, found)
		if err != nil {
			t.Fatal(err)
		}
		im := &reader{sampler: vol.Sampler(), vol: vol, blur: blurOf(vol, sliceProfiles[0])}
		before := im.blur.variance[0]
		im.chooseKernel(found, bodies)
		got := math.Sqrt(im.blur.variance[0] - before + inPlaneSigma*inPlaneSigma)
		if want := math.Sqrt(k.Sigma*k.Sigma + pixel*pixel/6); math.Abs(got-want) > 0.1 {
			t.Errorf("%v: blur of %.2f mm, want %.2f", k, got, want)
		}
	}
}

// Pixels that are wider than a kernel's blur hide it.
func TestKernelBehindWidePixelsIsNotTold(t *testing.T) {
	im := &reader{blur: psf{slice: 2, variance: [3]float64{inPlaneSigma*inPlaneSigma + 3*3/12.0, 1, 1}}}
	before := im.blur
	im.chooseKernel(nil, nil)
	if im.blur != before {
		t.Errorf("blur %+v, want %+v", im.blur, before)
	}
}

func TestLowestBetween(t *testing.T) {
	x := []float64{0.3, 0.5, 0.6, 0.9}
	for _, want := range []float64{0.45, 0.52, 0.6, 0.7} {
		y := make([]float64, len(x))
		for i := range x {
			y[i] = 2 + (x[i]-want)*(x[i]-want)
		}
		if got := lowestBetween(x, y); math.Abs(got-want) > 1e-9 {
			t.Errorf("lowest at %g, want %g", got, want)
		}
	}
	if got := lowestBetween(x, []float64{1, 2, 3, 4}); got != x[0] {
		t.Errorf("lowest at %g, want the end at %g", got, x[0])
	}
}
