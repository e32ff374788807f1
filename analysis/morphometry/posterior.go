// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package morphometry

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/spatial/r3"
	"gonum.org/v1/gonum/stat"

	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/spine"
)

// LevelWall is the posterior wall of a named vertebra with the canal behind it.
// Canal is nil, or without a wall, where it was not outlined. The sacrum has
// only its landmarks.
type LevelWall struct {
	Level     spine.Level
	Canal     *segmentation.Canal
	Landmarks *landmark.Vertebra
}

// Retropulsion is how far a posterior wall stands behind the line that the
// intact walls above and below lead one to expect.
type Retropulsion struct {
	Estimate         // mm, perpendicular to the line; negative if it stands before it everywhere
	Along    float64 // where it is greatest: 0 at the inferior and 1 at the superior endplate
	Left     float64 // and across the wall, mm left of the middle
	From     []spine.Level
	// OwnLine is set where there was an intact wall on one side only: the line
	// is that along which most of the own wall stands. A wall that is displaced
	// as a whole is then not seen.
	OwnLine bool
}

// Where a wall is read, as parts of its height: the ends of its chord, and what
// lies far enough from the rims to be judged.
const (
	chordLow, chordHigh = 0.15, 0.85
	judgedLow           = 0.08
	judgedHigh          = 0.92
	judgedStep          = 0.04
	judgedColumn        = 2.0 // mm across the wall
)

// maxWallReach is how many levels away an intact wall may stand.
const maxWallReach = 2

// What the line is worth, mm: lineSD is how far an intact wall scatters about
// the line through its neighbours; that along
// most of a wall itself is as sure, but for what it cannot see.
const (
	lineSD    = 0.5
	ownLineSD = 0.7
)

// MeasureRetropulsion returns the retropulsion of vertebra i of a column ordered
// from superior to inferior, without regard to those marked in excluded. The
// reason says why there is none.
//
// A normal wall is concave and the spine is curved. So the ends of the
// neighbours' walls define a curve, on which the ends of an intact wall would
// lie; between them the wall is expected to stand before the chord as the
// neighbours' do at the same relative height and the same distance from the
// middle. The greatest distance behind that counts. At the basivertebral foramen, into which an
// outline may dip, no wall is judged.
//
// Reference: the line joining the posterior walls of adjacent intact vertebrae
// is the convention (clinical.md §2.5 [M]); Zhang et al., 2019 PMC6739913 (a
// normal wall is concave).
func MeasureRetropulsion(column []LevelWall, i int, excluded []bool) (r Retropulsion, reason string) {
	if !hasWall(&column[i]) {
		return r, "the posterior wall was not outlined"
	}
	w := expectedWall{own: column[i].Canal}
	for _, direction := range []int{-1, 1} {
		if j := intactWall(column, i, direction, excluded); j >= 0 {
			w.add(&column[j])
			r.From = append(r.From, column[j].Level)
		}
	}
	if len(w.walls) == 0 {
		return r, "no intact posterior wall beside it"
	}
	sd := lineSD
	if len(r.From) < 2 {
		sd, r.OwnLine = ownLineSD, true
	}
	if !w.greatest(&r) {
		return r, "the walls beside it show too little of the same places"
	}
	r.SD = math.Hypot(r.SD, sd)
	return r, ""
}

func hasWall(v *LevelWall) bool {
	return v.Canal != nil && len(v.Canal.Wall.S) > 2 && len(v.Canal.Wall.L) > 2
}

// intactWall returns the nearest usable neighbour of i in a direction, -1 if
// there is none. The sacrum's corner serves where its wall is not outlined.
func intactWall(column []LevelWall, i, direction int, excluded []bool) int {
	for j := i + direction; j >= 0 && j < len(column); j += direction {
		if levelsBetween(column[i].Level, column[j].Level) > maxWallReach {
			return -1
		}
		if !excluded[j] && (hasWall(&column[j]) || column[j].Level == spine.S1 && column[j].Landmarks != nil) {
			return j
		}
	}
	return -1
}

// expectedWall is where neighbours lead one to expect a wall.
type expectedWall struct {
	own     *segmentation.Canal
	walls   []*segmentation.Canal
	corners []r3.Vec // of neighbours without a wall
}

func (w *expectedWall) add(v *LevelWall) {
	if hasWall(v) {
		w.walls = append(w.walls, v.Canal)
		return
	}
	e := v.Landmarks.Superior
	w.corners = append(w.corners, r3.Sub(e.Posterior.Position, r3.Scale(landmark.CornerInset, e.Direction)))
}

// wallAt returns where the wall of c stands at a part of its height, and the
// standard deviation.
func wallAt(c *segmentation.Canal, along, left float64) (s, a, sd float64, ok bool) {
	s = c.Low + along*(c.High-c.Low)
	a, sd, ok = c.Wall.At(s, left)
	return s, a, sd, ok
}

// chord is the line s → a through two points of a wall.
type chord struct{ a0, slope float64 }

func (c chord) at(s float64) float64 { return c.a0 + c.slope*s }

// chordOf returns the chord of a neighbour's wall in its own frame and its ends,
// LPS mm.
func chordOf(c *segmentation.Canal, left float64) (line chord, ends [2]r3.Vec, ok bool) {
	s0, a0, _, ok0 := wallAt(c, chordLow, left)
	s1, a1, _, ok1 := wallAt(c, chordHigh, left)
	if !ok0 || !ok1 {
		return line, ends, false
	}
	slope := (a1 - a0) / (s1 - s0)
	return chord{a0 - slope*s0, slope}, [2]r3.Vec{c.Frame.Point(s0, a0, left), c.Frame.Point(s1, a1, left)}, true
}

