// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package morphometry

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/volume"
)

// crop is the attenuation of a body and of what lies within 6 mm of it.
type crop struct {
	region *segmentation.Region
	lo     [3]int // of the volume
	n      [3]int
	step   [3]float64 // mm
	hu     []float32
	inside []float32 // mm

	plexus  []bool // the basivertebral plexus
	foreign []bool // gas, cement and metal with a rim

	// ml is the volume of a voxel.
	ml float64
}

func newCrop(vol *volume.Volume, r *segmentation.Region) *crop {
	c := &crop{region: r}
	lo, hi := r.Bounds()
	c.lo = lo
	size := 1
	for i := range c.n {
		c.n[i] = hi[i] - lo[i] + 1
		size *= c.n[i]
	}
	c.step[0], c.step[1], c.step[2] = vol.Spacing()
	c.ml = c.step[0] * c.step[1] * c.step[2] / 1000
	c.hu, c.inside = make([]float32, 0, size), make([]float32, 0, size)
	for v := range r.Voxels(math.Inf(-1)) {
		c.hu = append(c.hu, float32(vol.Samples[v.Index]))
		c.inside = append(c.inside, float32(v.Inside))
	}
	c.plexus, c.foreign = c.findPlexus(vol), c.findForeign()
	return c
}

// coordinates returns where voxel i of the crop lies in the body's frame, mm.
func (c *crop) coordinates(vol *volume.Volume, i int) (s, a, l float64) {
	x, y, z := i%c.n[0], i/c.n[0]%c.n[1], i/(c.n[0]*c.n[1])
	return c.region.Frame.Coordinates(vol.Position(float64(c.lo[0]+x), float64(c.lo[1]+y), float64(c.lo[2]+z)))
}

// position returns where voxel i of the crop lies, LPS mm.
func (c *crop) position(vol *volume.Volume, i int) r3.Vec {
	s, a, l := c.coordinates(vol, i)
	return c.region.Frame.Point(s, a, l)
}

// reach returns how many voxels along each axis a length in mm is.
func (c *crop) reach(mm float64) (n [3]int) {
	for i := range n {
		n[i] = int(math.Round(mm / c.step[i]))
	}
	return n
}

// grown returns which voxels lie within a box of half width mm of those marked.
func (c *crop) grown(marked []bool, mm float64) []bool {
	out := append([]bool(nil), marked...)
	stride := [3]int{1, c.n[0], c.n[0] * c.n[1]}
	for axis, reach := range c.reach(mm) {
		if reach > 0 {
			out = c.grownAlong(out, axis, stride[axis], reach)
		}
	}
	return out
}

func (c *crop) grownAlong(marked []bool, axis, stride, reach int) []bool {
	out := make([]bool, len(marked))
	for i, is := range marked {
		if !is {
			continue
		}
		at := i / stride % c.n[axis]
		for d := max(-reach, -at); d <= min(reach, c.n[axis]-1-at); d++ {
			out[i+d*stride] = true
		}
	}
	return out
}

// smoothed returns the mean of each voxel's surroundings, a box of half width mm,
// over the voxels that use marks; NaN where there is none.
func (c *crop) smoothed(use []bool, mm float64) []float32 {
	sum, weight := make([]float32, len(c.hu)), make([]float32, len(c.hu))
	for i, is := range use {
		if is {
			sum[i], weight[i] = c.hu[i], 1
		}
	}
	stride := [3]int{1, c.n[0], c.n[0] * c.n[1]}
	for axis, reach := range c.reach(mm) {
		if reach > 0 {
			sum, weight = c.boxSum(sum, axis, stride[axis], reach), c.boxSum(weight, axis, stride[axis], reach)
		}
	}
	for i := range sum {
		sum[i] /= weight[i]
	}
	return sum
}

// boxSum sums x along an axis over reach voxels to both sides.
func (c *crop) boxSum(x []float32, axis, stride, reach int) []float32 {
	out := make([]float32, len(x))
	n := c.n[axis]
	for i := range x {
		if i/stride%n != 0 {
			continue
		}
		var sum float32
		for k := range min(reach, n) {
			sum += x[i+k*stride]
		}
		for k := range n {
			if k+reach < n {
				sum += x[i+(k+reach)*stride]
			}
			if k-reach-1 >= 0 {
				sum -= x[i+(k-reach-1)*stride]
			}
			out[i+k*stride] = sum
		}
	}
	return out
}

// components returns the sets of marked voxels that share faces.
func (c *crop) components(marked []bool) [][]int {
	var found [][]int
	left := append([]bool(nil), marked...)
	stride := [3]int{1, c.n[0], c.n[0] * c.n[1]}
	for i := range left {
		if !left[i] {
			continue
		}
		left[i] = false
		set := []int{i}
		for next := 0; next < len(set); next++ {
			at := set[next]
			for axis, step := range stride {
				x := at / step % c.n[axis]
				if x > 0 && left[at-step] {
					left[at-step] = false
					set = append(set, at-step)
				}
				if x < c.n[axis]-1 && left[at+step] {
					left[at+step] = false
					set = append(set, at+step)
				}
			}
		}
		found = append(found, set)
	}
	return found
}
