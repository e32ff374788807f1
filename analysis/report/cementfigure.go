// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"math"
	"strings"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/cement"
	"github.com/endplate/endplate/analysis/volume"
)

// Cement is outlined as it is seen from the side: over this distance to both
// sides of the picture's plane, mm, which holds the widest vertebra with what
// leaked beside it.
const (
	cementReach = 40.0
	cementStep  = 0.8
)

// outlineCement draws the outline of result's cement into the views. vol is what
// the pictures are of.
func outlineCement(vol *volume.Volume, result *analysis.Result, views []view) {
	for i := range result.Vertebrae {
		t := result.Vertebrae[i].Cement
		if t == nil || len(t.Mask.Fraction) == 0 {
			continue
		}
		grid := vol.Canonical().Geometry // the mask is of this grid
		for n := range views {
			views[n].cement += views[n].shadow(&t.Mask, grid)
		}
	}
}

// shadow returns the outline of a mask as seen across the picture, as the path of
// an SVG.
func (v *view) shadow(m *cement.Mask, grid volume.Geometry) string {
	left, right := math.Inf(1), math.Inf(-1)
	top, bottom := math.Inf(1), math.Inf(-1)
	for corner := range 8 {
		at := [3]float64{}
		for axis := range at {
			at[axis] = float64(m.Origin[axis] + (corner>>axis&1)*m.Size[axis])
		}
		x, y := v.place(grid.Position(at[0], at[1], at[2]))
		left, right, top, bottom = min(left, x), max(right, x), min(top, y), max(bottom, y)
	}
	const margin = 3.0 // mm: a picture may be curved
	columns := pixels(left-margin, right+margin, v.width)
	rows := pixels(top-margin, bottom+margin, v.height)
	indexer := grid.Indexer()
	return isoline(columns, rows, func(x, y float64) float64 {
		p, across := v.at(x, y)
		most := 0.0
		for l := -cementReach; l <= cementReach; l += cementStep {
			most = max(most, fractionAt(m, indexer, r3.Add(p, r3.Scale(l, across))))
		}
		return most - 0.5
	})
}

// pixels returns the first pixel of a stretch in a picture and the one after its
// last; places are mm.
func pixels(from, to, size float64) [2]int {
	return [2]int{int(max(from, 0) / pixelMM), int(min(to, size) / pixelMM)}
}

// fractionAt returns the share of cement, 0 to 1, of the voxel at p.
func fractionAt(m *cement.Mask, indexer volume.Indexer, p r3.Vec) float64 {
	i, j, k := indexer.Index(p)
	at := 0
	for axis, x := range [3]float64{k, j, i} {
		n := int(math.Round(x)) - m.Origin[2-axis]
		if n < 0 || n >= m.Size[2-axis] {
			return 0
		}
		at = at*m.Size[2-axis] + n
	}
	return float64(m.Fraction[at]) / math.MaxUint8
}

// isoline returns the path, as SVG writes it, along which f is 0, by marching
// squares: unconnected segments.
func isoline(columns, rows [2]int, f func(x, y float64) float64) string {
	width := max(columns[1]-columns[0], 0)
	above, here := make([]float64, width), make([]float64, width)
	var path strings.Builder
	for j := rows[0]; j < rows[1]; j++ {
		for i := range here {
			here[i] = f((float64(columns[0]+i)+0.5)*pixelMM, (float64(j)+0.5)*pixelMM)
		}
		if j > rows[0] {
			for i := 1; i < width; i++ {
				writeSegments(&path, columns[0]+i, j, [4]float64{above[i-1], above[i], here[i], here[i-1]})
			}
		}
		above, here = here, above
	}
	return path.String()
}

// writeSegments writes where the line f = 0 crosses the square whose last corner
// is the pixel (i, j); f holds its corners clockwise from the first.
func writeSegments(path *strings.Builder, i, j int, f [4]float64) {
	corner := [4][2]float64{{-0.5, -0.5}, {0.5, -0.5}, {0.5, 0.5}, {-0.5, 0.5}}
	n := 0
	for a := range 4 {
		b := (a + 1) % 4
		if (f[a] < 0) == (f[b] < 0) {
			continue
		}
		t := f[a] / (f[a] - f[b])
		x := float64(i) + corner[a][0] + t*(corner[b][0]-corner[a][0])
		y := float64(j) + corner[a][1] + t*(corner[b][1]-corner[a][1])
		command := "L"
		if n%2 == 0 {
			command = "M"
		}
		fmt.Fprintf(path, "%s%s %s", command, coordinate(x*pixelMM), coordinate(y*pixelMM))
		n++
	}
}
