// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package cohort

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/report"
	"github.com/endplate/endplate/analysis/spine"
)

//go:embed summary.html.tmpl
var summarySource string

// Summary counts the rows of the tables as they are written.
type Summary struct {
	Studies, Measured int // of the cohort, set by the caller

	vertebra   columnIndex
	comparison columnIndex

	subject  string // the last one
	subjects int

	rows     int
	measured int
	grades   map[spine.Level]*[gradeLayers]int
	losses   [lossBins][gradeLayers]int
	hu       [huBins]int

	pairs    int // compared examinations
	steps    int // compared levels
	changes  []change
	findings map[string]int
	last     string // the last pair

	failures map[string]*failureKind
	failed   int
}

// columnIndex finds cells by the names of their columns.
type columnIndex map[string]int

func indexOf(t Table) columnIndex {
	x := columnIndex{}
	for i, c := range t.Columns {
		x[c.Name] = i
	}
	return x
}

func (x columnIndex) text(cells []string, name string) string {
	i, ok := x[name]
	if !ok {
		panic("cohort: no column " + name)
	}
	return cells[i]
}

// value returns a number; ok is false where the cell is empty.
func (x columnIndex) value(cells []string, name string) (v float64, ok bool) {
	v, err := strconv.ParseFloat(x.text(cells, name), 64)
	return v, err == nil
}

// The layers of charts by Genant grade; the last is of what has none.
const gradeLayers = 5

var byGrade = []layer{
	{"g0", "no deformity"}, {"g1", "grade 1"}, {"g2", "grade 2"}, {"g3", "grade 3"}, {"gx", "not graded"},
}

// Bins of the histograms; what lies beyond counts in the outermost.
const (
	lossFrom, lossWidth, lossBins = -15, 5, 21 // percent
	huFrom, huWidth, huBins       = -40, 20, 20
	restFrom, restWidth, restBins = -40, 10, 18 // percent
)

// mostPoints bounds the points of a plot, so that the page stays one that a browser
// shows at once.
const mostPoints = 4000

// change is a level before and after, for the plots.
type change struct {
	title         string
	treated       bool
	loss          [2]float64 // percent of the expected height, of the one that lost most in either
	hasLoss       bool
	wedge         [2]float64 // degrees
	hasWedge      bool
	restored      float64 // percent
	wasRestorable bool
}

// failureKind are the failures of one code.
type failureKind struct {
	Code     string
	Count    int
	Examples []failureExample
}

type failureExample struct{ Path, Reason string }

// examplesPerCode is how many failures of a kind the page shows.
const examplesPerCode = 5

// NewSummary returns one without rows.
func NewSummary() *Summary {
	return &Summary{
		vertebra: indexOf(Vertebrae()), comparison: indexOf(Comparisons()),
		grades: map[spine.Level]*[gradeLayers]int{}, findings: map[string]int{}, failures: map[string]*failureKind{},
	}
}

// AddVertebra counts a row of the vertebrae. Rows come in the order of the table.
// Of several series of a timepoint only the representative one counts, so that no
// bone counts twice.
func (s *Summary) AddVertebra(cells []string) {
	x := s.vertebra
	s.rows++
	if subject := x.text(cells, "subject"); subject != s.subject {
		s.subject = subject
		s.subjects++
	}
	if x.text(cells, "representative") != "true" || x.text(cells, "status") != "MEASURED" {
		return
	}
	s.measured++
	level, err := spine.ParseLevel(x.text(cells, "level"))
	if err != nil {
		return
	}
	grade := gradeLayers - 1
	if g, ok := x.value(cells, "deformity_genant_grade"); ok {
		grade = int(g)
	}
	if s.grades[level] == nil {
		s.grades[level] = &[gradeLayers]int{}
	}
	s.grades[level][grade]++
	if loss, ok := x.value(cells, "deformity_worst_loss_percent"); ok {
		s.losses[bin(loss, lossFrom, lossWidth, lossBins)][grade]++
	}
	if hu, ok := x.value(cells, "attenuation_median_hu"); ok && level == spine.L1 && grade == 0 {
		s.hu[bin(hu, huFrom, huWidth, huBins)]++
	}
}

