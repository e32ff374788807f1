// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import "gonum.org/v1/gonum/spatial/r3"

// meanCanalDepth is the sagittal diameter of a lumbar canal, mm: mean of 87
// patients (Clouthier 2023, morphable lumbar model). It places the canal where
// no ring is closed.
const meanCanalDepth = 16.7

// minCanalArea is the least area of a hole that is taken for the canal, mm²: a
// canal of half the normal diameter. Nutrient and transverse foramina are
// smaller.
const minCanalArea = 40

// maxCanalOffset is how far the canal may lie beside the body's middle, mm.
const maxCanalOffset = 12

// findCanal finds the canal as the hole that the arch closes in projection
// along the axis. It takes ever thinner slabs, since overhanging laminae may
// cover the canal of a whole vertebra. Without an arch the canal is placed
// behind the body, in its plane of symmetry near the direction about.
func (f *labelFrame) findCanal(m *labelMask, about r3.Vec) {
	anterior := f.Anterior
	if !f.arch {
		anterior = m.symmetricAnterior(f, about)
	}
	f.canal, f.canalKnown = r3.Sub(f.Origin, r3.Scale((f.depth+meanCanalDepth)/2, anterior)), false
	if !f.arch {
		return
	}
	g := newLabelGrid(m, f.Frame)
	h := f.height / 2
	for _, slab := range [][2]float64{{-h - 8, h + 3}, {-h, h}, {0, h}} {
		if a, l, ok := g.hole(slab[0], slab[1], f.depth); ok {
			f.canal, f.canalKnown = f.Point(0, a, l), true
			return
		}
	}
}

// hole returns the centre of the largest hole behind the body in the
// projection of the slab from lo to hi, mm along the axis.
func (g *labelGrid) hole(lo, hi, depth float64) (a, l float64, ok bool) {
	shadow := g.shadow(lo, hi)
	g.fillPlane(shadow, 0) // the margin is outside the label
	best := 0.0
	for at := range shadow {
		if shadow[at] != 0 {
			continue
		}
		area, ca, cl := g.fillPlane(shadow, at)
		inPlace := ca < -depth/4 && ca > -depth/2-2*meanCanalDepth && cl > -maxCanalOffset && cl < maxCanalOffset
		if inPlace && area >= minCanalArea && area > best {
			best, a, l = area, ca, cl
		}
	}
	return a, l, best > 0
}

// shadow projects the slab along the axis, index a*nl+l.
func (g *labelGrid) shadow(lo, hi float64) []uint8 {
	shadow := make([]uint8, g.na*g.nl)
	for s := range g.ns {
		if z := g.s0 + labelStep*float64(s); z < lo || z > hi {
			continue
		}
		for at, in := range g.in[s*g.na*g.nl : (s+1)*g.na*g.nl] {
			shadow[at] |= in
		}
	}
	return shadow
}

// fillPlane marks the background connected (by edges) with start and returns
// its area, mm², and centroid.
func (g *labelGrid) fillPlane(shadow []uint8, start int) (area, a, l float64) {
	stack := []int{start}
	shadow[start] = 1
	n := 0.0
	for len(stack) > 0 {
		at := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		i, j := at/g.nl, at%g.nl
		n++
		a += float64(i)
		l += float64(j)
		for _, next := range [4][2]int{{i - 1, j}, {i + 1, j}, {i, j - 1}, {i, j + 1}} {
			if next[0] < 0 || next[1] < 0 || next[0] >= g.na || next[1] >= g.nl {
				continue
			}
			if to := next[0]*g.nl + next[1]; shadow[to] == 0 {
				shadow[to] = 1
				stack = append(stack, to)
			}
		}
	}
	return n * labelStep * labelStep, g.a0 + labelStep*a/n, g.l0 + labelStep*l/n
}

// behind returns the coordinate from which the body is searched forwards: the
// canal where the label holds an arch, else the end of the crop.
func (f *labelFrame) behind(m *labelMask) float64 {
	if f.arch {
		_, a, _ := f.Coordinates(f.canal)
		return a
	}
	lo, _ := m.along(f.Origin, f.Anterior)
	return lo
}
