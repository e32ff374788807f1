// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/spine"
)

// WriteComparisonCSV writes one row a level and comparison, UIDs first.
func WriteComparisonCSV(w io.Writer, r *ComparisonReport) error {
	return WriteCells(w, ComparisonColumns(), func(yield func([]string) bool) {
		for _, c := range r.Comparisons {
			for _, cells := range ComparisonCells(c) {
				if !yield(cells) {
					return
				}
			}
		}
	})
}

// ComparisonColumns returns the columns of the table of compared levels.
func ComparisonColumns() []Column {
	return append(columnsOf(comparisonFields()), columnsOf(pairFields())...)
}

// ComparisonCells returns a row of cells for each level of c.
func ComparisonCells(c *comparison.Comparison) [][]string {
	identity, fields := cellsOf(comparisonFields(), c), pairFields()
	rows := make([][]string, len(c.Vertebrae))
	for i := range rows {
		rows[i] = append(identity[:len(identity):len(identity)], cellsOf(fields, &comparedPair{&c.Vertebrae[i], c})...)
	}
	return rows
}

// comparedPair is a pair with the comparison that it is of.
type comparedPair struct {
	*comparison.Pair
	in *comparison.Comparison
}

func comparisonFields() []field[*comparison.Comparison] {
	return []field[*comparison.Comparison]{
		text("before_study_instance_uid", "StudyInstanceUID of the first examination",
			func(c *comparison.Comparison) string { return c.Before.StudyInstanceUID }),
		text("before_series_instance_uid", "SeriesInstanceUID of the first examination",
			func(c *comparison.Comparison) string { return c.Before.SeriesInstanceUID }),
		text("after_study_instance_uid", "StudyInstanceUID of the second examination",
			func(c *comparison.Comparison) string { return c.After.StudyInstanceUID }),
		text("after_series_instance_uid", "SeriesInstanceUID of the second examination",
			func(c *comparison.Comparison) string { return c.After.SeriesInstanceUID }),
		text("before_name", "the first examination, as the caller named it",
			func(c *comparison.Comparison) string { return c.Before.Name }),
		text("after_name", "the second examination, as the caller named it",
			func(c *comparison.Comparison) string { return c.After.Name }),
		text("before_modality", "Modality of the first examination", func(c *comparison.Comparison) string { return c.Before.Modality }),
		text("after_modality", "Modality of the second examination", func(c *comparison.Comparison) string { return c.After.Modality }),
		calibrationField("before_calibration_basis", "first", func(c *comparison.Comparison) *comparison.Examination { return c.Before }),
		calibrationField("after_calibration_basis", "second", func(c *comparison.Comparison) *comparison.Examination { return c.After }),
		number("days", quantity{"d", 1}, "days from the first to the second examination",
			func(c *comparison.Comparison) float64 { return *c.Days },
			func(c *comparison.Comparison) bool { return c.Days != nil }),
		text("match_state", "how names and shapes agree: NAMES_AGREE, NAMES_CORRECTED, NAMES_DISAGREE or NAMES_UNCHECKED",
			func(c *comparison.Comparison) string { return string(c.Match.State) }),
		integer("match_offset", "by how many levels the second examination's own names stand below the first's, by shape",
			func(c *comparison.Comparison) int { return c.Match.Offset }),
		number("match_probability", ofOne, "probability of the matching used",
			func(c *comparison.Comparison) float64 { return c.Match.Probability }),
		text("not_assessable_on_radiograph", "what the comparison does not tell because one of the two is a film, separated by commas; empty for two CTs",
			func(c *comparison.Comparison) string { return strings.Join(c.NotAssessable, ", ") }),
		text("warnings", "codes of what makes the comparison doubtful, joined with semicolons", warningCodes),
	}
}

func warningCodes(c *comparison.Comparison) string {
	codes := make([]string, len(c.Warnings))
	for i, w := range c.Warnings {
		codes[i] = w.Code
	}
	return strings.Join(codes, ";")
}

func pairFields() []field[*comparedPair] {
	all := []field[*comparedPair]{
		text("level", "name of the level", func(p *comparedPair) string { return p.Level.String() }),
		text("level_before", "name that the first examination gave it", func(p *comparedPair) string { return p.LevelBefore.String() },
			func(p *comparedPair) bool { return p.LevelBefore != spine.Unknown }),
		text("level_after", "name that the second examination gave it", func(p *comparedPair) string { return p.LevelAfter.String() },
			func(p *comparedPair) bool { return p.LevelAfter != spine.Unknown }),
		text("reason", "why nothing, or not all, was compared", func(p *comparedPair) string { return p.Reason.String() }),
		boolean("treated", "cement or metal in the second examination, or the caller's word", func(p *comparedPair) bool { return p.Treated }),
		boolean("unaffected", "measured, unfractured and untreated in both", func(p *comparedPair) bool { return p.Unaffected }),
		integer("genant_grade_before", "Genant grade in the first examination", func(p *comparedPair) int { return *p.GradeBefore },
			func(p *comparedPair) bool { return p.GradeBefore != nil }),
		integer("genant_grade_after", "Genant grade in the second examination", func(p *comparedPair) int { return *p.GradeAfter },
			func(p *comparedPair) bool { return p.GradeAfter != nil }),
	}
	for h := range finding.PosteriorHeight + 1 {
		all = append(all, heightChangeFields(h)...)
	}
	for _, q := range append(pairQuantities(), filmQuantities()...) {
		all = append(all, changeFields(q)...)
	}
	all = append(all, text("relative_to", "levels unaffected in both from which heights of a comparison with a film are expected, separated by spaces",
		func(p *comparedPair) string { return levelNames(p.RelativeTo) }))
	return append(all, text("findings", "codes of findings about the level, joined with semicolons", findingCodes))
}

