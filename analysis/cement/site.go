// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package cement

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/localization"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// site is where a vertebra lies.
type site struct {
	frame   volume.Frame
	canal   r3.Vec // its coordinates in frame: S, A, L
	width   float64
	volume  float64 // mm³, 0 if not known
	heights func(a, l float64) (superior, inferior float64)
	traced  func(a, l float64) (superior, inferior float64) // where the image shows them, if cement hides them too
	radius  func(angle, share float64) float64              // radians from anterior to left

	outlined bool
	treated  bool // holds cement

	above, below *site // nil at the ends of the column
}

// newSites places the vertebrae, by their regions or, where one is missing or too
// shallow, by what localization tells of its size.
func (d *Dense) newSites(found *localization.Spine, regions []*segmentation.Region) []site {
	shells := d.shells(regions)
	sites := make([]site, len(found.Vertebrae))
	for i := range found.Vertebrae {
		v := &found.Vertebrae[i]
		s := &sites[i]
		if c := carriedOn(shells, i); c != nil && !tooShallow(shells, i, c) {
			r := regions[i]
			s.frame, s.volume, s.outlined = r.Frame, r.Volume(), true
			s.traced, s.radius = r.Heights, c.wall.at
			s.heights = func(a, l float64) (superior, inferior float64) { return c.superior.at(a, l), c.inferior.at(a, l) }
		} else {
			b := newBlock(v)
			s.frame = b.frame
			s.heights = func(_, _ float64) (superior, inferior float64) { return b.superior, b.inferior }
			s.radius = func(angle, _ float64) float64 { return b.radius(angle) }
			s.traced = s.heights
		}
		s.width = s.radius(math.Pi/2, 0.5) + s.radius(-math.Pi/2, 0.5)
		s.canal = r3.Vec{Y: -s.radius(math.Pi, 0.5) - usualCanal/2}
		if v.Canal != (r3.Vec{}) {
			s.canal.X, s.canal.Y, s.canal.Z = s.frame.Coordinates(v.Canal)
		}
		if i > 0 {
			s.above, sites[i-1].below = &sites[i-1], s
		}
	}
	return sites
}

// shallow is the part of the depth of the bodies beside it below which a body has not
// been outlined to both of its walls: cement at a wall hides it. Fractures make bodies
// deeper, and depth grows by growth from a level to the next (Panjabi 1991, 1992;
// unverified). A default of this program.
const (
	shallow = 0.85
	growth  = 0.03
)

// tooShallow reports whether the i-th surface, carried on as s, is that of a part of a
// body.
func tooShallow(shells []*shell, i int, s *shell) bool {
	const reach = 2 // vertebrae to each side
	var beside []float64
	for j := max(i-reach, 0); j <= min(i+reach, len(shells)-1); j++ {
		if j != i && shells[j] != nil {
			beside = append(beside, shells[j].wall.depth()*math.Pow(1+growth, float64(i-j)))
		}
	}
	return len(beside) > 0 && s.wall.depth() < shallow*median(beside)
}

// shell is a body's surface.
type shell struct {
	wall               *wall
	superior, inferior *plate
}

// shells returns the surfaces of the regions, nil where there is none.
func (d *Dense) shells(regions []*segmentation.Region) []*shell {
	near := d.nearby(hiddenReach)
	shells := make([]*shell, len(regions))
	for i, r := range regions {
		if r != nil {
			hides := func(s, a, l float64) bool { return near(r.Frame.Point(s, a, l)) }
			shells[i] = &shell{newWall(r, hides), newPlate(r, spine.Superior, hides), newPlate(r, spine.Inferior, hides)}
		}
	}
	return shells
}

// carriedOn returns the i-th surface with its hidden parts carried on, after the
// surfaces near by where nothing hides them; nil if there is none.
func carriedOn(shells []*shell, i int) *shell {
	if i >= len(shells) || shells[i] == nil {
		return nil
	}
	const reach = 3 // vertebrae to each side
	var walls []*wall
	var superior, inferior []*plate
	for j := max(i-reach, 0); j <= min(i+reach, len(shells)-1); j++ {
		if j != i && shells[j] != nil {
			walls = append(walls, shells[j].wall)
			superior, inferior = append(superior, shells[j].superior), append(inferior, shells[j].inferior)
		}
	}
	s := shells[i]
	return &shell{s.wall.carriedOn(commonWall(walls)), s.superior.carriedOn(commonPlate(superior)), s.inferior.carriedOn(commonPlate(inferior))}
}

