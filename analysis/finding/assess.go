// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package finding

import (
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/spine"
)

// Assessment is everything that morphometry tells of a column.
type Assessment struct {
	Vertebrae []Vertebra // in the order of the column
	Angles    []morphometry.Angle
	Findings  []Finding
}

// Vertebra is the assessment of one vertebra. What is nil could not be had.
type Vertebra struct {
	Level      spine.Level
	Heights    *morphometry.Heights
	Expected   *morphometry.Expected // nil without a usable neighbour
	Ratios     *morphometry.Ratios
	WedgeAngle *Quantity // degrees, kyphosis positive
	DiscHeight *Quantity // of the disc below, mm
	Deformity  *Deformity
}

// Quantity is a number with its standard deviation in the unit that the holder
// states.
type Quantity struct{ Value, SD float64 }

// Assess measures and grades a column, ordered from superior to inferior.
// Deformed levels are found one at a time, the greatest loss first; each found
// one is then left out of what is expected of the others, until no more are
// found. All are graded against the same undeformed levels at the end.
//
// Reference: Buckens et al., PLoS ONE 2013;8:e71204 (unfractured reference); its
// repetition as levels are found: no published source found, default.
func Assess(column []morphometry.Vertebra) Assessment {
	a := Assessment{Vertebrae: make([]Vertebra, len(column)), Angles: morphometry.Angles(column)}
	heights := make([]morphometry.LevelHeights, len(column))
	for i := range column {
		a.Vertebrae[i] = measure(column, i)
		heights[i] = morphometry.LevelHeights{Level: column[i].Level, Heights: a.Vertebrae[i].Heights}
	}
	excluded := make([]bool, len(column))
	for i := range column {
		excluded[i] = column[i].Treated
	}
	findDeformed(heights, excluded)
	for i := range a.Vertebrae {
		v := &a.Vertebrae[i]
		if v.Heights == nil {
			continue
		}
		e := morphometry.Expect(heights, i, excluded)
		v.Deformity = deformityOf(v.Level, v.Heights, &e)
		if len(e.From) > 0 {
			v.Expected = &e
		}
		a.Findings = append(a.Findings, statements(v)...)
	}
	return a
}

// measure returns what concerns vertebra i by itself.
func measure(column []morphometry.Vertebra, i int) Vertebra {
	v := Vertebra{Level: column[i].Level}
	if h, ok := morphometry.HeightsOf(column[i].Landmarks); ok {
		v.Heights = &h
		if r, ok := morphometry.RatiosOf(v.Level, h); ok {
			v.Ratios = &r
		}
	}
	if angle, sd, ok := morphometry.WedgeAngle(column[i].Landmarks); ok {
		v.WedgeAngle = &Quantity{angle, sd}
	}
	if i+1 < len(column) && morphometry.Adjacent(v.Level, column[i+1].Level) {
		if mm, sd, ok := morphometry.DiscHeight(column[i].Landmarks, column[i+1].Landmarks); ok {
			v.DiscHeight = &Quantity{mm, sd}
		}
	}
	return v
}

// findDeformed marks the levels with a deformity, the greatest loss first.
// deformed holds those that are not to be compared with from the start.
func findDeformed(column []morphometry.LevelHeights, deformed []bool) {
	for {
		next, greatest := -1, 0.0
		for i := range column {
			if deformed[i] || column[i].Heights == nil {
				continue
			}
			e := morphometry.Expect(column, i, deformed)
			d := deformityOf(column[i].Level, column[i].Heights, &e)
			if d.Grade > 0 && d.WorstLoss > greatest {
				next, greatest = i, d.WorstLoss
			}
		}
		if next < 0 {
			return
		}
		deformed[next] = true
	}
}
