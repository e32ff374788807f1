// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package cement

import (
	"cmp"
	"context"
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/localization"
	"github.com/endplate/endplate/analysis/volume"
)

// Attenuations. None was found in the literature: they are design values, to be
// checked on treated patients.
const (
	// denseHU is what cement exceeds and bone does not over more than a few
	// millimetres: cortical bone reads more, but thinner than coreReach.
	denseHU = 1000
	// ceilingHU is the greatest value of scanners that store 12 bits from -1024.
	ceilingHU = 3071
)

const (
	// coreReach, mm, is how far on all sides of a lump's core it must be dense:
	// more than the thickness of endplates and walls of bodies (below 1 mm,
	// Ritzel 1997 for the wall; unverified) with the blur of a scanner.
	coreReach = 1.5
	// leastCore is the least volume of the cores of a lump, mm³: a ball of
	// 1.5 mm radius. A design value.
	leastCore = 14.0
)

// Dense holds the lumps of a volume that are denser than bone: cement, metal,
// and what else there is.
type Dense struct {
	vol   *volume.Volume
	canal []localization.CanalPoint
	lumps []lump

	removed *volume.Volume // vol without the lumps
	hidden  map[int]bool   // samples of the lumps and their blur
}

// lump is a connected set of dense voxels.
type lump struct {
	voxels []int // in Volume.Samples, ascending

	// attached marks what is too thin or too faint for a lump but lies beside
	// one, as leaks do.
	attached bool
}

// Search finds the lumps of vol, which must be canonical, that lie at least in
// part where vertebral bodies are, before the canal; all of them if canal is
// empty. Where there is none it takes one pass over the samples.
func Search(ctx context.Context, vol *volume.Volume, canal []localization.CanalPoint) (*Dense, error) {
	d := &Dense{vol: vol, canal: canal}
	g := newGrid(vol)
	step := g.steps(coreReach)
	voxel := g.voxel()
	var seen map[int]bool
	size := vol.Columns * vol.Rows
	for k := range vol.Slices {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for n, hu := range vol.Samples[k*size : (k+1)*size] {
			if hu < denseHU {
				continue
			}
			at := k*size + n
			if seen[at] || !g.isCore(at, step) || !d.isAhead(at) {
				continue
			}
			if seen == nil {
				seen = map[int]bool{}
			}
			voxels := g.flood(at, denseHU, seen)
			cores := 0
			for _, v := range voxels {
				if g.isCore(v, step) && d.isAhead(v) {
					cores++
				}
			}
			if float64(cores)*voxel >= leastCore && !d.isBeyond(voxels) {
				slices.Sort(voxels)
				d.lumps = append(d.lumps, lump{voxels: voxels})
			}
		}
	}
	d.attach()
	d.remove()
	return d, nil
}

const (
	// attachReach, mm, is how far from a lump leaks are looked for before the
	// bodies are known.
	attachReach = 10.0
	// attachCore, mm, is how far on all sides of it a leak must be dense
	// somewhere; cortex is thinner.
	attachCore = 0.8
)

// attach adds the leaks that do not hang together with their lumps.
func (d *Dense) attach() {
	seen := map[int]bool{}
	for _, l := range d.lumps {
		for _, at := range l.voxels {
			seen[at] = true
		}
	}
	g := newGrid(d.vol)
	step := g.steps(attachCore)
	for _, l := range slices.Clone(d.lumps) {
		c := newCrop(d.vol, l.voxels, attachReach)
		c.each(func(_, at int) {
			if g.samples[at] < strongLeast || seen[at] || !g.isDense(at, step, strongLeast) || !d.isAhead(at) {
				return
			}
			if voxels := g.flood(at, strongLeast, seen); float64(len(voxels))*g.voxel() >= leastPiece {
				slices.Sort(voxels)
				d.lumps = append(d.lumps, lump{voxels, true})
			}
		})
	}
}

// Where vertebral bodies lie: in an ellipse before the canal, mm from its centre.
// Behind are laminae and facets, which in the young are dense enough and thick
// enough for a lump. It holds the body of a tall man with what leaks from it.
const (
	aheadMiddle    = 27
	aheadHalfDepth = 24
	aheadHalfWidth = 31
	aheadLeast     = 5 // mm before the canal's centre
)

// isAhead reports whether a voxel lies where vertebral bodies do.
func (d *Dense) isAhead(at int) bool {
	if len(d.canal) == 0 {
		return true
	}
	a, l := d.fromCanal(at)
	return a >= aheadLeast && inAheadEllipse(a, l)
}

