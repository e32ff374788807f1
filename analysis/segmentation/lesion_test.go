// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/spine"
)

// The edges of dense bone in the middle of a body, brighter than its walls, are not
// its walls.
func TestWallsAroundDenseBone(t *testing.T) {
	p := phantom.RandomParams(rand.New(rand.NewPCG(8, 1)), phantom.Options{Osteoporosis: true})
	for i := range p.Vertebrae {
		if v := &p.Vertebrae[i]; v.Level == spine.L1 {
			v.Lesions = []phantom.Lesion{{Blob: phantom.Blob{A: 1, HalfS: 6, HalfA: 5, HalfL: 9}, HU: 700}}
		}
	}
	sp := phantom.New(p)
	scan := sp.Cover(spine.T12, spine.L3, 15, 110, 0.8, 1)
	scan.Noise, scan.Seed = 14, 2
	vol := sp.CT(scan)
	truth := sp.Within(sp.Truth(), vol.Geometry)
	found := rough(truth, rand.New(rand.NewPCG(3, 4)))
	bodies, err := segmentation.FromImage(t.Context(), vol, found)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for i := range bodies {
		m := nearest(truth, found.Vertebrae[i].Center)
		if m.Level < spine.T12 || m.Level > spine.L3 {
			continue
		}
		seen++
		if bodies[i].Reason != "" || math.Abs(bodies[i].Depth-m.Depth) > 2 {
			t.Errorf("%v: depth %.1f mm (%s), want %.1f", m.Level, bodies[i].Depth, bodies[i].Reason, m.Depth)
		}
	}
	if seen != 4 {
		t.Errorf("%d bodies, want 4", seen)
	}
}
