// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"math"
	"runtime"
	"sync"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/volume"
)

// Body is a volume prepared for projection. It is not changed by its methods, and safe
// for concurrent use.
type Body struct {
	index volume.Indexer
	axis  int // 0 columns, 1 rows, 2 slices: along which samples lie beside each other

	// Densities of the part of the volume that is not air, with a border of air about its
	// lines: index (b*(na+2)+a)*n+m, where m runs along axis.
	density []float32
	n       int // along axis
	na, nb  int // of the lines, without the border
	low     [3]int
}

// airHU is what counts as air: noise about it would add up along a ray.
const airHU = -950

// NewBody prepares v for films along the axis of its grid that lies nearest to toward.
// Rays up to 45° off it are followed. Density is that of the CT number,
//
//	ρ = 1 + HU/1000,
//
// relative to water, and 0 in air.
func NewBody(v *volume.Volume, toward r3.Vec) *Body {
	v = v.Canonical()
	steps := [3]r3.Vec{r3.Unit(v.Column), r3.Unit(v.Row), r3.Unit(v.Slice)}
	b := &Body{index: v.Indexer()}
	for d, s := range steps {
		if math.Abs(r3.Dot(s, toward)) > math.Abs(r3.Dot(steps[b.axis], toward)) {
			b.axis = d
		}
	}
	low, high, ok := extent(v)
	if !ok {
		return b
	}
	b.low = low
	size := [3]int{high[0] - low[0], high[1] - low[1], high[2] - low[2]}
	d, a, c := b.axes()
	b.n, b.na, b.nb = size[d], size[a], size[c]
	b.density = make([]float32, b.n*(b.na+2)*(b.nb+2))
	stride := [3]int{1, v.Columns, v.Columns * v.Rows}
	start := low[0] + low[1]*stride[1] + low[2]*stride[2]
	for y := range b.nb {
		for x := range b.na {
			line := b.density[((y+1)*(b.na+2)+x+1)*b.n:][:b.n]
			at := start + x*stride[a] + y*stride[c]
			for m := range line {
				if hu := v.Samples[at+m*stride[d]]; hu > airHU {
					line[m] = 1 + float32(hu)/1000
				}
			}
		}
	}
	return b
}

// axes returns the axis of the lines and the other two.
func (b *Body) axes() (d, a, c int) {
	return b.axis, [3]int{1, 0, 0}[b.axis], [3]int{2, 2, 1}[b.axis]
}

// extent returns the box, high excluded, of what is not air.
func extent(v *volume.Volume) (low, high [3]int, ok bool) {
	low = [3]int{v.Columns, v.Rows, v.Slices}
	for k := range v.Slices {
		for j := range v.Rows {
			row := v.Samples[(k*v.Rows+j)*v.Columns:][:v.Columns]
			for i, hu := range row {
				if hu <= airHU {
					continue
				}
				for d, x := range [3]int{i, j, k} {
					low[d], high[d] = min(low[d], x), max(high[d], x+1)
				}
			}
		}
	}
	return low, high, high[0] > 0
}

// Paths returns for each pixel of a film, row by row, the length of water in mm that
// attenuates as much as what lies on the ray from the source to the pixel's centre:
//
//	∫ ρ dl.
//
// Density is linear between voxels across the ray, and each plane of voxels counts as it
// stands along it. shadows add to the body. The same arguments give the same paths on any
// number of cores.
func (b *Body) Paths(g *Geometry, shadows []Shadow) []float32 {
	paths := make([]float32, g.Columns*g.Rows)
	rows := make(chan int, g.Rows)
	for row := range g.Rows {
		rows <- row
	}
	close(rows)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for row := range rows {
				b.row(paths[row*g.Columns:][:g.Columns], g, row, shadows)
			}
		})
	}
	wg.Wait()
	return paths
}

