// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package cement

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/localization"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/volume"
)

// solid is a body's shape in its frame: a region of the image, or a box of the
// size that localization tells.
type solid interface {
	// Inside returns how far a point lies inside, mm.
	Inside(p r3.Vec) float64
	// Heights returns where the endplates lie above (a, l), mm.
	Heights(a, l float64) (superior, inferior float64)
	// Radius returns how far the wall stands from the axis in a direction,
	// degrees from anterior to left, at a share of the height.
	Radius(angle, share float64) float64
}

// site is where a vertebra lies.
type site struct {
	solid
	frame    volume.Frame
	canal    r3.Vec // its coordinates in frame: S, A, L
	width    float64
	volume   float64 // mm³, 0 if not known
	outlined bool
}

func newSites(found *localization.Spine, regions []*segmentation.Region) []site {
	sites := make([]site, len(found.Vertebrae))
	for i := range found.Vertebrae {
		v := &found.Vertebrae[i]
		s := &sites[i]
		if i < len(regions) && regions[i] != nil {
			r := regions[i]
			s.solid, s.frame, s.volume, s.outlined = r, r.Frame, r.Volume(), true
			s.width = r.Radius(90, 0.5) + r.Radius(-90, 0.5)
		} else {
			b := newBlock(v)
			s.solid, s.frame, s.width = b, b.frame, 2*b.halfWidth
		}
		s.canal.X, s.canal.Y, s.canal.Z = s.frame.Coordinates(v.Canal)
	}
	return sites
}

// block is an elliptic cylinder in the place of a body.
type block struct {
	frame                volume.Frame
	superior, inferior   float64
	halfDepth, halfWidth float64
}

// Sizes, mm, of a body of which localization knows none: a thoracic one.
const (
	usualHalfDepth, usualHalfWidth = 14, 17
	usualHalfHeight                = 10
)

func newBlock(v *localization.Vertebra) *block {
	b := &block{frame: volume.NewFrame(v.Center, v.Superior, v.Anterior), halfDepth: v.Depth / 2, halfWidth: v.Width / 2}
	b.superior, _, _ = b.frame.Coordinates(v.SuperiorEndplate)
	b.inferior, _, _ = b.frame.Coordinates(v.InferiorEndplate)
	if b.halfDepth <= 0 {
		b.halfDepth = usualHalfDepth
	}
	if b.halfWidth <= 0 {
		b.halfWidth = usualHalfWidth
	}
	if !(b.superior > b.inferior) {
		b.superior, b.inferior = usualHalfHeight, -usualHalfHeight
	}
	return b
}

func (b *block) Inside(p r3.Vec) float64 {
	s, a, l := b.frame.Coordinates(p)
	wall := b.radius(math.Atan2(l, a)) - math.Hypot(a, l)
	return min(b.superior-s, s-b.inferior, wall)
}

func (b *block) Heights(_, _ float64) (superior, inferior float64) { return b.superior, b.inferior }

func (b *block) Radius(angle, _ float64) float64 { return b.radius(angle * math.Pi / 180) }

func (b *block) radius(angle float64) float64 {
	sin, cos := math.Sincos(angle)
	return 1 / math.Hypot(cos/b.halfDepth, sin/b.halfWidth)
}

// beyond returns how far a point lies beyond the superior endplate, the inferior
// one and the wall of s, mm, each negative inside.
func (s *site) beyond(p r3.Vec) (above, below, out float64, at [3]float64) {
	up, a, l := s.frame.Coordinates(p)
	top, bottom := s.Heights(a, l)
	share := min(max((up-bottom)/max(top-bottom, 1), 0), 1)
	wall := s.Radius(math.Atan2(l, a)*180/math.Pi, share)
	return up - top, bottom - up, math.Hypot(a, l) - wall, [3]float64{up, a, l}
}

// Parts of the surroundings of a body.
const (
	// canalShare is half the width of the canal as a part of the body's width:
	// 24.1/2 of 42 at L1, 30.3/2 of 52 at L5 (CTSpinoPelvic1K level_atlas.csv for
	// the canal), 16/2 of 29 in the mid thorax (design value).
	canalShare = 0.28
	// pedicleLow and pedicleHigh bound the pedicle's root as shares of the
	// body's height from the inferior endplate: design values, from the shape
	// that phantom gives it.
	pedicleLow, pedicleHigh = 0.42, 0.95
)

// place returns where outside the body a point lies, and false if it lies in a
// pedicle, where cement marks the way of the needle, or behind the canal.
func (s *site) place(p r3.Vec) (Place, bool) {
	above, below, out, at := s.beyond(p)
	if max(above, below) > out {
		if above > below {
			return SuperiorDisc, true
		}
		return InferiorDisc, true
	}
	back := -s.Radius(180, 0.5)
	half := canalShare * s.width
	lateral := math.Abs(at[2])
	if at[1] > back+backTolerance {
		return Paravertebral, true
	}
	if at[1] < s.canal.Y-behindCanal {
		return 0, false
	}
	if lateral <= half {
		return Canal, true
	}
	top, bottom := s.Heights(0, 0)
	if share := (at[0] - bottom) / max(top-bottom, 1); share > pedicleLow && share < pedicleHigh && lateral < s.width/2 {
		return 0, false
	}
	return Foramen, true
}

const (
	// backTolerance, mm, is how far before the middle of the posterior wall the
	// space beside it still counts to the foramen: the wall is concave.
	backTolerance = 1.0
	// behindCanal, mm, is how far behind the canal's centre cement is looked for.
	behindCanal = 3.0
)
