// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/finding"
)

// WriteComparisonTable writes r for a person at a terminal.
func WriteComparisonTable(w io.Writer, r *ComparisonReport, colors Colors) error {
	var b bytes.Buffer
	for _, s := range r.Chosen {
		fmt.Fprintf(&b, "%s\n", colors.paint(colors.faint, s))
	}
	for _, c := range r.Comparisons {
		writeComparison(&b, c, colors)
	}
	if r.Course != nil {
		writeCourse(&b, r.Course, colors)
	}
	for _, s := range r.Skipped {
		fmt.Fprintf(&b, "%s %s\n", colors.paint(colors.doubtful, "skipped"), s)
	}
	fmt.Fprintf(&b, "%s\n", colors.paint(colors.faint, Disclaimer))
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("table: %w", err)
	}
	return nil
}

func changeHeadings() []heading[changeRow] {
	return []heading[changeRow]{
		{"level", "", true, func(r *changeRow) string { return r.Level }},
		{"Genant", "0-3", false, func(r *changeRow) string { return r.Grade }},
		{"Ha", "mm", true, func(r *changeRow) string { return r.Ha.String() }},
		{"Hm", "mm", true, func(r *changeRow) string { return r.Hm.String() }},
		{"Hp", "mm", true, func(r *changeRow) string { return r.Hp.String() }},
		{"Ha", "% exp", true, func(r *changeRow) string { return r.OfHa.String() }},
		{"Hm", "% exp", true, func(r *changeRow) string { return r.OfHm.String() }},
		{"Hp", "% exp", true, func(r *changeRow) string { return r.OfHp.String() }},
		{"restored", "Ha %", false, func(r *changeRow) string { return cmp.Or(r.Ha.Restored, r.OfHa.Restored) }},
		{"", "Hm %", false, func(r *changeRow) string { return cmp.Or(r.Hm.Restored, r.OfHm.Restored) }},
		{"", "Hp %", false, func(r *changeRow) string { return cmp.Or(r.Hp.Restored, r.OfHp.Restored) }},
		{"Ha/Hp", "", true, func(r *changeRow) string { return r.RatioA.String() }},
		{"Hm/Hp", "", true, func(r *changeRow) string { return r.RatioM.String() }},
		{"wedge", "deg", true, func(r *changeRow) string { return r.Wedge.String() }},
		{"Gardner", "deg", true, func(r *changeRow) string { return r.Gardner.String() }},
		{"Cobb", "deg", true, func(r *changeRow) string { return r.Cobb.String() }},
		{"volume", "ml", true, func(r *changeRow) string { return r.Volume.String() }},
		{"canal", "mm²", true, func(r *changeRow) string { return r.CanalArea.String() }},
		{"retrop.", "mm", true, func(r *changeRow) string { return r.Retropulsion.String() }},
		{"cement", "ml", true, func(r *changeRow) string { return r.Cement.String() }},
		{"note", "", true, func(r *changeRow) string { return r.Note }},
	}
}

func writeComparison(b *bytes.Buffer, c *comparison.Comparison, colors Colors) {
	fmt.Fprintf(b, "%s\n", colors.paint(colors.strong, comparisonTitle(c)))
	fmt.Fprintf(b, "%s\n\n", matchText(&c.Match))
	rows := changeRows(c)
	heads := slices.DeleteFunc(changeHeadings(), func(h heading[changeRow]) bool {
		return !slices.ContainsFunc(rows, func(r changeRow) bool { return h.cell(&r) != "" })
	})
	writeRows(b, heads, rows, func(r *changeRow) tone { return r.Tone }, colors)
	fmt.Fprintf(b, "%s\n\n", colors.paint(colors.faint, significanceText(c)))
	for _, a := range regionalChanges(c) {
		fmt.Fprintf(b, "%s\n", a)
	}
	writeFindings(b, c.Findings, colors)
	for _, s := range filmLines(c) {
		fmt.Fprintf(b, "%s\n", s)
	}
	for _, w := range c.Warnings {
		fmt.Fprintf(b, "%s %s (%s)\n", colors.paint(colors.doubtful, "warning"), w.Message, w.Code)
	}
	b.WriteByte('\n')
}