func bin(v, from, width float64, n int) int {
	return min(max(int((v-from)/width), 0), n-1)
}

// AddComparison counts a row of the comparisons. The first with the last
// examination is not counted: its steps are.
func (s *Summary) AddComparison(cells []string) {
	x := s.comparison
	if x.text(cells, "overall") == "true" {
		return
	}
	pair := strings.Join([]string{x.text(cells, "subject"), x.text(cells, "timepoint_before"), x.text(cells, "timepoint_after")}, "\x00")
	if pair != s.last {
		s.last = pair
		s.pairs++
	}
	if x.text(cells, "reason") != "" {
		return
	}
	s.steps++
	for code := range strings.SplitSeq(x.text(cells, "findings"), ";") {
		if code != "" {
			s.findings[code]++
		}
	}
	if c, ok := x.change(cells); ok && len(s.changes) < mostPoints {
		s.changes = append(s.changes, c)
	}
}

// change returns what the plots show of a level; ok is false for one that is
// neither treated nor deformed in either examination.
func (x columnIndex) change(cells []string) (c change, ok bool) {
	c.treated = x.text(cells, "treated") == "true"
	before, _ := x.value(cells, "genant_grade_before")
	after, _ := x.value(cells, "genant_grade_after")
	if !c.treated && before == 0 && after == 0 {
		return c, false
	}
	c.title = fmt.Sprintf("%s %s, %s to %s", x.text(cells, "subject"), x.text(cells, "level"), x.text(cells, "timepoint_before"), x.text(cells, "timepoint_after"))
	for h := finding.AnteriorHeight; h <= finding.PosteriorHeight; h++ {
		name := h.String() + "_height"
		expected, ok1 := x.value(cells, name+"_expected_mm")
		mm0, ok2 := x.value(cells, name+"_before_mm")
		mm1, ok3 := x.value(cells, name+"_after_mm")
		if !ok1 || !ok2 || !ok3 || expected <= 0 {
			continue
		}
		loss := [2]float64{100 * (1 - mm0/expected), 100 * (1 - mm1/expected)}
		if c.hasLoss && max(loss[0], loss[1]) <= max(c.loss[0], c.loss[1]) {
			continue
		}
		c.loss, c.hasLoss = loss, true
		c.restored, c.wasRestorable = x.value(cells, name+"_restored_percent")
	}
	w0, ok1 := x.value(cells, "wedge_angle_before_deg")
	w1, ok2 := x.value(cells, "wedge_angle_after_deg")
	c.wedge, c.hasWedge = [2]float64{w0, w1}, ok1 && ok2
	return c, true
}

// AddFailure counts a row of the failures.
func (s *Summary) AddFailure(cells []string) {
	x := indexOf(Failures())
	code := x.text(cells, "code")
	if s.failures[code] == nil {
		s.failures[code] = &failureKind{Code: code}
	}
	kind := s.failures[code]
	kind.Count++
	s.failed++
	if len(kind.Examples) < examplesPerCode {
		path := cmp.Or(x.text(cells, "input"), x.text(cells, "path"))
		kind.Examples = append(kind.Examples, failureExample{path, x.text(cells, "reason")})
	}
}

// summaryPage is what the template shows.
type summaryPage struct {
	Producer
	Disclaimer string
	Tiles      []tile
	Charts     []*chart
	Changes    []*chart
	Findings   []count
	Failures   []*failureKind
	More       bool // failures than are shown
	Points     bool // more than are shown
}

type tile struct{ Number, Label string }

type count struct {
	Label string
	Count int
}

