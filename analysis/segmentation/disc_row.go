// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

// A voxel's attenuation depends on few of a disc's parameters. Its derivatives stand in
// a row of fixed layout, from the lower body to the upper, so that those which are not
// zero for a voxel in a body, at a plate or in the disc stand side by side; after them
// come the walls and the rim, whose light few voxels see.
const (
	rowLowerSurface = 0 // four coefficients, tilt and bow
	rowLowerMass    = rowLowerSurface + 6
	rowLowerLevel   = rowLowerMass + massKnots // value and slope
	rowDisc         = rowLowerLevel + 2        // value, slope and annulus
	rowUpperLevel   = rowDisc + 3
	rowUpperMass    = rowUpperLevel + 2
	rowUpperSurface = rowUpperMass + massKnots
	rowLights       = rowUpperSurface + 6 // posterior and anterior: of the lower body, the upper body, the rim
	rowSize         = rowLights + 6
)

// row holds the derivatives of a voxel's attenuation.
type row struct {
	v        [rowSize]float64
	from, to int  // those outside are none, lights excepted
	lit      bool // lights are some
}

// plateRow is where the parameters of a plate and its body stand in a row.
type plateRow struct {
	surface, mass, level, lights int
}

var plateRows = [2]plateRow{
	lowerPlate: {rowLowerSurface, rowLowerMass, rowLowerLevel, rowLights},
	upperPlate: {rowUpperSurface, rowUpperMass, rowUpperLevel, rowLights + 2},
}

// columns returns the parameters that a row stands for, where first is the first
// coefficient of the surfaces.
func (d *discSpace) columns(first int) (c [rowSize]int) {
	for plate, at := range plateRows {
		for i := range 4 {
			c[at.surface+i] = d.surface(plate) + first + i
		}
		c[at.surface+4], c[at.surface+5] = d.surface(plate)+d.basis.n, d.surface(plate)+d.basis.n+1
		for i := range massKnots {
			c[at.mass+i] = d.masses(plate) + i
		}
		for i := range 2 {
			c[at.level+i] = d.levels() + 4*plate + i
			c[at.lights+i] = d.walls() + 2*plate + i
			c[rowDisc+i] = d.levels() + 2 + i
			c[rowLights+4+i] = d.rim() + i
		}
	}
	c[rowDisc+2] = d.annulus()
	return c
}

// block sums up the normal equations of voxels whose rows stand for the same
// parameters.
type block struct {
	h [rowSize][rowSize]float64 // upper triangle
	g [rowSize]float64
}

// add counts in a residual r of weight w with the derivatives t.
func (b *block) add(r, w float64, t *row) {
	for i := t.from; i < t.to; i++ {
		wt := w * t.v[i]
		b.g[i] += wt * r
		h := &b.h[i]
		j := i
		for ; j+4 <= t.to; j += 4 {
			y, x := h[j:j+4:j+4], t.v[j:j+4:j+4]
			y[0] += wt * x[0]
			y[1] += wt * x[1]
			y[2] += wt * x[2]
			y[3] += wt * x[3]
		}
		for ; j < t.to; j++ {
			h[j] += wt * t.v[j]
		}
		if t.lit {
			for j := rowLights; j < rowSize; j++ {
				h[j] += wt * t.v[j]
			}
		}
	}
	if !t.lit {
		return
	}
	for i := rowLights; i < rowSize; i++ {
		wt := w * t.v[i]
		b.g[i] += wt * r
		h := &b.h[i]
		for j := i; j < rowSize; j++ {
			h[j] += wt * t.v[j]
		}
	}
}
