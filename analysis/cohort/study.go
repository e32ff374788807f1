// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package cohort

import (
	"cmp"
	"slices"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/radiograph"
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

	// Examinations are those of the series, for comparisons. They are the bulk of
	// it, and stored apart.
	Examinations []*comparison.Examination `json:"-"`
}

// Series is one measured series of a study.
type Series struct {
	Cells    [][]string       `json:"cells"`  // by vertebra, of report.VertebraColumns
	Levels   []spine.Level    `json:"levels"` // by vertebra
	Measured int              `json:"measured"`
	Film     bool             `json:"film,omitempty"`
	About    comparison.About `json:"about"`
}

// CodeNoVertebra says that a series was read and shows no vertebra.
const CodeNoVertebra = "NO_VERTEBRA"

// Add keeps of a result what the tables need. A series without a vertebra is a
// failure here: it has no row.
func (s *Study) Add(e *report.Examination, about comparison.About) {
	film := e.Result.Film
	if len(e.Result.Vertebrae) == 0 {
		failure := report.Skipped{Path: e.Path, SeriesInstanceUID: e.SeriesInstanceUID, Code: CodeNoVertebra, Reason: e.Result.Reason.String()}
		if film != nil {
			failure.SOPInstanceUID, failure.Code = film.SOPInstanceUID, cmp.Or(film.Refusal, CodeNoVertebra)
		}
		s.Failures = append(s.Failures, failure)
		return
	}
	series := Series{Cells: report.VertebraCells(e), About: about, Film: film != nil}
	for i := range e.Result.Vertebrae {
		v := &e.Result.Vertebrae[i]
		series.Levels = append(series.Levels, v.Level)
		if v.Status == analysis.Measured {
			series.Measured++
		}
	}
	s.Series = append(s.Series, series)
	s.Examinations = append(s.Examinations, comparison.NewExamination(e.Result, about))
}

// LeaveFrontal drops the failures of films that are no lateral ones where another series of
// the study was measured: they go with those, and nothing of them is wanted.
func (s *Study) LeaveFrontal() {
	if len(s.Series) > 0 {
		s.Failures = slices.DeleteFunc(s.Failures, func(f report.Skipped) bool { return f.Code == radiograph.NotLateral })
	}
}
