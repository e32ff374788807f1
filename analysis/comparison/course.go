// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/spine"
)

// TimeCourse is what became of each level over three or more examinations, in
// the order of their dates.
type TimeCourse struct {
	Examinations []*Examination
	// SinceFirst compares each later examination with the first, and Steps each
	// with the one before it; both are one shorter than Examinations.
	SinceFirst, Steps []*Comparison

	// FirstTreated is the index of the first examination that shows a treated
	// level, -1 if there is none; SinceTreatment compares the later ones with it.
	FirstTreated   int
	SinceTreatment []*Comparison

	Levels   []LevelCourse     // from superior to inferior
	Findings []finding.Finding // of SinceFirst, and recollapse of SinceTreatment
}

// LevelCourse is the course of one level.
type LevelCourse struct {
	Level spine.Level
	// Pairs are those of TimeCourse.SinceFirst, nil where the comparison does not
	// know the level.
	Pairs []*Pair
	// SinceTreatment are those of TimeCourse.SinceTreatment, likewise.
	SinceTreatment []*Pair
}

// minCourse is how many examinations make a course.
const minCourse = 3

// Course follows three or more examinations. They are taken in the order of their
// dates, unless opt.KeepOrder or a date that is not known keeps the order given.
// Recollapse is judged against the first examination that shows the treatment.
func Course(all []*Examination, opt Options) (*TimeCourse, error) {
	if len(all) < minCourse {
		return nil, ErrTooFew
	}
	t := &TimeCourse{Examinations: ordered(all, opt.KeepOrder), FirstTreated: -1}
	opt.KeepOrder = true
	var err error
	if t.SinceFirst, err = against(t.Examinations[0], t.Examinations[1:], opt); err != nil {
		return nil, err
	}
	for i := 1; i < len(t.Examinations); i++ {
		step, err := Compare(t.Examinations[i-1], t.Examinations[i], opt)
		if err != nil {
			return nil, fmt.Errorf("examinations %d and %d: %w", i, i+1, err)
		}
		t.Steps = append(t.Steps, step)
	}
	t.FirstTreated = slices.IndexFunc(t.Examinations, (*Examination).treated)
	if first := t.FirstTreated; first >= 0 && first+1 < len(t.Examinations) {
		if t.SinceTreatment, err = against(t.Examinations[first], t.Examinations[first+1:], opt); err != nil {
			return nil, err
		}
	}
	t.follow()
	return t, nil
}

// ordered returns the examinations by date.
func ordered(all []*Examination, keep bool) []*Examination {
	out := slices.Clone(all)
	if keep || slices.ContainsFunc(all, func(e *Examination) bool { return e.Acquired.IsZero() }) {
		return out
	}
	slices.SortStableFunc(out, func(a, b *Examination) int { return a.Acquired.Compare(b.Acquired) })
	return out
}

// against compares each of the later examinations with one.
func against(first *Examination, later []*Examination, opt Options) ([]*Comparison, error) {
	var out []*Comparison
	for i, e := range later {
		c, err := Compare(first, e, opt)
		if err != nil {
			return nil, fmt.Errorf("%s and %s (%d): %w", first.Name, e.Name, i+1, err)
		}
		out = append(out, c)
	}
	return out, nil
}

// treated reports whether an examination shows a treated level.
func (e *Examination) treated() bool {
	return slices.ContainsFunc(e.Vertebrae, func(v Vertebra) bool { return v.Cement != nil })
}

// follow puts the comparisons together by level.
func (t *TimeCourse) follow() {
	var levels []spine.Level
	for _, c := range t.SinceFirst {
		for i := range c.Vertebrae {
			if l := c.Vertebrae[i].Level; !slices.Contains(levels, l) {
				levels = append(levels, l)
			}
		}
		t.Findings = append(t.Findings, c.Findings...)
	}
	slices.SortFunc(levels, func(a, b spine.Level) int { return cmp.Compare(a.Order(), b.Order()) })
	for _, l := range levels {
		t.Levels = append(t.Levels, LevelCourse{l, pairsOf(t.SinceFirst, l), pairsOf(t.SinceTreatment, l)})
	}
	for _, c := range t.SinceTreatment {
		for _, f := range c.Findings {
			if f.Code == Recollapse && t.FirstTreated > 0 {
				t.Findings = append(t.Findings, f)
			}
		}
	}
}

func pairsOf(all []*Comparison, l spine.Level) []*Pair {
	out := make([]*Pair, len(all))
	for n, c := range all {
		for i := range c.Vertebrae {
			if c.Vertebrae[i].Level == l {
				out[n] = &c.Vertebrae[i]
			}
		}
	}
	return out
}
