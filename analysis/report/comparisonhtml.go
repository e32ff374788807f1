// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"

	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/finding"
)

//go:embed comparison.html.tmpl
var comparisonSource string

// comparisonPage is what the template shows.
type comparisonPage struct {
	Algorithm, Version string
	Disclaimer         string
	Chosen             []string
	Sections           []comparisonSection
	Course             *coursePlot
	Skipped            []Skipped
}

// comparisonSection is one comparison of the page.
type comparisonSection struct {
	*comparison.Comparison
	Title        string
	Match        string
	Registration string
	Significance string
	Film         []string
	Frame        string
	Columns      []changeColumn
	Rows         []changeRow
	Regional     []string
	Criteria     []string
	Pictures     []comparedPicture
	Panels       []heightPanel
}

// WriteComparisonHTML writes r as one page that asks for nothing from elsewhere.
func WriteComparisonHTML(w io.Writer, r *ComparisonReport) error {
	tmpl, err := template.New("page").Funcs(template.FuncMap{"add": func(a, b int) int { return a + b }}).Parse(comparisonSource + styleSource)
	if err != nil {
		return fmt.Errorf("html: %w", err)
	}
	p := comparisonPage{Algorithm: r.Algorithm, Version: r.Version, Disclaimer: Disclaimer, Chosen: r.Chosen, Skipped: r.Skipped}
	for i, c := range r.Comparisons {
		var f *ComparisonFigures
		if i < len(r.Figures) {
			f = r.Figures[i]
		}
		p.Sections = append(p.Sections, newComparisonSection(c, f))
	}
	if r.Course != nil {
		p.Course = newCoursePlot(r.Course)
	}
	var b bytes.Buffer
	if err := tmpl.Execute(&b, p); err != nil {
		return fmt.Errorf("html: %w", err)
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("html: %w", err)
	}
	return nil
}

func newComparisonSection(c *comparison.Comparison, f *ComparisonFigures) comparisonSection {
	s := comparisonSection{
		Comparison: c, Title: comparisonTitle(c), Match: matchText(&c.Match), Registration: registrationText(&c.Match.Registration),
		Significance: significanceText(c), Film: filmLines(c), Frame: "Both in the second examination's frame and at one scale.",
		Rows: changeRows(c), Regional: regionalChanges(c), Criteria: criteria(c.Findings), Panels: heightPanels(c),
	}
	s.Columns = shownColumns(s.Rows, c)
	if c.Match.Registration.Plane != nil {
		s.Frame = "Both in one frame and at one scale, laid over each other in the sagittal plane alone: a film has a perspective of its own, and shows no third direction."
	}
	if f != nil {
		s.Pictures = comparedPictures(f, c)
	}
	return s
}

// changeColumn is one column of changes.
type changeColumn struct {
	Name, Unit string
	Of         func(changeRow) delta
}

// shownColumns are those of a page: of a comparison with a film those alone that it has.
func shownColumns(rows []changeRow, c *comparison.Comparison) []changeColumn {
	ofCT := []changeColumn{
		{"Ha", "mm", func(r changeRow) delta { return r.Ha }},
		{"Hm", "mm", func(r changeRow) delta { return r.Hm }},
		{"Hp", "mm", func(r changeRow) delta { return r.Hp }},
		{"wedge", "deg", func(r changeRow) delta { return r.Wedge }},
		{"Gardner", "deg", func(r changeRow) delta { return r.Gardner }},
		{"Cobb", "deg", func(r changeRow) delta { return r.Cobb }},
		{"disc below", "mm", func(r changeRow) delta { return r.Disc }},
		{"volume", "ml", func(r changeRow) delta { return r.Volume }},
		{"canal AP", "mm", func(r changeRow) delta { return r.CanalAP }},
		{"canal area", "mm²", func(r changeRow) delta { return r.CanalArea }},
		{"retropulsion", "mm", func(r changeRow) delta { return r.Retropulsion }},
		{"cement", "ml", func(r changeRow) delta { return r.Cement }},
	}
	if len(c.NotAssessable) == 0 {
		return ofCT
	}
	all := append([]changeColumn{
		{"Ha", "% of exp.", func(r changeRow) delta { return r.OfHa }},
		{"Hm", "% of exp.", func(r changeRow) delta { return r.OfHm }},
		{"Hp", "% of exp.", func(r changeRow) delta { return r.OfHp }},
		{"Ha/Hp", "", func(r changeRow) delta { return r.RatioA }},
		{"Hm/Hp", "", func(r changeRow) delta { return r.RatioM }},
	}, ofCT...)
	return slices.DeleteFunc(all, func(column changeColumn) bool {
		return !slices.ContainsFunc(rows, func(r changeRow) bool { return column.Of(r).Before != "" })
	})
}

// registrationText says how the pictures were brought into one frame.
func registrationText(r *comparison.Registration) string {
	if levels, residual := r.LaidOn(); r.Plane != nil {
		return fmt.Sprintf("The first examination is laid on the second by %d vertebrae; their landmarks then lie %.1f mm apart (root mean square).", levels, residual)
	}
	if r.Levels == 0 {
		return "No unfractured, untreated vertebra is in both examinations: the pictures stand as they are."
	}
	return fmt.Sprintf("The first examination is laid on the second by %d unfractured, untreated vertebrae; their landmarks then lie %.1f mm apart (root mean square), single vertebrae are turned by up to %.1f°.",
		r.Levels, r.Residual, r.Bend)
}

// coursePlot is the time course as a table.
type coursePlot struct {
	Examinations []string
	FirstTreated int
	Rows         []courseRow
	Recollapse   []finding.Finding
}

// courseRow is one height of a level by examination.
type courseRow struct {
	Level, Height string
	Cells         []courseCell
}

type courseCell struct {
	Text        string
	Significant bool
}

func newCoursePlot(t *comparison.TimeCourse) *coursePlot {
	out := &coursePlot{FirstTreated: t.FirstTreated}
	for _, e := range t.Examinations {
		out.Examinations = append(out.Examinations, examinationName(e))
	}
	for i := range t.Levels {
		l := &t.Levels[i]
		if !courseChanged(l) {
			continue
		}
		for h := range finding.PosteriorHeight + 1 {
			out.Rows = append(out.Rows, newCourseRow(l, h))
		}
	}
	for _, f := range t.Findings {
		if f.Code == comparison.Recollapse {
			out.Recollapse = append(out.Recollapse, f)
		}
	}
	return out
}

func newCourseRow(l *comparison.LevelCourse, h finding.Height) courseRow {
	row := courseRow{Level: l.Level.String(), Height: heightName(h), Cells: []courseCell{{Text: "–"}}}
	for _, p := range l.Pairs {
		cell := courseCell{Text: "–"}
		if p != nil && p.Heights[h] != nil {
			d := newDelta(p.Heights[h], 1)
			row.Cells[0].Text = d.Before
			cell = courseCell{d.Later, d.Significant}
		}
		row.Cells = append(row.Cells, cell)
	}
	return row
}
