// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package convert turns results of analysis into endplate.v1 messages.
package convert

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/report"
	"github.com/endplate/endplate/analysis/spine"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// stepsPerUnit is how finely numbers are rounded: far below any uncertainty in
// mm, degrees, percent or probability, and coarse enough that the last bits of a
// sum, which differ between processors, do not show.
const stepsPerUnit = 1e4

// Report returns r as a message.
func Report(r *report.Report) *endplatev1.Report {
	out := &endplatev1.Report{}
	for i := range r.Examinations {
		a := examination(&r.Examinations[i])
		a.Algorithm = &endplatev1.Algorithm{Name: r.Algorithm, Version: r.Version}
		out.Analyses = append(out.Analyses, a)
	}
	for _, s := range r.Skipped {
		out.Skipped = append(out.Skipped, skipped(s))
	}
	out.Phrases = phrases(out, r.Examinations, report.Rules())
	return out
}

func skipped(s report.Skipped) *endplatev1.Skipped {
	return &endplatev1.Skipped{
		Path:              s.Path,
		SeriesInstanceUid: s.SeriesInstanceUID,
		SopInstanceUid:    s.SOPInstanceUID,
		Code:              s.Code,
		Reason:            s.Reason,
	}
}

func examination(e *report.Examination) *endplatev1.Analysis {
	a := &endplatev1.Analysis{
		StudyInstanceUid:    e.StudyInstanceUID,
		SeriesInstanceUid:   e.SeriesInstanceUID,
		FrameOfReferenceUid: e.FrameOfReferenceUID,
		Modality:            e.Modality,
		Path:                e.Path,
		Reason:              e.Result.Reason.String(),
		Density:             density(e.Result.Density),
		Findings:            findings(e.Result.Findings),
		Film:                film(e.Result),
	}
	for i := range e.Result.Vertebrae {
		a.Vertebrae = append(a.Vertebrae, vertebra(&e.Result.Vertebrae[i], plane{e.Result.Film}))
	}
	for _, x := range e.Result.Angles {
		a.Angles = append(a.Angles, angle(x))
	}
	for _, w := range e.Result.Warnings {
		a.Warnings = append(a.Warnings, &endplatev1.Warning{Code: w.Code, Message: w.Message.String()})
	}
	return a
}

var verdicts = map[finding.Verdict]endplatev1.Finding_Verdict{
	finding.NoVerdict: endplatev1.Finding_VERDICT_UNSPECIFIED,
	finding.Accepted:  endplatev1.Finding_ACCEPTED,
	finding.Rejected:  endplatev1.Finding_REJECTED,
}

func findings(all []finding.Finding) []*endplatev1.Finding {
	var out []*endplatev1.Finding
	for _, f := range all {
		out = append(out, &endplatev1.Finding{
			Code:       f.Code,
			Levels:     levels(f.Levels),
			Statement:  f.Statement.String(),
			Criterion:  f.Criterion.String(),
			Source:     f.Source.String(),
			Borderline: new(f.Borderline),

			Verdict:       verdicts[f.Verdict],
			VerdictReason: f.VerdictReason,
		})
	}
	return out
}

