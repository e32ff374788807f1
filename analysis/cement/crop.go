// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package cement

import (
	"math"

	"github.com/endplate/endplate/analysis/volume"
)

// crop is a box of a volume's voxels. Its own index m runs along columns first,
// as that of the volume.
type crop struct {
	grid
	lo, n [3]int
}

// newCrop returns the box around some voxels with a margin, mm, within vol.
func newCrop(vol *volume.Volume, voxels []int, margin float64) *crop {
	c := &crop{grid: newGrid(vol)}
	lo, hi := [3]int{math.MaxInt, math.MaxInt, math.MaxInt}, [3]int{}
	for _, at := range voxels {
		i, j, k := c.split(at)
		for axis, x := range [3]int{i, j, k} {
			lo[axis], hi[axis] = min(lo[axis], x), max(hi[axis], x)
		}
	}
	c.bound(lo, hi, margin)
	return c
}

// bound sets the box from its first and last voxels and a margin, mm.
func (c *crop) bound(lo, hi [3]int, margin float64) {
	size := [3]int{c.ni, c.nj, c.nk}
	step := [3]float64{c.stepI, c.stepJ, c.dz}
	for axis := range lo {
		more := int(math.Ceil(margin / step[axis]))
		c.lo[axis] = max(lo[axis]-more, 0)
		c.n[axis] = max(min(hi[axis]+more, size[axis]-1)-c.lo[axis]+1, 0)
	}
}

func (c *crop) len() int { return c.n[0] * c.n[1] * c.n[2] }

// index returns the index in the volume of the crop's voxel m.
func (c *crop) index(m int) int {
	p := c.place(m)
	return ((c.lo[2]+p[2])*c.nj+c.lo[1]+p[1])*c.ni + c.lo[0] + p[0]
}

// place returns the coordinates in the crop of its voxel m.
func (c *crop) place(m int) [3]int {
	return [3]int{m % c.n[0], m / c.n[0] % c.n[1], m / (c.n[0] * c.n[1])}
}

// own returns the crop's index of the volume's voxel at, and false beyond it.
func (c *crop) own(at int) (int, bool) {
	return c.at(c.split(at))
}

// at returns the crop's index of the volume's voxel (i, j, k), and false beyond
// it.
func (c *crop) at(i, j, k int) (int, bool) {
	i, j, k = i-c.lo[0], j-c.lo[1], k-c.lo[2]
	if i < 0 || j < 0 || k < 0 || i >= c.n[0] || j >= c.n[1] || k >= c.n[2] {
		return 0, false
	}
	return (k*c.n[1]+j)*c.n[0] + i, true
}

// each calls visit for all voxels with their index in the crop and the volume.
func (c *crop) each(visit func(m, at int)) {
	m := 0
	for k := range c.n[2] {
		for j := range c.n[1] {
			at := ((c.lo[2]+k)*c.nj+c.lo[1]+j)*c.ni + c.lo[0]
			for i := range c.n[0] {
				visit(m, at+i)
				m++
			}
		}
	}
}

// around calls visit for the face neighbours of m in the crop, with the inverse
// square of their distance.
func (c *crop) around(m int, visit func(o int, weight float32)) {
	stride := 1
	rest := m
	for axis, step := range [3]float64{c.stepI, c.stepJ, c.dz} {
		w := float32(1 / (step * step))
		x := rest % c.n[axis]
		rest /= c.n[axis]
		if x > 0 {
			visit(m-stride, w)
		}
		if x < c.n[axis]-1 {
			visit(m+stride, w)
		}
		stride *= c.n[axis]
	}
}

// marked returns a mask of the crop's voxels among those of the volume.
func (c *crop) marked(voxels []int) []bool {
	mark := make([]bool, c.len())
	for _, at := range voxels {
		if m, ok := c.own(at); ok {
			mark[m] = true
		}
	}
	return mark
}

// dilated returns mark with all voxels within reach, mm, of a marked one: along
// an axis on which voxels lie farther apart, at least the next.
func (c *crop) dilated(mark []bool, reach float64) []bool {
	ball := c.ball(reach)
	out := make([]bool, len(mark))
	for m, set := range mark {
		if !set {
			continue
		}
		if !c.isRim(m, mark) {
			out[m] = true
			continue
		}
		p := c.place(m)
		for _, o := range ball {
			x, y, z := p[0]+o[0], p[1]+o[1], p[2]+o[2]
			if x >= 0 && y >= 0 && z >= 0 && x < c.n[0] && y < c.n[1] && z < c.n[2] {
				out[(z*c.n[1]+y)*c.n[0]+x] = true
			}
		}
	}
	return out
}

// isRim reports whether a marked voxel has an unmarked face neighbour.
func (c *crop) isRim(m int, mark []bool) bool {
	rim := false
	c.around(m, func(o int, _ float32) { rim = rim || !mark[o] })
	return rim
}

// ball returns the offsets within reach, mm; on an axis with larger steps, one.
func (c *crop) ball(reach float64) [][3]int {
	step := [3]float64{c.stepI, c.stepJ, c.dz}
	var n [3]int
	for axis, s := range step {
		n[axis] = max(int(reach/s), 1)
	}
	var ball [][3]int
	for k := -n[2]; k <= n[2]; k++ {
		for j := -n[1]; j <= n[1]; j++ {
			for i := -n[0]; i <= n[0]; i++ {
				x, y, z := float64(i)*step[0], float64(j)*step[1], float64(k)*step[2]
				single := abs(i)+abs(j)+abs(k) <= 1
				if single || x*x+y*y+z*z <= reach*reach {
					ball = append(ball, [3]int{i, j, k})
				}
			}
		}
	}
	return ball
}

func abs(i int) int {
	if i < 0 {
		return -i
	}
	return i
}
