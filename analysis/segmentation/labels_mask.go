// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// labelMask is one label's voxels, cropped with a margin of one voxel so that
// every boundary face has a voxel on either side.
type labelMask struct {
	level spine.Level
	grid  volume.Geometry // of the crop
	index volume.Indexer
	in    []uint8 // 1 inside; index (k*Rows+j)*Columns+i
	count int

	border []r3.Vec // centres of voxels at the border of the whole volume
}

// labelBox is a range of voxels, ends included.
type labelBox struct {
	lo, hi [3]int
	count  int
}

// labelMasks crops the voxels of each vertebral label, in order of the labels.
func labelMasks(m *volume.LabelMap) []*labelMask {
	var masks []*labelMask
	for level, box := range labelBoxes(m) {
		if box.count >= minLabelVoxels {
			masks = append(masks, cropLabel(m, spine.Level(level), box))
		}
	}
	return masks
}

// minLabelVoxels is the smallest label that is looked at: fewer voxels are
// stray ones.
const minLabelVoxels = 27

// labelBoxes bounds the voxels of each level; levels without a vertebra have
// none.
func labelBoxes(m *volume.LabelMap) (boxes [spine.T13 + 1]labelBox) {
	at := 0
	for k := range m.Slices {
		for j := range m.Rows {
			row := m.Labels[at : at+m.Columns]
			at += m.Columns
			for i, l := range row {
				if l == 0 || l > uint16(spine.T13) || l == uint16(spine.Coccyx) {
					continue
				}
				boxes[l].add([3]int{i, j, k})
			}
		}
	}
	return boxes
}

func (b *labelBox) add(p [3]int) {
	if b.count == 0 {
		b.lo, b.hi = p, p
	}
	for d := range p {
		b.lo[d], b.hi[d] = min(b.lo[d], p[d]), max(b.hi[d], p[d])
	}
	b.count++
}

func cropLabel(m *volume.LabelMap, level spine.Level, box labelBox) *labelMask {
	g := m.Geometry
	g.Origin = m.Position(float64(box.lo[0]-1), float64(box.lo[1]-1), float64(box.lo[2]-1))
	g.Columns, g.Rows, g.Slices = box.hi[0]-box.lo[0]+3, box.hi[1]-box.lo[1]+3, box.hi[2]-box.lo[2]+3
	c := &labelMask{level: level, grid: g, index: g.Indexer(), in: make([]uint8, g.Columns*g.Rows*g.Slices)}
	for k := box.lo[2]; k <= box.hi[2]; k++ {
		for j := box.lo[1]; j <= box.hi[1]; j++ {
			src := m.Labels[(k*m.Rows+j)*m.Columns:]
			dst := c.in[((k-box.lo[2]+1)*g.Rows+j-box.lo[1]+1)*g.Columns:]
			for i := box.lo[0]; i <= box.hi[0]; i++ {
				if src[i] == uint16(level) {
					dst[i-box.lo[0]+1] = 1
				}
			}
		}
	}
	c.keepLargeParts()
	c.findBorder(m, box)
	return c
}

// findBorder collects the voxels at the border of the whole volume, and counts
// all. A volume one voxel thick has no inside and no border either.
func (c *labelMask) findBorder(m *volume.LabelMap, box labelBox) {
	atBorder := func(d, x, n int) bool { return n > 1 && (x+box.lo[d]-1 == 0 || x+box.lo[d]-1 == n-1) }
	c.each(func(i, j, k int) {
		c.count++
		if atBorder(0, i, m.Columns) || atBorder(1, j, m.Rows) || atBorder(2, k, m.Slices) {
			c.border = append(c.border, c.grid.Position(float64(i), float64(j), float64(k)))
		}
	})
}

// maxLabelExtent is the greatest extent of a label along an axis of the grid
// that is searched for a body, mm: twice that of a vertebra with its processes
// or of a sacrum. It bounds the memory that a hostile label map can claim.
const maxLabelExtent = 300.0

// oversized tells whether the label is larger than any vertebra.
func (c *labelMask) oversized() bool {
	i, j, k := c.grid.Spacing()
	return max(i*float64(c.grid.Columns), j*float64(c.grid.Rows), k*float64(c.grid.Slices)) > maxLabelExtent
}