// judged is the grid of places at which a wall is judged.
const (
	judgedRows    = int((judgedHigh-judgedLow)/judgedStep) + 1
	judgedColumns = 2*int(segmentation.WallReach/judgedColumn) + 1
)

// wallPlace is how far the wall stands behind what is expected at one place, mm.
type wallPlace struct {
	behind, sd float64
	ok         bool
}

// greatest finds the greatest distance behind what is expected, in the mean over
// neighbouring places: the greatest of many single ones would be noise.
func (w *expectedWall) greatest(r *Retropulsion) bool {
	var at [judgedColumns][judgedRows]wallPlace
	for j := range at {
		left := judgedColumn * float64(j-judgedColumns/2)
		line, ok := w.line(left)
		for i := range at[j] {
			if ok {
				at[j][i] = w.behind(line, judgedLow+float64(i)*judgedStep, left)
			}
		}
	}
	found := false
	for j := 1; j+1 < judgedColumns; j++ {
		for i := range judgedRows {
			sum, sd, n := 0.0, 0.0, 0.0
			for k := j - 1; k <= j+1; k++ {
				for l := max(i-1, 0); l <= min(i+1, judgedRows-1); l++ {
					if p := at[k][l]; p.ok {
						sum, sd, n = sum+p.behind, sd+p.sd, n+1
					}
				}
			}
			if n >= leastPlaces && at[j][i].ok && (!found || sum/n > r.Value) {
				found = true
				r.Value, r.SD = sum/n, sd/n
				r.Along, r.Left = judgedLow+float64(i)*judgedStep, judgedColumn*float64(j-judgedColumns/2)
			}
		}
	}
	return found
}

// leastPlaces is how many of nine neighbouring places must be known.
const leastPlaces = 5

// line returns the chord that an intact wall would have at left, in the own
// frame: between points of a parabola through the ends of the neighbours' chords.
func (w *expectedWall) line(left float64) (chord, bool) {
	if len(w.walls)+len(w.corners) < 2 {
		return w.ownLine(left)
	}
	points := w.corners
	for _, c := range w.walls {
		_, ends, ok := chordOf(c, left)
		if !ok {
			return chord{}, false
		}
		points = append(points[:len(points):len(points)], ends[0], ends[1])
	}
	if len(points) < 3 {
		return chord{}, false
	}
	m, v := mat.NewDense(len(points), 3, nil), mat.NewVecDense(len(points), nil)
	for i, p := range points {
		s, a, _ := w.own.Frame.Coordinates(p)
		m.SetRow(i, []float64{1, s, s * s})
		v.SetVec(i, a)
	}
	var x mat.VecDense
	if err := x.SolveVec(m, v); err != nil {
		return chord{}, false
	}
	at := func(s float64) float64 { return x.AtVec(0) + s*(x.AtVec(1)+s*x.AtVec(2)) }
	s0 := w.own.Low + chordLow*(w.own.High-w.own.Low)
	s1 := w.own.Low + chordHigh*(w.own.High-w.own.Low)
	slope := (at(s1) - at(s0)) / (s1 - s0)
	return chord{at(s0) - slope*s0, slope}, true
}

// behind returns how far the wall stands behind what is expected at a place.
func (w *expectedWall) behind(line chord, along, left float64) wallPlace {
	if inForamen(along, left) {
		return wallPlace{}
	}
	s, a, sd, ok := wallAt(w.own, along, left)
	shape, shapeSD, known := w.shape(along, left)
	if !ok || !known {
		return wallPlace{}
	}
	return wallPlace{(line.at(s) + shape - a) / math.Sqrt(1+line.slope*line.slope), math.Hypot(sd, shapeSD), true}
}

// shape returns how far the neighbours' walls stand before their chords at a
// part of the height, mm.
func (w *expectedWall) shape(along, left float64) (mm, sd float64, ok bool) {
	n := float64(len(w.walls))
	for _, c := range w.walls {
		line, _, ok := chordOf(c, left)
		s, a, csd, found := wallAt(c, along, left)
		if !ok || !found {
			return 0, 0, false
		}
		mm += (a - line.at(s)) / n
		sd = math.Hypot(sd, csd/n)
	}
	return mm, sd, n > 0
}

// ownLine returns the line along which most of the own wall stands at left.
func (w *expectedWall) ownLine(left float64) (chord, bool) {
	const (
		rounds = 10
		scale  = 0.7 // mm, beyond which a place counts for little: a fragment
	)
	var s, a []float64
	for along := judgedLow; along <= judgedHigh; along += judgedStep {
		at, wall, _, ok := wallAt(w.own, along, left)
		shape, _, known := w.shape(along, left)
		if ok && known && !inForamen(along, left) {
			s, a = append(s, at), append(a, wall-shape)
		}
	}
	if len(s) < judgedRows/3 {
		return chord{}, false
	}
	// It begins with the foremost half: fragments are driven back.
	line := chord{a0: foremost(a)}
	for range rounds {
		weights := make([]float64, len(s))
		for i := range s {
			d := (a[i] - line.at(s[i])) / scale
			weights[i] = 1 / ((1 + d*d) * (1 + d*d))
		}
		line.a0, line.slope = stat.LinearRegression(s, a, weights, false)
	}
	return line, true
}

// foremost returns the quantile of x that a half of the places lies about, if
// the other half is driven back.
func foremost(x []float64) float64 {
	y := slices.Clone(x)
	slices.Sort(y)
	return stat.Quantile(0.75, stat.Empirical, y, nil)
}
