// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package morphometry

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"
	"gonum.org/v1/gonum/stat"

	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/segmentation"
)

// PosteriorAngles are the angles inside the body between the line of each
// endplate and that of the posterior wall, degrees: 90 for a box.
type PosteriorAngles struct{ Superior, Inferior Estimate }

// wallMiddle is the half width over which the wall's line is drawn, mm.
const wallMiddle = 4.0

// MeasurePosteriorAngles returns the posterior body angles; false where wall or
// endplates are not known. The wall's line is the least-squares line of its
// middle, between 15 and 85 % of its height.
//
// Reference: McGrory et al., J Bone Joint Surg Am 1993.
func MeasurePosteriorAngles(v *LevelWall) (PosteriorAngles, bool) {
	if !hasWall(v) || v.Landmarks == nil || !v.Landmarks.Superior.Found() || !v.Landmarks.Inferior.Found() {
		return PosteriorAngles{}, false
	}
	up, sd, ok := wallDirection(v.Canal)
	if !ok {
		return PosteriorAngles{}, false
	}
	angle := func(e landmark.Endplate, wall r3.Vec) Estimate {
		left := v.Landmarks.LeftAxis
		flat := r3.Sub(e.Direction, r3.Scale(r3.Dot(e.Direction, left), left))
		degrees := math.Atan2(r3.Norm(r3.Cross(flat, wall)), r3.Dot(flat, wall)) * 180 / math.Pi
		return Estimate{degrees, math.Hypot(sd, e.DirectionSD)}
	}
	return PosteriorAngles{Superior: angle(v.Landmarks.Superior, r3.Scale(-1, up)), Inferior: angle(v.Landmarks.Inferior, up)}, true
}

// BesidePosteriorAngles returns the mean posterior body angles of the levels above
// and below vertebra i; false unless both have them and excluded marks neither.
// The angles change along the spine: one side alone would mislead.
func BesidePosteriorAngles(column []LevelWall, i int, excluded []bool) (PosteriorAngles, bool) {
	if i == 0 || i+1 >= len(column) || excluded[i-1] || excluded[i+1] ||
		!Adjacent(column[i-1].Level, column[i].Level) || !Adjacent(column[i].Level, column[i+1].Level) {
		return PosteriorAngles{}, false
	}
	above, okAbove := MeasurePosteriorAngles(&column[i-1])
	below, okBelow := MeasurePosteriorAngles(&column[i+1])
	mean := func(a, b Estimate) Estimate { return Estimate{(a.Value + b.Value) / 2, math.Hypot(a.SD, b.SD) / 2} }
	return PosteriorAngles{mean(above.Superior, below.Superior), mean(above.Inferior, below.Inferior)}, okAbove && okBelow
}

// wallDirection returns the unit direction of the wall's line to superior and
// its standard deviation, degrees.
func wallDirection(c *segmentation.Canal) (up r3.Vec, sd float64, ok bool) {
	var s, a []float64
	noise, n := 0.0, 0.0
	const rows = 18
	for i := range rows {
		along := chordLow + (chordHigh-chordLow)*float64(i)/(rows-1)
		for left := -wallMiddle; left <= wallMiddle; left += judgedColumn {
			if at, wall, one, ok := wallAt(c, along, left); ok {
				s, a = append(s, at), append(a, wall)
				noise, n = noise+one, n+1
			}
		}
	}
	if n < rows {
		return r3.Vec{}, 0, false
	}
	_, slope := stat.LinearRegression(s, a, nil, false)
	length := (chordHigh - chordLow) * (c.High - c.Low)
	independent := max(length/alikeSections, 2)
	sd = noise / n / math.Sqrt(stat.PopVariance(s, nil)*independent) * 180 / math.Pi
	return r3.Unit(r3.Add(c.Frame.Superior, r3.Scale(slope, c.Frame.Anterior))), sd, true
}

// PosteriorHeights are the ratios of a posterior height to that expected and to
// those of the levels above and below; nil where there is none.
type PosteriorHeights struct {
	Expected, Above, Below *Estimate
}

// MeasurePosteriorHeights returns the ratios of vertebra i of a column ordered
// from superior to inferior; expected may be nil.
//
// Reference: O'Neill et al., the EVOS crush ratios
// (ndorms.ox.ac.uk/publications/125986).
func MeasurePosteriorHeights(column []LevelHeights, i int, expected *Expected) PosteriorHeights {
	var p PosteriorHeights
	h := column[i].Heights
	if h == nil {
		return p
	}
	own := Estimate{h.Posterior, h.PosteriorSD}
	if expected != nil && len(expected.From) > 0 {
		p.Expected = ratioTo(own, Estimate{expected.Posterior, expected.PosteriorSD})
	}
	beside := func(j int) *Estimate {
		if j < 0 || j >= len(column) || column[j].Heights == nil || !Adjacent(column[min(i, j)].Level, column[max(i, j)].Level) {
			return nil
		}
		return ratioTo(own, Estimate{column[j].Heights.Posterior, column[j].Heights.PosteriorSD})
	}
	p.Above, p.Below = beside(i-1), beside(i+1)
	return p
}

func ratioTo(x, y Estimate) *Estimate {
	if y.Value <= 0 || x.Value <= 0 {
		return nil
	}
	r := x.Value / y.Value
	return &Estimate{r, r * math.Hypot(x.SD/x.Value, y.SD/y.Value)}
}
