// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"
)

const (
	wallAngles = 60  // directions in which the wall is traced
	wallLayer  = 3.0 // mm between the heights at which it is traced
	wallSearch = 6.5 // mm to both sides of the superellipse

	// outlinePower is that of the superellipse which bodies resemble in the
	// axial plane, between the ellipse (2) and the rounded box (4).
	outlinePower = 2.5
	// widthPerDepth is the most that a width is taken for, and what it is taken
	// for where it is not known: 1.3 for L2 to L5 (46.7 / 35.0 mm, Clouthier
	// 2023). Rib heads and pleura look like wider walls.
	widthPerDepth = 1.3

	outlineSD   = 3.0 // mm, of a wall about the superellipse
	knownWallSD = 0.8 // mm, of the walls that the mid-sagittal outline gives
	layerSD     = 1.2 // mm, of one height about all
	knownHalf   = 4.0 // mm to both sides of the mid-sagittal plane where they hold

	// leastHeight, mm, is the least between the endplates of a column.
	leastHeight = 2.0
)

// wallField is the wall as a distance from the axis: over directions and
// heights.
type wallField struct {
	radius [][wallAngles]float64 // mm; from the inferior to the superior endplate
	slope  [][wallAngles]float64 // cosine of the angle between the radius and the wall's normal
}

// at returns the radius, mm, and the cosine between it and the wall's normal at
// an angle, radians from anterior towards left, and a share of the height.
func (w *wallField) at(angle, share float64) (radius, slope float64) {
	x := angle / (2 * math.Pi) * wallAngles
	x -= wallAngles * math.Floor(x/wallAngles)
	i := int(x) % wallAngles
	x -= math.Floor(x)
	j := (i + 1) % wallAngles
	y := min(max(share*float64(len(w.radius))-0.5, 0), float64(len(w.radius)-1))
	k := min(int(y), max(len(w.radius)-2, 0))
	y -= float64(k)
	next := min(k+1, len(w.radius)-1)
	p, q := &w.radius[k], &w.radius[next]
	low := p[i] + (p[j]-p[i])*x
	high := q[i] + (q[j]-q[i])*x
	return low + (high-low)*y, w.slope[k][i]
}

func (w *wallField) outermost() float64 {
	r := 0.0
	for k := range w.radius {
		r = max(r, slices.Max(w.radius[k][:]))
	}
	return r
}

// traceWall traces the wall: first one contour for all heights, of which each
// then departs by little. The pedicles take up less than half of the height of
// the wall, and the whole contour runs below them.
func (t *tracer) traceWall() wallField {
	layers := t.layers()
	start := t.superellipse()
	half := int(wallSearch / wallStep)
	gains := make([][][]float64, len(layers)) // by height, direction, offset
	mean := make([][]float64, wallAngles)
	var direction [wallAngles][2]float64
	var filter [wallAngles]*edgeFilter
	for n := range wallAngles {
		mean[n] = make([]float64, 2*half+1)
		direction[n], filter[n] = t.direction(n)
	}
	for k, share := range layers {
		gains[k] = make([][]float64, wallAngles)
		for n := range wallAngles {
			p := t.profile(func(offset float64) r3.Vec { return t.place(direction[n], start[n]+offset, share) }, half, filter[n])
			gains[k][n] = filter[n].gains(p)
			for c, g := range gains[k][n] {
				mean[n][c] += g / float64(len(layers))
			}
		}
	}
	common := closedPath(mean, func(n int) (prior, sd float64) { return t.known(n, start[n], 0.5) })
	w := wallField{radius: make([][wallAngles]float64, len(layers)), slope: make([][wallAngles]float64, len(layers))}
	for k := range layers {
		own := closedPath(between(gains, k), func(n int) (prior, sd float64) {
			if prior, sd := t.known(n, start[n], layers[k]); sd < outlineSD {
				return prior, sd
			}
			return common[n], layerSD
		})
		for n := range wallAngles {
			w.radius[k][n] = start[n] + own[n] + boneThickness/2
		}
	}
	w.smooth()
	return w
}

// layers returns the heights at which the wall is traced, as shares of the way
// from the inferior to the superior endplate.
func (t *tracer) layers() []float64 {
	height := median(t.body.Superior.S) - median(t.body.Inferior.S)
	n := min(max(int(math.Round(height/wallLayer)), 2), 12)
	shares := make([]float64, n)
	for i := range shares {
		shares[i] = (float64(i) + 0.5) / float64(n)
	}
	return shares
}

// direction returns the cosine and sine of a direction and the edge filter
// across it.
func (t *tracer) direction(n int) (d [2]float64, f *edgeFilter) {
	sin, cos := math.Sincos(2 * math.Pi * float64(n) / wallAngles)
	frame := t.body.Frame
	out := r3.Add(r3.Scale(cos, frame.Anterior), r3.Scale(sin, frame.Left))
	return [2]float64{cos, sin}, newEdgeFilter(t.blur.across(out).total())
}

