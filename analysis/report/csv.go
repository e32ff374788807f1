// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"io"
	"slices"
	"strings"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/landmark"
)

// WriteCSV writes one row a vertebra, UIDs first. What was not measured is
// empty. Series without a vertebra, and skipped inputs, have no row.
func WriteCSV(w io.Writer, r *Report) error {
	return WriteCells(w, VertebraColumns(), func(yield func([]string) bool) {
		for i := range r.Examinations {
			for _, cells := range VertebraCells(&r.Examinations[i]) {
				if !yield(cells) {
					return
				}
			}
		}
	})
}

// VertebraColumns returns the columns of the table of vertebrae.
func VertebraColumns() []Column {
	return slices.Concat(columnsOf(examinationFields()), columnsOf(placeFields()), columnsOf(measuredFields()), columnsOf(verdictFields()), columnsOf(filmFields()))
}

// VertebraCells returns a row of cells for each vertebra of e.
func VertebraCells(e *Examination) [][]string {
	identity, verdicts := cellsOf(examinationFields(), e), verdictFields()
	places, fields, film := placeFields(), measuredFields(), cellsOf(filmFields(), e.Result.Film)
	rows := make([][]string, len(e.Result.Vertebrae))
	for i := range rows {
		v := &e.Result.Vertebrae[i]
		rows[i] = slices.Concat(identity, cellsOf(places, standing{e.Result.Film, v}), cellsOf(fields, v), cellsOf(verdicts, judged{e.Result.Findings, v}), film)
	}
	return rows
}

func examinationFields() []field[*Examination] {
	return []field[*Examination]{
		text("study_instance_uid", "StudyInstanceUID; empty where the input is not DICOM",
			func(e *Examination) string { return e.StudyInstanceUID }),
		text("series_instance_uid", "SeriesInstanceUID",
			func(e *Examination) string { return e.SeriesInstanceUID }),
		text("frame_of_reference_uid", "FrameOfReferenceUID: positions are in this frame",
			func(e *Examination) string { return e.FrameOfReferenceUID }),
		text("modality", "CT, SEG for a label map alone, or that of a film, such as DX",
			func(e *Examination) string { return e.Modality }),
		text("path", "where the series was found, as the caller named it",
			func(e *Examination) string { return e.Path }),
	}
}

// standing is a vertebra with what its positions are told by.
type standing struct {
	film *analysis.Film // nil for a CT
	*analysis.Vertebra
}

func onFilm(v standing) bool        { return v.film != nil }
func inPatient(v standing) bool     { return v.film == nil }
func inMillimetres(v standing) bool { return v.film == nil || v.film.Calibration.Millimetres() }

// placeFields say which vertebra it is and where.
func placeFields() []field[standing] { return append(levelFields(), landmarkFields()...) }

func measuredFields() []field[*analysis.Vertebra] {
	all := heightFields()
	all = append(all, bodyFields()...)
	all = append(all, deformityFields()...)
	all = append(all, canalFields()...)
	all = append(all, wallFields()...)
	all = append(all, tissueFields()...)
	all = append(all, cementFields()...)
	all = append(all, fractureFields()...)
	all = append(all, readerFields()...)
	return append(all, ratioFields()...)
}

func levelFields() []field[standing] {
	return []field[standing]{
		text("level", "name of the vertebra, C3 to S1, T13 and L6 included",
			func(v standing) string { return v.Level.String() }),
		number("level_probability", ofOne, "probability of the name, 0 to 1",
			func(v standing) float64 { return v.LevelProbability }),
		text("level_alternative", "the next most probable name",
			func(v standing) string { return v.LevelAlternative.String() }),
		boolean("complete", "whole in the field of view",
			func(v standing) bool { return v.Complete }),
		text("status", "MEASURED, TRUNCATED or NOT_MEASURABLE",
			func(v standing) string { return statusNames[v.Status] }),
		text("status_reason", "why it was not measured, or what makes it doubtful",
			func(v standing) string { return v.Reason.String() }),
		number("center_x", inMM, "centre of the vertebral body, LPS: towards the patient's left",
			func(v standing) float64 { return v.Center.X }, inPatient),
		number("center_y", inMM, "the same, towards posterior",
			func(v standing) float64 { return v.Center.Y }, inPatient),
		number("center_z", inMM, "the same, towards superior",
			func(v standing) float64 { return v.Center.Z }, inPatient),
		number("center_column", inPixels, "the same on a film: columns from the outer corner of the first pixel",
			func(v standing) float64 { return v.film.Point(v.Center).Col }, onFilm),
		number("center_row", inPixels, "the same, rows",
			func(v standing) float64 { return v.film.Point(v.Center).Row }, onFilm),
	}
}

