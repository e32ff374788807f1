// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"html"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/report"
	"github.com/endplate/endplate/analysis/spine"
)

// madeComparison is of two levels: L1, fractured and then treated, and L2, which
// the second examination does not show.
func madeComparison() *comparison.Comparison {
	change := func(before, after, lsc float64) *comparison.Change {
		return &comparison.Change{
			Before: morphometry.Estimate{Value: before, SD: 0.2}, After: morphometry.Estimate{Value: after, SD: 0.2},
			Value: after - before, SD: 0.3, LSC: lsc, Significant: after-before > lsc || before-after > lsc,
		}
	}
	two, one, days := 2, 1, 30.0
	c := &comparison.Comparison{
		Before: &comparison.Examination{About: comparison.About{Name: "pre", SeriesInstanceUID: "1.2"}},
		After:  &comparison.Examination{About: comparison.About{Name: "post", SeriesInstanceUID: "1.3"}},
		Days:   &days, Factor: 3.9,
		Match: comparison.Match{State: comparison.NamesAgree, Probability: 0.99, Levels: 5},
		Vertebrae: []comparison.Pair{
			{
				Level: spine.L1, LevelBefore: spine.L1, LevelAfter: spine.L1, Treated: true, GradeBefore: &two, GradeAfter: &one,
				Heights: [3]*comparison.Change{change(15, 20, 1.2), change(16, 16.5, 1.2), change(24, 24, 1.2)},
				Wedge:   change(-2, -9, 4),
				Expected: &morphometry.Expected{
					Anterior: 25, Middle: 23, Posterior: 26, AnteriorSD: 0.8, MiddleSD: 0.8, PosteriorSD: 0.8, From: []spine.Level{spine.T12},
				},
				Restored: [3]comparison.Quotient{{Value: 50, SD: 6, Defined: true}, {Value: 7, SD: 5, Defined: true}, {Reason: "no height was lost"}},
			},
			{Level: spine.L2, LevelBefore: spine.L2, AfterIndex: -1, Reason: "not shown by the second examination"},
		},
		Findings: []finding.Finding{{Code: comparison.HeightRestored, Levels: []spine.Level{spine.L1}, Statement: "L1: height restored", Criterion: "rule", Source: "source"}},
	}
	return c
}

func TestComparisonCSV(t *testing.T) {
	var b bytes.Buffer
	if err := report.WriteComparisonCSV(&b, &report.ComparisonReport{Comparisons: []*comparison.Comparison{madeComparison()}}); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 3 {
		t.Fatalf("%d rows, want a head and two levels", len(rows))
	}
	seen := make(map[string]bool)
	for i, c := range report.ComparisonColumns() {
		if c.Meaning == "" || seen[c.Name] || rows[0][i] != c.Name {
			t.Errorf("column %d, %s: without a meaning, twice, or out of order", i, c.Name)
		}
		seen[c.Name] = true
	}
	cell := func(row int, name string) string { return rows[row][slices.Index(rows[0], name)] }
	for name, want := range map[string]string{
		"level": "L1", "anterior_height_before_mm": "15.00", "anterior_height_change_mm": "5.00", "anterior_height_lsc_mm": "1.20",
		"anterior_height_significant": "true", "middle_height_significant": "false",
		"anterior_height_restored_percent": "50.0", "posterior_height_restored_percent": "", "wedge_angle_change_deg": "-7.00",
		"genant_grade_before": "2", "findings": "HEIGHT_RESTORED", "canal_area_before_mm2": "", "days": "30.0",
	} {
		if got := cell(1, name); got != want {
			t.Errorf("%s of L1 is %q, want %q", name, got, want)
		}
	}
	if got := cell(2, "reason"); got != "not shown by the second examination" || cell(2, "anterior_height_before_mm") != "" {
		t.Errorf("L2: reason %q, height %q", got, cell(2, "anterior_height_before_mm"))
	}
}

