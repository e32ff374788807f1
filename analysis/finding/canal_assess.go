// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package finding

import (
	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/spine"
)

// CanalLevel is what is known of one vertebra before its canal and posterior wall
// are judged. What is nil could not be had.
type CanalLevel struct {
	Level     spine.Level
	Canal     *segmentation.Canal
	Landmarks *landmark.Vertebra
	Heights   *morphometry.Heights
	Expected  *morphometry.Expected
	// Excluded is set where the vertebra serves no other as a reference: it is
	// deformed, or treated.
	Excluded bool
}

// CanalAssessment is all that is told of one vertebra's canal and posterior wall.
type CanalAssessment struct {
	Level      spine.Level
	Canal      *morphometry.Canal // nil where it was not measured
	Compromise *morphometry.Compromise
	Class      Canal
	Measures   WallMeasures
	Wall       PosteriorWall
	Findings   []Finding
}

// AssessCanals measures and judges canals and posterior walls of a column,
// ordered from superior to inferior. Walls found retropulsed are left out of what
// is expected of the others, the greatest retropulsion first, as deformed levels
// are by Assess; all are judged against the same intact levels at the end.
func AssessCanals(levels []CanalLevel) []CanalAssessment {
	walls := make([]morphometry.LevelWall, len(levels))
	canals := make([]morphometry.LevelCanal, len(levels))
	heights := make([]morphometry.LevelHeights, len(levels))
	excluded := make([]bool, len(levels))
	for i, l := range levels {
		walls[i] = morphometry.LevelWall{Level: l.Level, Canal: l.Canal, Landmarks: l.Landmarks}
		heights[i] = morphometry.LevelHeights{Level: l.Level, Heights: l.Heights}
		canals[i].Level, excluded[i] = l.Level, l.Excluded
		if l.Canal != nil {
			if c, ok := morphometry.MeasureCanal(l.Canal); ok {
				canals[i].Canal = &c
			}
		}
	}
	excludeRetropulsed(walls, excluded)
	out := make([]CanalAssessment, len(levels))
	for i, l := range levels {
		a := &out[i]
		a.Level, a.Canal = l.Level, canals[i].Canal
		a.Measures = measureWall(walls, i, excluded)
		a.Measures.Heights = morphometry.MeasurePosteriorHeights(heights, i, l.Expected)
		c, reason := morphometry.MeasureCompromise(canals, i, excluded)
		if !l.Excluded {
			a.Measures.doubtRetropulsion(a.Canal, c.ExpectedAP)
		}
		a.Wall = AssessPosteriorWall(a.Measures)
		if l.Canal != nil && l.Canal.Reason != "" {
			reason = l.Canal.Reason
		}
		if reason == "" {
			a.Compromise = &c
		}
		a.Class = AssessCanal(a.Compromise, reason)
		if f, ok := WallStatement(l.Level, a.Wall); ok {
			a.Findings = append(a.Findings, f)
		}
		if f, ok := CanalStatement(l.Level, a.Canal, a.Compromise, a.Class); ok {
			a.Findings = append(a.Findings, f)
		}
	}
	return out
}

// excludeRetropulsed marks the walls that are retropulsed, the greatest first.
func excludeRetropulsed(walls []morphometry.LevelWall, excluded []bool) {
	for {
		next, greatest := -1, 0.0
		for i := range walls {
			if excluded[i] {
				continue
			}
			r, reason := morphometry.MeasureRetropulsion(walls, i, excluded)
			if reason == "" && retropulsed(&r) && r.Value > greatest {
				next, greatest = i, r.Value
			}
		}
		if next < 0 {
			return
		}
		excluded[next] = true
	}
}

// measureWall measures what concerns the wall of vertebra i.
func measureWall(walls []morphometry.LevelWall, i int, excluded []bool) WallMeasures {
	var m WallMeasures
	r, reason := morphometry.MeasureRetropulsion(walls, i, excluded)
	if m.RetropulsionReason = reason; reason == "" {
		m.Retropulsion = &r
	}
	g, reason := morphometry.MeasureWallGap(walls, i, excluded)
	if m.GapReason = reason; reason == "" {
		m.Gap = &g
	}
	if a, ok := morphometry.MeasurePosteriorAngles(&walls[i]); ok {
		m.Angles = &a
	}
	if a, ok := morphometry.BesidePosteriorAngles(walls, i, excluded); ok {
		m.BesideAngles = &a
	}
	return m
}
