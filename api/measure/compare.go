// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/report"
)

// byWorth orders the series of an examination: a CT that shows any vertebra before a film,
// then by how many vertebrae they show measured and by how fine their slices are. The
// greatest is the one to compare.
func byWorth(a, b *comparison.Examination) int {
	isCT := func(e *comparison.Examination) int {
		if e.Film == nil && e.Measurable() {
			return 1
		}
		return 0
	}
	return cmp.Or(
		cmp.Compare(isCT(a), isCT(b)),
		cmp.Compare(a.MeasuredLevels(), b.MeasuredLevels()),
		cmp.Compare(b.SliceSpacing, a.SliceSpacing),
	)
}

// Best returns the one of an examination's series that is compared, and notes in r
// that there were others.
func Best(name string, candidates []*comparison.Examination, r *report.ComparisonReport) *comparison.Examination {
	best := slices.MaxFunc(candidates, byWorth)
	if len(candidates) > 1 {
		what := fmt.Sprintf("slices %.3g mm apart", best.SliceSpacing)
		if best.Film != nil {
			what = "a film"
		}
		r.Chosen = append(r.Chosen, fmt.Sprintf("%s: of %d series %s was taken: %d vertebrae measured, %s",
			name, len(candidates), best.SeriesInstanceUID, best.MeasuredLevels(), what))
	}
	return best
}

// Compare compares two examinations, or follows more, and adds it to r. They are
// taken in the order of their dates, unless opt.KeepOrder or a date that is not
// known keeps the order given. Its errors are those of comparison.Compare.
func Compare(all []*comparison.Examination, opt comparison.Options, r *report.ComparisonReport) error {
	all = slices.Clone(all)
	for i, e := range all {
		e.Given = i
	}
	if !opt.KeepOrder && !slices.ContainsFunc(all, func(e *comparison.Examination) bool { return e.Acquired.IsZero() }) {
		slices.SortStableFunc(all, func(a, b *comparison.Examination) int { return a.Acquired.Compare(b.Acquired) })
	}
	if len(all) == 2 {
		c, err := comparison.Compare(all[0], all[1], opt)
		if err != nil {
			return explained(err, all)
		}
		r.Comparisons = []*comparison.Comparison{c}
		return nil
	}
	course, err := comparison.Course(all, opt)
	if err != nil {
		return explained(err, all)
	}
	r.Course = course
	r.Comparisons = course.SinceFirst
	return nil
}

// explained adds what the examinations show where they have no level in common.
func explained(err error, all []*comparison.Examination) error {
	if !errors.Is(err, comparison.ErrNoCommonLevel) {
		return err
	}
	var shown []string
	for _, e := range all {
		shown = append(shown, fmt.Sprintf("%s shows %s", e.Name, levelsShown(e)))
	}
	return fmt.Errorf("%w: %s", err, strings.Join(shown, ", "))
}

// levelsShown says which measured levels an examination shows.
func levelsShown(e *comparison.Examination) string {
	var names []string
	for i := range e.Vertebrae {
		if e.Vertebrae[i].Measured() {
			names = append(names, e.Vertebrae[i].Level.String())
		}
	}
	if len(names) == 0 {
		return "none"
	}
	return names[0] + " to " + names[len(names)-1]
}
