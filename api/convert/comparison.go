// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"io"

	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/report"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// ComparisonReport returns r as a message.
func ComparisonReport(r *report.ComparisonReport) *endplatev1.ComparisonReport {
	out := &endplatev1.ComparisonReport{
		Chosen:    r.Chosen,
		Algorithm: &endplatev1.Algorithm{Name: r.Algorithm, Version: r.Version},
	}
	for _, c := range r.Comparisons {
		out.Comparisons = append(out.Comparisons, Comparison(c))
	}
	if r.Course != nil {
		out.TimeCourse = timeCourse(r.Course)
	}
	for _, s := range r.Skipped {
		out.Skipped = append(out.Skipped, skipped(s))
	}
	out.Phrases = phrases(out, r.Comparisons, r.Course)
	return out
}

// Comparison returns c as a message.
func Comparison(c *comparison.Comparison) *endplatev1.Comparison {
	out := &endplatev1.Comparison{
		Before:    comparedExamination(c.Before),
		After:     comparedExamination(c.After),
		Match:     match(&c.Match),
		Findings:  findings(c.Findings),
		LscFactor: number(c.Factor),

		NotAssessableOnRadiograph: c.NotAssessable,
	}
	if c.Days != nil {
		out.Days = number(*c.Days)
	}
	for i := range c.Vertebrae {
		out.Vertebrae = append(out.Vertebrae, vertebraChange(&c.Vertebrae[i]))
	}
	for _, a := range c.Angles {
		out.Angles = append(out.Angles, &endplatev1.AngleChange{
			Name: a.Name, Level: level(a.Level), From: a.From.String(), To: a.To.String(), Degrees: change(a.Change),
		})
	}
	for _, w := range c.Warnings {
		out.Warnings = append(out.Warnings, &endplatev1.Warning{Code: w.Code, Message: w.Message.String()})
	}
	return out
}

// dateTime is the layout of a DICOM DT to the second.
const dateTime = "20060102150405"

func comparedExamination(e *comparison.Examination) *endplatev1.ComparedExamination {
	out := &endplatev1.ComparedExamination{
		Path:                e.Name,
		StudyInstanceUid:    e.StudyInstanceUID,
		SeriesInstanceUid:   e.SeriesInstanceUID,
		FrameOfReferenceUid: e.FrameOfReferenceUID,
		Modality:            e.Modality,
		Posture:             string(e.Posture),
		Measured:            new(int32(e.MeasuredLevels())),
	}
	if f := e.Film; f != nil {
		out.Calibration = calibration(&f.Calibration)
	}
	if e.Name == "" {
		out.Given = new(int32(e.Given))
	}
	if !e.Acquired.IsZero() {
		out.Acquired = e.Acquired.Format(dateTime)
	}
	if e.SliceSpacing > 0 {
		out.SliceSpacingMm = number(e.SliceSpacing)
	}
	return out
}

func match(m *comparison.Match) *endplatev1.Match {
	out := &endplatev1.Match{
		State:       endplatev1.Match_State(endplatev1.Match_State_value[string(m.State)]),
		Offset:      new(int32(m.Offset)),
		Probability: number(m.Probability),
		LogOdds:     number(m.LogOdds),
		KeptBefore:  new(m.KeptBefore),
		Levels:      new(int32(m.Levels)),
	}
	r := &m.Registration
	if r.Plane != nil {
		return out
	}
	out.Registration = &endplatev1.Registration{
		ResidualMm: number(r.Residual), Levels: new(int32(r.Levels)), BendDeg: number(r.Bend),
	}
	g := r.Global
	for _, x := range []float64{
		g.X.X, g.X.Y, g.X.Z, g.T.X, g.Y.X, g.Y.Y, g.Y.Z, g.T.Y, g.Z.X, g.Z.Y, g.Z.Z, g.T.Z,
	} {
		out.Registration.Matrix = append(out.Registration.Matrix, *number(x))
	}
	return out
}

