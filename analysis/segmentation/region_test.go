// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/spine"
)

// TestRegionIsTheBody compares regions with the ideal label map of the bodies,
// pedicles and ribs cut off.
func TestRegionIsTheBody(t *testing.T) {
	sp := phantom.Random(rand.New(rand.NewPCG(5, 7)), phantom.Options{})
	scan := sp.Cover(spine.T10, spine.L2, 20, 120, 0.75, 1)
	scan.Noise = 15
	vol := sp.CT(scan).Canonical()
	truth := sp.Within(sp.Truth(), vol.Geometry)
	labels := sp.BodyLabels(vol.Geometry)
	found := rough(truth, rand.New(rand.NewPCG(1, 2)))
	bodies, err := segmentation.FromImage(t.Context(), vol, found)
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for i, v := range found.Vertebrae {
		m := nearest(truth, v.Center)
		if m.Margin < 5 || m.Level == spine.S1 {
			continue
		}
		r, err := segmentation.RegionOf(vol, &bodies[i])
		if err != nil {
			t.Errorf("%s: %v", m.Level, err)
			continue
		}
		checked++
		// A twentieth of the volume is a quarter of a millimetre all round.
		if off := r.Volume()/m.Volume - 1; off < -0.05 || off > 0.05 {
			t.Errorf("%s: volume off by %+.1f %%", m.Level, 100*off)
		}
		if surface := r.Surface(); math.Abs(surface.Volume/r.Volume()-1) > 0.02 {
			t.Errorf("%s: volume of the surface %.0f mm³, of the region %.0f", m.Level, surface.Volume, r.Volume())
		}
		var both, either float64
		for v := range r.Voxels(-6) {
			labelled := labels.Labels[v.Index] == uint16(m.Level)
			if labelled || v.Inside > 0 {
				either++
			}
			if labelled && v.Inside > 0 {
				both++
			}
		}
		if share := both / either; share < 0.93 {
			t.Errorf("%s: region and body share %.3f of what either holds, want 0.93", m.Level, share)
		}
	}
	if checked < 4 {
		t.Errorf("%d bodies, want at least 4", checked)
	}
}

func TestRegionNeedsFourFaces(t *testing.T) {
	if _, err := segmentation.RegionOf(nil, &segmentation.Body{Reason: "endplates meet"}); !errors.Is(err, segmentation.ErrNoRegion) {
		t.Errorf("error %v, want ErrNoRegion", err)
	}
}
