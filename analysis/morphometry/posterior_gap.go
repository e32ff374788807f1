// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package morphometry

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"

	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/segmentation"
)

// WallGap is the part of a posterior wall without cortical bone.
type WallGap struct {
	Share    float64 // of the wall's judged area, 0 to 1
	IntactSD float64 // root mean square of the same share at the intact levels
	Cortex   float64 // median thickness of the wall's cortical bone, mm
	Intact   float64 // the same of the intact levels
	Judged   float64 // share of the wall's area that was judged
	Levels   int     // intact levels compared with
}

// What counts as a gap, and where it is looked for.
const (
	// gapCortex is the thickness, relative to that of the intact levels at the
	// same place, below which cortical bone is taken to be missing. Half is the
	// point half way between a whole and no cortex.
	gapCortex = 0.5
	// The basivertebral vein leaves by a foramen at the middle of the wall, which
	// is not judged: half its width, mm, and half its height, as a part of the
	// wall's.
	foramenWidth  = 4.0
	foramenHeight = 0.18
	// An outline dips into the foramen from farther away.
	dipWidth  = 7.0
	dipHeight = 0.22
	// leastJudged is the share of the wall that must be judged.
	leastJudged = 0.3
	// leastIntact is the number of intact levels that are needed.
	leastIntact = 2
	// leastCortex, mm, is the cortex of the intact levels below which a missing
	// one could not be told from it.
	leastCortex = 0.25
)

// MeasureWallGap returns the share of vertebra i's posterior wall that lacks
// cortical bone, compared with the intact walls of the column: all that excluded
// does not mark. The reason says why there is none.
//
// The wall is judged within the pedicles and away from the rims. The
// basivertebral foramen is left out, and so is every place where the intact
// walls have little cortex themselves.
func MeasureWallGap(column []LevelWall, i int, excluded []bool) (g WallGap, reason phrase.Text) {
	if !hasWall(&column[i]) {
		return g, "the posterior wall was not outlined"
	}
	var intact []*segmentation.Canal
	for j := range column {
		if j != i && !excluded[j] && hasWall(&column[j]) {
			intact = append(intact, column[j].Canal)
		}
	}
	if g.Levels = len(intact); g.Levels < leastIntact {
		return g, "fewer than two intact walls to compare with"
	}
	if g.Share, g.Judged, g.Cortex, g.Intact = gapShare(column[i].Canal, intact); g.Judged < leastJudged {
		return WallGap{}, "the walls show too little cortical bone to tell a gap"
	}
	sum := 0.0
	for j, c := range intact {
		others := slices.Delete(slices.Clone(intact), j, j+1)
		share, _, _, _ := gapShare(c, others)
		sum += share * share / float64(len(intact))
	}
	g.IntactSD = math.Sqrt(sum)
	return g, ""
}

// inForamen reports whether a place of a wall may belong to the basivertebral
// foramen.
func inForamen(along, left float64) bool {
	return math.Abs(along-0.5) < ellipseHalf(left, foramenWidth, foramenHeight)
}

// ellipseHalf returns half the height of an ellipse at left.
func ellipseHalf(left, width, height float64) float64 {
	x := left / width
	return height * math.Sqrt(max(1-x*x, 0))
}

// gapShare compares a wall with others, place by place. A wall whose cortex is
// thinner throughout is compared with as much less, down to half.
func gapShare(own *segmentation.Canal, others []*segmentation.Canal) (share, judged, cortex, intact float64) {
	var mine, theirs []float64
	places := 0.0
	for left := -segmentation.WallReach; left <= segmentation.WallReach; left += judgedColumn {
		for along := judgedLow; along <= judgedHigh+1e-9; along += judgedStep {
			t, ok := cortexAt(own, along, left)
			if !ok {
				continue
			}
			places++
			reference, ok := medianCortex(others, along, left)
			if ok && reference >= leastCortex && !inForamen(along, left) {
				mine, theirs = append(mine, t), append(theirs, reference)
			}
		}
	}
	if len(mine) == 0 {
		return 0, 0, 0, 0
	}
	whole := quantileOf(mine, wholeQuantile) / quantileOf(theirs, wholeQuantile)
	thinner := min(max(whole, thinnestWhole), 1)
	gaps := 0.0
	for i := range mine {
		if mine[i] < gapCortex*thinner*theirs[i] {
			gaps++
		}
	}
	n := float64(len(mine))
	return gaps / n, n / places, quantileOf(mine, 0.5), quantileOf(theirs, 0.5)
}

// Where the whole cortex of a wall is read, and how much thinner than that of
// others it is believed to be.
const (
	wholeQuantile = 0.75
	thinnestWhole = 0.5
)

// medianCortex returns the median thickness of the walls' cortical bone at a
// place.
func medianCortex(walls []*segmentation.Canal, along, left float64) (float64, bool) {
	var at []float64
	for _, c := range walls {
		if t, ok := cortexAt(c, along, left); ok {
			at = append(at, t)
		}
	}
	if len(at) == 0 {
		return 0, false
	}
	return quantileOf(at, 0.5), true
}

func quantileOf(x []float64, p float64) float64 {
	y := slices.Clone(x)
	slices.Sort(y)
	return stat.Quantile(p, stat.Empirical, y, nil)
}

// cortexAt returns the thickness of the cortical bone around a place of a wall,
// mm.
func cortexAt(c *segmentation.Canal, along, left float64) (float64, bool) {
	return c.Wall.CortexAt(c.Low+along*(c.High-c.Low), left)
}