func TestComparisonTable(t *testing.T) {
	var b bytes.Buffer
	if err := report.WriteComparisonTable(&b, &report.ComparisonReport{Comparisons: []*comparison.Comparison{madeComparison()}}, report.Colors{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"pre → post, 30 days", "15.0 +5.0*", "16.0 +0.5 ", "50 ± 6", "−2.0 −7.0*", "2→1", "not shown by the second examination",
		"finding L1: height restored", "3.9 SD of the change", report.Disclaimer,
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

func TestComparisonHTML(t *testing.T) {
	r := &report.ComparisonReport{Algorithm: "endplate", Comparisons: []*comparison.Comparison{madeComparison()}}
	write := func() string {
		var b bytes.Buffer
		if err := report.WriteComparisonHTML(&b, r); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	page := html.UnescapeString(write())
	for _, want := range []string{"+5.0*", "50 ± 6 % back", "L1: height restored", "not shown by the second examination", "least significant change 1.2", report.Disclaimer} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q on the page", want)
		}
	}
	for _, foreign := range []string{"http://", "https://", "<script", "NaN"} {
		if strings.Contains(page, foreign) {
			t.Errorf("%q on the page", foreign)
		}
	}
	if diff := cmp.Diff(write(), write()); diff != "" {
		t.Errorf("the page differs from itself:\n%s", diff)
	}
}

// madeFilmComparison is of the same levels, the second examination a film without a
// calibration.
func madeFilmComparison() *comparison.Comparison {
	c := madeComparison()
	c.After.Modality, c.After.Film = "DX", &comparison.Film{Calibration: radiograph.Calibration{Reason: "nothing tells"}}
	c.NotAssessable = comparison.NotOnFilms
	p := &c.Vertebrae[0]
	percent := func(before, after float64) *comparison.Change {
		return &comparison.Change{
			Before: morphometry.Estimate{Value: before, SD: 2}, After: morphometry.Estimate{Value: after, SD: 4},
			Value: after - before, SD: 4.5, LSC: 15, Significant: after-before > 15,
		}
	}
	p.Heights, p.Expected = [3]*comparison.Change{}, nil
	p.OfExpected = [3]*comparison.Change{percent(60, 80), percent(70, 75), percent(95, 97)}
	p.Ratios[comparison.AnteriorToPosterior] = &comparison.Change{
		Before: morphometry.Estimate{Value: 0.63, SD: 0.02}, After: morphometry.Estimate{Value: 0.825, SD: 0.05}, Value: 0.195, SD: 0.054, LSC: 0.2,
	}
	p.RelativeTo = []spine.Level{spine.T12, spine.L3}
	return c
}

func TestComparisonWithAFilm(t *testing.T) {
	r := &report.ComparisonReport{Algorithm: "endplate", Comparisons: []*comparison.Comparison{madeFilmComparison()}}
	var table, cells, page bytes.Buffer
	if err := errors.Join(
		report.WriteComparisonTable(&table, r, report.Colors{}), report.WriteComparisonCSV(&cells, r), report.WriteComparisonHTML(&page, r),
	); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"% exp", "60 +20*", "0.63 +0.20 ", "50 ± 6", "film, no millimetres, nothing tells", "not assessable on radiograph: volume, canal"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("no %q in\n%s", want, table.String())
		}
	}
	text := html.UnescapeString(page.String())
	for _, want := range []string{"Ha<span>% of exp.", "+20*", "50 ± 6 % back", "Ha/Hp", "not assessable on radiograph: volume, canal"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q on the page", want)
		}
	}
	for _, none := range []string{"canal AP", "volume<span>", "Ha<span>mm", "NaN"} {
		if strings.Contains(text, none) {
			t.Errorf("%q on the page: there is no such column of a film", none)
		}
	}
	rows, err := csv.NewReader(&cells).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"after_modality": "DX", "before_calibration_basis": "", "after_calibration_basis": "UNCALIBRATED",
		"anterior_height_before_mm": "", "anterior_height_restored_percent": "50.0",
		"anterior_of_expected_before_percent": "60.0", "anterior_of_expected_change_percent": "20.0", "anterior_of_expected_significant": "true",
		"anterior_to_posterior_after": "0.825", "middle_to_posterior_after": "", "relative_to": "T12 L3",
		"not_assessable_on_radiograph": "volume, canal, retropulsion, cement, cement leaks",
	} {
		if got := rows[1][slices.Index(rows[0], name)]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}