// nearby returns a test of whether dense matter lies within reach, mm, of a
// point: a lump, or what is dense for bone in its surroundings.
func (d *Dense) nearby(reach float64) func(r3.Vec) bool {
	var all []int
	for _, l := range d.lumps {
		all = append(all, l.voxels...)
	}
	c := newCrop(d.vol, all, leakReach)
	mark := c.marked(all)
	c.each(func(m, at int) { mark[m] = mark[m] || c.samples[at] >= strongLeast })
	mark = c.dilated(mark, reach)
	indexer := d.vol.Indexer()
	return func(p r3.Vec) bool {
		i, j, k := indexer.Index(p)
		m, ok := c.at(int(math.Round(i)), int(math.Round(j)), int(math.Round(k)))
		return ok && mark[m]
	}
}

// surface returns voxels of vol around the body, at the rims of its endplates.
func (s *site) surface(vol *volume.Volume) []int {
	const angles = 8
	indexer := vol.Indexer()
	var voxels []int
	for n := range angles {
		angle := 2 * math.Pi * float64(n) / angles
		sin, cos := math.Sincos(angle)
		for share := range 2 {
			r := s.radius(angle, float64(share))
			top, bottom := s.heights(r*cos, r*sin)
			i, j, k := indexer.Index(s.frame.Point(bottom+float64(share)*(top-bottom), r*cos, r*sin))
			at := [3]int{}
			for axis, x := range [3]float64{i, j, k} {
				at[axis] = min(max(int(math.Round(x)), 0), [3]int{vol.Columns, vol.Rows, vol.Slices}[axis]-1)
			}
			voxels = append(voxels, (at[2]*vol.Rows+at[1])*vol.Columns+at[0])
		}
	}
	return voxels
}

// inside returns how far inside the body p lies, mm, negative outside.
func (s *site) inside(p r3.Vec) float64 {
	above, below, out, _ := s.beyond(p)
	return -max(above, below, out)
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

func (b *block) radius(angle float64) float64 {
	sin, cos := math.Sincos(angle)
	return 1 / math.Hypot(cos/b.halfDepth, sin/b.halfWidth)
}

// beyond returns how far a point lies beyond the superior endplate, the inferior
// one and the wall of s, mm, each negative inside.
func (s *site) beyond(p r3.Vec) (above, below, out float64, at [3]float64) {
	up, a, l := s.frame.Coordinates(p)
	top, bottom := s.heights(a, l)
	share := min(max((up-bottom)/max(top-bottom, 1), 0), 1)
	wall := s.radius(math.Atan2(l, a), share)
	return up - top, bottom - up, math.Hypot(a, l) - wall, [3]float64{up, a, l}
}

// isLevelWith reports whether p lies between the planes of both endplates of s, in the
// body or beside it, and not in a disc. A body that is not there has none.
func (s *site) isLevelWith(p r3.Vec) bool {
	if s == nil {
		return false
	}
	above, below, _, _ := s.beyond(p)
	return max(above, below) < -otherDepth
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

// place returns where outside the body a point lies; 0 in a pedicle, where cement
// marks the way of the needle; false behind the canal's centre.
func (s *site) place(p r3.Vec) (Place, bool) {
	above, below, out, at := s.beyond(p)
	switch inDisc := max(above, below) > out && out <= discBulge; {
	case inDisc && above > below && !s.above.isLevelWith(p):
		return SuperiorDisc, true
	case inDisc && below >= above && !s.below.isLevelWith(p):
		return InferiorDisc, true
	}
	back := -s.radius(math.Pi, 0.5)
	lateral := math.Abs(at[2])
	switch {
	case at[1] > back+backTolerance:
		return Paravertebral, true
	case at[1] < s.canal.Y-behindCanal:
		return 0, false
	case lateral <= canalShare*s.width:
		return Canal, true
	}
	top, bottom := s.heights(0, 0)
	if share := (at[0] - bottom) / max(top-bottom, 1); share > pedicleLow && share < pedicleHigh && lateral < s.width/2 {
		return 0, true
	}
	return Foramen, true
}

const (
	// usualCanal is the canal's diameter, mm, where its centre is not known: 16.0
	// at L1, meta-analysis of 1481 people (level_references.csv).
	usualCanal = 16.0
	// backTolerance, mm, is how far before the middle of the posterior wall the
	// space beside it still counts to the foramen: the wall is concave.
	backTolerance = 1.0
	// discBulge, mm, is how far beyond the body's wall a disc reaches. A default of this
	// program.
	discBulge = 1.0
	// behindCanal, mm, is how far behind the canal's centre cement is looked for.
	behindCanal = 3.0
)
