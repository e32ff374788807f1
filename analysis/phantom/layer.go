// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package phantom

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"
)

// plane is one image plane and the point spread function across and along it.
type plane struct {
	origin      r3.Vec // centre of pixel (0, 0)
	column, row r3.Vec // steps, mm
	normal      r3.Vec // unit
	pixel       float64
	sigma       float64 // in the plane, mm
	sigmaCross  float64 // across it, mm
}

// spread returns the sigma of the point spread function along a unit direction
// with the given component along the plane's normal.
func (p *plane) spread(along float64) float64 {
	return math.Sqrt(p.sigma*p.sigma + (p.sigmaCross*p.sigmaCross-p.sigma*p.sigma)*along*along)
}

// layer is the part of one plane that bones and discs cover, painted one over
// the other from the background to the front.
type layer struct {
	spine         *Spine
	tex           *texture
	columns, rows int
	plane         plane

	value, cover []float32 // attenuation times coverage, and coverage
	span         []span    // of each row that is painted

	// Of the nearest bar: signed distance, mm, and index; and the distance of
	// the nearest pedicle.
	distance, pedicle  []float32
	nearest, ofPedicle []int16
}

type span struct{ low, high int }

const far = 99 // mm

func newLayer(s *Spine, columns, rows int, tex *texture) *layer {
	n := columns * rows
	l := &layer{
		spine: s, tex: tex, columns: columns, rows: rows,
		value: make([]float32, n), cover: make([]float32, n), span: make([]span, rows),
		distance: make([]float32, n), pedicle: make([]float32, n), nearest: make([]int16, n), ofPedicle: make([]int16, n),
	}
	for i := range l.distance {
		l.distance[i], l.pedicle[i] = far, far
	}
	return l
}

func (l *layer) render(p plane) {
	l.plane = p
	l.clear()
	for i := range l.spine.bodies[:len(l.spine.bodies)-1] {
		l.paintDisc(l.spine.bodies[i])
		l.paintDiscFloor(l.spine.bodies[i+1], l.spine.bodies[i])
	}
	l.paintBars()
	for _, b := range l.spine.bodies {
		l.paintBody(b)
	}
	l.paintPedicles()
	l.paintDeposits()
}

func (l *layer) clear() {
	for j := range l.span {
		lo, hi := j*l.columns+l.span[j].low, j*l.columns+l.span[j].high
		clear(l.value[lo:hi])
		clear(l.cover[lo:hi])
		for i := lo; i < hi; i++ {
			l.distance[i], l.pedicle[i] = far, far
		}
		l.span[j] = span{}
	}
}

// over lays an attenuation over pixel n with a coverage.
func (l *layer) over(n int, hu, cover float64) {
	c := float32(cover)
	l.value[n] += (float32(hu) - l.value[n]) * c
	l.cover[n] += (1 - l.cover[n]) * c
}

// touch marks the columns low to high-1 of row j as painted.
func (l *layer) touch(j, low, high int) {
	s := &l.span[j]
	if s.low == s.high {
		*s = span{low, high}
		return
	}
	s.low, s.high = min(s.low, low), max(s.high, high)
}

// rect is a half-open range of pixels.
type rect struct{ i0, i1, j0, j1 int }

// around returns the pixels within reach, mm along columns and rows, of a point.
func (l *layer) around(p r3.Vec, alongColumn, alongRow float64) rect {
	d := r3.Sub(p, l.plane.origin)
	s := l.plane.pixel * l.plane.pixel
	u, v := r3.Dot(d, l.plane.column)/s, r3.Dot(d, l.plane.row)/s
	a, b := alongColumn/l.plane.pixel, alongRow/l.plane.pixel
	return rect{
		i0: max(int(math.Ceil(u-a)), 0), i1: min(int(math.Floor(u+a))+1, l.columns),
		j0: max(int(math.Ceil(v-b)), 0), j1: min(int(math.Floor(v+b))+1, l.rows),
	}
}

// affine is a coordinate as it changes over the pixels.
type affine struct{ at, perColumn, perRow float64 }

// along returns the coordinate of pixels from origin along a unit axis.
func (p *plane) along(origin, axis r3.Vec) affine {
	return affine{r3.Dot(r3.Sub(p.origin, origin), axis), r3.Dot(p.column, axis), r3.Dot(p.row, axis)}
}