func vertebra(v *analysis.Vertebra, in plane) *endplatev1.Vertebra {
	out := &endplatev1.Vertebra{
		Level:            level(v.Level),
		LevelProbability: number(v.LevelProbability),
		LevelAlternative: level(v.LevelAlternative),
		Complete:         new(v.Complete),
		Status:           status(v.Status),
		StatusReason:     v.Reason.String(),
		Center:           in.position(v.Center),
		Landmarks:        landmarks(v.Landmarks, in),
		Heights:          heights(v.Heights, v.Expected),
		Deformity:        deformity(v.Deformity),
		Canal:            canal(&v.Canal),
		PosteriorWall:    wall(&v.Wall),
		Cement:           treated(v.Cement),
		Metal:            metal(v.Metal),
		Fracture:         fracture(v.Fracture),
		TreatmentFacts:   treatmentFacts(v.Treatment),
		AddedByReader:    ifSet(v.Reader.Added),
		LevelByReader:    ifSet(v.Reader.Named),
		StatusByReader:   ifSet(v.Reader.Status),
		Ratios:           ratios(v.Ratios),
	}
	addTissue(out, v.Tissue)
	if in.film != nil {
		out.Pedicles = pediclesOnFilm
	}
	if v.WedgeAngle != nil {
		out.WedgeAngleDeg, out.WedgeAngleSdDeg = number(v.WedgeAngle.Value), number(v.WedgeAngle.SD)
	}
	if v.DiscHeight != nil {
		out.DiscHeightBelowMm, out.DiscHeightBelowSdMm = number(v.DiscHeight.Value), number(v.DiscHeight.SD)
	}
	if v.Body != nil && v.Body.Depth > 0 {
		out.DepthMm = number(v.Body.Depth)
	}
	if v.Body != nil && v.Body.Width > 0 {
		out.WidthMm = number(v.Body.Width)
	}
	return out
}

func landmarks(l *landmark.Vertebra, in plane) *endplatev1.Landmarks {
	if l == nil {
		return nil
	}
	return &endplatev1.Landmarks{
		SuperiorAnterior:  in.point(l.Superior.Anterior),
		SuperiorMiddle:    in.point(l.Superior.Middle),
		SuperiorPosterior: in.point(l.Superior.Posterior),
		InferiorAnterior:  in.point(l.Inferior.Anterior),
		InferiorMiddle:    in.point(l.Inferior.Middle),
		InferiorPosterior: in.point(l.Inferior.Posterior),

		SuperiorDirection: in.direction(l.Superior.Direction),
		InferiorDirection: in.direction(l.Inferior.Direction),
	}
}

// direction returns nil for an endplate that has none.
func direction(d r3.Vec) *endplatev1.Direction {
	if d == (r3.Vec{}) || !finite(d) {
		return nil
	}
	return &endplatev1.Direction{X: number(d.X), Y: number(d.Y), Z: number(d.Z)}
}

// point returns nil for a point that was not placed: S1 has no inferior
// endplate.
func point(p landmark.Point) *endplatev1.Landmark {
	if p == (landmark.Point{}) || !finite(p.Position) {
		return nil
	}
	return &endplatev1.Landmark{
		X:    number(p.Position.X),
		Y:    number(p.Position.Y),
		Z:    number(p.Position.Z),
		SdMm: number(p.SD),

		SetByReader: ifSet(p.ByReader),
	}
}

// ifSet returns nil for false: what a reader did not touch is told as measured.
func ifSet(x bool) *bool {
	if !x {
		return nil
	}
	return &x
}

func position(p r3.Vec) *endplatev1.Position {
	if !finite(p) {
		return nil
	}
	return &endplatev1.Position{X: number(p.X), Y: number(p.Y), Z: number(p.Z)}
}

func heights(h *morphometry.Heights, expected *morphometry.Expected) *endplatev1.Heights {
	hasExpected := expected != nil && len(expected.From) > 0
	if h == nil && !hasExpected {
		return nil
	}
	out := &endplatev1.Heights{}
	if h != nil {
		out.AnteriorMm, out.AnteriorSdMm = number(h.Anterior), number(h.AnteriorSD)
		out.MiddleMm, out.MiddleSdMm = number(h.Middle), number(h.MiddleSD)
		out.PosteriorMm, out.PosteriorSdMm = number(h.Posterior), number(h.PosteriorSD)
		out.SdMm = number(max(h.AnteriorSD, h.MiddleSD, h.PosteriorSD))
	}
	if hasExpected {
		out.ExpectedAnteriorMm = number(expected.Anterior)
		out.ExpectedMiddleMm = number(expected.Middle)
		out.ExpectedPosteriorMm = number(expected.Posterior)
		out.ExpectedSdMm = number(expected.SD)
		out.ExpectedFrom = levels(expected.From)
	}
	return out
}

