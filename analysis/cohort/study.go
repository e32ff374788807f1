// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package cohort

import (
	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/report"
	"github.com/endplate/endplate/analysis/spine"
)

// Origin is where a study comes from and what the caller knows of it.
type Origin struct {
	Path    string // as tables call it
	Subject string // empty: by the identity in its headers

	// Timepoint is the caller's name of it, Order its place among those of the
	// subject; an empty one is placed by its date.
	Timepoint string
	Order     int

	// Treated are the levels that the caller says were treated, TreatedKnown whether
	// the caller said anything.
	Treated      []spine.Level
	TreatedKnown bool
}

// Study is what is kept of one study once it is measured. It is plain data:
// encoding/json writes it and reads it back without loss.
type Study struct {
	Series   []Series         `json:"series,omitempty"`
	Failures []report.Skipped `json:"failures,omitempty"`
}

// Series is one measured series of a study.
type Series struct {
	Cells       [][]string              `json:"cells"` // by vertebra, of report.VertebraColumns
	Examination *comparison.Examination `json:"examination"`
}

// CodeNoVertebra says that a series was read and shows no vertebra.
const CodeNoVertebra = "NO_VERTEBRA"

// Add keeps of a result what the tables need. A series without a vertebra is a
// failure here: it has no row.
func (s *Study) Add(e *report.Examination, about comparison.About) {
	if len(e.Result.Vertebrae) == 0 {
		s.Failures = append(s.Failures, report.Skipped{
			Path: e.Path, SeriesInstanceUID: e.SeriesInstanceUID, Code: CodeNoVertebra, Reason: e.Result.Reason,
		})
		return
	}
	s.Series = append(s.Series, Series{
		Cells:       report.VertebraCells(e),
		Examination: comparison.NewExamination(e.Result, about),
	})
}

// measured returns the number of vertebrae that were measured.
func (s *Series) measured() int {
	n := 0
	for i := range s.Examination.Vertebrae {
		if s.Examination.Vertebrae[i].Status == analysis.Measured {
			n++
		}
	}
	return n
}
