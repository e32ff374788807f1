// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package morphometry

import (
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"github.com/endplate/endplate/analysis/segmentation"
)

// sheet is the plane a = place + slope·(s - middle) + twist·l along a wall.
type sheet struct{ middle, place, slope, twist float64 }

func (p sheet) at(s, l float64) float64 { return p.place + p.slope*(s-p.middle) + p.twist*l }

// belief is how well a sheet is known before the places on it: the standard
// deviations of its place, mm, and of its slopes. The zero value knows nothing.
type belief struct{ place, slope, twist float64 }

// What the neighbours' sheets tell of a wall's: its place at mid-height, mm, its
// slope, 4°, and its twist, 3°. As many places of the wall as stand near that
// sheet tell the rest; a wall that stands behind as a whole does not.
var neighboursBelief = belief{0.7, 0.07, 0.05}

// ownBelief is how well a wall is known by the axis of its canal alone, and
// foremost is the quantile of its places that is taken for intact at first.
var ownBelief = belief{5, 0.1, 0.05}

const foremost = 0.9

const (
	// robustScale, mm, is the distance from a wall's sheet beyond which a place
	// counts for little: a spur, a fragment, a step of the outline.
	robustScale = 0.5
	// placeSD, mm, is what a place of a wall tells of its sheet: its own error
	// and the wall's unevenness, which the places around it share.
	placeSD = 2.0
)

// wallPoint is a place of a wall, mm.
type wallPoint struct{ s, l, a float64 }

// wallPoints returns the places of a wall, less a shape that may be nil.
func wallPoints(c *segmentation.Canal, shape func(along, left float64) (mm, sd float64, ok bool)) []wallPoint {
	var points []wallPoint
	for left := -segmentation.WallReach; left <= segmentation.WallReach; left += judgedColumn {
		for along := judgedLow; along <= judgedHigh+1e-9; along += judgedStep {
			s, a, ok := bridgedWallAt(c, along, left)
			mm := 0.0
			if ok && shape != nil {
				mm, _, ok = shape(along, left)
			}
			if ok {
				points = append(points, wallPoint{s, left, a - mm})
			}
		}
	}
	return points
}

// fitSheet returns the sheet along which most of the places stand, near start as
// far as b believes in it.
func fitSheet(points []wallPoint, start sheet, b belief) sheet {
	const rounds = 15
	var prior [3]float64
	if b.place > 0 {
		prior = [3]float64{1 / (b.place * b.place), 1 / (b.slope * b.slope), 1 / (b.twist * b.twist)}
	}
	p := start
	for range rounds {
		m, v := [9]float64{0: prior[0], 4: prior[1], 8: prior[2]}, [3]float64{}
		weights := p.weights(points)
		for n, q := range points {
			w := weights[n] / (placeSD * placeSD)
			x := [3]float64{1, q.s - start.middle, q.l}
			for i := range x {
				v[i] += w * x[i] * (q.a - start.at(q.s, q.l))
				for j := range x {
					m[3*i+j] += w * x[i] * x[j]
				}
			}
		}
		var x mat.VecDense
		if err := x.SolveVec(mat.NewDense(3, 3, m[:]), mat.NewVecDense(3, v[:])); err != nil {
			return p
		}
		p = sheet{start.middle, start.place + x.AtVec(0), start.slope + x.AtVec(1), start.twist + x.AtVec(2)}
	}
	return p
}

// flank is how many rows above and below a fragment belong to its slopes.
const flank = 2

// weights returns what the places tell of a sheet that is near p: nothing far from it,
// nor on the slopes of what stands there.
func (p sheet) weights(points []wallPoint) []float64 {
	own := make([]float64, len(points))
	for i, q := range points {
		d := (q.a - p.at(q.s, q.l)) / robustScale
		own[i] = 1 / ((1 + d*d) * (1 + d*d))
	}
	out := make([]float64, len(points))
	for i, q := range points {
		out[i] = own[i]
		for k := max(i-flank, 0); k <= min(i+flank, len(points)-1); k++ {
			if points[k].l == q.l {
				out[i] = min(out[i], own[k])
			}
		}
	}
	return out
}

// sheetOf returns the sheet of an intact wall, in its own frame.
func sheetOf(c *segmentation.Canal) (sheet, bool) {
	points := wallPoints(c, nil)
	if len(points) < leastPoints {
		return sheet{}, false
	}
	return fitSheet(points, sheet{middle: (c.Low + c.High) / 2, place: quantileOfPoints(points, 0.5)}, belief{}), true
}