// Write writes one self-contained page.
func (s *Summary) Write(w io.Writer, p Producer) error {
	tmpl, err := template.New("summary").Parse(summarySource)
	if err != nil {
		return fmt.Errorf("summary: %w", err)
	}
	page := summaryPage{Producer: p, Disclaimer: report.Disclaimer, Tiles: s.tiles(), Charts: s.charts()}
	if s.steps > 0 {
		page.Changes = s.changeCharts()
		page.Points = len(s.changes) == mostPoints
	}
	for _, code := range slices.Sorted(maps.Keys(s.findings)) {
		page.Findings = append(page.Findings, count{words(code), s.findings[code]})
	}
	slices.SortStableFunc(page.Findings, func(a, b count) int { return b.Count - a.Count })
	for _, code := range slices.Sorted(maps.Keys(s.failures)) {
		page.Failures = append(page.Failures, s.failures[code])
		page.More = page.More || s.failures[code].Count > examplesPerCode
	}
	slices.SortStableFunc(page.Failures, func(a, b *failureKind) int { return b.Count - a.Count })
	var b bytes.Buffer
	if err := tmpl.Execute(&b, page); err != nil {
		return fmt.Errorf("summary: %w", err)
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("summary: %w", err)
	}
	return nil
}

// words turns a code such as NEW_FRACTURE into words.
func words(code string) string {
	return strings.ToLower(strings.ReplaceAll(code, "_", " "))
}