// isBeyond reports whether much of a lump lies before or beside where bodies do,
// as contrast medium in bowel or vessels.
func (d *Dense) isBeyond(voxels []int) bool {
	if len(d.canal) == 0 {
		return false
	}
	const most = 0.3
	beyond := 0
	for _, at := range voxels {
		if a, l := d.fromCanal(at); a >= aheadLeast && !inAheadEllipse(a, l) {
			beyond++
		}
	}
	return float64(beyond) > most*float64(len(voxels))
}

func inAheadEllipse(a, l float64) bool {
	return math.Hypot((a-aheadMiddle)/aheadHalfDepth, l/aheadHalfWidth) <= 1
}

// fromCanal returns how far a voxel lies anterior and left of the canal's centre,
// mm.
func (d *Dense) fromCanal(at int) (a, l float64) {
	p := d.position(at)
	c := d.canalAt(p)
	v := r3.Sub(p, c.Position)
	return r3.Dot(v, c.Anterior), r3.Dot(v, r3.Cross(c.Superior, c.Anterior))
}

// canalAt returns the canal's point at the height of p.
func (d *Dense) canalAt(p r3.Vec) localization.CanalPoint {
	n, _ := slices.BinarySearchFunc(d.canal, p, func(c localization.CanalPoint, p r3.Vec) int {
		return cmp.Compare(r3.Dot(r3.Sub(p, c.Position), c.Superior), 0)
	})
	return d.canal[min(n, len(d.canal)-1)]
}

// Empty reports whether nothing in the volume is denser than bone.
func (d *Dense) Empty() bool { return len(d.lumps) == 0 }

// grid is a volume's samples with the distances of its voxels.
type grid struct {
	samples          []int16
	ni, nj, nk       int
	stepI, stepJ, dz float64 // mm
}

func newGrid(vol *volume.Volume) grid {
	i, j, k := vol.Spacing()
	return grid{vol.Samples, vol.Columns, vol.Rows, vol.Slices, i, j, k}
}

// voxel returns the volume of a voxel, mm³.
func (g *grid) voxel() float64 { return g.stepI * g.stepJ * g.dz }

// steps returns the number of voxels along each axis that make up a distance, or
// little more, at least one.
func (g *grid) steps(mm float64) [3]int {
	const stepSlack = 1.15
	mm *= stepSlack
	return [3]int{max(int(mm/g.stepI), 1), max(int(mm/g.stepJ), 1), max(int(mm/g.dz), 1)}
}

func (g *grid) split(at int) (i, j, k int) {
	return at % g.ni, at / g.ni % g.nj, at / (g.ni * g.nj)
}

// isCore reports whether a dense voxel is dense on all six sides at the given
// steps. Across thick slices the neighbour may be cut by the lump's end: half
// of the attenuation then does.
func (g *grid) isCore(at int, step [3]int) bool { return g.isDense(at, step, denseHU) }

// isDense is isCore for any attenuation.
func (g *grid) isDense(at int, step [3]int, hu int16) bool {
	const thickSlice = 2.0 // mm
	i, j, k := g.split(at)
	if i < step[0] || j < step[1] || k < step[2] || i+step[0] >= g.ni || j+step[1] >= g.nj || k+step[2] >= g.nk {
		return false
	}
	di, dj, dk := step[0], step[1]*g.ni, step[2]*g.ni*g.nj
	s := g.samples
	through := hu
	if g.dz > thickSlice {
		through = hu / 2
	}
	return min(s[at-di], s[at+di], s[at-dj], s[at+dj]) >= hu && min(s[at-dk], s[at+dk]) >= through
}

// flood returns the voxels of at least hu connected with at by faces, and marks
// them as seen.
func (g *grid) flood(at int, hu int16, seen map[int]bool) []int {
	seen[at] = true
	voxels := []int{at}
	for n := 0; n < len(voxels); n++ {
		g.neighbours(voxels[n], func(m int) {
			if g.samples[m] >= hu && !seen[m] {
				seen[m] = true
				voxels = append(voxels, m)
			}
		})
	}
	return voxels
}

// neighbours calls visit for the voxels that share a face with at.
func (g *grid) neighbours(at int, visit func(int)) {
	i, j, k := g.split(at)
	if i > 0 {
		visit(at - 1)
	}
	if i < g.ni-1 {
		visit(at + 1)
	}
	if j > 0 {
		visit(at - g.ni)
	}
	if j < g.nj-1 {
		visit(at + g.ni)
	}
	if k > 0 {
		visit(at - g.ni*g.nj)
	}
	if k < g.nk-1 {
		visit(at + g.ni*g.nj)
	}
}
