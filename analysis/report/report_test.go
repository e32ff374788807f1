// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"flag"
	"html"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/report"
	"github.com/endplate/endplate/analysis/spine"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func madeReport() *report.Report {
	empty := report.Examination{Modality: "CT", Path: "head.nii.gz", Result: &analysis.Result{Reason: "no canal found"}}
	return &report.Report{
		Algorithm: "endplate", Version: "test",
		Examinations: []report.Examination{madeExamination(), empty},
		Skipped: []report.Skipped{{Path: "a.dcm", SOPInstanceUID: "1.2.9", Code: "UNSUPPORTED_TRANSFER_SYNTAX",
			Reason: "unsupported transfer syntax 1.2.840.10008.1.2.4.100"}},
	}
}

func TestTable(t *testing.T) {
	var b bytes.Buffer
	if err := report.WriteTable(&b, madeReport(), report.Colors{}); err != nil {
		t.Fatal(err)
	}
	golden(t, "table.golden", b.Bytes())
}

func TestTableColoursNothingButAttention(t *testing.T) {
	var plain, coloured bytes.Buffer
	if err := report.WriteTable(&plain, madeReport(), report.Colors{}); err != nil {
		t.Fatal(err)
	}
	if err := report.WriteTable(&coloured, madeReport(), report.ANSI()); err != nil {
		t.Fatal(err)
	}
	stripped := regexp.MustCompile("\x1b\\[[0-9;]*m").ReplaceAllString(coloured.String(), "")
	if diff := cmp.Diff(plain.String(), stripped); diff != "" {
		t.Errorf("without colours (-plain +stripped):\n%s", diff)
	}
	if stripped == coloured.String() {
		t.Error("ANSI colours nothing")
	}
}

func TestCSV(t *testing.T) {
	var b bytes.Buffer
	if err := report.WriteCSV(&b, madeReport()); err != nil {
		t.Fatal(err)
	}
	golden(t, "csv.golden", b.Bytes())
	records, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(records), 1+levelCount; got != want {
		t.Errorf("rows = %d, want %d: one a vertebra and a head", got, want)
	}
}

func TestCSVLeavesTheUnmeasuredEmpty(t *testing.T) {
	nan := math.NaN()
	r := madeReport()
	v := analysis.Vertebra{Level: spine.T4, Status: analysis.NotMeasurable, LevelProbability: nan}
	r.Examinations[0].Result.Vertebrae = []analysis.Vertebra{v}
	var b bytes.Buffer
	if err := report.WriteCSV(&b, r); err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range records[0] {
		measured := strings.HasPrefix(name, "heights_") || strings.HasPrefix(name, "landmarks_") || strings.HasPrefix(name, "deformity_") || name == "level_probability"
		if measured && records[1][i] != "" {
			t.Errorf("%s = %q, want nothing", name, records[1][i])
		}
	}
}

func TestHTML(t *testing.T) {
	r := madeReport()
	figures, err := report.Draw(madeVolume(), r.Examinations[0].Result)
	if err != nil {
		t.Fatal(err)
	}
	r.Examinations[0].Figures = figures
	var b bytes.Buffer
	if err := report.WriteHTML(&b, r); err != nil {
		t.Fatal(err)
	}
	if dir := os.Getenv("ENDPLATE_TEST_OUT"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, "report.html"), b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	page := b.String()
	for _, want := range []string{
		report.Disclaimer, "data:image/png;base64,", "T12", "1.2.3.4", "Genant 1993", "no canal found",
		"&lt;names&gt; are a guess", "not banded", "posterior wall involved", "0.25", "4.20 ± 0.10", "canal 0.20 ml", "AO Spine A3", "CT cannot tell",
		"metal in the body", "eroded or lytic", "31 ± 7", "UNSUPPORTED_TRANSFER_SYNTAX", "prefers-color-scheme: dark", "thoracic kyphosis", "24.0",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("page lacks %q", want)
		}
	}
	if found := regexp.MustCompile(`(?i)(src|href)="(https?:)?//|@import|<script|ZgotmplZ`).FindString(page); found != "" {
		t.Errorf("page holds %q: it must ask for nothing from elsewhere", found)
	}
	checkSVG(t, page)
}

// The page states facts: what to do is for others to decide.
func TestReportsGiveNoAdvice(t *testing.T) {
	var b bytes.Buffer
	if err := report.WriteHTML(&b, madeReport()); err != nil {
		t.Fatal(err)
	}
	if err := report.WriteTable(&b, madeReport(), report.Colors{}); err != nil {
		t.Fatal(err)
	}
	if err := report.WriteCSV(&b, madeReport()); err != nil {
		t.Fatal(err)
	}
	if found := regexp.MustCompile(`(?i)\w*recommend\w*|\bt-score\b`).FindString(b.String()); found != "" {
		t.Errorf("a report holds %q", found)
	}
}

// Every fact and every criterion of a wall stands beside its rule and source.
func TestHTMLShowsRulesAndSources(t *testing.T) {
	var b bytes.Buffer
	if err := report.WriteHTML(&b, madeReport()); err != nil {
		t.Fatal(err)
	}
	page := html.UnescapeString(b.String())
	var want []string
	for _, v := range madeResult().Vertebrae {
		for _, f := range v.Treatment {
			want = append(want, f.Statement.String(), f.Rule.String(), f.Source.String())
		}
		for _, c := range v.Wall.Criteria {
			want = append(want, c.Rule.String(), c.Source.String())
		}
	}
	for _, code := range []string{
		finding.CanalCompromise, finding.LyticLesionCode, finding.ScleroticLesionCode,
		finding.VacuumCleftCode, finding.CorticalGapCode, finding.PedicleErosionCode,
	} {
		rule := report.RuleOf(code)
		if rule.Criterion == "" || rule.Source == "" {
			t.Errorf("%s: rule %+v", code, rule)
		}
		want = append(want, rule.Criterion.String(), rule.Source.String())
	}
	for _, s := range want {
		if !strings.Contains(page, s) {
			t.Errorf("page lacks %q", s)
		}
	}
}

// checkSVG reads every SVG of the page as XML and finds each number in it finite.
func checkSVG(t *testing.T, page string) {
	t.Helper()
	pictures := regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(page, -1)
	if got, want := len(pictures), 3; got != want {
		t.Errorf("SVGs = %d, want %d: two pictures and a plot", got, want)
	}
	for _, p := range pictures {
		d := xml.NewDecoder(strings.NewReader(p))
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("SVG: %v", err)
			}
			if start, ok := token.(xml.StartElement); ok {
				for _, a := range start.Attr {
					if strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf") {
						t.Errorf("<%s %s=%q>", start.Name.Local, a.Name.Local, a.Value)
					}
				}
			}
		}
	}
}

func TestHTMLWithoutImageOrVertebrae(t *testing.T) {
	tests := []struct {
		name   string
		result *analysis.Result
		drawn  bool
	}{
		{"outlines only", func() *analysis.Result { r := madeResult(); r.Canal = nil; return r }(), true},
		{"nothing found", &analysis.Result{Reason: "no canal found"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			figures, err := report.Draw(nil, tt.result)
			if err != nil {
				t.Fatal(err)
			}
			if got := figures != nil; got != tt.drawn {
				t.Errorf("drawn = %t, want %t", got, tt.drawn)
			}
			r := &report.Report{Examinations: []report.Examination{{Path: "x", Result: tt.result, Figures: figures}}}
			if err := report.WriteHTML(io.Discard, r); err != nil {
				t.Error(err)
			}
		})
	}
}