// row integrates the rays to one row of pixels.
func (b *Body) row(dst []float32, g *Geometry, row int, shadows []Shadow) {
	first := g.Position(radiograph.ImagePoint{Col: 0.5, Row: float64(row) + 0.5})
	from, to := b.coordinates(g.Source), b.coordinates(first)
	next := b.coordinates(r3.Add(first, g.Column))
	for col := range dst {
		end := r3.Add(first, r3.Scale(float64(col), g.Column))
		q := [3]float64{}
		for d := range q {
			q[d] = to[d] + float64(col)*(next[d]-to[d])
		}
		length := r3.Norm(r3.Sub(end, g.Source))
		path := b.integral(from, q, length)
		for _, s := range shadows {
			path += s.Density * s.Shape.Chord(g.Source, r3.Scale(1/length, r3.Sub(end, g.Source)))
		}
		dst[col] = float32(max(path, 0)) // gas takes away no more than there is
	}
}

// coordinates returns p along the lines and across them, in voxels, the first of the
// border's lines at 0.
func (b *Body) coordinates(p r3.Vec) [3]float64 {
	i, j, k := b.index.Index(p)
	x := [3]float64{i - float64(b.low[0]), j - float64(b.low[1]), k - float64(b.low[2])}
	d, a, c := b.axes()
	return [3]float64{x[d], x[a] + 1, x[c] + 1}
}

// integral returns the integral of density over the ray from p to q, which are length
// apart, mm.
func (b *Body) integral(p, q [3]float64, length float64) float64 {
	along := q[0] - p[0]
	if along == 0 || b.n == 0 {
		return 0
	}
	da, db := (q[1]-p[1])/along, (q[2]-p[2])/along
	a0, b0 := p[1]-p[0]*da, p[2]-p[0]*db // where the ray meets plane 0
	low, high := max(min(p[0], q[0]), 0), min(max(p[0], q[0]), float64(b.n-1))
	low, high = within(low, high, a0, da, float64(b.na+1))
	low, high = within(low, high, b0, db, float64(b.nb+1))
	var sum float32
	first, last := int(math.Ceil(low)), int(math.Floor(high))
	for first <= last {
		fa, fb := a0+float64(first)*da, b0+float64(first)*db
		ia, ib := int(fa), int(fb)
		end := min(last, first+stays(fa-float64(ia), da), first+stays(fb-float64(ib), db))
		c := cell{float32(fa - float64(ia)), float32(fb - float64(ib)), float32(da), float32(db)}
		sum += b.between(ia, ib, first, end+1, c)
		first = end + 1
	}
	return float64(sum) * length / math.Abs(along)
}

// stays returns for how many further planes a ray at x in [0, 1) between two lines, which
// changes by step a plane, stays between them.
func stays(x, step float64) int {
	room := 1 - x
	if step < 0 {
		room, step = x, -step
	}
	const always = 1 << 30
	if room >= always*step {
		return always
	}
	n := int(room / step)
	if float64(n)*step >= room && n > 0 { // the next cell begins where this one ends
		n--
	}
	return n
}

// cell is where a ray passes between four lines, and by how much that changes a plane.
type cell struct{ a, b, da, db float32 }

// between sums the density on a ray that stays between the lines at ia and ib and the next
// ones, over planes from to to-1.
func (b *Body) between(ia, ib, from, to int, c cell) float32 {
	line := func(a, b0 int) []float32 {
		return b.density[(b0*(b.na+2)+a)*b.n:][from:to]
	}
	v00, v01, v10, v11 := line(ia, ib), line(ia+1, ib), line(ia, ib+1), line(ia+1, ib+1)
	v01, v10, v11 = v01[:len(v00)], v10[:len(v00)], v11[:len(v00)]
	var sum float32
	for m := range v00 {
		v0 := v00[m] + c.a*(v01[m]-v00[m])
		v1 := v10[m] + c.a*(v11[m]-v10[m])
		sum += v0 + c.b*(v1-v0)
		c.a += c.da
		c.b += c.db
	}
	return sum
}

// within narrows [low, high] to where start+m·step lies between two lines of 0 to last.
func within(low, high, start, step, last float64) (float64, float64) {
	const margin = 1e-6 // so that no rounding leads beyond the last line
	last -= margin
	switch {
	case step > 0:
		return max(low, -start/step), min(high, (last-start)/step)
	case step < 0:
		return max(low, (last-start)/step), min(high, -start/step)
	case start < 0 || start > last:
		return 1, 0
	}
	return low, high
}
