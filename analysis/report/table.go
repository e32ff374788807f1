// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/finding"
)

// Disclaimer stands under every report that a person reads.
const Disclaimer = "Not a medical device: for research, not for diagnosis."

// Colors are the escape sequences that WriteTable sets around a row; the zero
// value writes none.
type Colors struct {
	deformed, doubtful, faint, strong, reset string
}

// ANSI are colours for a terminal, by SGR codes of ECMA-48.
func ANSI() Colors {
	return Colors{deformed: "\x1b[1;31m", doubtful: "\x1b[33m", faint: "\x1b[2m", strong: "\x1b[1m", reset: "\x1b[0m"}
}

func (c Colors) paint(code, s string) string {
	if code == "" || s == "" {
		return s
	}
	return code + s + c.reset
}

func (c Colors) of(t tone) string {
	switch t {
	case plain:
		return ""
	case faint:
		return c.faint
	case doubtful:
		return c.doubtful
	case deformed:
		return c.deformed
	}
	return ""
}

// WriteTable writes r for a person at a terminal.
func WriteTable(w io.Writer, r *Report, c Colors) error {
	var b bytes.Buffer
	for i := range r.Examinations {
		writeExamination(&b, &r.Examinations[i], c)
	}
	if r.Review != nil {
		fmt.Fprintf(&b, "%s\n\n", r.Review)
	}
	for _, s := range r.Skipped {
		fmt.Fprintf(&b, "%s %s\n", c.paint(c.doubtful, "skipped"), s)
	}
	if len(r.Skipped) > 0 {
		b.WriteByte('\n')
	}
	if len(r.Examinations) > 0 {
		fmt.Fprintf(&b, "%s\n", c.paint(c.faint, Disclaimer))
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("table: %w", err)
	}
	return nil
}

// String returns what was skipped and why, on one line.
func (s Skipped) String() string {
	what := s.Path
	if s.SeriesInstanceUID != "" {
		what += ", series " + s.SeriesInstanceUID
	}
	if s.SOPInstanceUID != "" {
		what += ", instance " + s.SOPInstanceUID
	}
	return what + ": " + s.Reason
}

func writeExamination(b *bytes.Buffer, e *Examination, c Colors) {
	fmt.Fprintf(b, "%s\n", c.paint(c.strong, e.title()))
	if e.SeriesInstanceUID != "" {
		fmt.Fprintf(b, "series %s\n", e.SeriesInstanceUID)
	}
	b.WriteByte('\n')
	if len(e.Result.Vertebrae) == 0 {
		fmt.Fprintf(b, "no vertebra: %s\n\n", e.Result.Reason)
	} else {
		writeVertebrae(b, e.Result, c)
	}
	writeAngles(b, e.Result)
	writeBone(b, e.Result, c)
	writeFindings(b, e.Result.Findings, c)
	for _, w := range e.Result.Warnings {
		fmt.Fprintf(b, "%s %s (%s)\n", c.paint(c.doubtful, "warning"), w.Message, w.Code)
	}
	if len(e.Result.Warnings) > 0 {
		b.WriteByte('\n')
	}
}

// title names an examination for a reader: where it is from, and how many
// vertebrae were measured.
func (e *Examination) title() string {
	measured := 0
	for i := range e.Result.Vertebrae {
		if e.Result.Vertebrae[i].Status == analysis.Measured {
			measured++
		}
	}
	noun := "vertebrae"
	if measured == 1 {
		noun = "vertebra"
	}
	title := fmt.Sprintf("%s, %d %s measured", e.Modality, measured, noun)
	if e.Path == "" {
		return title
	}
	return e.Path + ": " + title
}

// A heading has a unit below it; a width is the widest cell's.
type heading[T any] struct {
	name, unit string
	left       bool // aligned left
	cell       func(*T) string
}

func headings() []heading[row] {
	return []heading[row]{
		{"level", "", true, func(r *row) string { return r.Level }},
		{"prob", "%", false, func(r *row) string { return r.Probability }},
		{"Ha", "mm", false, func(r *row) string { return r.Ha }},
		{"Hm", "mm", false, func(r *row) string { return r.Hm }},
		{"Hp", "mm", false, func(r *row) string { return r.Hp }},
		{"sd", "mm", false, func(r *row) string { return r.SD }},
		{"exp Ha", "mm", false, func(r *row) string { return r.ExpectedHa }},
		{"exp Hm", "mm", false, func(r *row) string { return r.ExpectedHm }},
		{"exp Hp", "mm", false, func(r *row) string { return r.ExpectedHp }},
		{"Ha/Hp", "", false, func(r *row) string { return r.RatioA }},
		{"Hm/Hp", "", false, func(r *row) string { return r.RatioM }},
		{"Ha", "% exp", false, func(r *row) string { return r.OfHa }},
		{"Hm", "% exp", false, func(r *row) string { return r.OfHm }},
		{"Hp", "% exp", false, func(r *row) string { return r.OfHp }},
		{"loss", "", false, func(r *row) string { return r.Loss }},
		{"Genant", "0-3", false, func(r *row) string { return r.Grade }},
		{"wedge", "deg", false, func(r *row) string { return r.Wedge }},
		{"Gardner", "deg", false, func(r *row) string { return r.Gardner }},
		{"Cobb", "deg", false, func(r *row) string { return r.Cobb }},
		{"disc below", "mm", false, func(r *row) string { return r.Disc }},
		{"note", "", true, func(r *row) string { return r.Note }},
	}
}

