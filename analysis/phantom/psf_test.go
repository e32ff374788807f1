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

// The rendering through a wide point spread function is the fine rendering
// convolved with it: in the plane by a Gaussian, across it by a box with the soft
// edges that sub-slices of 0.3 mm make beyond those of the fine ones.
func TestRenderingIsTheFineOneConvolved(t *testing.T) {
	p := phantom.RandomParams(rand.New(rand.NewPCG(11, 1)), phantom.Options{})
	for i := range p.Vertebrae {
		p.Vertebrae[i].TrabecularHU = 0 // bone without its grain, which the kernel does not blur
	}
	s := phantom.New(p)
	truth := s.Truth()
	l2 := at(t, truth, spine.L2)
	const fine, sharp = 0.2, 0.15 // mm: grid and in-plane sigma of the fine rendering
	for _, tt := range []struct {
		name      string
		middle    r3.Vec
		thickness float64
		mean      float64 // tolerated mean absolute difference, HU
	}{
		{"superior endplate", l2.Superior.Middle, 2, 3},
		{"anterior corner", l2.Inferior.Anterior, 2, 8}, // 1 % of the edge
		{"superior endplate, 5 mm", l2.Superior.Middle, 5, 3},
	} {
		scan := phantom.Scan{
			Columns: 45, Rows: 45, Slices: 61, PixelSpacing: fine, SliceSpacing: fine,
			Center: tt.middle, Kernel: phantom.Kernel{Sigma: sharp},
		}
		reference := s.CT(scan)
		const sigma = 0.55
		scan.Columns, scan.Rows, scan.Slices = 5, 5, 5
		scan.PixelSpacing, scan.SliceSpacing, scan.SliceThickness = 0.6, 0.6, tt.thickness
		scan.Kernel = phantom.Kernel{Sigma: sigma}
		got := s.CT(scan)
		var sum float64
		for n, hu := range got.Samples {
			i, j, k := n%5, n/5%5, n/25
			p := got.Position(float64(i), float64(j), float64(k))
			want := convolved(reference, p, math.Sqrt(sigma*sigma-sharp*sharp), tt.thickness)
			sum += math.Abs(float64(hu)-want) / float64(len(got.Samples))
		}
		t.Logf("%s: mean difference %.2f HU", tt.name, sum)
		if sum > tt.mean {
			t.Errorf("%s: differs by %.1f HU in the mean, want at most %g", tt.name, sum, tt.mean)
		}
	}
}

// convolved returns v at p through a Gaussian in the plane and a box along z.
func convolved(v *volume.Volume, p r3.Vec, sigma, thickness float64) float64 {
	i, j, k := v.Indexer().Index(p)
	step := r3.Norm(v.Column)
	var sum, weight float64
	for n, hu := range v.Samples {
		di, dj := float64(n%v.Columns)-i, float64(n/v.Columns%v.Rows)-j
		dk := (float64(n/v.Columns/v.Rows) - k) * step
		w := math.Exp(-(di*di + dj*dj) * step * step / (2 * sigma * sigma))
		// Variances across the plane: sub-slices of 0.3 mm less those of 0.2 mm,
		// each 0.62² of its step squared and a box of the step, less the fine
		// slices' own box.
		const edge = 0.145 // mm
		w *= math.Erf((dk+thickness/2)/edge/math.Sqrt2) - math.Erf((dk-thickness/2)/edge/math.Sqrt2)
		sum += w * float64(hu)
		weight += w
	}
	return sum / weight
}