func landmarkFields() []field[standing] {
	var all []field[standing]
	for n := range landmark.Name(landmark.NumPoints) {
		of := func(l *landmark.Vertebra) landmark.Point { return *l.Point(n) }
		name := strings.ReplaceAll(n.String(), " ", "_")
		endplate, place, _ := strings.Cut(n.String(), " ")
		what := place + " point of the " + endplate + " endplate"
		there := func(v standing) bool {
			return v.Landmarks != nil && of(v.Landmarks) != (landmark.Point{})
		}
		all = append(all,
			number("landmarks_"+name+"_x", inMM, what+", LPS: towards the patient's left",
				func(v standing) float64 { return of(v.Landmarks).Position.X }, there, inPatient),
			number("landmarks_"+name+"_y", inMM, "the same, towards posterior",
				func(v standing) float64 { return of(v.Landmarks).Position.Y }, there, inPatient),
			number("landmarks_"+name+"_z", inMM, "the same, towards superior",
				func(v standing) float64 { return of(v.Landmarks).Position.Z }, there, inPatient),
			number("landmarks_"+name+"_sd_mm", inMM, "its standard deviation",
				func(v standing) float64 { return of(v.Landmarks).SD }, there, inMillimetres),
			number("landmarks_"+name+"_column", inPixels, what+" on a film",
				func(v standing) float64 { return v.film.Point(of(v.Landmarks).Position).Col }, there, onFilm),
			number("landmarks_"+name+"_row", inPixels, "the same, rows",
				func(v standing) float64 { return v.film.Point(of(v.Landmarks).Position).Row }, there, onFilm),
			number("landmarks_"+name+"_sd_pixels", inPixels, "its standard deviation",
				func(v standing) float64 { return v.film.Pixels(of(v.Landmarks).SD) }, there, onFilm))
	}
	return all
}

func heightFields() []field[*analysis.Vertebra] {
	return []field[*analysis.Vertebra]{
		number("heights_anterior_mm", inMM, "anterior height of the vertebral body, Ha",
			func(v *analysis.Vertebra) float64 { return v.Heights.Anterior }, hasHeights),
		number("heights_middle_mm", inMM, "middle height, Hm",
			func(v *analysis.Vertebra) float64 { return v.Heights.Middle }, hasHeights),
		number("heights_posterior_mm", inMM, "posterior height, Hp",
			func(v *analysis.Vertebra) float64 { return v.Heights.Posterior }, hasHeights),
		number("heights_sd_mm", inMM, "largest standard deviation of the three heights", heightSD, hasHeights),
		number("heights_anterior_sd_mm", inMM, "standard deviation of the anterior height",
			func(v *analysis.Vertebra) float64 { return v.Heights.AnteriorSD }, hasHeights),
		number("heights_middle_sd_mm", inMM, "standard deviation of the middle height",
			func(v *analysis.Vertebra) float64 { return v.Heights.MiddleSD }, hasHeights),
		number("heights_posterior_sd_mm", inMM, "standard deviation of the posterior height",
			func(v *analysis.Vertebra) float64 { return v.Heights.PosteriorSD }, hasHeights),
		number("heights_expected_anterior_mm", inMM, "anterior height expected from unfractured neighbours",
			func(v *analysis.Vertebra) float64 { return v.Expected.Anterior }, hasExpected),
		number("heights_expected_middle_mm", inMM, "middle height expected from them",
			func(v *analysis.Vertebra) float64 { return v.Expected.Middle }, hasExpected),
		number("heights_expected_posterior_mm", inMM, "posterior height expected from them",
			func(v *analysis.Vertebra) float64 { return v.Expected.Posterior }, hasExpected),
		number("heights_expected_sd_mm", inMM, "largest standard deviation of the expected heights",
			func(v *analysis.Vertebra) float64 { return v.Expected.SD }, hasExpected),
		text("heights_expected_from", "the neighbours, separated by spaces",
			func(v *analysis.Vertebra) string { return levelNames(v.Expected.From) }, hasExpected),
	}
}

