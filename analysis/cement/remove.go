// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package cement

import (
	"math"
	"slices"

	"github.com/endplate/endplate/analysis/volume"
)

const (
	// haloReach, mm, is how far beyond a lump's dense voxels its blur is
	// removed: three times the width of a usual kernel, from the level denseHU.
	haloReach = 1.6
	// relaxations is how often the filling is smoothed: enough for a lump of
	// 20 voxels' width.
	relaxations = 60
)

// Removed returns the volume with every lump replaced by what surrounds it, for
// the stages that look for bone: the filling is the smoothest that joins on all
// sides (it solves Laplace's equation). What lies behind the bodies stays: a rod
// taken out would leave a tube that looks like a canal. It returns the volume
// itself where there is no lump.
func (d *Dense) Removed() *volume.Volume { return d.removed }

// Hides returns what reports of a sample's index whether a lump or its blur lies there:
// Removed made it up, or it is what Removed leaves behind bodies. It is nil where there
// is no lump.
func (d *Dense) Hides() func(sample int) bool {
	if d.Empty() {
		return nil
	}
	return func(sample int) bool { return d.hidden[sample] }
}

// remove sets what Removed returns.
func (d *Dense) remove() {
	d.removed = d.vol
	if d.Empty() {
		return
	}
	out := *d.vol
	out.Samples = slices.Clone(d.vol.Samples)
	d.hidden = map[int]bool{}
	for _, l := range d.lumps {
		c := newCrop(d.vol, l.voxels, 2*haloReach)
		mark := c.dilated(c.marked(l.voxels), haloReach)
		c.each(func(m, at int) {
			if mark[m] {
				d.hidden[at] = true
				mark[m] = d.isAhead(at)
			}
		})
		c.fillIn(out.Samples, mark)
	}
	d.removed = &out
}

// fillIn replaces the marked voxels of c in dst.
func (c *crop) fillIn(dst []int16, mark []bool) {
	value := make([]float32, c.len())
	var inside []int
	sum, n := 0.0, 0
	c.each(func(m, at int) {
		value[m] = float32(dst[at])
		if mark[m] {
			inside = append(inside, m)
		} else if c.besideMark(m, mark) {
			sum, n = sum+float64(dst[at]), n+1
		}
	})
	if n == 0 {
		return
	}
	for _, m := range inside {
		value[m] = float32(sum / float64(n))
	}
	for range relaxations {
		for _, m := range inside {
			value[m] = c.meanAround(m, value)
		}
	}
	for _, m := range inside {
		dst[c.index(m)] = int16(math.Round(float64(value[m])))
	}
}

// besideMark reports whether a face neighbour of m is marked.
func (c *crop) besideMark(m int, mark []bool) bool {
	beside := false
	c.around(m, func(o int, _ float32) { beside = beside || mark[o] })
	return beside
}

// meanAround returns the mean of the face neighbours of m, weighted by the square
// of their nearness.
func (c *crop) meanAround(m int, value []float32) float32 {
	sum, weight := float32(0), float32(0)
	c.around(m, func(o int, w float32) { sum, weight = sum+w*value[o], weight+w })
	return sum / weight
}
