// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package cohort

import (
	"slices"
	"strconv"

	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/report"
)

// Table is what is told of a table.
type Table struct {
	Name    string
	Meaning string
	Columns []report.Column
}

// Producer is the program that measured.
type Producer struct{ Algorithm, Version string }

// Vertebrae returns the table with a row a vertebra of every series: what
// endplate measure writes as CSV, and whose it is and when it was.
func Vertebrae() Table {
	own := []report.Column{
		{Name: "subject", Type: report.Text, Meaning: "whose it is: as the manifest says, else a number in the order of the paths"},
		{Name: "timepoint", Type: report.Text, Meaning: "which examination of the subject: as the manifest says, else its number by date"},
		{Name: "days", Type: report.Integer, Unit: "d", Meaning: "days since the subject's first examination"},
		{Name: "representative", Type: report.Boolean, Meaning: "the series stands for its timepoint in comparisons: of several a CT before a film, then the one with most measured vertebrae, then that with the thinnest slices"},
		{Name: "treated", Type: report.Boolean, Meaning: "the manifest names the level as treated; empty where it has no such column"},
	}
	return Table{
		Name:    "vertebrae",
		Meaning: "one row a vertebra of every series; what is null was not measured or does not apply",
		Columns: append(own, report.VertebraColumns()...),
	}
}

// VertebraRows returns the rows of one series.
func (x *Index) VertebraRows(e *Entry, s *Study) [][]string {
	origin := x.origins[e.Study]
	days := ""
	if e.Days != nil {
		days = strconv.Itoa(*e.Days)
	}
	series := &s.Series[e.Series]
	rows := make([][]string, len(series.Cells))
	for i, cells := range series.Cells {
		treated := ""
		if origin.TreatedKnown {
			treated = strconv.FormatBool(slices.Contains(origin.Treated, series.Levels[i]))
		}
		own := []string{e.Subject, e.Timepoint, days, strconv.FormatBool(e.Representative), treated}
		rows[i] = append(own, cells...)
	}
	return rows
}

// Failures returns the table of what could not be measured or compared.
func Failures() Table {
	column := func(name, meaning string) report.Column {
		return report.Column{Name: name, Type: report.Text, Meaning: meaning}
	}
	return Table{
		Name:    "failures",
		Meaning: "one row for each input that could not be measured, or not wholly, and each pair that could not be compared",
		Columns: []report.Column{
			column("subject", "as the manifest says; empty where only the headers of a measured series could tell"),
			column("timepoint", "as the manifest says; of a comparison both"),
			column("path", "the study"),
			column("input", "the file concerned, where it is a single one"),
			column("series_instance_uid", "SeriesInstanceUID, where known"),
			column("sop_instance_uid", "SOPInstanceUID, where a single instance is meant"),
			column("code", "kind of failure, such as TRUNCATED, NO_VERTEBRA, NOT_LATERAL, NO_IMAGE, TIME_LIMIT, CRASHED, NOT_COMPARED"),
			column("reason", "the failure in words"),
		},
	}
}

// FailureRows returns the rows of what failed in a study.
func FailureRows(o *Origin, s *Study) [][]string {
	rows := make([][]string, len(s.Failures))
	for i, f := range s.Failures {
		input := f.Path
		if input == o.Path {
			input = ""
		}
		rows[i] = []string{o.Subject, o.Timepoint, o.Path, input, f.SeriesInstanceUID, f.SOPInstanceUID, f.Code, f.Reason}
	}
	return rows
}

// Comparisons returns the table with a row a level of every comparison: what
// endplate compare writes as CSV, and whose it is.
func Comparisons() Table {
	own := []report.Column{
		{Name: "subject", Type: report.Text, Meaning: "as in the vertebrae"},
		{Name: "timepoint_before", Type: report.Text, Meaning: "of the first examination"},
		{Name: "timepoint_after", Type: report.Text, Meaning: "of the second examination"},
		{Name: "overall", Type: report.Boolean, Meaning: "the subject's first examination against its last; else one against that before it"},
	}
	return Table{
		Name:    "comparisons",
		Meaning: "one row a level of two examinations of a subject; what is null was not compared or does not apply",
		Columns: append(own, report.ComparisonColumns()...),
	}
}

// CodeNotCompared says that two examinations of a subject could not be compared.
const CodeNotCompared = "NOT_COMPARED"

// Compare compares the two examinations of a pair of ordered entries and returns
// rows of the comparisons. That the caller gave them one subject counts for more
// than what their headers say.
func (x *Index) Compare(before, after *Entry, overall bool, first, second *comparison.Examination) ([][]string, error) {
	c, err := comparison.Compare(first, second, comparison.Options{
		Treated: slices.Concat(x.origins[before.Study].Treated, x.origins[after.Study].Treated),
		Force:   x.origins[before.Study].Subject != "",
	})
	if err != nil {
		return nil, err
	}
	own := []string{before.Subject, before.Timepoint, after.Timepoint, strconv.FormatBool(overall)}
	var rows [][]string
	for _, cells := range report.ComparisonCells(c) {
		rows = append(rows, append(own[:len(own):len(own)], cells...))
	}
	return rows, nil
}

// NotCompared returns the row of the failures for a pair.
func (x *Index) NotCompared(before, after *Entry, err error) []string {
	points := before.Timepoint + " to " + after.Timepoint
	return []string{before.Subject, points, x.origins[after.Study].Path, "", after.uid, "", CodeNotCompared, err.Error()}
}