func (f affine) pixel(i, j int) float64 {
	return f.at + float64(i)*f.perColumn + float64(j)*f.perRow
}

// cut returns the part of b's core near the plane, and false if there is none
// within margin.
func (l *layer) cut(b *bar, margin float64) (rect, bool) {
	n := l.plane.normal
	h := r3.Dot(r3.Sub(b.center, l.plane.origin), n)
	rest := *b
	rest.half[0] = 0
	thick := rest.reach(n) + margin
	climb := r3.Dot(b.axes[0], n)
	lo, hi := -b.half[0], b.half[0]
	if math.Abs(climb) > 1e-9 {
		p, q := (-thick-h)/climb, (thick-h)/climb
		lo, hi = max(lo, min(p, q)), min(hi, max(p, q))
	} else if math.Abs(h) > thick {
		return rect{}, false
	}
	if lo > hi {
		return rect{}, false
	}
	rest.half[0] = (hi - lo) / 2
	rest.center = r3.Add(b.center, r3.Scale((lo+hi)/2, b.axes[0]))
	u, v := r3.Scale(1/l.plane.pixel, l.plane.column), r3.Scale(1/l.plane.pixel, l.plane.row)
	return l.around(rest.center, rest.reach(u)+margin, rest.reach(v)+margin), true
}

// paintBars paints the union of all bars.
func (l *layer) paintBars() {
	sigma := math.Sqrt((2*l.plane.sigma*l.plane.sigma + l.plane.sigmaCross*l.plane.sigmaCross) / 3)
	margin := 4 * sigma
	for n := range l.spine.bars {
		b := &l.spine.bars[n]
		if r, ok := l.cut(b, margin); ok {
			l.measureBar(int16(n), b, r)
		}
	}
	for j := range l.rows {
		for n := j*l.columns + l.span[j].low; n < j*l.columns+l.span[j].high; n++ {
			d := float64(l.distance[n])
			if d > margin {
				continue
			}
			b := &l.spine.bars[l.nearest[n]]
			outer, inner := cdf(-d/sigma), cdf(-(d+b.cortex)/sigma)
			l.over2(n, outer, inner, archHU, b.hu)
		}
	}
}

// archHU is the attenuation of the cortex of arches, ribs and pelvis: dense bone
// with its pores.
const archHU = 750

// over2 lays a shell and its filling over pixel n.
func (l *layer) over2(n int, outer, inner, shellHU, fillHU float64) {
	l.value[n] += float32(outer)*-l.value[n] + float32((outer-inner)*shellHU+inner*fillHU)
	l.cover[n] += (1 - l.cover[n]) * float32(outer)
}

// measureBar lowers the distances in r to those of bar n.
func (l *layer) measureBar(n int16, b *bar, r rect) {
	if r.i0 >= r.i1 {
		return
	}
	var f [3]affine
	for i := range f {
		f[i] = l.plane.along(b.center, b.axes[i])
	}
	for j := r.j0; j < r.j1; j++ {
		l.touch(j, r.i0, r.i1)
		x, y, z := f[0].pixel(r.i0, j), f[1].pixel(r.i0, j), f[2].pixel(r.i0, j)
		for i := r.i0; i < r.i1; i++ {
			d := float32(b.outside(x, y, z))
			k := j*l.columns + i
			if d < l.distance[k] {
				l.distance[k], l.nearest[k] = d, n
			}
			if b.pedicle && d < l.pedicle[k] {
				l.pedicle[k], l.ofPedicle[k] = d, n
			}
			x += f[0].perColumn
			y += f[1].perColumn
			z += f[2].perColumn
		}
	}
}

// paintPedicles opens the pedicles into the bodies.
func (l *layer) paintPedicles() {
	const sigma = 0.6 // mm; a soft passage, no surface
	for j := range l.rows {
		for n := j*l.columns + l.span[j].low; n < j*l.columns+l.span[j].high; n++ {
			if d := float64(l.pedicle[n]) + archCortex; d < 3*sigma {
				l.over(n, l.spine.bars[l.ofPedicle[n]].hu, cdf(-d/sigma)*float64(l.cover[n]))
			}
		}
	}
}
