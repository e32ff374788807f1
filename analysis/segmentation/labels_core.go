// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/volume"
)

// labelCore is the thick part of a label: its vertebral body.
type labelCore struct {
	center r3.Vec  // LPS mm
	radius float64 // of the largest circle inscribed across the column, mm
}

// labelStep is the spacing of the grids on which a label is searched, mm: half
// the thinnest lamina.
const labelStep = 1.5

// coreFraction is the inscribed radius, relative to the largest, from which a
// point counts as core of the body. Arches and processes reach less: their
// thickness across the column is at most 12 mm, a body's depth at least 15.
const coreFraction = 0.7

// findLabelCore returns the core of a label along the given axis. Planes
// across the column are searched because a crushed body keeps its depth and
// width, not its height.
func findLabelCore(m *labelMask, superior r3.Vec) labelCore {
	f := volume.NewFrame(m.centroid(), superior, acrossTo(superior))
	g := newLabelGrid(m, f)
	distance := make([]float64, len(g.in))
	largest := 0.0
	for s := range g.ns {
		plane := distance[s*g.na*g.nl : (s+1)*g.na*g.nl]
		inscribed(plane, g.in[s*g.na*g.nl:], g.na, g.nl)
		for _, d := range plane {
			largest = max(largest, d)
		}
	}
	var sum r3.Vec
	n := 0.0
	for at, d := range distance {
		if d > 0 && d >= coreFraction*largest {
			sum = r3.Add(sum, g.position(at))
			n++
		}
	}
	if n == 0 {
		return labelCore{center: f.Origin}
	}
	return labelCore{center: r3.Scale(1/n, sum), radius: largest * labelStep}
}

// acrossTo returns some direction that is not parallel to axis, anterior of the
// patient where possible.
func acrossTo(axis r3.Vec) r3.Vec {
	if math.Abs(axis.Y) < 0.9*r3.Norm(axis) {
		return r3.Vec{Y: -1}
	}
	return r3.Vec{Z: 1}
}

// labelGrid is a label sampled in a frame, index (s*na+a)*nl+l.
type labelGrid struct {
	frame      volume.Frame
	s0, a0, l0 float64 // coordinates of the first point, mm
	ns, na, nl int
	in         []uint8
}

// newLabelGrid samples the label around, with a free margin on all sides.
func newLabelGrid(m *labelMask, f volume.Frame) *labelGrid {
	lo := r3.Vec{X: math.Inf(1), Y: math.Inf(1), Z: math.Inf(1)}
	hi := r3.Scale(-1, lo)
	for corner := range 8 {
		s, a, l := f.Coordinates(m.grid.Position(
			float64(corner&1*(m.grid.Columns-1)), float64(corner>>1&1*(m.grid.Rows-1)), float64(corner>>2&1*(m.grid.Slices-1))))
		lo = r3.Vec{X: min(lo.X, s), Y: min(lo.Y, a), Z: min(lo.Z, l)}
		hi = r3.Vec{X: max(hi.X, s), Y: max(hi.Y, a), Z: max(hi.Z, l)}
	}
	points := func(lo, hi float64) int { return int((hi-lo)/labelStep) + 3 }
	g := &labelGrid{
		frame: f, s0: lo.X - labelStep, a0: lo.Y - labelStep, l0: lo.Z - labelStep,
		ns: points(lo.X, hi.X), na: points(lo.Y, hi.Y), nl: points(lo.Z, hi.Z),
	}
	g.in = make([]uint8, g.ns*g.na*g.nl)
	g.sample(m)
	return g
}

func (g *labelGrid) sample(m *labelMask) {
	at := 0
	for s := range g.ns {
		for a := range g.na {
			p := g.frame.Point(g.s0+labelStep*float64(s), g.a0+labelStep*float64(a), g.l0)
			x, y, z := m.index.Index(p)
			x1, y1, z1 := m.index.Index(r3.Add(p, r3.Scale(labelStep, g.frame.Left)))
			for l := range g.nl {
				f := float64(l)
				g.in[at] = m.nearest(x+f*(x1-x), y+f*(y1-y), z+f*(z1-z))
				at++
			}
		}
	}
}

// position returns the place of the grid's point number at, LPS mm.
func (g *labelGrid) position(at int) r3.Vec {
	l, a, s := at%g.nl, at/g.nl%g.na, at/g.nl/g.na
	return g.frame.Point(g.s0+labelStep*float64(s), g.a0+labelStep*float64(a), g.l0+labelStep*float64(l))
}

// inscribed writes to dst the distance of each point of the na × nl plane in
// to the nearest point outside, in steps; 0 outside. Beyond the plane is
// outside.
//
// Reference: Felzenszwalb and Huttenlocher, Distance transforms of sampled
// functions, Theory of Computing 2012;8:415, section 2.
func inscribed(dst []float64, in []uint8, na, nl int) {
	n := max(na, nl)
	e := envelope{v: make([]int, n), z: make([]float64, n+1), f: make([]float64, n)}
	for a := range na {
		for l := range nl {
			e.f[l] = 0
			if in[a*nl+l] != 0 {
				e.f[l] = float64(n * n)
			}
		}
		e.transform(dst[a*nl:], nl, 1)
	}
	for l := range nl {
		for a := range na {
			e.f[a] = dst[a*nl+l]
		}
		e.transform(dst[l:], na, nl)
	}
	for i := range na * nl {
		dst[i] = math.Sqrt(dst[i])
	}
}

// envelope is the lower envelope of parabolas over the samples f.
type envelope struct {
	v []int     // places of the parabolas
	z []float64 // borders between them
	f []float64
}

// transform writes the squared distance transform of the first n samples.
func (e *envelope) transform(dst []float64, n, stride int) {
	k := 0
	e.v[0], e.z[0], e.z[1] = 0, math.Inf(-1), math.Inf(1)
	for q := 1; q < n; q++ {
		s := e.border(q, e.v[k])
		for s <= e.z[k] {
			k--
			s = e.border(q, e.v[k])
		}
		k++
		e.v[k], e.z[k], e.z[k+1] = q, s, math.Inf(1)
	}
	k = 0
	for q := range n {
		for e.z[k+1] < float64(q) {
			k++
		}
		d := float64(q - e.v[k])
		dst[q*stride] = d*d + e.f[e.v[k]]
	}
}

// border is where the parabolas at q and p < q meet.
func (e *envelope) border(q, p int) float64 {
	return (e.f[q] + float64(q*q) - e.f[p] - float64(p*p)) / float64(2*(q-p))
}
