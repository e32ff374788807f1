// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package phantom_test

import (
	"testing"

	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/spine"
)

// change returns a spine of flat wedges with straight walls, with L2 changed.
func change(edit func(v *phantom.Vertebra)) *phantom.Spine {
	p := plain()
	for i := range p.Vertebrae {
		if p.Vertebrae[i].Level == spine.L2 {
			edit(&p.Vertebrae[i])
		}
	}
	return phantom.New(p)
}

// A straight wall driven back by a distance stands behind its place by just
// that, wherever the fragment lies, and narrows the canal by as much.
func TestRetropulsionIsThatOfTheFragment(t *testing.T) {
	before, ok := change(func(*phantom.Vertebra) {}).Canal(spine.L2)
	if !ok {
		t.Fatal("no canal at L2")
	}
	for _, tt := range []struct {
		mm     float64
		middle bool
	}{{4, false}, {10, false}, {6, true}} {
		s := change(func(v *phantom.Vertebra) {
			v.Deformity.Retropulsion, v.Deformity.RetropulsedMiddle = tt.mm, tt.middle
		})
		near(t, spine.L2, "retropulsion", at(t, s.Truth(), spine.L2).Retropulsion, tt.mm, 0.03)
		after, _ := s.Canal(spine.L2)
		// The laminae lean: the narrowest place need not be the fragment's top.
		lost := before.NarrowestAP - after.NarrowestAP
		if lost > tt.mm+0.05 || lost < tt.mm-2.5 {
			t.Errorf("%+v narrows the canal by %.2f mm", tt, lost)
		}
	}
}

// The canal's walls are the pedicles' inner faces, half the drawn width from the
// middle, and the straight posterior wall.
func TestCanalReachesFromBoneToBone(t *testing.T) {
	s := change(func(v *phantom.Vertebra) { v.CanalWidth = 24 })
	c, ok := s.Canal(spine.L2)
	if !ok {
		t.Fatal("no canal at L2")
	}
	// The pillars of the joints stand in a little.
	r := c.Radii[3*len(c.Radii)/4]
	near(t, spine.L2, "width to the left", r[len(r)/4], 12, 0.4)
	near(t, spine.L2, "width to the right", r[3*len(r)/4], 12, 0.4)
	if c.NarrowestAP > c.AP || c.NarrowestArea > c.Area {
		t.Errorf("narrowest %.1f mm, %.0f mm²; ring %.1f mm, %.0f mm²", c.NarrowestAP, c.NarrowestArea, c.AP, c.Area)
	}
}

func TestGapIsAShareOfTheWall(t *testing.T) {
	s := change(func(v *phantom.Vertebra) {
		v.CanalWidth = 24 // leaves ±10 mm
		v.WallGaps = []phantom.WallGap{{Along: 0.5, Height: 0.5, Width: 8}}
	})
	near(t, spine.L2, "gap", at(t, s.Truth(), spine.L2).WallGap, 0.5*8/20, 0.005)
	near(t, spine.L3, "gap", at(t, s.Truth(), spine.L3).WallGap, 0, 0)
}
