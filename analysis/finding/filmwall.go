// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package finding

import (
	"math"

	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/spine"
)

// FilmLevel is what a lateral film tells of one vertebra before its posterior wall is
// judged. What is nil could not be had.
type FilmLevel struct {
	Level     spine.Level
	Landmarks *landmark.Vertebra
	Heights   *morphometry.Heights
	Expected  *morphometry.Expected
	// Excluded is set where the vertebra serves no other as a reference.
	Excluded bool
}

// FilmWall is what a film tells of one posterior wall.
type FilmWall struct {
	Measures WallMeasures
	Wall     PosteriorWall
	Findings []Finding
}

// WallBodyLine is how far a posterior corner stands behind the posterior vertebral body
// line at least for the wall to be suspect, percent of the body's depth: 2 mm of the 31 mm
// of L1, from which a retropulsion counts on CT. No published cut was found: default.
const WallBodyLine = 6.5

const filmWallReason phrase.Text = "a film does not show whether a posterior wall is intact: it may raise a suspicion, and rules out nothing"

// AssessFilmWalls looks in a column, ordered from superior to inferior, for the signs of a
// broken posterior wall that a lateral film shows: posterior body angles, the posterior
// height, and corners behind the posterior vertebral body line. A wall is suspect or not
// assessable, never intact.
//
// Reference: posterior body angle: McGrory 1993, J Bone Joint Surg Am, which found it in
// 75 % of subtle burst fractures; posterior vertebral body line: Radiology 1987.
func AssessFilmWalls(levels []FilmLevel) []FilmWall {
	heights := make([]morphometry.LevelHeights, len(levels))
	for i, l := range levels {
		heights[i] = morphometry.LevelHeights{Level: l.Level, Heights: l.Heights}
	}
	out := make([]FilmWall, len(levels))
	for i, l := range levels {
		m := WallMeasures{
			RetropulsionReason: "not assessable on radiograph", GapReason: "not assessable on radiograph",
			Heights: morphometry.MeasurePosteriorHeights(heights, i, l.Expected),
		}
		if a, ok := filmAngles(&levels[i]); ok {
			m.Angles = &a
		}
		if a, ok := besideFilmAngles(levels, i); ok {
			m.BesideAngles = &a
		}
		w := &out[i]
		w.Measures, w.Wall = m, PosteriorWall{Reason: filmWallReason, Criteria: m.judged()}
		if c, ok := bodyLine(levels, i); ok {
			w.Wall.Criteria = append(w.Wall.Criteria, c)
		}
		for _, c := range w.Wall.Criteria {
			if c.Met {
				w.Wall.State = WallSuspect
			}
		}
		if f, ok := WallStatement(l.Level, w.Wall); ok {
			w.Findings = append(w.Findings, f)
		}
	}
	return out
}

// filmAngles returns the posterior body angles by the line of the posterior corners, which
// is all that a film shows of the wall.
func filmAngles(l *FilmLevel) (morphometry.PosteriorAngles, bool) {
	v := l.Landmarks
	if v == nil || !v.Superior.Found() || !v.Inferior.Found() {
		return morphometry.PosteriorAngles{}, false
	}
	wall := vector(v.Superior.Posterior.Position, v.Inferior.Posterior.Position) // downwards
	length := wall.norm()
	sd := math.Hypot(v.Superior.Posterior.SD, v.Inferior.Posterior.SD) / length * 180 / math.Pi
	angle := func(e *landmark.Endplate, wall direction) morphometry.Estimate {
		along := direction(e.Direction)
		return morphometry.Estimate{Value: along.angle(wall), SD: math.Hypot(sd, e.DirectionSD)}
	}
	return morphometry.PosteriorAngles{Superior: angle(&v.Superior, wall), Inferior: angle(&v.Inferior, wall.back())}, length > 0
}

// besideFilmAngles returns the mean angles of the levels above and below; false unless both
// have them and neither is excluded.
func besideFilmAngles(levels []FilmLevel, i int) (morphometry.PosteriorAngles, bool) {
	if !between(levels, i) {
		return morphometry.PosteriorAngles{}, false
	}
	above, okAbove := filmAngles(&levels[i-1])
	below, okBelow := filmAngles(&levels[i+1])
	mean := func(a, b morphometry.Estimate) morphometry.Estimate {
		return morphometry.Estimate{Value: (a.Value + b.Value) / 2, SD: math.Hypot(a.SD, b.SD) / 2}
	}
	return morphometry.PosteriorAngles{Superior: mean(above.Superior, below.Superior), Inferior: mean(above.Inferior, below.Inferior)}, okAbove && okBelow
}

// between reports whether vertebra i stands between adjacent ones that serve as references.
func between(levels []FilmLevel, i int) bool {
	return i > 0 && i+1 < len(levels) && !levels[i-1].Excluded && !levels[i+1].Excluded &&
		morphometry.Adjacent(levels[i-1].Level, levels[i].Level) && morphometry.Adjacent(levels[i].Level, levels[i+1].Level)
}

// bodyLine judges how far the posterior corners stand behind the line from the body above
// to the body below; false where that is not known.
func bodyLine(levels []FilmLevel, i int) (WallCriterion, bool) {
	v := levels[i].Landmarks
	if v == nil || !v.Superior.Found() || !v.Inferior.Found() || !between(levels, i) ||
		levels[i-1].Landmarks == nil || levels[i+1].Landmarks == nil {
		return WallCriterion{}, false
	}
	above, below := levels[i-1].Landmarks.Inferior.Posterior, levels[i+1].Landmarks.Superior.Posterior
	line := vector(below.Position, above.Position)
	depth := vector(v.Superior.Posterior.Position, v.Superior.Anterior.Position).norm()
	posterior := direction(v.Superior.Direction).back()
	far, sd := math.Inf(-1), 0.0
	for _, p := range []landmark.Point{v.Superior.Posterior, v.Inferior.Posterior} {
		if d := line.aside(vector(below.Position, p.Position), posterior); d > far {
			far, sd = d, math.Hypot(p.SD, math.Hypot(above.SD, below.SD)/2)
		}
	}
	if !(depth > 0) || math.IsNaN(far) {
		return WallCriterion{}, false
	}
	c := WallCriterion{
		Name: "POSTERIOR_BODY_LINE", Value: 100 * far / depth, SD: 100 * sd / depth, Unit: "%", Cut: WallBodyLine, Implies: WallSuspect,
		Rule:   phrase.Of("a posterior corner at least %g %% of the body's depth and %g SD behind the line between the bodies beside it", WallBodyLine, RepeatabilityLimit),
		Source: "posterior vertebral body line: Radiology 1987; cut: default of this program",
	}
	c.judge(c.Value >= c.Cut && c.Value > RepeatabilityLimit*c.SD)
	return c, true
}