func (s *Summary) tiles() []tile {
	deformed := 0
	for _, n := range s.grades {
		deformed += n[1] + n[2] + n[3]
	}
	tiles := []tile{
		{strconv.Itoa(s.Studies), plural(s.Studies, "study", "studies")},
		{strconv.Itoa(s.Measured), "measured"},
		{strconv.Itoa(s.subjects), plural(s.subjects, "subject", "subjects")},
		{strconv.Itoa(s.measured), plural(s.measured, "vertebra measured", "vertebrae measured")},
		{strconv.Itoa(deformed), "of them deformed, grade 1 to 3"},
		{strconv.Itoa(s.pairs), plural(s.pairs, "comparison", "comparisons")},
	}
	return append(tiles, tile{strconv.Itoa(s.failed), plural(s.failed, "failure", "failures")})
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// Widths of charts, px.
const (
	wideChart   = 1060
	narrowChart = 520
)

func (s *Summary) charts() []*chart {
	levels := slices.Sorted(maps.Keys(s.grades))
	names := make([]string, len(levels))
	counts := make([][]int, len(levels))
	for i, l := range levels {
		names[i], counts[i] = l.String(), s.grades[l][:]
	}
	byLevel := newChart(wideChart, "Measured vertebrae by level and Genant grade", "", "vertebrae")
	byLevel.stacked(names, byGrade, counts)

	losses := make([][]int, lossBins)
	for i := range losses {
		losses[i] = s.losses[i][:]
	}
	loss := newChart(narrowChart, "Loss of height", "largest loss of the three heights against the expected ones, %", "vertebrae")
	loss.histogram(lossFrom, lossWidth, "%", byGrade[:gradeLayers-1], trimmed(losses, gradeLayers-1))
	loss.Note = fmt.Sprintf("Genant's cuts at %g, %g and %g %%; a grade also asks for at least %g mm. Negative: higher than expected.",
		finding.MildLoss, finding.ModerateLoss, finding.SevereLoss, finding.MinDeficit)
	loss.cuts(lossFrom, lossWidth*lossBins, finding.MildLoss, finding.ModerateLoss, finding.SevereLoss)

	hu := make([][]int, huBins)
	for i, n := range s.hu {
		hu[i] = []int{n}
	}
	density := newChart(narrowChart, "Attenuation of L1", "median of the cancellous bone, HU", "examinations")
	density.histogram(huFrom, huWidth, "HU", []layer{{"hu", "L1 without deformity"}}, hu)
	density.Note = fmt.Sprintf("Lines at %g, %g and %g HU (Pickhardt 2013), which hold at 120 kVp without contrast medium only: both are mixed here. Attenuation is no bone mineral density.",
		finding.SpecificHU, finding.BalancedHU, finding.SensitiveHU)
	density.cuts(huFrom, huWidth*huBins, finding.SpecificHU, finding.BalancedHU, finding.SensitiveHU)
	return []*chart{byLevel, loss, density}
}

// trimmed keeps the first n layers.
func trimmed(counts [][]int, n int) [][]int {
	out := make([][]int, len(counts))
	for i := range counts {
		out[i] = counts[i][:n]
	}
	return out
}

// cuts draws vertical lines in a histogram.
func (c *chart) cuts(from, span float64, at ...float64) {
	if c.Empty != "" {
		return
	}
	x := c.scale(from, from+span, c.Left, c.Right)
	for _, v := range at {
		c.Lines = append(c.Lines, line{round(x(v)), c.Top, round(x(v)), c.Bottom, "cut", number(v)})
	}
}

var byTreatment = []layer{{"treated", "treated"}, {"untreated", "not treated"}}

func (s *Summary) changeCharts() []*chart {
	loss := newChart(narrowChart, "Loss of height, before and after", "loss before, % of the expected height", "loss after, %")
	wedge := newChart(narrowChart, "Wedge angle, before and after", "before, degrees", "after, degrees")
	loss.scatter(s.changes, -20, 100, func(c change) ([2]float64, bool) { return c.loss, c.hasLoss })
	lo, hi := wedgeRange(s.changes)
	wedge.scatter(s.changes, lo, hi, func(c change) ([2]float64, bool) { return c.wedge, c.hasWedge })
	loss.Note = "Of the height that had lost most in either examination. Below the line: height came back; above it: lost further or newly."
	wedge.Note = "Between the body's own endplates, kyphosis positive. Below the line: less wedged after."

	counts := make([][]int, restBins)
	for i := range counts {
		counts[i] = make([]int, len(byTreatment))
	}
	for _, c := range s.changes {
		if c.wasRestorable {
			counts[bin(c.restored, restFrom, restWidth, restBins)][c.layer()]++
		}
	}
	restored := newChart(wideChart, "Height restored", "share of the lost height that came back, %", "levels")
	restored.histogram(restFrom, restWidth, "%", byTreatment, counts)
	restored.Note = "Of the same height, where something was lost before. 0: nothing came back, 100: all of it; negative: lost further."
	restored.cuts(restFrom, restWidth*restBins, 0, 100)
	return []*chart{loss, wedge, restored}
}

func (c change) layer() int {
	if c.treated {
		return 0
	}
	return 1
}

func wedgeRange(all []change) (lo, hi float64) {
	lo, hi = -10, 30
	for _, c := range all {
		if c.hasWedge {
			lo, hi = min(lo, c.wedge[0], c.wedge[1]), max(hi, c.wedge[0], c.wedge[1])
		}
	}
	step := niceStep(hi-lo, 7)
	return step * float64(int(lo/step)-1), step * float64(int(hi/step)+1)
}

// scatter draws before against after, and the line of no change.
func (c *chart) scatter(all []change, lo, hi float64, of func(change) ([2]float64, bool)) {
	c.Height += 100
	c.Bottom += 100
	x, y := c.axes(lo, hi, lo, hi)
	c.Lines = append(c.Lines, line{round(x(lo)), round(y(lo)), round(x(hi)), round(y(hi)), "same", ""})
	counts := [][]int{make([]int, len(byTreatment))}
	for _, one := range all {
		v, ok := of(one)
		if !ok {
			continue
		}
		counts[0][one.layer()]++
		inside := func(v float64) float64 { return min(max(v, lo), hi) }
		c.Points = append(c.Points, point{
			round(x(inside(v[0]))), round(y(inside(v[1]))), byTreatment[one.layer()].class,
			fmt.Sprintf("%s: %.0f to %.0f", one.title, v[0], v[1]),
		})
	}
	if len(c.Points) == 0 {
		c.Empty = "nothing to show"
		return
	}
	c.keyOf(byTreatment, counts)
}
