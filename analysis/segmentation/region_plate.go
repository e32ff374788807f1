// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"
)

const (
	fieldStep   = 2.0 // mm between the columns of an endplate
	plateSearch = 4.0 // mm to both sides of the mid-sagittal outline

	// An endplate departs from its mid-sagittal outline, mm: by little within
	// the slab over which that is a mean, by more further out, where the dish
	// rises to the rim and fractures are one-sided.
	plateMiddleSD  = 0.6
	plateSlantSD   = 0.09 // per mm beyond slabHalfWidth
	plateBendPrice = wallBend
)

// heightField is an endplate: its height over the axial plane, mm.
type heightField struct {
	a0, l0 float64
	na, nl int
	s      []float64 // l by l, along a
}

// at returns the height at (a, l), constant beyond the field's border, and the
// cosine of the plate's slope there.
func (h *heightField) at(a, l float64) (s, slope float64) {
	x := min(max((a-h.a0)/fieldStep, 0), float64(h.na-1)-1e-9)
	y := min(max((l-h.l0)/fieldStep, 0), float64(h.nl-1)-1e-9)
	i, j := int(x), int(y)
	x -= float64(i)
	y -= float64(j)
	p, q := h.s[j*h.na+i:], h.s[(j+1)*h.na+i:]
	low, high := p[0]+(p[1]-p[0])*x, q[0]+(q[1]-q[0])*x
	da, dl := ((p[1]-p[0])+(q[1]-q[0]))/(2*fieldStep), (high-low)/fieldStep
	return low + (high-low)*y, 1 / math.Sqrt(1+da*da+dl*dl)
}

// farthest returns the greatest distance from the axial plane through the
// frame's origin, mm.
func (h *heightField) farthest() float64 {
	far := 0.0
	for _, s := range h.s {
		far = max(far, math.Abs(s))
	}
	return far
}

// tracePlate traces an endplate from the mid-sagittal plane to both sides; sign
// is +1 for the superior one.
func (t *tracer) tracePlate(p Plate, sign float64, w wallField) heightField {
	reach := w.outermost() + fieldStep
	n := int(math.Ceil(reach / fieldStep))
	h := heightField{a0: -float64(n) * fieldStep, l0: -float64(n) * fieldStep, na: 2*n + 1, nl: 2*n + 1}
	h.s = make([]float64, h.na*h.nl)
	filter := newEdgeFilter(t.blur.across(t.body.Frame.Superior).total())
	for i := range h.na {
		a := h.a0 + float64(i)*fieldStep
		middle := valueAt(p.A, p.S, a) - sign*boneThickness/2
		offset := t.plateRow(a, h.l0, h.nl, middle, sign, filter, w)
		for j, d := range offset {
			h.s[j*h.na+i] = middle + sign*(d+boneThickness/2)
		}
	}
	h.smooth()
	return h
}

// plateRow returns how far out of middle the endplate lies along a coronal row,
// mm. Beyond the wall it runs on level.
func (t *tracer) plateRow(a, l0 float64, count int, middle, sign float64, f *edgeFilter, w wallField) []float64 {
	half := int(plateSearch / wallStep)
	rows := make([][]float64, 0, count)
	first := -1
	for j := range count {
		l := l0 + float64(j)*fieldStep
		wall, _ := w.at(math.Atan2(l, a), 0.5+0.5*sign)
		if math.Hypot(a, l) > wall-1 {
			continue
		}
		if first < 0 {
			first = j
		}
		p := t.profile(func(offset float64) r3.Vec { return t.body.Frame.Point(middle+sign*offset, a, l) }, half, f)
		g := f.gains(p)
		sd := plateMiddleSD + plateSlantSD*max(math.Abs(l)-slabHalfWidth, 0)
		for c := range g {
			d := float64(c-half) * wallStep / sd
			g[c] -= wallPriorWeight * d * d
		}
		rows = append(rows, g)
	}
	offset := make([]float64, count)
	if len(rows) == 0 {
		return offset
	}
	path := bestPath(rows, int(wallJump/wallStep), plateBendPrice*wallStep)
	for j := range offset {
		r := min(max(j-first, 0), len(rows)-1)
		offset[j] = (peak(rows[r], path[r]) - float64(half)) * wallStep
	}
	return offset
}

// smooth replaces each height by the median of those around it, then by their
// mean.
func (h *heightField) smooth() {
	h.filter(median)
	h.filter(func(x []float64) float64 {
		sum := 0.0
		for _, v := range x {
			sum += v
		}
		return sum / float64(len(x))
	})
}

// filter replaces each height by what of makes of the nine around it.
func (h *heightField) filter(of func([]float64) float64) {
	out := make([]float64, len(h.s))
	near := make([]float64, 0, 9)
	for j := range h.nl {
		for i := range h.na {
			near = near[:0]
			for m := max(j-1, 0); m <= min(j+1, h.nl-1); m++ {
				for n := max(i-1, 0); n <= min(i+1, h.na-1); n++ {
					near = append(near, h.s[m*h.na+n])
				}
			}
			out[j*h.na+i] = of(near)
		}
	}
	h.s = out
}

// separate keeps two endplates at least leastHeight apart.
func separate(superior, inferior *heightField) {
	for n := range superior.s {
		if gap := superior.s[n] - inferior.s[n]; gap < leastHeight {
			superior.s[n] += (leastHeight - gap) / 2
			inferior.s[n] -= (leastHeight - gap) / 2
		}
	}
}
