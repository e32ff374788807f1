// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/landmark"
)

// Decimals in CSV: one digit more than the measurement's own uncertainty, so
// that rounding adds nothing to it.
const (
	decimalsMM          = 2
	decimalsDegrees     = 2
	decimalsPercent     = 1
	decimalsProbability = 3
	decimalsMM2         = 1
	decimalsML          = 3
	decimalsHU          = 1
)

// column is one column of the CSV; its name is the path in the JSON, joined
// with underscores.
type column struct {
	name  string
	value func(*Examination, *analysis.Vertebra) string
}

// WriteCSV writes one row a vertebra, UIDs first. What was not measured is
// empty. Series without a vertebra, and skipped inputs, have no row.
func WriteCSV(w io.Writer, r *Report) error {
	columns := columns()
	out := csv.NewWriter(w)
	record := make([]string, len(columns))
	for i, c := range columns {
		record[i] = c.name
	}
	if err := out.Write(record); err != nil {
		return fmt.Errorf("csv: %w", err)
	}
	for i := range r.Examinations {
		e := &r.Examinations[i]
		for j := range e.Result.Vertebrae {
			for k, c := range columns {
				record[k] = c.value(e, &e.Result.Vertebrae[j])
			}
			if err := out.Write(record); err != nil {
				return fmt.Errorf("csv: %w", err)
			}
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("csv: %w", err)
	}
	return nil
}

func columns() []column {
	all := identityColumns()
	all = append(all, levelColumns()...)
	all = append(all, landmarkColumns()...)
	all = append(all, heightColumns()...)
	all = append(all, bodyColumns()...)
	all = append(all, deformityColumns()...)
	all = append(all, canalColumns()...)
	all = append(all, wallColumns()...)
	all = append(all, tissueColumns()...)
	all = append(all, cementColumns()...)
	return append(all, fractureColumns()...)
}

func identityColumns() []column {
	return []column{
		{"study_instance_uid", func(e *Examination, _ *analysis.Vertebra) string { return e.StudyInstanceUID }},
		{"series_instance_uid", func(e *Examination, _ *analysis.Vertebra) string { return e.SeriesInstanceUID }},
		{"frame_of_reference_uid", func(e *Examination, _ *analysis.Vertebra) string { return e.FrameOfReferenceUID }},
		{"modality", func(e *Examination, _ *analysis.Vertebra) string { return e.Modality }},
		{"path", func(e *Examination, _ *analysis.Vertebra) string { return e.Path }},
	}
}

func levelColumns() []column {
	return []column{
		{"level", text(func(v *analysis.Vertebra) string { return v.Level.String() })},
		{"level_probability", number(decimalsProbability, func(v *analysis.Vertebra) float64 { return v.LevelProbability })},
		{"level_alternative", text(func(v *analysis.Vertebra) string { return v.LevelAlternative.String() })},
		{"complete", text(func(v *analysis.Vertebra) string { return strconv.FormatBool(v.Complete) })},
		{"status", text(func(v *analysis.Vertebra) string { return statusNames[v.Status] })},
		{"status_reason", text(func(v *analysis.Vertebra) string { return v.Reason })},
		{"center_x", number(decimalsMM, func(v *analysis.Vertebra) float64 { return v.Center.X })},
		{"center_y", number(decimalsMM, func(v *analysis.Vertebra) float64 { return v.Center.Y })},
		{"center_z", number(decimalsMM, func(v *analysis.Vertebra) float64 { return v.Center.Z })},
	}
}

func landmarkColumns() []column {
	var all []column
	for _, p := range sixPoints {
		placed := func(v *analysis.Vertebra) bool {
			return v.Landmarks != nil && p.of(v.Landmarks) != (landmark.Point{})
		}
		at := func(pick func(r3.Vec) float64) func(*Examination, *analysis.Vertebra) string {
			return number(decimalsMM, func(v *analysis.Vertebra) float64 { return pick(p.of(v.Landmarks).Position) }, placed)
		}
		all = append(all,
			column{"landmarks_" + p.name + "_x", at(func(q r3.Vec) float64 { return q.X })},
			column{"landmarks_" + p.name + "_y", at(func(q r3.Vec) float64 { return q.Y })},
			column{"landmarks_" + p.name + "_z", at(func(q r3.Vec) float64 { return q.Z })},
			column{"landmarks_" + p.name + "_sd_mm", number(decimalsMM,
				func(v *analysis.Vertebra) float64 { return p.of(v.Landmarks).SD }, placed)})
	}
	return all
}

func heightColumns() []column {
	mm := func(value func(v *analysis.Vertebra) float64, has func(v *analysis.Vertebra) bool) func(*Examination, *analysis.Vertebra) string {
		return number(decimalsMM, value, has)
	}
	return []column{
		{"heights_anterior_mm", mm(func(v *analysis.Vertebra) float64 { return v.Heights.Anterior }, hasHeights)},
		{"heights_middle_mm", mm(func(v *analysis.Vertebra) float64 { return v.Heights.Middle }, hasHeights)},
		{"heights_posterior_mm", mm(func(v *analysis.Vertebra) float64 { return v.Heights.Posterior }, hasHeights)},
		{"heights_sd_mm", mm(heightSD, hasHeights)},
		{"heights_anterior_sd_mm", mm(func(v *analysis.Vertebra) float64 { return v.Heights.AnteriorSD }, hasHeights)},
		{"heights_middle_sd_mm", mm(func(v *analysis.Vertebra) float64 { return v.Heights.MiddleSD }, hasHeights)},
		{"heights_posterior_sd_mm", mm(func(v *analysis.Vertebra) float64 { return v.Heights.PosteriorSD }, hasHeights)},
		{"heights_expected_anterior_mm", mm(func(v *analysis.Vertebra) float64 { return v.Expected.Anterior }, hasExpected)},
		{"heights_expected_middle_mm", mm(func(v *analysis.Vertebra) float64 { return v.Expected.Middle }, hasExpected)},
		{"heights_expected_posterior_mm", mm(func(v *analysis.Vertebra) float64 { return v.Expected.Posterior }, hasExpected)},
		{"heights_expected_sd_mm", mm(func(v *analysis.Vertebra) float64 { return v.Expected.SD }, hasExpected)},
		{"heights_expected_from", text(func(v *analysis.Vertebra) string { return levelNames(v.Expected.From) }, hasExpected)},
	}
}

func bodyColumns() []column {
	hasWedge := func(v *analysis.Vertebra) bool { return v.WedgeAngle != nil }
	hasDisc := func(v *analysis.Vertebra) bool { return v.DiscHeight != nil }
	hasDepth := func(v *analysis.Vertebra) bool { return v.Body != nil && v.Body.Depth > 0 }
	hasWidth := func(v *analysis.Vertebra) bool { return v.Body != nil && v.Body.Width > 0 }
	return []column{
		{"wedge_angle_deg", number(decimalsDegrees, func(v *analysis.Vertebra) float64 { return v.WedgeAngle.Value }, hasWedge)},
		{"wedge_angle_sd_deg", number(decimalsDegrees, func(v *analysis.Vertebra) float64 { return v.WedgeAngle.SD }, hasWedge)},
		{"disc_height_below_mm", number(decimalsMM, func(v *analysis.Vertebra) float64 { return v.DiscHeight.Value }, hasDisc)},
		{"disc_height_below_sd_mm", number(decimalsMM, func(v *analysis.Vertebra) float64 { return v.DiscHeight.SD }, hasDisc)},
		{"depth_mm", number(decimalsMM, func(v *analysis.Vertebra) float64 { return v.Body.Depth }, hasDepth)},
		{"width_mm", number(decimalsMM, func(v *analysis.Vertebra) float64 { return v.Body.Width }, hasWidth)},
	}
}

func deformityColumns() []column {
	has := func(v *analysis.Vertebra) bool { return v.Deformity != nil }
	assessed := func(v *analysis.Vertebra) bool { return v.Deformity != nil && v.Deformity.Assessed }
	return []column{
		{"deformity_genant_grade", text(func(v *analysis.Vertebra) string { return strconv.Itoa(v.Deformity.Grade) }, assessed)},
		{"deformity_shape", text(func(v *analysis.Vertebra) string { return shapeNames[v.Deformity.Shape] }, assessed)},
		{"deformity_worst_loss_percent", number(decimalsPercent, func(v *analysis.Vertebra) float64 { return v.Deformity.WorstLoss }, assessed)},
		{"deformity_worst_loss_sd_percent", number(decimalsPercent, func(v *analysis.Vertebra) float64 { return v.Deformity.WorstLossSD }, assessed)},
		{"deformity_worst_height", text(func(v *analysis.Vertebra) string { return heightNames[v.Deformity.WorstHeight] }, assessed)},
		{"deformity_borderline", text(func(v *analysis.Vertebra) string { return strconv.FormatBool(v.Deformity.Borderline) }, assessed)},
		{"deformity_basis", text(func(v *analysis.Vertebra) string { return basisNames[v.Deformity.Basis] }, assessed)},
		{"deformity_severe", text(func(v *analysis.Vertebra) string { return strconv.FormatBool(v.Deformity.Severe) }, assessed)},
		{"deformity_vertebra_plana", text(func(v *analysis.Vertebra) string { return strconv.FormatBool(v.Deformity.VertebraPlana) }, assessed)},
		{"deformity_reason", text(func(v *analysis.Vertebra) string { return v.Deformity.Reason }, has)},
	}
}

// text returns a column's value; it is empty where a condition is not met.
func text(value func(*analysis.Vertebra) string, conditions ...func(*analysis.Vertebra) bool) func(*Examination, *analysis.Vertebra) string {
	return func(_ *Examination, v *analysis.Vertebra) string {
		for _, met := range conditions {
			if !met(v) {
				return ""
			}
		}
		return value(v)
	}
}

func number(decimals int, value func(*analysis.Vertebra) float64, conditions ...func(*analysis.Vertebra) bool) func(*Examination, *analysis.Vertebra) string {
	return text(func(v *analysis.Vertebra) string { return fixed(value(v), decimals) }, conditions...)
}

func hasHeights(v *analysis.Vertebra) bool { return v.Heights != nil }
func hasExpected(v *analysis.Vertebra) bool {
	return v.Expected != nil && len(v.Expected.From) > 0
}

// heightSD returns the largest standard deviation of the three heights, mm.
func heightSD(v *analysis.Vertebra) float64 {
	return max(v.Heights.AnteriorSD, v.Heights.MiddleSD, v.Heights.PosteriorSD)
}

// sixPoints are the six morphometry points and their names in the contract.
var sixPoints = []struct {
	name string
	of   func(*landmark.Vertebra) landmark.Point
}{
	{"superior_anterior", func(l *landmark.Vertebra) landmark.Point { return l.Superior.Anterior }},
	{"superior_middle", func(l *landmark.Vertebra) landmark.Point { return l.Superior.Middle }},
	{"superior_posterior", func(l *landmark.Vertebra) landmark.Point { return l.Superior.Posterior }},
	{"inferior_anterior", func(l *landmark.Vertebra) landmark.Point { return l.Inferior.Anterior }},
	{"inferior_middle", func(l *landmark.Vertebra) landmark.Point { return l.Inferior.Middle }},
	{"inferior_posterior", func(l *landmark.Vertebra) landmark.Point { return l.Inferior.Posterior }},
}
