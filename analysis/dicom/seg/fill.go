// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package seg

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/volume"
)

// grid is the pixels of a stack of images, each at a place of its own: what is tilted
// or stands at uneven distances needs no resampling.
type grid struct {
	columns, rows int
	column, row   r3.Vec   // steps from pixel to pixel, mm
	origins       []r3.Vec // centre of the first pixel of each image
}

// run is pixels of an image in a row, from the first to before the last, counted row
// by row from the image's first.
type run struct{ from, to int }

// fill calls emit with the pixels of each image whose centres lie within a closed
// surface. A pixel is a sample in the middle of its slice, as those of the image are,
// so that the volume of all is that of the surface up to the roughness of the grid.
func (g *grid) fill(t segmentation.Tube, emit func(image int, runs []run)) {
	normal := r3.Unit(r3.Cross(g.column, g.row))
	perColumn, perRow := r3.Scale(1/r3.Norm2(g.column), g.column), r3.Scale(1/r3.Norm2(g.row), g.row)
	at := make([]r3.Vec, len(t.Points)) // columns, rows and mm across from the images' own origin
	low, high := math.Inf(1), math.Inf(-1)
	for n, p := range t.Points {
		at[n] = r3.Vec{X: r3.Dot(p, perColumn), Y: r3.Dot(p, perRow), Z: r3.Dot(p, normal)}
		low, high = min(low, at[n].Z), max(high, at[n].Z)
		if sum := at[n].X + at[n].Y + at[n].Z; math.IsNaN(sum) || math.IsInf(sum, 0) {
			return
		}
	}
	s := scan{columns: g.columns, rows: g.rows}
	for k, o := range g.origins {
		depth := r3.Dot(o, normal)
		if !(depth >= low && depth < high) {
			continue
		}
		s.begin(r3.Vec{X: r3.Dot(o, perColumn), Y: r3.Dot(o, perRow), Z: depth})
		for corners := range t.Triangles() {
			s.triangle(at, corners)
		}
		if runs := s.runs(); len(runs) > 0 {
			emit(k, runs)
		}
	}
}

// scan cuts a surface by the plane of an image, and finds where the rows of the image
// pass through the cut.
type scan struct {
	columns, rows int
	origin        r3.Vec // of the image, in the surface's coordinates
	first, last   int    // rows that are crossed; none if last is before first
	crossings     [][]crossing
}

// crossing is where a row passes into the surface or out of it.
type crossing struct {
	column float64
	turn   int // +1 or -1, as the cut's border runs down or up
}

func (s *scan) begin(origin r3.Vec) {
	if s.crossings == nil {
		s.crossings = make([][]crossing, s.rows)
	}
	for j := s.first; j <= s.last; j++ {
		s.crossings[j] = s.crossings[j][:0]
	}
	s.origin, s.first, s.last = origin, s.rows, -1
}

// triangle adds the border that a triangle gives to the cut: from where its outline
// comes through the plane to where it goes back.
func (s *scan) triangle(at []r3.Vec, corners [3]int) {
	var ends [2]r3.Vec // upwards, downwards
	crosses := false
	for n := range corners {
		p, q := corners[n], corners[(n+1)%3]
		below, above := at[p].Z < s.origin.Z, at[q].Z >= s.origin.Z
		if below != above {
			continue
		}
		crosses = true
		end := 0
		if !below {
			end = 1
		}
		ends[end] = s.through(at[min(p, q)], at[max(p, q)])
	}
	if crosses {
		s.edge(ends[0], ends[1])
	}
}

// through returns where an edge passes through the plane, in columns and rows. Both
// triangles of an edge name its ends in one order, and so meet in one place.
func (s *scan) through(p, q r3.Vec) r3.Vec {
	w := (s.origin.Z - p.Z) / (q.Z - p.Z)
	return r3.Vec{X: p.X + w*(q.X-p.X) - s.origin.X, Y: p.Y + w*(q.Y-p.Y) - s.origin.Y}
}

// edge adds the crossings of a piece of the cut's border.
func (s *scan) edge(from, to r3.Vec) {
	turn := 1
	if from.Y > to.Y {
		from, to, turn = to, from, -1
	}
	first := max(math.Ceil(from.Y), 0)
	for y := first; y < to.Y && y < float64(s.rows); y++ {
		j := int(y)
		s.first, s.last = min(s.first, j), max(s.last, j)
		column := from.X + (y-from.Y)/(to.Y-from.Y)*(to.X-from.X)
		s.crossings[j] = append(s.crossings[j], crossing{column, turn})
	}
}

// runs returns the pixels within the cut: those around which its border winds.
func (s *scan) runs() []run {
	var runs []run
	for j := s.first; j <= s.last; j++ {
		row := s.crossings[j]
		slices.SortFunc(row, func(a, b crossing) int { return cmp.Compare(a.column, b.column) })
		winding := 0
		for n, c := range row {
			if winding += c.turn; winding == 0 || n+1 == len(row) {
				continue
			}
			from := int(min(max(math.Ceil(c.column), 0), float64(s.columns)))
			to := int(min(max(math.Ceil(row[n+1].column), 0), float64(s.columns)))
			if from < to {
				runs = append(runs, run{j*s.columns + from, j*s.columns + to})
			}
		}
	}
	return runs
}

// sample calls emit with the pixels of each image that hold a share of at least half:
// shares is a volume of them, 0 to 255.
func (g *grid) sample(shares *volume.Volume, emit func(image int, runs []run)) {
	const half = math.MaxUint8 / 2.0
	sampler := shares.Sampler()
	normal := r3.Unit(r3.Cross(g.column, g.row))
	for k, o := range g.origins {
		from, to, near := g.box(shares, o, normal)
		if !near {
			continue
		}
		var runs []run
		for j := from[1]; j <= to[1]; j++ {
			row := r3.Add(o, r3.Scale(float64(j), g.row))
			for i := from[0]; i <= to[0]; i++ {
				if sampler.At(r3.Add(row, r3.Scale(float64(i), g.column))) < half {
					continue
				}
				at := j*g.columns + i
				if last := len(runs) - 1; last >= 0 && runs[last].to == at {
					runs[last].to++
				} else {
					runs = append(runs, run{at, at + 1})
				}
			}
		}
		if len(runs) > 0 {
			emit(k, runs)
		}
	}
}

// box returns the columns and rows, the last included, of the image at origin between
// which a volume lies, and whether it reaches the image at all.
func (g *grid) box(v *volume.Volume, origin, normal r3.Vec) (from, to [2]int, near bool) {
	low, high := [3]float64{math.Inf(1), math.Inf(1), math.Inf(1)}, [3]float64{math.Inf(-1), math.Inf(-1), math.Inf(-1)}
	for n := range 8 {
		corner := v.Position(float64(n&1*(v.Columns-1)), float64(n>>1&1*(v.Rows-1)), float64(n>>2*(v.Slices-1)))
		d := r3.Sub(corner, origin)
		for axis, x := range [3]float64{r3.Dot(d, g.column) / r3.Norm2(g.column), r3.Dot(d, g.row) / r3.Norm2(g.row), r3.Dot(d, normal)} {
			low[axis], high[axis] = min(low[axis], x), max(high[axis], x)
		}
	}
	size := [2]int{g.columns, g.rows}
	for axis, n := range size {
		from[axis] = int(max(math.Ceil(low[axis]), 0))
		to[axis] = int(min(math.Floor(high[axis]), float64(n-1)))
	}
	return from, to, low[2] <= 0 && high[2] >= 0
}
