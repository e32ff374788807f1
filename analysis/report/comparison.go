// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package report

import "github.com/endplate/endplate/analysis/comparison"

// ComparisonReport is what one run found by comparing examinations.
type ComparisonReport struct {
	Algorithm, Version string

	// Comparisons holds the one of two examinations; for a course, each later
	// examination against the first.
	Comparisons []*comparison.Comparison
	Course      *comparison.TimeCourse // nil for two examinations

	Chosen  []string // which of several series was taken, and why
	Skipped []Skipped

	Figures []*ComparisonFigures // by comparison; nil where none were drawn
}