// comparisonTitle names the two examinations and the time between them.
func comparisonTitle(c *comparison.Comparison) string {
	s := examinationName(c.Before) + " → " + examinationName(c.After)
	if c.Days != nil {
		s += fmt.Sprintf(", %.0f days", *c.Days)
	}
	return s
}

// examinationName names an examination by its path and date.
func examinationName(e *comparison.Examination) string {
	name := cmp.Or(e.Name, e.SeriesInstanceUID, "examination")
	if e.Acquired.IsZero() {
		return name
	}
	return name + " (" + e.Acquired.Format("2006-01-02") + ")"
}

// matchText says how the names agree.
func matchText(m *comparison.Match) string {
	on := fmt.Sprintf("%d unfractured, untreated vertebrae", m.Levels)
	switch m.State {
	case comparison.NamesAgree:
		return fmt.Sprintf("levels: names agree with the shape of %s (probability %.3f)", on, m.Probability)
	case comparison.NamesCorrected:
		return fmt.Sprintf("levels: names corrected by the shape of %s (probability %.3f)", on, m.Probability)
	case comparison.NamesDisagree:
		return fmt.Sprintf("levels: compared by name, against the shape of %s (probability of the names %.3f)", on, m.Probability)
	case comparison.NamesUnchecked:
	}
	return "levels: compared by name alone; " + on + " are too few to tell by shape"
}

// significanceText explains the mark.
func significanceText(c *comparison.Comparison) string {
	return fmt.Sprintf("%s exceeds its least significant change: %.1f SD of the change, by which a false one is found in %g %% of comparisons without any change",
		significantMark, c.Factor, 100*comparison.FamilyError)
}

// regionalChanges says the changes of the angles that concern no single vertebra.
func regionalChanges(c *comparison.Comparison) []string {
	var out []string
	for _, a := range c.Angles {
		if a.Level != 0 {
			continue
		}
		d := newDelta(a.Change, 1)
		mark := ""
		if d.Significant {
			mark = significantMark
		}
		out = append(out, fmt.Sprintf("%s, %s to %s: %s deg, %s%s, sd %s", angleName(a.Name), a.From, a.To, d.Before, d.Change, mark, d.SD))
	}
	return out
}

// writeCourse writes the heights of the levels that changed, by examination.
func writeCourse(b *bytes.Buffer, t *comparison.TimeCourse, colors Colors) {
	fmt.Fprintf(b, "%s\n", colors.paint(colors.strong, "time course, heights in mm"))
	for i, e := range t.Examinations {
		after := ""
		if i == t.FirstTreated {
			after = ", the first after treatment"
		}
		fmt.Fprintf(b, "%d  %s%s\n", i+1, examinationName(e), after)
	}
	for i := range t.Levels {
		l := &t.Levels[i]
		if !courseChanged(l) {
			continue
		}
		for h := range finding.PosteriorHeight + 1 {
			fmt.Fprintf(b, "%-4s %s %s\n", l.Level, heightName(h), courseText(l, h))
		}
	}
	var said []finding.Finding
	for _, f := range t.Findings {
		if f.Code == comparison.Recollapse {
			said = append(said, f)
		}
	}
	writeFindings(b, said, colors)
	b.WriteByte('\n')
}

// courseChanged reports whether any height of a level changed, or it was treated.
func courseChanged(l *comparison.LevelCourse) bool {
	return slices.ContainsFunc(l.Pairs, func(p *comparison.Pair) bool {
		return p != nil && (p.Treated || slices.ContainsFunc(p.Heights[:], func(c *comparison.Change) bool {
			return c != nil && c.Significant
		}))
	})
}

// courseText says a height by examination, "–" where it was not measured.
func courseText(l *comparison.LevelCourse, h finding.Height) string {
	out, first := "", "–"
	for _, p := range l.Pairs {
		s := "–"
		if p != nil && p.Heights[h] != nil {
			d := newDelta(p.Heights[h], 1)
			first, s = d.Before, d.Later
			if d.Significant {
				s += significantMark
			}
		}
		out += " → " + s
	}
	return first + out
}
