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

// Where a wall is read, as parts of its height: the ends of its line, and what
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
// A normal wall is concave and the spine is curved. So the lines of the
// neighbours' walls define a curve, from which that of an intact wall follows;
// along it the wall is expected to stand as the neighbours' do along theirs, at
// the same relative height and the same distance from the middle. The greatest
// distance behind that counts. Over the basivertebral foramen, into which the
// neighbours' outlines may dip, their walls are taken to go on straight.
//
// Reference: the line joining the posterior walls of adjacent intact vertebrae
// is the convention (clinical.md §2.5 [M]); Zhang et al., 2019 PMC6739913 (a
// normal wall is concave).
func MeasureRetropulsion(column []LevelWall, i int, excluded []bool) (r Retropulsion, reason string) {
	if !profiled(column[i].Level) {
		return r, "posterior walls are judged from T1 to L5"
	}
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
		if !excluded[j] && (hasWall(&column[j]) && profiled(column[j].Level) || column[j].Level == spine.S1 && column[j].Landmarks != nil) {
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

// bridgedWallAt is wallAt with the basivertebral foramen bridged.
func bridgedWallAt(c *segmentation.Canal, along, left float64) (s, a, sd float64, ok bool) {
	half := foramenHalf(left)
	if math.Abs(along-0.5) >= half {
		return wallAt(c, along, left)
	}
	s0, a0, sd0, ok0 := wallAt(c, 0.5-half, left)
	s1, a1, sd1, ok1 := wallAt(c, 0.5+half, left)
	t := (along - 0.5 + half) / (2 * half)
	return s0 + t*(s1-s0), a0 + t*(a1-a0), (sd0 + sd1) / 2, ok0 && ok1
}

// chord is the line s → a along a wall.
type chord struct{ a0, slope float64 }

func (c chord) at(s float64) float64 { return c.a0 + c.slope*s }

// robustScale, mm, is the distance from a wall's line beyond which a place counts
// for little: a spur, a fragment, a step of the outline.
const robustScale = 0.7

// belief is how well a line is known before the places on it: the standard
// deviations of its place at a height, mm, and of its slope. The zero value knows
// nothing.
type belief struct{ at, place, slope float64 }

// placeSD, mm, is what a place of a wall tells of its line: its own error and the
// wall's unevenness, which neighbouring places share.
const placeSD = 0.9

// fitChord returns the line along which most of the places stand, near start as
// far as b believes in it.
func fitChord(s, a []float64, start chord, b belief) chord {
	const rounds = 15
	line := start
	for range rounds {
		// Unknowns: the line's changes of place at b.at and of slope.
		var m00, m01, m11, v0, v1 float64
		if b.place > 0 {
			m00, m11 = 1/(b.place*b.place), 1/(b.slope*b.slope)
		}
		for i := range s {
			d := (a[i] - line.at(s[i])) / robustScale
			w := 1 / ((1 + d*d) * (1 + d*d) * placeSD * placeSD)
			x, y := s[i]-b.at, a[i]-start.at(s[i])
			m00, m01, m11 = m00+w, m01+w*x, m11+w*x*x
			v0, v1 = v0+w*y, v1+w*x*y
		}
		det := m00*m11 - m01*m01
		if det <= 0 {
			return line
		}
		place, slope := (m11*v0-m01*v1)/det, (m00*v1-m01*v0)/det
		line = chord{start.a0 + place - slope*b.at, start.slope + slope}
	}
	return line
}

// chordOf returns the line of an intact wall at left, in its own frame.
func chordOf(c *segmentation.Canal, left float64) (chord, bool) {
	s, a := wallPlaces(c, left, nil)
	if len(s) < judgedRows/2 {
		return chord{}, false
	}
	return fitChord(s, a, chord{a0: quantileOf(a, 0.5)}, belief{}), true
}

// wallPlaces returns the places of a wall at left, less a shape that may be nil.
func wallPlaces(c *segmentation.Canal, left float64, shape func(along float64) (mm, sd float64, ok bool)) (s, a []float64) {
	for along := judgedLow; along <= judgedHigh+1e-9; along += judgedStep {
		at, wall, _, ok := bridgedWallAt(c, along, left)
		mm := 0.0
		if ok && shape != nil {
			mm, _, ok = shape(along)
		}
		if ok {
			s, a = append(s, at), append(a, wall-mm)
		}
	}
	return s, a
}

// wallPlace is how far the wall stands behind what is expected at one place, mm.
type wallPlace struct {
	behind, sd float64
	ok         bool
}

// The grid of places at which a wall is judged, and how many of nine neighbouring
// ones must be known.
const (
	judgedRows    = int((judgedHigh-judgedLow)/judgedStep) + 1
	judgedColumns = 2*int(segmentation.WallReach/judgedColumn) + 1
	leastPlaces   = 5
)

// greatest finds the greatest distance behind what is expected, in the mean over
// neighbouring places: the greatest of many single ones would be noise.
func (w *expectedWall) greatest(r *Retropulsion) bool {
	var at [judgedColumns][judgedRows]wallPlace
	for j := range at {
		if c, ok := w.column(judgedColumn * float64(j-judgedColumns/2)); ok {
			for i := range at[j] {
				at[j][i] = c.behind(judgedLow + float64(i)*judgedStep)
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

// wallColumn is one sagittal section of an expected wall.
type wallColumn struct {
	*expectedWall
	left   float64
	chords []chord // of the neighbours, in their own frames
	line   chord   // where most of an intact wall would stand, in the own frame
}

// column finds what is expected at left. The neighbours' lines define a parabola;
// the line that an intact wall would have joins two of its points. With a
// neighbour on one side only, it is the line of most of the own wall.
func (w *expectedWall) column(left float64) (wallColumn, bool) {
	c := wallColumn{expectedWall: w, left: left}
	points := w.corners
	for _, wall := range w.walls {
		line, ok := chordOf(wall, left)
		if !ok {
			return c, false
		}
		c.chords = append(c.chords, line)
		for _, along := range [2]float64{chordLow, chordHigh} {
			s := wall.Low + along*(wall.High-wall.Low)
			points = append(points[:len(points):len(points)], wall.Frame.Point(s, line.at(s), left))
		}
	}
	var ok bool
	if len(points) < 3 {
		c.line, ok = c.ownLine()
	} else {
		c.line, ok = w.lineThrough(points)
		s, a := wallPlaces(c.own, c.left, c.shape)
		c.line = fitChord(s, a, c.line, belief{(w.own.Low + w.own.High) / 2, beliefPlace, beliefSlope})
	}
	return c, ok
}

// What the neighbours' lines tell of a wall's: its place at mid-height, mm, and
// its slope, 4°. As many places of the wall as stand near that line tell the
// rest; a wall that stands behind as a whole does not.
const (
	beliefPlace = 0.7
	beliefSlope = 0.07
)

// lineThrough returns the line between two points of the parabola nearest to
// points, LPS mm, at the ends of the own wall.
func (w *expectedWall) lineThrough(points []r3.Vec) (chord, bool) {
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

// ownLine returns the line along which most of the own wall stands. The search
// begins with the foremost quarter: fragments are driven back.
func (c *wallColumn) ownLine() (chord, bool) {
	s, a := wallPlaces(c.own, c.left, c.shape)
	if len(s) < judgedRows/2 {
		return chord{}, false
	}
	return fitChord(s, a, chord{a0: quantileOf(a, 0.75)}, belief{}), true
}

// behind returns how far the wall stands behind what is expected at a part of
// its height.
func (c *wallColumn) behind(along float64) wallPlace {
	s, a, sd, ok := wallAt(c.own, along, c.left)
	shape, shapeSD, known := c.shape(along)
	if !ok || !known {
		return wallPlace{}
	}
	return wallPlace{(c.line.at(s) + shape - a) / math.Sqrt(1+c.line.slope*c.line.slope), math.Hypot(sd, shapeSD), true}
}

// shape returns how far the neighbours' walls stand before their lines at a part
// of the height, mm.
func (c *wallColumn) shape(along float64) (mm, sd float64, ok bool) {
	n := float64(len(c.walls))
	for i, wall := range c.walls {
		s, a, one, ok := bridgedWallAt(wall, along, c.left)
		if !ok {
			return 0, 0, false
		}
		mm += (a - c.chords[i].at(s)) / n
		sd = math.Hypot(sd, one/n)
	}
	return mm, sd, n > 0
}

func quantileOf(x []float64, p float64) float64 {
	y := slices.Clone(x)
	slices.Sort(y)
	return stat.Quantile(p, stat.Empirical, y, nil)
}