// leastPoints is how many places a sheet needs: those of three columns.
const leastPoints = 3 * judgedRows

func quantileOfPoints(points []wallPoint, p float64) float64 {
	a := make([]float64, len(points))
	for i := range points {
		a[i] = points[i].a
	}
	return quantileOf(a, p)
}

// find finds the sheet that an intact wall would follow. The neighbours' sheets
// define a parabola in the mid-sagittal plane; an intact wall's joins two of its
// points. With a neighbour on one side only, it is that of most of the own wall,
// which the search begins with the foremost of: fragments are driven back.
func (w *expectedWall) find() bool {
	points := wallPoints(w.own, w.shape)
	if len(points) < leastPoints {
		return false
	}
	start, ok := w.neighboursSheet()
	if !ok {
		start = sheet{middle: (w.own.Low + w.own.High) / 2, place: quantileOfPoints(points, foremost)}
		start.twist = twistOf(w.own)
		w.sheet = fitSheet(points, start, ownBelief)
		return true
	}
	start.twist = twistOf(w.own)
	tilt, sd := w.wedgeTilt()
	start.slope += tilt
	believed := neighboursBelief
	believed.slope = math.Hypot(believed.slope, sd)
	w.sheet = fitSheet(points, start, believed)
	return true
}

// superiorPart is the part of a body's wedge that its superior endplate bears beyond
// half of it, and its standard deviation: superior endplates break more often than
// inferior ones (default, unverified).
const (
	superiorPart   = 0.2
	superiorPartSD = 0.3
)

// wedgeTilt returns by what slope a wall leans to posterior because its body has
// become a wedge, and the standard deviation: in the middle between its neighbours
// stands the wall of a body of which both endplates have turned by as much.
func (w *expectedWall) wedgeTilt() (slope, sd float64) {
	if w.landmarks == nil || len(w.wedges) == 0 {
		return 0, 0
	}
	own, _, ok := WedgeAngle(w.landmarks)
	if !ok {
		return 0, 0
	}
	excess := (own - stat.Mean(w.wedges, nil)) * math.Pi / 180
	return -superiorPart * excess, superiorPartSD * math.Abs(excess)
}

// twistOf returns the slope of a wall across it: the median over pairs of places
// at one height, as far to the left as to the right. A vertebra is turned against
// the plane through its centre and its canal's; fragments turn few of the pairs.
func twistOf(c *segmentation.Canal) float64 {
	var slopes []float64
	for left := judgedColumn; left <= segmentation.WallReach; left += judgedColumn {
		for along := judgedLow; along <= judgedHigh+1e-9; along += judgedStep {
			_, l, okL := bridgedWallAt(c, along, left)
			_, r, okR := bridgedWallAt(c, along, -left)
			if okL && okR {
				slopes = append(slopes, (l-r)/(2*left))
			}
		}
	}
	if len(slopes) == 0 {
		return 0
	}
	return quantileOf(slopes, 0.5)
}

// neighboursSheet returns the sheet that the neighbours' lead one to expect;
// false if they stand on one side only.
func (w *expectedWall) neighboursSheet() (sheet, bool) {
	points := w.corners
	for _, wall := range w.walls {
		for _, along := range [2]float64{chordLow, chordHigh} {
			s := wall.Low + along*(wall.High-wall.Low)
			points = append(points[:len(points):len(points)], wall.Frame.Point(s, wall.sheet.at(s, 0), 0))
		}
	}
	if len(points) < 3 {
		return sheet{}, false
	}
	m, v := mat.NewDense(len(points), 3, nil), mat.NewVecDense(len(points), nil)
	for i, p := range points {
		s, a, _ := w.own.Frame.Coordinates(p)
		m.SetRow(i, []float64{1, s, s * s})
		v.SetVec(i, a)
	}
	var x mat.VecDense
	if err := x.SolveVec(m, v); err != nil {
		return sheet{}, false
	}
	at := func(s float64) float64 { return x.AtVec(0) + s*(x.AtVec(1)+s*x.AtVec(2)) }
	s0 := w.own.Low + chordLow*(w.own.High-w.own.Low)
	s1 := w.own.Low + chordHigh*(w.own.High-w.own.Low)
	return sheet{middle: (s0 + s1) / 2, place: (at(s0) + at(s1)) / 2, slope: (at(s1) - at(s0)) / (s1 - s0)}, true
}
