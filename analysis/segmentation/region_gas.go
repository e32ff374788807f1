// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"

	"github.com/endplate/endplate/analysis/localization"
	"github.com/endplate/endplate/analysis/volume"
)

const (
	// pocketHU is below what tissue and fat have: gas, seen in part. HU
	pocketHU = -200
	// A pocket of gas in a body or a disc lies within so many mm of the line
	// through the bodies' centres and holds at most so many ml; what is larger or
	// reaches farther is lung, bowel or air, what is smaller is noise.
	pocketReach = 30.0
	mostPocket  = 12.0
	leastPocket = 0.02
	// pocketRing, mm, is how far beyond gas is followed to tell so.
	pocketRing = 1.5
	// pocketBlur, mm, is how far the blur of the acquisition carries gas, and
	// pocketShell how thick the shell is beyond that tells what it lies in.
	pocketBlur  = 2.0
	pocketShell = 2.0
)

// WithoutGas returns vol, which must be canonical, with the pockets of gas in the
// vertebral bodies and discs of s filled by what lies around them: the border of
// a cleft or of a vacuum disc looks like an endplate. It returns vol itself where
// there is none.
func WithoutGas(vol *volume.Volume, s *localization.Spine) *volume.Volume {
	g := newGasFinder(vol, s)
	if g == nil {
		return vol
	}
	out := vol
	for at, is := range g.gas {
		if !is {
			continue
		}
		if set := g.pocket(at); set != nil {
			if out == vol {
				out = &volume.Volume{Geometry: vol.Geometry, Acquisition: vol.Acquisition, Samples: slices.Clone(vol.Samples)}
			}
			g.fill(out, set)
		}
	}
	return out
}

// gasFinder looks for gas in a box around the column.
type gasFinder struct {
	vol   *volume.Volume
	line  [][2]float64 // column and row of the bodies' centres, by slice
	lo, n [3]int
	step  [3]float64 // mm
	gas   []bool     // not yet visited
}

func newGasFinder(vol *volume.Volume, s *localization.Spine) *gasFinder {
	if len(s.Vertebrae) == 0 {
		return nil
	}
	g := &gasFinder{vol: vol, line: columnLine(vol, s)}
	g.step[0], g.step[1], g.step[2] = vol.Spacing()
	g.box(s)
	g.gas = make([]bool, g.n[0]*g.n[1]*g.n[2])
	for k := range g.n[2] {
		for j := range g.n[1] {
			row := vol.Samples[g.sample(0, j, k):][:g.n[0]]
			at := (k*g.n[1] + j) * g.n[0]
			for i, hu := range row {
				g.gas[at+i] = hu <= pocketHU && g.distance(i, j, k) <= pocketReach+pocketRing
			}
		}
	}
	return g
}

// sample returns the index in the volume's samples of a voxel of the box.
func (g *gasFinder) sample(i, j, k int) int {
	return ((g.lo[2]+k)*g.vol.Rows+g.lo[1]+j)*g.vol.Columns + g.lo[0] + i
}

// place returns the voxel of the box with an index.
func (g *gasFinder) place(at int) (i, j, k int) {
	return at % g.n[0], at / g.n[0] % g.n[1], at / (g.n[0] * g.n[1])
}

// box places the box around the bodies' centres.
func (g *gasFinder) box(s *localization.Spine) {
	ix := g.vol.Indexer()
	size := [3]int{g.vol.Columns, g.vol.Rows, g.vol.Slices}
	var lo, hi [3]float64
	for i := range s.Vertebrae {
		x, y, z := ix.Index(s.Vertebrae[i].Center)
		for n, v := range [3]float64{x, y, z} {
			if i == 0 {
				lo[n], hi[n] = v, v
			}
			lo[n], hi[n] = min(lo[n], v), max(hi[n], v)
		}
	}
	for n, d := range g.step {
		g.lo[n] = min(max(int(lo[n]-pocketReach/d)-1, 0), size[n]-1)
		g.n[n] = max(min(int(hi[n]+pocketReach/d)+2, size[n]-1)-g.lo[n]+1, 1)
	}
}

// columnLine returns for each slice the column and row through which the line
// through the bodies' centres passes, carried on upright beyond its ends.
func columnLine(vol *volume.Volume, s *localization.Spine) [][2]float64 {
	ix := vol.Indexer()
	var at, x, y []float64 // ascending slices
	for _, v := range slices.Backward(s.Vertebrae) {
		i, j, k := ix.Index(v.Center)
		if len(at) == 0 || k > at[len(at)-1] {
			at, x, y = append(at, k), append(x, i), append(y, j)
		}
	}
	line := make([][2]float64, vol.Slices)
	for k := range line {
		line[k] = [2]float64{valueAt(at, x, float64(k)), valueAt(at, y, float64(k))}
	}
	return line
}

