// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"math"

	"gonum.org/v1/gonum/floats"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/volume"
)

// lump is the cement of one vertebra, as a volume of its share of each voxel, 0
// to 255, in a border of voxels without any.
type lump struct {
	vertebra int
	share    *volume.Volume
}

// lumps returns the cement of a result; grid is the canonical one of the volume that
// it was found in.
func lumps(result *analysis.Result, grid volume.Geometry) []lump {
	var out []lump
	for n := range result.Vertebrae {
		if t := result.Vertebrae[n].Cement; t != nil {
			if share := t.Mask.Share(grid); share != nil {
				out = append(out, lump{n, share})
			}
		}
	}
	return out
}

// Outlines of cement.
const (
	halfShare   = math.MaxUint8 / 2.0
	lumpMargin  = 3.0 // mm, around the corners of a lump, for a picture may be curved
	shadowStep  = 0.8 // mm, of samples across a slab
	shadowReach = 60.0
)

// CementOutlines returns the outlines of all the cement of a result that lies
// within reach mm of the picture, as it is seen from the front of it; those of the
// n-th vertebra at n. grid is the canonical one of the volume that the cement was
// found in.
func CementOutlines(g *Geometry, result *analysis.Result, grid volume.Geometry, reach float64) [][][]ImagePoint {
	out := make([][][]ImagePoint, len(result.Vertebrae))
	for _, l := range lumps(result, grid) {
		for _, found := range l.outline(g, reach) {
			points := found.points
			if found.closed {
				points = append(points, points[0])
			}
			out[l.vertebra] = append(out[l.vertebra], points)
		}
	}
	return out
}

// outline returns the outline of a lump, as it is seen through a slab that reaches
// so far to both sides of the picture, mm.
func (l *lump) outline(g *Geometry, reach float64) []line {
	part, near := l.part(g, reach)
	columns, rows := part[1].col-part[0].col, part[1].row-part[0].row
	if !near || columns < 2 || rows < 2 {
		return nil
	}
	reach = min(reach, shadowReach)
	offsets := []float64{0}
	if n := int(math.Ceil(2*reach/shadowStep)) + 1; n > 1 {
		offsets = floats.Span(make([]float64, n), -reach, reach)
	}
	s := newSampler(l.share)
	share, row := make([]float32, columns*rows), make([]float32, columns)
	for j := range rows {
		at := share[j*columns:][:columns]
		for _, o := range offsets {
			clear(row)
			s.add(row, &g.lines[part[0].row+j], o, part[0].col)
			for i := range at {
				at[i] = max(at[i], row[i])
			}
		}
	}
	lines := isolines(share, columns, halfShare)
	for _, found := range lines {
		for i := range found.points {
			found.points[i].Col += float64(part[0].col)
			found.points[i].Row += float64(part[0].row)
		}
	}
	return lines
}

type corner struct{ col, row int }

// part returns the pixels, from the first to before the last, in which a lump may
// lie, and whether any of it is within reach mm of the picture.
func (l *lump) part(g *Geometry, reach float64) (part [2]corner, near bool) {
	v := l.share
	b := noBounds()
	nearest, furthest := math.Inf(1), math.Inf(-1)
	f := finder{g: g, row: -1}
	for n := range 8 {
		at, depth := f.place(v.Position(float64(n&1*(v.Columns-1)), float64(n>>1&1*(v.Rows-1)), float64(n>>2*(v.Slices-1))))
		b.include(at.Col, at.Row)
		nearest, furthest = min(nearest, depth), max(furthest, depth)
	}
	margin := lumpMargin / g.PixelSize
	clamp := func(x float64, size int) int { return int(min(max(x, 0), float64(size))) }
	return [2]corner{
		{clamp(b.left-margin, g.Columns), clamp(b.top-margin, g.Rows)},
		{clamp(b.right+margin+1, g.Columns), clamp(b.bottom+margin+1, g.Rows)},
	}, nearest <= reach+lumpMargin && furthest >= -reach-lumpMargin
}

// isolines returns the lines along which values, of which each row has so many, are
// level: marching squares between the centres of pixels.
func isolines(values []float32, columns int, level float32) []line {
	var segments [][2]crossing
	for j := 1; j < len(values)/columns; j++ {
		for i := 1; i < columns; i++ {
			// The corners clockwise from the first.
			corners := [4]int{(j-1)*columns + i - 1, (j-1)*columns + i, j*columns + i, j*columns + i - 1}
			var found []crossing
			for n := range corners {
				x := newCrossing(corners[n], corners[(n+1)%4])
				p, q := values[x.edge[0]]-level, values[x.edge[1]]-level
				if (p < 0) == (q < 0) {
					continue
				}
				w := float64(p / (p - q))
				a, b := x.edge[0], x.edge[1]
				x.at = ImagePoint{
					float64(a%columns) + w*float64(b%columns-a%columns) + 0.5,
					float64(a/columns) + w*float64(b/columns-a/columns) + 0.5,
				}
				found = append(found, x)
			}
			for n := 0; n+1 < len(found); n += 2 {
				segments = append(segments, [2]crossing{found[n], found[n+1]})
			}
		}
	}
	return chained(segments)
}
