// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package cohort_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/cohort"
	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/report"
	"github.com/endplate/endplate/analysis/spine"
)

// seen is a series of a study for the tests of the order.
type seen struct {
	patient, study, series string
	date                   string // YYYY-MM-DD, or empty
	measured               int
	spacing                float64
	film                   bool
}

func study(all ...seen) *cohort.Study {
	s := &cohort.Study{}
	for _, one := range all {
		acquired, _ := time.Parse(time.DateOnly, one.date)
		s.Series = append(s.Series, cohort.Series{Measured: one.measured, Film: one.film, About: comparison.About{
			Patient: comparison.Identity{Patient: one.patient}, StudyInstanceUID: one.study, SeriesInstanceUID: one.series,
			Acquired: acquired, SliceSpacing: one.spacing,
		}})
	}
	return s
}

// told writes entries as text: subject, timepoint, days, series, and a star where
// the series is representative.
func told(x *cohort.Index, entries []cohort.Entry) []string {
	var out []string
	for i := range entries {
		e := &entries[i]
		days := "-"
		if e.Days != nil {
			days = strconv.Itoa(*e.Days)
		}
		star := ""
		if e.Representative {
			star = " *"
		}
		out = append(out, fmt.Sprintf("%s %s %s %s/%d%s", e.Subject, e.Timepoint, days, x.Origin(e.Study).Path, e.Series, star))
	}
	return out
}

// Of the series of one examination a CT stands for it, however many vertebrae a film shows
// beside it; of films alone that which shows most.
func TestFilmsBesideCTs(t *testing.T) {
	x := &cohort.Index{}
	x.Add(cohort.Origin{Path: "a"}, study(
		seen{patient: "P", study: "1", series: "film", date: "2020-01-01", measured: 9, film: true},
		seen{patient: "P", study: "1", series: "ct", date: "2020-01-01", measured: 4, spacing: 1}))
	x.Add(cohort.Origin{Path: "b"}, study(
		seen{patient: "P", study: "2", series: "ct without a vertebra", date: "2020-02-01", spacing: 1},
		seen{patient: "P", study: "2", series: "one", date: "2020-02-01", measured: 5, film: true},
		seen{patient: "P", study: "2", series: "two", date: "2020-02-01", measured: 8, film: true}))
	want := []string{
		"subject-0001 1 0 a/1 *", "subject-0001 1 0 a/0",
		"subject-0001 2 31 b/0", "subject-0001 2 31 b/1", "subject-0001 2 31 b/2 *",
	}
	if diff := cmp.Diff(want, told(x, x.Order())); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A frontal film beside a measured one is no failure; alone it is, with the film's reason.
func TestFrontalFilms(t *testing.T) {
	frontal := &report.Examination{Path: "p", SeriesInstanceUID: "1.2", Result: &analysis.Result{
		Reason: "a frontal film", Film: &analysis.Film{SOPInstanceUID: "1.2.3", Refusal: radiograph.NotLateral},
	}}
	s := &cohort.Study{}
	s.Add(frontal, comparison.About{})
	s.LeaveFrontal()
	want := []report.Skipped{{Path: "p", SeriesInstanceUID: "1.2", SOPInstanceUID: "1.2.3", Code: "NOT_LATERAL", Reason: "a frontal film"}}
	if diff := cmp.Diff(want, s.Failures); diff != "" {
		t.Errorf("alone (-want +got)\n%s", diff)
	}
	s.Add(&report.Examination{Result: &analysis.Result{Film: &analysis.Film{}, Vertebrae: []analysis.Vertebra{{Level: spine.L1}}}}, comparison.About{})
	s.LeaveFrontal()
	if len(s.Failures) > 0 || !s.Series[0].Film {
		t.Errorf("beside a lateral one: %+v", s)
	}
}

func TestOrderByHeaders(t *testing.T) {
	x := &cohort.Index{}
	x.Add(cohort.Origin{Path: "a"}, study(seen{patient: "Q", study: "1", series: "s", date: "2021-05-02", measured: 3}))
	x.Add(cohort.Origin{Path: "b"}, study(
		seen{patient: "P", study: "2", series: "thick", date: "2020-03-01", measured: 5, spacing: 5},
		seen{patient: "P", study: "2", series: "thin", date: "2020-03-01", measured: 5, spacing: 1},
		seen{patient: "P", study: "2", series: "unknown", date: "2020-03-01", measured: 5},
		seen{patient: "P", study: "2", series: "small", date: "2020-03-01", measured: 1, spacing: 0.5}))
	x.Add(cohort.Origin{Path: "c"}, study(seen{patient: "Q", study: "3", series: "t", date: "2021-04-30", measured: 3}))
	x.Add(cohort.Origin{Path: "d"}, study(seen{measured: 3}))
	x.Add(cohort.Origin{Path: "e"}, study(seen{measured: 3}))
	x.Add(cohort.Origin{Path: "f"}, study(seen{patient: "Q", study: "4", series: "u", measured: 3}))
	entries := x.Order()
	want := []string{
		"subject-0001 1 0 c/0 *", "subject-0001 2 2 a/0 *", "subject-0001 3 - f/0 *",
		"subject-0002 1 0 b/3", "subject-0002 1 0 b/0", "subject-0002 1 0 b/1 *", "subject-0002 1 0 b/2",
		"subject-0003 1 - d/0 *", "subject-0004 1 - e/0 *",
	}
	if diff := cmp.Diff(want, told(x, entries)); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]cohort.Pair{{Before: 0, After: 1}, {Before: 1, After: 2}, {Before: 0, After: 2, Overall: true}}, cohort.Pairs(entries)); diff != "" {
		t.Errorf("pairs (-want +got):\n%s", diff)
	}
}