// boneHeadings are those of what a second table holds, to stay within a
// terminal's width.
func boneHeadings() []heading[boneRow] {
	return []heading[boneRow]{
		{"level", "", true, func(r *boneRow) string { return r.Level }},
		{"bone", "HU", false, func(r *boneRow) string { return r.HU }},
		{"canal", "AP mm", false, func(r *boneRow) string { return value(r.CanalAP) }},
		{"canal", "mm²", false, func(r *boneRow) string { return value(r.CanalArea) }},
		{"less by", "%", false, func(r *boneRow) string { return r.Compromise }},
		{"class", "", true, func(r *boneRow) string { return r.CanalClass }},
		{"post. wall", "", true, func(r *boneRow) string { return r.Wall }},
		{"retrop.", "mm", false, func(r *boneRow) string { return r.Retropulsion }},
		{"pedicle L", "", true, func(r *boneRow) string { return r.PedicleL }},
		{"pedicle R", "", true, func(r *boneRow) string { return r.PedicleR }},
		{"cleft", "ml", false, func(r *boneRow) string { return r.cleftSeen() }},
		{"cement", "ml", false, func(r *boneRow) string { return r.Cement }},
	}
}

func writeVertebrae(b *bytes.Buffer, result *analysis.Result, c Colors) {
	heads, all := headings(), rows(result)
	heads = slices.DeleteFunc(heads, func(h heading[row]) bool {
		return (h.unit == "% exp" || strings.Contains(h.name, "/")) && !slices.ContainsFunc(all, func(r row) bool { return h.cell(&r) != "" })
	})
	writeRows(b, heads, all, func(r *row) tone { return r.Tone }, c)
	bone, measured := boneHeadings(), boneRows(result)
	bone = slices.DeleteFunc(bone, func(h heading[boneRow]) bool {
		return !slices.ContainsFunc(measured, func(r boneRow) bool { return h.cell(&r) != "" })
	})
	if len(bone) > 1 && result.Film == nil { // more than the levels' names
		writeRows(b, bone, measured, func(r *boneRow) tone { return max(r.CanalTone, r.BoneTone) }, c)
	}
}

func writeRows[T any](b *bytes.Buffer, heads []heading[T], rows []T, toneOf func(*T) tone, c Colors) {
	widths := make([]int, len(heads))
	for i, h := range heads {
		widths[i] = max(utf8.RuneCountInString(h.name), utf8.RuneCountInString(h.unit))
		for j := range rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(h.cell(&rows[j])))
		}
	}
	line := func(cell func(heading[T]) string) string {
		cells := make([]string, len(heads))
		for i, h := range heads {
			cells[i] = pad(cell(h), widths[i], h.left)
		}
		return strings.TrimRight(strings.Join(cells, "  "), " ")
	}
	fmt.Fprintln(b, c.paint(c.strong, line(func(h heading[T]) string { return h.name })))
	fmt.Fprintln(b, c.paint(c.faint, line(func(h heading[T]) string { return h.unit })))
	for i := range rows {
		fmt.Fprintln(b, c.paint(c.of(toneOf(&rows[i])), line(func(h heading[T]) string { return h.cell(&rows[i]) })))
	}
	b.WriteByte('\n')
}

// value returns the number of a cell without its standard deviation.
func value(cell string) string {
	v, _, _ := strings.Cut(cell, plusMinus)
	return v
}

// pad fills s with spaces to the given width in runes.
func pad(s string, width int, left bool) string {
	space := strings.Repeat(" ", max(width-utf8.RuneCountInString(s), 0))
	if left {
		return s + space
	}
	return space + s
}

func writeAngles(b *bytes.Buffer, result *analysis.Result) {
	angles := regional(result)
	for _, a := range angles {
		fmt.Fprintf(b, "%s, %s to %s: %s deg, sd %s\n", angleName(a.Name), a.From, a.To, fixed(a.Degrees, 1), fixed(a.SD, 1))
	}
	if len(angles) > 0 {
		b.WriteByte('\n')
	}
}

// writeBone says how dense the bone is, how bodies are broken and what they hold.
func writeBone(b *bytes.Buffer, result *analysis.Result, c Colors) {
	before := b.Len()
	if result.Density != nil {
		fmt.Fprintf(b, "density %s\n", densityText(result.Density))
	}
	rows := boneRows(result)
	for i := range result.Vertebrae {
		v := &result.Vertebrae[i]
		if v.Fracture != nil {
			fmt.Fprintf(b, "%s %s\n", c.paint(c.deformed, "fracture"), fractureText(v))
			if open := openText(v.Fracture); open != "" {
				fmt.Fprintf(b, "        %s\n", c.paint(c.faint, "CT cannot tell: "+open))
			}
		}
		if r := &rows[i]; v.Cement != nil {
			said := joined("; ", "leaks: "+cmp.Or(r.Leaks, "not assessed"), "confidence "+r.Confidence, r.CementNote)
			fmt.Fprintf(b, "%s %s: %s ml, %s ml in the body; %s\n", c.paint(c.doubtful, "cement"), r.Level, r.Cement, r.CementIn, said)
		}
		if v.Metal != nil {
			fmt.Fprintf(b, "%s %s: %s\n", c.paint(c.doubtful, "metal"), rows[i].Level, rows[i].Metal)
		}
	}
	if b.Len() > before {
		b.WriteByte('\n')
	}
}

func writeFindings(b *bytes.Buffer, findings []finding.Finding, c Colors) {
	for _, f := range findings {
		aside := ""
		if f.Borderline {
			aside = " (borderline)"
		}
		if said := verdict(f); said != "" {
			aside += " – " + said
		}
		fmt.Fprintf(b, "%s %s%s\n", c.paint(c.deformed, "finding"), f.Statement, aside)
	}
	for _, criterion := range criteria(findings) {
		fmt.Fprintf(b, "        %s\n", c.paint(c.faint, criterion))
	}
	if len(findings) > 0 {
		b.WriteByte('\n')
	}
}
