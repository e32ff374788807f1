// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/landmark"
)

// Review says by whom a result was corrected.
type Review struct {
	Revision int // from 1
	Author   string
	Reviewed bool // the author stands for the result as a whole
	Comment  string
}

// String tells of it in a sentence, as pages and tables do.
func (v *Review) String() string {
	s := fmt.Sprintf("Revision %d", v.Revision)
	if v.Author != "" {
		s += " by " + v.Author
	}
	if v.Reviewed {
		s += ", reviewed as a whole"
	} else {
		s += ", not reviewed as a whole"
	}
	if v.Comment != "" {
		s += ": " + v.Comment
	}
	return s
}

// verdict tells what a reader says of a finding, after its statement; empty where
// nobody says anything.
func verdict(f finding.Finding) string {
	var s string
	switch f.Verdict {
	case finding.NoVerdict:
		return ""
	case finding.Accepted:
		s = "accepted by a reader"
	case finding.Rejected:
		s = "rejected by a reader"
	}
	if f.VerdictReason != "" {
		s += ": " + f.VerdictReason
	}
	return s
}

// readerNote tells what a reader did to a vertebra.
func readerNote(v *analysis.Vertebra) (remarks []string) {
	switch {
	case v.Reader.Added:
		remarks = append(remarks, "added by a reader")
	case v.Reader.Named:
		remarks = append(remarks, "named by a reader")
	}
	if v.Reader.Status && !v.Reader.Added {
		if v.Status == analysis.Measured {
			remarks = append(remarks, "measurable, says a reader")
		} else {
			remarks = append(remarks, "not measurable, says a reader")
		}
	}
	if points := placed(v); len(points) > 0 && !v.Reader.Added {
		remarks = append(remarks, "placed by a reader: "+strings.Join(points, ", "))
	}
	return remarks
}

// placed returns the names of the points that a reader placed.
func placed(v *analysis.Vertebra) (names []string) {
	if v.Landmarks == nil {
		return nil
	}
	for n := range landmark.Name(landmark.NumPoints) {
		if v.Landmarks.Point(n).ByReader {
			names = append(names, n.String())
		}
	}
	return names
}

// readerFields tell what a reader did to a vertebra; they are empty where nobody did
// anything.
func readerFields() []field[*analysis.Vertebra] {
	return []field[*analysis.Vertebra]{
		boolean("added_by_reader", "true where a reader added the vertebra",
			func(*analysis.Vertebra) bool { return true }, func(v *analysis.Vertebra) bool { return v.Reader.Added }),
		boolean("level_by_reader", "true where a reader gave it its level",
			func(*analysis.Vertebra) bool { return true }, func(v *analysis.Vertebra) bool { return v.Reader.Named }),
		boolean("status_by_reader", "true where a reader said that it is measurable, or that it is not",
			func(*analysis.Vertebra) bool { return true }, func(v *analysis.Vertebra) bool { return v.Reader.Status }),
		text("points_by_reader", "the points that a reader placed, such as superior_anterior, separated by spaces",
			func(v *analysis.Vertebra) string {
				return strings.ReplaceAll(strings.ReplaceAll(strings.Join(placed(v), ","), " ", "_"), ",", " ")
			}),
	}
}

// judged are the findings of a result, as one vertebra has them.
type judged struct {
	findings []finding.Finding
	vertebra *analysis.Vertebra
}

// with returns what a reader gave a verdict of, each code with the reason for it.
func (j judged) with(v finding.Verdict) string {
	var all []string
	for _, f := range j.findings {
		if f.Verdict != v || !slices.Contains(f.Levels, j.vertebra.Level) {
			continue
		}
		one := f.Code
		if f.VerdictReason != "" {
			one += ": " + f.VerdictReason
		}
		all = append(all, one)
	}
	return strings.Join(all, "; ")
}

// verdictFields tell what a reader says of the findings that are about a level.
func verdictFields() []field[judged] {
	return []field[judged]{
		text("findings_accepted", "codes of the findings about this level that a reader accepted, with the reasons given",
			func(j judged) string { return j.with(finding.Accepted) }),
		text("findings_rejected", "codes of those that a reader rejected, with the reasons",
			func(j judged) string { return j.with(finding.Rejected) }),
	}
}