func TestOrderByManifest(t *testing.T) {
	x := &cohort.Index{}
	x.Add(cohort.Origin{Path: "a", Subject: "B", Timepoint: "post", Order: 1}, study(seen{patient: "1", study: "1", date: "2020-01-05", measured: 1}))
	x.Add(cohort.Origin{Path: "b", Subject: "B", Timepoint: "pre", Order: 0}, study(seen{patient: "2", study: "2", date: "2020-01-01", measured: 1}))
	x.Add(cohort.Origin{Path: "c", Subject: "A"}, study(seen{study: "4", date: "2020-01-01", measured: 1}))
	x.Add(cohort.Origin{Path: "d", Subject: "A"}, study(seen{study: "3", date: "2019-01-01", measured: 1}))
	x.Add(cohort.Origin{Path: "e", Subject: "subject-0001"}, study(seen{study: "5", measured: 1}))
	x.Add(cohort.Origin{Path: "f"}, study(seen{patient: "9", study: "6", measured: 1}))
	want := []string{"A 1 0 d/0 *", "A 2 365 c/0 *", "B pre 0 b/0 *", "B post 4 a/0 *", "subject-0001 1 - e/0 *", "subject-0002 1 - f/0 *"}
	if diff := cmp.Diff(want, told(x, x.Order())); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestStudySurvivesJSON(t *testing.T) {
	s := study(seen{patient: "P", study: "1", series: "2", date: "2020-01-01", measured: 2, spacing: 1.25})
	s.Series[0].Levels = []spine.Level{spine.T12, spine.L1}
	s.Series[0].Cells = [][]string{{"", "1.50", "a\"b"}}
	s.Failures = []report.Skipped{{Path: "p", Code: "C", Reason: "r"}}
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	got := &cohort.Study{}
	if err := json.Unmarshal(b, got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// small is a table with a column of each type.
var small = cohort.Table{Name: "small", Meaning: "for a test", Columns: []report.Column{
	{Name: "z", Type: report.Text, Meaning: "text"},
	{Name: "mm", Type: report.Number, Unit: "mm", Meaning: "number"},
	{Name: "a", Type: report.Integer, Meaning: "integer"},
	{Name: "b", Type: report.Boolean, Meaning: "boolean"},
}}

func TestParquet(t *testing.T) {
	write := func() []byte {
		var b bytes.Buffer
		w, err := cohort.NewParquetWriter(&b, small, cohort.Producer{Algorithm: "endplate", Version: "1.2"})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 25_000 {
			row := []string{"é", "-0.25", strconv.Itoa(-i), "true"}
			if i%5 == 0 {
				row = []string{"", "", "", ""}
			}
			if err := w.Write(row); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	b := write()
	if !bytes.Equal(b, write()) {
		t.Error("the same rows give other bytes")
	}
	f, err := parquet.OpenFile(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range f.Root().Columns() {
		names = append(names, c.Name()+" "+c.Type().String())
	}
	if diff := cmp.Diff([]string{"z STRING", "mm DOUBLE", "a INT(32,true)", "b BOOLEAN"}, names); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	if f.NumRows() != 25_000 || len(f.RowGroups()) != 3 {
		t.Errorf("%d rows in %d groups, want 25000 in 3", f.NumRows(), len(f.RowGroups()))
	}
	if unit, _ := f.Lookup("unit.mm"); unit != "mm" {
		t.Errorf("unit = %q, want mm", unit)
	}
	rows := make([]parquet.Row, 2)
	if n, err := f.RowGroups()[0].Rows().ReadRows(rows); n != 2 || err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(n, err)
	}
	if got := fmt.Sprint(rows); got != "[[<null> <null> <null> <null>] [é -0.25 -1 true]]" {
		t.Errorf("rows = %s", got)
	}
}

func TestParquetRefusesCellsOfAnotherType(t *testing.T) {
	for _, row := range [][]string{{"", "x", "", ""}, {"", "", "1.5", ""}, {"", "", "3000000000", ""}, {"", "", "", "yes"}} {
		w, err := cohort.NewParquetWriter(io.Discard, small, cohort.Producer{})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(row); err == nil {
			t.Errorf("%q is written", row)
		}
	}
}

// Every column says what it holds, and no two have one name.
func TestColumnsAreDocumented(t *testing.T) {
	for _, table := range []cohort.Table{cohort.Vertebrae(), cohort.Comparisons(), cohort.Failures()} {
		names := map[string]bool{}
		for _, c := range table.Columns {
			if c.Meaning == "" || c.Type == 0 || names[c.Name] {
				t.Errorf("%s.%s: type %v, meaning %q, twice %t", table.Name, c.Name, c.Type, c.Meaning, names[c.Name])
			}
			names[c.Name] = true
			for ending, unit := range map[string]string{"_mm": "mm", "_deg": "deg", "_percent": "%", "_ml": "ml", "_mm2": "mm2", "_hu": "HU"} {
				if strings.HasSuffix(c.Name, ending) && c.Unit != unit {
					t.Errorf("%s.%s is in %q", table.Name, c.Name, c.Unit)
				}
			}
			if (c.Type == report.Number) != (c.Unit != "") && c.Name != "days" {
				t.Errorf("%s.%s: a %v with the unit %q", table.Name, c.Name, c.Type, c.Unit)
			}
		}
	}
}

// rowOf returns a row with the given cells.
func rowOf(t cohort.Table, cells map[string]string) []string {
	row := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		row[i] = cells[c.Name]
		delete(cells, c.Name)
	}
	if len(cells) > 0 {
		panic(fmt.Sprint("no such columns: ", cells))
	}
	return row
}

func TestSummary(t *testing.T) {
	s := cohort.NewSummary()
	s.Studies, s.Measured = 3, 2
	vertebra := func(subject, level, grade, loss, hu, representative string) {
		s.AddVertebra(rowOf(cohort.Vertebrae(), map[string]string{
			"subject": subject, "level": level, "status": "MEASURED", "representative": representative,
			"deformity_genant_grade": grade, "deformity_worst_loss_percent": loss, "attenuation_median_hu": hu,
		}))
	}
	vertebra("A", "T12", "0", "2.0", "150", "true")
	vertebra("A", "L1", "3", "55.0", "120", "true")
	vertebra("A", "L1", "3", "55.0", "120", "false")
	vertebra("B", "L1", "0", "-130", "5000", "true") // beyond the bins
	vertebra("B", "L2", "", "", "", "true")
	s.AddComparison(rowOf(cohort.Comparisons(), map[string]string{
		"subject": "A", "timepoint_before": "pre", "timepoint_after": "post", "overall": "false", "level": "L1", "treated": "true",
		"genant_grade_before": "3", "genant_grade_after": "1", "findings": "HEIGHT_RESTORED;NEW_CEMENT",
		"anterior_height_expected_mm": "24", "anterior_height_before_mm": "12", "anterior_height_after_mm": "18",
		"anterior_height_restored_percent": "50", "wedge_angle_before_deg": "25", "wedge_angle_after_deg": "12",
	}))
	s.AddFailure(rowOf(cohort.Failures(), map[string]string{"path": "<c>", "code": "NO_IMAGE", "reason": "no file"}))
	var b bytes.Buffer
	if err := s.Write(&b, cohort.Producer{Algorithm: "endplate", Version: "1.2"}); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, want := range []string{
		report.Disclaimer, "<b>3</b>studies", "<b>2</b>measured", "<b>2</b>subjects", "<b>4</b>vertebrae measured", "<b>1</b>of them deformed",
		"<b>1</b>comparison<", "<b>1</b>failure<", "L1, grade 3: 1 of 2", "L2, not graded: 1 of 1", "no deformity: 2",
		"A L1, pre to post: 50 to 25", "A L1, pre to post: 25 to 12", "50 to 60 %, treated: 1 of 1", "height restored", "&lt;c&gt;", "NO_IMAGE",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("page lacks %q", want)
		}
	}
	if found := regexp.MustCompile(`(?i:src|href)=|@import|<script|ZgotmplZ|NaN|Inf\b`).FindString(page); found != "" {
		t.Errorf("page holds %q", found)
	}
	for _, svg := range regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(page, -1) {
		if err := xml.Unmarshal([]byte(svg), new(struct{})); err != nil {
			t.Errorf("%v in %s", err, svg)
		}
	}
}

// A cohort of which nothing could be measured has a page too.
func TestSummaryOfNothing(t *testing.T) {
	var b bytes.Buffer
	if err := cohort.NewSummary().Write(&b, cohort.Producer{}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "nothing to show") || slices.Contains(strings.Fields(b.String()), "NaN") {
		t.Error(b.String())
	}
}
