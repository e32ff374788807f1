// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package morphometry

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"
	"gonum.org/v1/gonum/stat"

	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/phrase"
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

// How many levels away an intact wall may stand: for the line, and for the shape.
const (
	maxWallReach  = 2
	maxShapeReach = 3
)

// What the line is worth, mm: lineSD is how far an intact wall scatters about
// the line through its neighbours; that along
// most of a wall itself is as sure, but for what it cannot see.
const (
	lineSD    = 0.5
	ownLineSD = 0.7
	shapeSD   = 0.8 // of one wall's shape alone
)

// MeasureRetropulsion returns the retropulsion of vertebra i of a column ordered
// from superior to inferior, without regard to those marked in excluded. The
// reason says why there is none.
//
// A normal wall is concave and the spine is curved. So the lines of the
// neighbours' walls define a curve, from which that of an intact wall follows;
// along it the wall is expected to stand as intact walls do along theirs, at the
// same relative height and the same distance from the middle, in the median of
// up to three levels on either side. The greatest distance behind that counts.
// Over the basivertebral foramen, into which the neighbours' outlines may dip,
// their walls are taken to go on straight.
//
// Reference: Zhang et al., 2019, PMC6739913 (a normal wall is concave). That it
// is measured from the line joining the posterior walls of the adjacent intact
// vertebrae is a convention; unverified.
func MeasureRetropulsion(column []LevelWall, i int, excluded []bool) (r Retropulsion, reason phrase.Text) {
	if !profiled(column[i].Level) {
		return r, "posterior walls are judged from T1 to L5"
	}
	if !hasWall(&column[i]) {
		return r, "the posterior wall was not outlined"
	}
	w := expectedWall{own: column[i].Canal, landmarks: column[i].Landmarks}
	for _, direction := range []int{-1, 1} {
		if j := intactWall(column, i, direction, excluded); j >= 0 {
			w.add(&column[j])
			r.From = append(r.From, column[j].Level)
		}
	}
	if len(w.walls) == 0 {
		return r, "no intact posterior wall beside it"
	}
	w.addShapes(column, i, excluded)
	sd := lineSD
	if len(r.From) < 2 {
		sd, r.OwnLine = ownLineSD, true
	}
	if !w.find() || !w.greatest(&r) {
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

// expectedWall is where intact walls lead one to expect a wall.
type expectedWall struct {
	own       *segmentation.Canal
	landmarks *landmark.Vertebra // of its body; may be nil
	walls     []intactShape      // beside it
	corners   []r3.Vec           // of neighbours without a wall
	wedges    []float64          // of the bodies beside it, degrees
	shapes    []intactShape      // around it
	sheet     sheet              // that an intact wall would follow, in the own frame
}

// intactShape is an intact wall with the sheet that it follows, in its own frame.
type intactShape struct {
	*segmentation.Canal
	sheet sheet
}

// add adds a neighbour.
func (w *expectedWall) add(v *LevelWall) {
	if v.Landmarks != nil && v.Level != spine.S1 {
		if degrees, _, ok := WedgeAngle(v.Landmarks); ok {
			w.wedges = append(w.wedges, degrees)
		}
	}
	if hasWall(v) {
		if sheet, ok := sheetOf(v.Canal); ok {
			w.walls = append(w.walls, intactShape{v.Canal, sheet})
		}
		return
	}
	e := v.Landmarks.Superior
	w.corners = append(w.corners, r3.Sub(e.Posterior.Position, r3.Scale(landmark.CornerInset, e.Direction)))
}

// addShapes adds the intact walls around vertebra i.
func (w *expectedWall) addShapes(column []LevelWall, i int, excluded []bool) {
	for j := range column {
		if j == i || excluded[j] || !hasWall(&column[j]) || !profiled(column[j].Level) ||
			levelsBetween(column[i].Level, column[j].Level) > maxShapeReach {
			continue
		}
		if sheet, ok := sheetOf(column[j].Canal); ok {
			w.shapes = append(w.shapes, intactShape{column[j].Canal, sheet})
		}
	}
}

// wallAt returns where the wall of c stands at a part of its height, and the
// standard deviation.
func wallAt(c *segmentation.Canal, along, left float64) (s, a, sd float64, ok bool) {
	s = c.Low + along*(c.High-c.Low)
	a, sd, ok = c.Wall.At(s, left)
	return s, a, sd, ok
}

// bridgedWallAt is wallAt with the basivertebral foramen bridged.
func bridgedWallAt(c *segmentation.Canal, along, left float64) (s, a float64, ok bool) {
	half := ellipseHalf(left, dipWidth, dipHeight)
	if math.Abs(along-0.5) >= half {
		s, a, _, ok = wallAt(c, along, left)
		return s, a, ok
	}
	s0, a0, _, ok0 := wallAt(c, 0.5-half, left)
	s1, a1, _, ok1 := wallAt(c, 0.5+half, left)
	t := (along - 0.5 + half) / (2 * half)
	return s0 + t*(s1-s0), a0 + t*(a1-a0), ok0 && ok1
}

// deepestDip, mm, is how far a wall may stand before its sheet: concavities are
// flatter, and an outline that dips deeper has lost the wall in a foramen or a gap
// of its cortex.
const deepestDip = 1.5

// shape returns how far intact walls stand before their sheets at a place, mm:
// the median, with the standard deviation that their scatter gives it.
func (w *expectedWall) shape(along, left float64) (mm, sd float64, ok bool) {
	var before []float64
	for _, wall := range w.shapes {
		s, a, ok := bridgedWallAt(wall.Canal, along, left)
		if d := a - wall.sheet.at(s, left); ok && d < deepestDip {
			before = append(before, d)
		}
	}
	if len(before) == 0 {
		return 0, 0, false
	}
	slices.Sort(before)
	sd = shapeSD
	if len(before) > 1 {
		sd = stat.StdDev(before, nil)
	}
	return stat.Quantile(0.5, stat.LinInterp, before, nil), sd / math.Sqrt(float64(len(before))), true
}

// wallPlace is how far the wall stands behind what is expected at one place, mm.
type wallPlace struct {
	behind, sd float64
	ok         bool
}

// behind returns how far the wall stands behind what is expected at a place.
func (w *expectedWall) behind(along, left float64) wallPlace {
	s, a, sd, ok := wallAt(w.own, along, left)
	shape, shapeSD, known := w.shape(along, left)
	if !ok || !known {
		return wallPlace{}
	}
	return wallPlace{(w.sheet.at(s, left) + shape - a) / math.Sqrt(1+w.sheet.slope*w.sheet.slope), math.Hypot(sd, shapeSD), true}
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
		for i := range at[j] {
			at[j][i] = w.behind(judgedLow+float64(i)*judgedStep, judgedColumn*float64(j-judgedColumns/2))
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