// distance returns how far a voxel lies from the line, in its slice, mm.
func (g *gasFinder) distance(i, j, k int) float64 {
	middle := g.line[g.lo[2]+k]
	x, y := (float64(g.lo[0]+i)-middle[0])*g.step[0], (float64(g.lo[1]+j)-middle[1])*g.step[1]
	return math.Sqrt(x*x + y*y)
}

// isFar reports whether a voxel lies farther from the line than gas of the column
// does, or at the box's border.
func (g *gasFinder) isFar(i, j, k int) bool {
	return i == 0 || j == 0 || i == g.n[0]-1 || j == g.n[1]-1 || g.distance(i, j, k) > pocketReach
}

// pocket takes the gas that is joined to a voxel; nil if it is no pocket.
func (g *gasFinder) pocket(at int) []int {
	stride := [3]int{1, g.n[0], g.n[0] * g.n[1]}
	set, open := []int{at}, false
	g.gas[at] = false
	for next := 0; next < len(set); next++ {
		at := set[next]
		i, j, k := g.place(at)
		open = open || g.isFar(i, j, k)
		for axis, x := range [3]int{i, j, k} {
			for _, d := range [2]int{-1, 1} {
				if x+d < 0 || x+d >= g.n[axis] {
					continue
				}
				if to := at + d*stride[axis]; g.gas[to] {
					g.gas[to] = false
					set = append(set, to)
				}
			}
		}
	}
	if ml := float64(len(set)) * g.step[0] * g.step[1] * g.step[2] / 1000; open || ml > mostPocket || ml < leastPocket {
		return nil
	}
	return set
}

// fill raises a pocket and its blur to the lower quartile of the shell around it:
// around gas in a disc that is the disc and not its endplates.
func (g *gasFinder) fill(out *volume.Volume, pocket []int) {
	near, shell := g.around(pocket)
	hu := make([]float64, 0, len(shell))
	for _, at := range shell {
		hu = append(hu, float64(g.vol.Samples[at]))
	}
	if len(hu) == 0 {
		return
	}
	slices.Sort(hu)
	level := int16(stat.Quantile(0.25, stat.Empirical, hu, nil))
	for _, at := range near {
		out.Samples[at] = max(out.Samples[at], level)
	}
}

// around returns the samples of a pocket with its blur, and of the shell about
// them.
func (g *gasFinder) around(pocket []int) (near, shell []int) {
	lo, hi := g.n, [3]int{}
	for _, at := range pocket {
		i, j, k := g.place(at)
		for n, x := range [3]int{i, j, k} {
			lo[n], hi[n] = min(lo[n], x), max(hi[n], x)
		}
	}
	var blur, thick, n [3]int
	for axis, d := range g.step {
		blur[axis], thick[axis] = int(math.Round(pocketBlur/d)), int(math.Ceil(pocketShell/d))
		lo[axis] = max(lo[axis]-blur[axis]-thick[axis], 0)
		n[axis] = min(hi[axis]+blur[axis]+thick[axis], g.n[axis]-1) - lo[axis] + 1
	}
	mark := make([]bool, n[0]*n[1]*n[2])
	for _, at := range pocket {
		i, j, k := g.place(at)
		mark[((k-lo[2])*n[1]+j-lo[1])*n[0]+i-lo[0]] = true
	}
	core := dilated(mark, n, blur)
	for at, is := range dilated(core, n, thick) {
		if !is {
			continue
		}
		to := g.sample(lo[0]+at%n[0], lo[1]+at/n[0]%n[1], lo[2]+at/(n[0]*n[1]))
		if core[at] {
			near = append(near, to)
		} else {
			shell = append(shell, to)
		}
	}
	return near, shell
}

// dilated marks what lies within a box of the given reaches of what is marked in
// an array of n voxels along each axis.
func dilated(mark []bool, n, reach [3]int) []bool {
	stride := [3]int{1, n[0], n[0] * n[1]}
	for axis, r := range reach {
		out := make([]bool, len(mark))
		for i, is := range mark {
			if !is {
				continue
			}
			x := i / stride[axis] % n[axis]
			for d := -min(r, x); d <= min(r, n[axis]-1-x); d++ {
				out[i+d*stride[axis]] = true
			}
		}
		mark = out
	}
	return mark
}