// place returns the point at a radius in a direction and a share of the height,
// with the endplates of the mid-sagittal plane.
func (t *tracer) place(d [2]float64, radius, share float64) r3.Vec {
	a, l := radius*d[0], radius*d[1]
	top, bottom := valueAt(t.body.Superior.A, t.body.Superior.S, a), valueAt(t.body.Inferior.A, t.body.Inferior.S, a)
	return t.body.Frame.Point(bottom+share*(top-bottom), a, l)
}

// superellipse returns the radius in each direction of the superellipse with
// the body's depth and width.
func (t *tracer) superellipse() [wallAngles]float64 {
	width := widthPerDepth * t.body.Depth
	if t.body.Width > 0 {
		width = min(width, t.body.Width)
	}
	var r [wallAngles]float64
	for n := range r {
		sin, cos := math.Sincos(2 * math.Pi * float64(n) / wallAngles)
		x, y := math.Abs(cos)/(t.body.Depth/2), math.Abs(sin)/(width/2)
		r[n] = math.Pow(math.Pow(x, outlinePower)+math.Pow(y, outlinePower), -1/outlinePower)
	}
	return r
}

// known returns the offset from the superellipse at which a wall is expected in
// direction n, with its standard deviation: near the mid-sagittal plane that of
// the outline.
func (t *tracer) known(n int, radius, share float64) (offset, sd float64) {
	sin, cos := math.Sincos(2 * math.Pi * float64(n) / wallAngles)
	if math.Abs(radius*sin) > knownHalf {
		return 0, outlineSD
	}
	w := &t.body.Anterior
	if cos < 0 {
		w = &t.body.Posterior
	}
	a := radius * cos
	top, bottom := valueAt(t.body.Superior.A, t.body.Superior.S, a), valueAt(t.body.Inferior.A, t.body.Inferior.S, a)
	at := valueAt(w.S, w.A, bottom+share*(top-bottom))
	return math.Abs(at/cos) - boneThickness/2 - radius, knownWallSD
}

// valueAt interpolates y over ascending x, constant beyond its ends.
func valueAt(x, y []float64, at float64) float64 {
	i, _ := slices.BinarySearch(x, at)
	switch {
	case i == 0:
		return y[0]
	case i == len(x):
		return y[len(y)-1]
	}
	return y[i-1] + (y[i]-y[i-1])*(at-x[i-1])/(x[i]-x[i-1])
}

// between returns the gains of one height with half of those of its neighbours.
func between(gains [][][]float64, k int) [][]float64 {
	below, above := gains[max(k-1, 0)], gains[min(k+1, len(gains)-1)]
	out := make([][]float64, len(gains[k]))
	for n, g := range gains[k] {
		out[n] = make([]float64, len(g))
		for c := range g {
			out[n][c] = (2*g[c] + below[n][c] + above[n][c]) / 4
		}
	}
	return out
}

// closedPath returns the offset, mm, in each direction along the closed path of
// largest gain about what is expected.
func closedPath(gain [][]float64, expected func(n int) (prior, sd float64)) [wallAngles]float64 {
	const overlap = wallAngles / 4
	half := len(gain[0]) / 2
	rows := make([][]float64, wallAngles+2*overlap)
	for i := range rows {
		n := (i + wallAngles - overlap) % wallAngles
		prior, sd := expected(n)
		rows[i] = make([]float64, len(gain[n]))
		for c, g := range gain[n] {
			d := (float64(c-half)*wallStep - prior) / sd
			rows[i][c] = g - wallPriorWeight*d*d
		}
	}
	path := bestPath(rows, int(wallJump/wallStep), wallBend*wallStep)
	var offset [wallAngles]float64
	for n := range offset {
		offset[n] = (peak(rows[n+overlap], path[n+overlap]) - float64(half)) * wallStep
	}
	return offset
}

// wallPriorWeight is the price of a standard deviation from what is expected, in
// units of an edge's gain, as in trace.
const wallPriorWeight = 0.1

// smooth replaces each radius by the median of the nine around it, averages it
// along the contour, and finds the slopes.
func (w *wallField) smooth() {
	raw := slices.Clone(w.radius)
	for k := range raw {
		var mid [wallAngles]float64
		for n := range mid {
			var near []float64
			for _, m := range []int{max(k-1, 0), k, min(k+1, len(raw)-1)} {
				for d := -1; d <= 1; d++ {
					near = append(near, raw[m][(n+d+wallAngles)%wallAngles])
				}
			}
			mid[n] = median(near)
		}
		for n := range mid {
			w.radius[k][n] = (mid[(n+wallAngles-1)%wallAngles] + 2*mid[n] + mid[(n+1)%wallAngles]) / 4
		}
		for n := range mid {
			turn := (mid[(n+1)%wallAngles] - mid[n]) * wallAngles / (2 * math.Pi)
			w.slope[k][n] = 1 / math.Hypot(1, turn/mid[n])
		}
	}
}