func vertebraChange(p *comparison.Pair) *endplatev1.VertebraChange {
	out := &endplatev1.VertebraChange{
		Level:             level(p.Level),
		LevelBefore:       level(p.LevelBefore),
		LevelAfter:        level(p.LevelAfter),
		Reason:            p.Reason.String(),
		TreatedBefore:     new(p.TreatedBefore),
		Treated:           new(p.Treated),
		Unaffected:        new(p.Unaffected),
		GenantGradeBefore: grade(p.GradeBefore),
		GenantGradeAfter:  grade(p.GradeAfter),
		AnteriorHeightMm:  change(p.Heights[finding.AnteriorHeight]),
		MiddleHeightMm:    change(p.Heights[finding.MiddleHeight]),
		PosteriorHeightMm: change(p.Heights[finding.PosteriorHeight]),
		Expected:          heights(nil, p.Expected),
		WedgeAngleDeg:     change(p.Wedge),
		DiscHeightBelowMm: change(p.DiscHeight),
		BodyVolumeMl:      change(p.Volume),
		CanalApMm:         change(p.CanalAP),
		CanalAreaMm2:      change(p.CanalArea),
		RetropulsionMm:    change(p.Retropulsion),
	}
	ofFilm(p, out)
	if p.BeforeIndex >= 0 && p.AfterIndex >= 0 {
		out.AnteriorRestored = restoration(p.Restored[finding.AnteriorHeight])
		out.MiddleRestored = restoration(p.Restored[finding.MiddleHeight])
		out.PosteriorRestored = restoration(p.Restored[finding.PosteriorHeight])
	}
	if p.Alike > 0 {
		out.Alike = number(p.Alike)
	}
	if p.Cement != nil {
		out.CementVolumeMl = change(p.Cement.Volume)
		for _, l := range p.Cement.NewLeaks {
			out.NewLeaks = append(out.NewLeaks, &endplatev1.NewLeak{
				Place: l.Place.String(), VolumeMl: number(l.Volume), DistanceMm: number(l.Distance),
			})
		}
	}
	return out
}

// ofFilm adds what is told of a pair of which one is on a film.
func ofFilm(p *comparison.Pair, out *endplatev1.VertebraChange) {
	out.AnteriorToPosterior = change(p.Ratios[comparison.AnteriorToPosterior])
	out.MiddleToPosterior = change(p.Ratios[comparison.MiddleToPosterior])
	out.AnteriorOfExpectedPercent = change(p.OfExpected[finding.AnteriorHeight])
	out.MiddleOfExpectedPercent = change(p.OfExpected[finding.MiddleHeight])
	out.PosteriorOfExpectedPercent = change(p.OfExpected[finding.PosteriorHeight])
	out.RelativeTo = levels(p.RelativeTo)
}

func grade(g *int) *int32 {
	if g == nil {
		return nil
	}
	return new(int32(*g))
}

func change(c *comparison.Change) *endplatev1.Change {
	if c == nil {
		return nil
	}
	return &endplatev1.Change{
		Before: number(c.Before.Value), BeforeSd: number(c.Before.SD),
		After: number(c.After.Value), AfterSd: number(c.After.SD),
		Change: number(c.Value), ChangeSd: number(c.SD),
		Lsc: number(c.LSC), Significant: new(c.Significant), Tracked: new(c.Tracked), Reason: c.Reason.String(),
	}
}

func restoration(q comparison.Quotient) *endplatev1.Restoration {
	if !q.Defined {
		return &endplatev1.Restoration{Reason: q.Reason.String()}
	}
	return &endplatev1.Restoration{Percent: number(q.Value), SdPercent: number(q.SD)}
}

func timeCourse(t *comparison.TimeCourse) *endplatev1.TimeCourse {
	out := &endplatev1.TimeCourse{Findings: findings(t.Findings)}
	for _, e := range t.Examinations {
		out.Examinations = append(out.Examinations, comparedExamination(e))
	}
	if t.FirstTreated >= 0 {
		out.FirstTreated = new(int32(t.FirstTreated))
	}
	for i := range t.Levels {
		out.Levels = append(out.Levels, levelCourse(&t.Levels[i]))
	}
	for _, c := range t.Steps {
		out.Steps = append(out.Steps, Comparison(c))
	}
	for _, c := range t.SinceTreatment {
		out.SinceTreatment = append(out.SinceTreatment, Comparison(c))
	}
	return out
}

func levelCourse(l *comparison.LevelCourse) *endplatev1.LevelCourse {
	out := &endplatev1.LevelCourse{Level: level(l.Level), Heights: []*endplatev1.Heights{{}}}
	for _, p := range l.Pairs {
		after := &endplatev1.Heights{}
		if p != nil && p.Heights[0] != nil {
			out.Heights[0] = heightsAt(p, func(c *comparison.Change) float64 { return c.Before.Value })
			after = heightsAt(p, func(c *comparison.Change) float64 { return c.After.Value })
		}
		out.Heights = append(out.Heights, after)
	}
	return out
}

func heightsAt(p *comparison.Pair, of func(*comparison.Change) float64) *endplatev1.Heights {
	return &endplatev1.Heights{
		AnteriorMm:  number(of(p.Heights[finding.AnteriorHeight])),
		MiddleMm:    number(of(p.Heights[finding.MiddleHeight])),
		PosteriorMm: number(of(p.Heights[finding.PosteriorHeight])),
	}
}

// WriteComparisonJSON writes r as WriteJSON writes a report.
func WriteComparisonJSON(w io.Writer, r *report.ComparisonReport) error {
	return writeMessage(w, ComparisonReport(r))
}
