// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"bytes"
	"encoding/csv"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/report"
)

// correctedReport returns a report in which a reader has done all that one can.
func correctedReport(t *testing.T) (r *report.Report, level string) {
	t.Helper()
	r = madeReport()
	r.Review = &report.Review{Revision: 2, Author: "Reader", Reviewed: true, Comment: "<seen>"}
	result := r.Examinations[0].Result
	other := result.Findings[0]
	other.Code = finding.CanalCompromise
	result.Findings = append(result.Findings, other)
	result.Findings[0].Verdict, result.Findings[0].VerdictReason = finding.Rejected, "a limbus <vertebra>"
	result.Findings[1].Verdict = finding.Accepted
	i := slices.IndexFunc(result.Vertebrae, func(v analysis.Vertebra) bool { return slices.Contains(result.Findings[0].Levels, v.Level) })
	v := &result.Vertebrae[i]
	v.Reader = analysis.Reader{Named: true, Status: true}
	v.Landmarks.Superior.Anterior.ByReader = true
	v.Landmarks.Inferior.Posterior.ByReader = true
	return r, v.Level.String()
}

// A rejected finding is not to be read as one that stands.
func TestAReadersWorkIsShown(t *testing.T) {
	r, _ := correctedReport(t)
	for name, write := range map[string]func(io.Writer, *report.Report) error{
		"page":  report.WriteHTML,
		"table": func(w io.Writer, r *report.Report) error { return report.WriteTable(w, r, report.Colors{}) },
	} {
		var b, before bytes.Buffer
		if err := write(&b, r); err != nil {
			t.Fatal(err)
		}
		if err := write(&before, madeReport()); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{
			"Revision 2 by Reader, reviewed as a whole: ", "rejected by a reader: a limbus ", "accepted by a reader",
			"named by a reader", "measurable, says a reader", "placed by a reader: superior anterior, inferior posterior",
		} {
			if !strings.Contains(b.String(), want) || strings.Contains(before.String(), want) {
				t.Errorf("the %s holds %q: %t, and without a reader %t", name, want, strings.Contains(b.String(), want), strings.Contains(before.String(), want))
			}
		}
		if name == "page" && strings.Contains(b.String(), "<seen>") {
			t.Error("a reader's words are markup")
		}
	}
}

func TestCSVTellsAReadersWork(t *testing.T) {
	r, level := correctedReport(t)
	var b bytes.Buffer
	if err := report.WriteCSV(&b, r); err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := func(name string) int { return slices.Index(records[0], name) }
	findings := r.Examinations[0].Result.Findings
	for _, row := range records[1:] {
		want := map[string]string{}
		if row[column("level")] == level {
			want = map[string]string{
				"level_by_reader": "true", "status_by_reader": "true", "points_by_reader": "superior_anterior inferior_posterior",
			}
		}
		for i, name := range []string{"findings_rejected", "findings_accepted"} {
			for _, l := range findings[i].Levels {
				if l.String() == row[column("level")] {
					want[name] = findings[i].Code
				}
			}
		}
		if want["findings_rejected"] != "" {
			want["findings_rejected"] += ": a limbus <vertebra>"
		}
		for _, name := range []string{"added_by_reader", "level_by_reader", "status_by_reader", "points_by_reader", "findings_accepted", "findings_rejected"} {
			if got := row[column(name)]; got != want[name] {
				t.Errorf("%s of %s is %q, want %q", name, row[column("level")], got, want[name])
			}
		}
	}
}