// each calls f with the coordinates of every voxel inside, in memory order.
func (c *labelMask) each(f func(i, j, k int)) {
	at := 0
	for k := range c.grid.Slices {
		for j := range c.grid.Rows {
			for i := range c.grid.Columns {
				if c.in[at] != 0 {
					f(i, j, k)
				}
				at++
			}
		}
	}
}

// centroid returns the mean position of all voxels, LPS mm.
func (c *labelMask) centroid() r3.Vec {
	var sum [3]float64
	c.each(func(i, j, k int) {
		sum[0] += float64(i)
		sum[1] += float64(j)
		sum[2] += float64(k)
	})
	n := float64(max(c.count, 1))
	return c.grid.Position(sum[0]/n, sum[1]/n, sum[2]/n)
}

// minPart is the size, relative to the largest, of a connected part that is
// kept: a fractured vertebra may fall apart, specks are errors of the
// segmentation.
const minPart = 0.05

// keepLargeParts clears connected parts (26-neighbourhood) much smaller than
// the largest.
func (c *labelMask) keepLargeParts() {
	part := make([]int32, len(c.in))
	sizes := []int{0}
	for at, in := range c.in {
		if in != 0 && part[at] == 0 {
			sizes = append(sizes, c.fill(part, at, int32(len(sizes))))
		}
	}
	largest := 0
	for _, n := range sizes {
		largest = max(largest, n)
	}
	for at := range c.in {
		if float64(sizes[part[at]]) < minPart*float64(largest) {
			c.in[at] = 0
		}
	}
}

// fill numbers the part that holds voxel start and returns its size. The
// margin keeps neighbours within the crop.
func (c *labelMask) fill(part []int32, start int, number int32) int {
	stack, size := []int{start}, 0
	part[start] = number
	for len(stack) > 0 {
		at := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		size++
		for dk := -1; dk <= 1; dk++ {
			for dj := -1; dj <= 1; dj++ {
				for di := -1; di <= 1; di++ {
					next := at + (dk*c.grid.Rows+dj)*c.grid.Columns + di
					if c.in[next] != 0 && part[next] == 0 {
						part[next] = number
						stack = append(stack, next)
					}
				}
			}
		}
	}
	return size
}

// nearest tells whether the voxel at p is inside.
func (c *labelMask) nearest(x, y, z float64) uint8 {
	i, j, k := int(math.Floor(x+0.5)), int(math.Floor(y+0.5)), int(math.Floor(z+0.5))
	g := &c.grid
	if i < 0 || j < 0 || k < 0 || i >= g.Columns || j >= g.Rows || k >= g.Slices {
		return 0
	}
	return c.in[(k*g.Rows+j)*g.Columns+i]
}

// occupancy interpolates the mask between voxel centres: 0 outside, 1 inside.
// Across a flat boundary it is ½ at the voxels' outer faces.
func (c *labelMask) occupancy(x, y, z float64) float64 {
	i, j, k := int(math.Floor(x)), int(math.Floor(y)), int(math.Floor(z))
	g := &c.grid
	if i < 0 || j < 0 || k < 0 || i >= g.Columns-1 || j >= g.Rows-1 || k >= g.Slices-1 {
		return 0
	}
	fx, fy, fz := x-float64(i), y-float64(j), z-float64(k)
	at := (k*g.Rows+j)*g.Columns + i
	edge := func(at int) float64 { return float64(c.in[at])*(1-fx) + float64(c.in[at+1])*fx }
	face := func(at int) float64 { return edge(at)*(1-fy) + edge(at+g.Columns)*fy }
	return face(at)*(1-fz) + face(at+g.Columns*g.Rows)*fz
}

// line samples the occupancy at len(dst) points, from p on in steps.
func (c *labelMask) line(dst []float64, p, step r3.Vec) {
	x, y, z := c.index.Index(p)
	x1, y1, z1 := c.index.Index(r3.Add(p, step))
	for n := range dst {
		f := float64(n)
		dst[n] = c.occupancy(x+f*(x1-x), y+f*(y1-y), z+f*(z1-z))
	}
}

// extent returns how long the voxel is along the unit direction d, mm: the
// length of its steps' projections.
func (c *labelMask) extent(d r3.Vec) float64 {
	return r3.Norm(r3.Vec{X: r3.Dot(d, c.grid.Column), Y: r3.Dot(d, c.grid.Row), Z: r3.Dot(d, c.grid.Slice)})
}