func deformity(d *finding.Deformity) *endplatev1.Deformity {
	if d == nil {
		return nil
	}
	if !d.Assessed {
		return &endplatev1.Deformity{Reason: d.Reason.String()}
	}
	return &endplatev1.Deformity{
		GenantGrade:        new(int32(d.Grade)),
		Shape:              shape(d.Shape),
		WorstLossPercent:   number(d.WorstLoss),
		WorstLossSdPercent: number(d.WorstLossSD),
		WorstHeight:        height(d.WorstHeight),
		Borderline:         new(d.Borderline),
		Basis:              basis(d.Basis),
		Severe:             new(d.Severe),
		VertebraPlana:      new(d.VertebraPlana),
		Reason:             d.Reason.String(),
	}
}

func angle(a morphometry.Angle) *endplatev1.Angle {
	return &endplatev1.Angle{
		Name:    a.Name,
		Level:   level(a.Level),
		From:    a.From.String(),
		To:      a.To.String(),
		Degrees: number(a.Degrees),
		SdDeg:   number(a.SD),
	}
}

// level relies on both numberings being VerSe's.
func level(l spine.Level) endplatev1.Level { return endplatev1.Level(l) }

func levels(ls []spine.Level) []endplatev1.Level {
	var out []endplatev1.Level
	for _, l := range ls {
		out = append(out, level(l))
	}
	return out
}

func status(s analysis.Status) endplatev1.Vertebra_Status {
	switch s {
	case analysis.Measured:
		return endplatev1.Vertebra_MEASURED
	case analysis.Truncated:
		return endplatev1.Vertebra_TRUNCATED
	case analysis.NotMeasurable:
		return endplatev1.Vertebra_NOT_MEASURABLE
	}
	return endplatev1.Vertebra_STATUS_UNSPECIFIED
}

func shape(s finding.Shape) endplatev1.Deformity_Shape {
	switch s {
	case finding.NoDeformity:
		return endplatev1.Deformity_NONE
	case finding.Wedge:
		return endplatev1.Deformity_WEDGE
	case finding.Biconcave:
		return endplatev1.Deformity_BICONCAVE
	case finding.Crush:
		return endplatev1.Deformity_CRUSH
	}
	return endplatev1.Deformity_SHAPE_UNSPECIFIED
}

func height(h finding.Height) endplatev1.Deformity_Height {
	switch h {
	case finding.AnteriorHeight:
		return endplatev1.Deformity_ANTERIOR
	case finding.MiddleHeight:
		return endplatev1.Deformity_MIDDLE
	case finding.PosteriorHeight:
		return endplatev1.Deformity_POSTERIOR
	}
	return endplatev1.Deformity_HEIGHT_UNSPECIFIED
}

func basis(b finding.Basis) endplatev1.Deformity_Basis {
	switch b {
	case finding.NoBasis:
		return endplatev1.Deformity_BASIS_UNSPECIFIED
	case finding.AdjacentLevels:
		return endplatev1.Deformity_ADJACENT_LEVELS
	case finding.OneAdjacentLevel:
		return endplatev1.Deformity_ONE_ADJACENT_LEVEL
	case finding.OwnPosteriorHeight:
		return endplatev1.Deformity_OWN_POSTERIOR_HEIGHT
	}
	return endplatev1.Deformity_BASIS_UNSPECIFIED
}

// number returns x rounded, and nil where x is not a number: what
// is not measured is absent on the wire.
func number(x float64) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return new(math.Round(x*stepsPerUnit)/stepsPerUnit + 0) // + 0 turns -0 into 0
}

func finite(p r3.Vec) bool {
	return !math.IsNaN(p.X+p.Y+p.Z) && !math.IsInf(p.X+p.Y+p.Z, 0)
}
