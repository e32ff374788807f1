// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/spine"
)

// TimeCourse is what became of each level over three or more examinations, in
// the order of their dates.
type TimeCourse struct {
	Examinations []*Examination
	// Steps compare each examination with the one before it; Overall the last
	// with the first.
	Steps   []*Comparison
	Overall *Comparison

	// FirstTreated is the index of the first examination after treatment, -1 if
	// there is none; SinceTreatment compares the later ones with it.
	FirstTreated   int
	SinceTreatment []*Comparison

	Levels   []LevelCourse
	Findings []finding.Finding
}

// LevelCourse is the course of one level. Its slices are by examination; an
// Index of -1 is an examination that does not show it.
type LevelCourse struct {
	Level spine.Level
	Index []int
}