func bodyFields() []field[*analysis.Vertebra] {
	hasWedge := func(v *analysis.Vertebra) bool { return v.WedgeAngle != nil }
	hasDisc := func(v *analysis.Vertebra) bool { return v.DiscHeight != nil }
	hasDepth := func(v *analysis.Vertebra) bool { return v.Body != nil && v.Body.Depth > 0 }
	hasWidth := func(v *analysis.Vertebra) bool { return v.Body != nil && v.Body.Width > 0 }
	return []field[*analysis.Vertebra]{
		number("wedge_angle_deg", inDegrees, "angle between least-squares lines of the two endplates, kyphosis positive",
			func(v *analysis.Vertebra) float64 { return v.WedgeAngle.Value }, hasWedge),
		number("wedge_angle_sd_deg", inDegrees, "its standard deviation",
			func(v *analysis.Vertebra) float64 { return v.WedgeAngle.SD }, hasWedge),
		number("disc_height_below_mm", inMM, "height of the disc below",
			func(v *analysis.Vertebra) float64 { return v.DiscHeight.Value }, hasDisc),
		number("disc_height_below_sd_mm", inMM, "its standard deviation",
			func(v *analysis.Vertebra) float64 { return v.DiscHeight.SD }, hasDisc),
		number("depth_mm", inMM, "anterior-posterior extent of the body",
			func(v *analysis.Vertebra) float64 { return v.Body.Depth }, hasDepth),
		number("width_mm", inMM, "lateral extent of the body",
			func(v *analysis.Vertebra) float64 { return v.Body.Width }, hasWidth),
	}
}

func deformityFields() []field[*analysis.Vertebra] {
	has := func(v *analysis.Vertebra) bool { return v.Deformity != nil }
	assessed := func(v *analysis.Vertebra) bool { return v.Deformity != nil && v.Deformity.Assessed }
	return []field[*analysis.Vertebra]{
		integer("deformity_genant_grade", "Genant grade 0 to 3 of the loss of height",
			func(v *analysis.Vertebra) int { return v.Deformity.Grade }, assessed),
		text("deformity_shape", "NONE, WEDGE, BICONCAVE or CRUSH, by the height that lost most",
			func(v *analysis.Vertebra) string { return shapeNames[v.Deformity.Shape] }, assessed),
		number("deformity_worst_loss_percent", inPercent, "largest loss of the three heights against the expected ones",
			func(v *analysis.Vertebra) float64 { return v.Deformity.WorstLoss }, assessed),
		number("deformity_worst_loss_sd_percent", inPercent, "its standard deviation, percentage points",
			func(v *analysis.Vertebra) float64 { return v.Deformity.WorstLossSD }, assessed),
		text("deformity_worst_height", "ANTERIOR, MIDDLE or POSTERIOR: the height with that loss",
			func(v *analysis.Vertebra) string { return heightNames[v.Deformity.WorstHeight] }, assessed),
		boolean("deformity_borderline", "close enough to a cut that the grade may be the next one",
			func(v *analysis.Vertebra) bool { return v.Deformity.Borderline }, assessed),
		text("deformity_basis", "ADJACENT_LEVELS, ONE_ADJACENT_LEVEL or OWN_POSTERIOR_HEIGHT: what the loss is against",
			func(v *analysis.Vertebra) string { return basisNames[v.Deformity.Basis] }, assessed),
		boolean("deformity_severe", "severe collapse: the worst height at most half of the expected one",
			func(v *analysis.Vertebra) bool { return v.Deformity.Severe }, assessed),
		boolean("deformity_vertebra_plana", "all three heights at most a third of the expected ones",
			func(v *analysis.Vertebra) bool { return v.Deformity.VertebraPlana }, assessed),
		text("deformity_reason", "why no grade is given, or what makes it doubtful",
			func(v *analysis.Vertebra) string { return v.Deformity.Reason.String() }, has),
	}
}

func hasHeights(v *analysis.Vertebra) bool { return v.Heights != nil }
func hasExpected(v *analysis.Vertebra) bool {
	return v.Expected != nil && len(v.Expected.From) > 0
}

// heightSD returns the largest standard deviation of the three heights, mm.
func heightSD(v *analysis.Vertebra) float64 {
	return max(v.Heights.AnteriorSD, v.Heights.MiddleSD, v.Heights.PosteriorSD)
}