// heightChangeFields are the columns of one height.
func heightChangeFields(h finding.Height) []field[*comparedPair] {
	name := h.String() + "_height"
	all := changeFields(pairQuantity{name, inMM, h.String() + " height", func(p *comparedPair) *comparison.Change { return p.Heights[h] }})
	has := func(p *comparedPair) bool { return p.Expected != nil }
	restored := func(p *comparedPair) bool { return p.Restored[h].Defined }
	return append(all,
		number(name+"_expected_mm", inMM, h.String()+" height expected from the levels unaffected in both",
			func(p *comparedPair) float64 {
				return [...]float64{p.Expected.Anterior, p.Expected.Middle, p.Expected.Posterior}[h]
			}, has),
		number(name+"_restored_percent", inPercent, "share of the lost "+h.String()+" height that came back; empty where nothing was lost",
			func(p *comparedPair) float64 { return p.Restored[h].Value }, restored),
		number(name+"_restored_sd_percent", inPercent, "its standard deviation",
			func(p *comparedPair) float64 { return p.Restored[h].SD }, restored),
	)
}

// pairQuantity is a quantity that changes.
type pairQuantity struct {
	name    string
	in      quantity
	meaning string
	of      func(*comparedPair) *comparison.Change
}

func pairQuantities() []pairQuantity {
	angle := func(name string) func(*comparedPair) *comparison.Change {
		return func(p *comparedPair) *comparison.Change { return angleChange(p.in, name, p.Level) }
	}
	return []pairQuantity{
		{"wedge_angle", inDegrees, "wedge angle, kyphosis positive", func(p *comparedPair) *comparison.Change { return p.Wedge }},
		{"gardner_angle", inDegrees, "Gardner angle, kyphosis positive", angle(morphometry.Gardner)},
		{"bisegmental_cobb_angle", inDegrees, "bisegmental Cobb angle, kyphosis positive", angle(morphometry.BisegmentalCobb)},
		{"disc_height_below", inMM, "height of the disc below", func(p *comparedPair) *comparison.Change { return p.DiscHeight }},
		{"body_volume", inML, "volume of the body", func(p *comparedPair) *comparison.Change { return p.Volume }},
		{"canal_ap", inMM, "mid-sagittal diameter of the canal where it is narrowest", func(p *comparedPair) *comparison.Change { return p.CanalAP }},
		{"canal_area", inMM2, "area of the canal where it is narrowest", func(p *comparedPair) *comparison.Change { return p.CanalArea }},
		{"retropulsion", inMM, "retropulsion of the posterior wall", func(p *comparedPair) *comparison.Change { return p.Retropulsion }},
		{"cement_volume", inML, "volume of cement", func(p *comparedPair) *comparison.Change {
			if p.Cement == nil {
				return nil
			}
			return p.Cement.Volume
		}},
	}
}

// changeFields are the columns of one quantity that changes.
func changeFields(q pairQuantity) []field[*comparedPair] {
	has := func(p *comparedPair) bool { return q.of(p) != nil }
	unit := q.in.suffix()
	column := func(suffix, meaning string, value func(*comparison.Change) float64) field[*comparedPair] {
		return number(q.name+"_"+suffix+unit, q.in, meaning, func(p *comparedPair) float64 { return value(q.of(p)) }, has)
	}
	return []field[*comparedPair]{
		column("before", q.meaning+", in the first examination", func(c *comparison.Change) float64 { return c.Before.Value }),
		column("after", q.meaning+", in the second examination", func(c *comparison.Change) float64 { return c.After.Value }),
		column("change", "second less first", func(c *comparison.Change) float64 { return c.Value }),
		column("change_sd", "standard deviation of the change", func(c *comparison.Change) float64 { return c.SD }),
		column("lsc", "least significant change", func(c *comparison.Change) float64 { return c.LSC }),
		boolean(q.name+"_significant", fmt.Sprintf("whether the change of the %s exceeds it", strings.ReplaceAll(q.name, "_", " ")),
			func(p *comparedPair) bool { return q.of(p).Significant }, has),
	}
}

func findingCodes(p *comparedPair) string {
	var codes []string
	for _, f := range p.in.Findings {
		if len(f.Levels) > 0 && f.Levels[0] == p.Level {
			codes = append(codes, f.Code)
		}
	}
	return strings.Join(codes, ";")
}
