// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package sr

import (
	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/code"
	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/morphometry"
)

// Compared is one of two examinations.
type Compared struct {
	Origin *dicom.Origin
	// Report names the report of its measurements; nil where none was made.
	Report *Reference
}

// Reference names a report.
type Reference struct{ SeriesInstanceUID, SOPInstanceUID string }

// ReferenceTo returns the name of the report that Report makes of the same.
func ReferenceTo(o *dicom.Origin, by dicom.Provenance) *Reference {
	return &Reference{o.SeriesUID(Measurements, by), o.InstanceUID(Measurements, by)}
}

// ReferenceToComparison returns the name of the report that ComparisonReport makes of
// the two.
func ReferenceToComparison(before, after *dicom.Origin, by dicom.Provenance) *Reference {
	by = comparedWith(before, by)
	return &Reference{after.SeriesUID(Comparisons, by), after.InstanceUID(Comparisons, by)}
}

// comparedWith has the UIDs of the later study's reports tell with what it is compared.
func comparedWith(before *dicom.Origin, by dicom.Provenance) dicom.Provenance {
	by.Options += "\x00compared with\x00" + before.Digest()
	return by
}

// evidence are the images and the report.
func (c *Compared) evidence() []evidence {
	all := []evidence{evidenceOf(c.Origin)}
	if c.Report != nil {
		all = append(all, evidence{c.Origin.StudyInstanceUID, c.Report.SeriesInstanceUID, []dicom.Slice{c.Report.slice()}})
	}
	return all
}

func (r *Reference) slice() dicom.Slice {
	return dicom.Slice{SOPClassUID: Comprehensive3DSRStorage, SOPInstanceUID: r.SOPInstanceUID}
}

// ComparisonReport returns the report of what changed from one examination to
// another. It belongs to the study of the later one; the earlier one's images and
// report are the other evidence. A change is a number that is inferred from the two
// readings, each of its examination (TID 300 row 9); whether it exceeds its
// least significant change is its level of significance (TID 310 row 4).
func ComparisonReport(before, after Compared, c *comparison.Comparison, by dicom.Provenance) (*dataset.Dataset, error) {
	d := &document{kind: Comparisons, origin: after.Origin, by: comparedWith(before.Origin, by)}
	root := d.root().add(library(before.Origin, after.Origin))
	changes := container(contains, code.ImagingMeasurements).add(d.algorithm()...)
	for i := range c.Vertebrae {
		changes.add(d.pair(&c.Vertebrae[i]))
	}
	for i := range c.Angles {
		changes.add(d.angleChange(&c.Angles[i]))
	}
	if len(c.Vertebrae) > 0 || len(c.Angles) > 0 {
		root.add(changes)
	}
	root.add(d.compared(before, c))
	out, err := d.write(root, before.evidence())
	if after.Report != nil {
		current := evidenceOf(after.Origin)
		study := hierarchical(current)
		study.Sequence(tag.ReferencedSeriesSequence, append(study.Items(tag.ReferencedSeriesSequence),
			hierarchical(after.evidence()[1]).Item(tag.ReferencedSeriesSequence))...)
		out.Sequence(tag.CurrentRequestedProcedureEvidenceSequence, study)
	}
	return out, err
}

var matchCodes = map[comparison.MatchState]code.Code{
	comparison.NamesAgree: code.MatchAgree, comparison.NamesCorrected: code.MatchCorrect,
	comparison.NamesDisagree: code.MatchDisagree, comparison.NamesUnchecked: code.MatchUnknown,
}

// compared is what is said of the comparison as a whole.
func (d *document) compared(before Compared, c *comparison.Comparison) *item {
	prior := coded(contains, code.ComparedWithPrior, code.Yes).add(
		date(hasProperties, code.StudyDate, before.Origin.Identity.Value(tag.StudyDate)),
	)
	if c.Days != nil {
		prior.add(numeric(inferredFrom, code.DaysBetween, *c.Days, code.Day))
	}
	if before.Report != nil {
		prior.add(composite(inferredFrom, code.PreviousReports, Comprehensive3DSRStorage, before.Report.SOPInstanceUID))
	}
	all := container(contains, code.QualitativeEvaluations).add(
		prior,
		coded(contains, code.LevelMatch, matchCodes[c.Match.State]).add(numeric(inferredFrom, code.Probability, c.Match.Probability, code.NoUnits)),
	)
	for _, f := range c.Findings {
		all.add(findingItem(f))
	}
	all.add(comparedFilms(c)...)
	for _, w := range c.Warnings {
		all.add(text(contains, code.Warning, w.Code+": "+w.Message.String()))
	}
	return all
}

// atTime says of which examination something is.
func atTime(when code.Code) *item { return coded(hasConceptMod, code.AnyTimePoint, when) }

// pair is the group of a vertebra in both examinations. It is tracked as in the
// reports of each.
func (d *document) pair(p *comparison.Pair) *item {
	g := d.levelGroup(p.Level)
	for _, h := range []finding.Height{finding.AnteriorHeight, finding.MiddleHeight, finding.PosteriorHeight} {
		where := func() *item { return site(code.VertebralBody, heightParts[h]) }
		g.add(change(p.Heights[h], code.Height, h.String()+" height", code.Millimetre, where)...)
		if p.BeforeIndex >= 0 && p.AfterIndex >= 0 {
			g.add(restored(p.Restored[h], h).add(where()))
		}
	}
	g.add(filmChanges(p)...)
	g.add(expectedOf(p)...)
	g.add(named(p)...)
	whole := func() *item { return site(code.VertebralBody) }
	inCanal := func() *item { return site(code.VertebralCanal) }
	g.add(change(p.Wedge, code.CobbAngle, "wedge angle", code.Degree, whole)...)
	g.add(change(p.DiscHeight, code.Height, "height of the disc below", code.Millimetre, func() *item { return site(code.IntervertebralGap) })...)
	g.add(change(p.Volume, code.Volume, "volume of the body", code.Millilitre, whole)...)
	g.add(change(p.CanalAP, code.Diameter, "canal diameter at its narrowest, mid-sagittal", code.Millimetre, inCanal)...)
	g.add(change(p.CanalArea, code.Area, "canal area at its narrowest", code.SquareMillimetre, inCanal)...)
	g.add(change(p.Retropulsion, code.Retropulsion, "retropulsion", code.Millimetre, onWall)...)
	g.add(grade(p.GradeBefore, code.Before), grade(p.GradeAfter, code.After))
	if c := p.Cement; c != nil {
		g.add(change(c.Volume, code.Volume, "volume of cement", code.Millilitre, func() *item { return site(code.BoneCement) })...)
		for _, l := range c.NewLeaks {
			g.add(newLeak(l)...)
		}
	}
	return g
}

// named is what is said of the pair: its names, and what was done to it.
func named(p *comparison.Pair) []*item {
	before, _ := code.Level(p.LevelBefore)
	after, _ := code.Level(p.LevelAfter)
	all := []*item{
		coded(contains, code.NamedBefore, before),
		coded(contains, code.NamedAfter, after),
		yesNo(code.TreatedBefore, p.TreatedBefore),
		yesNo(code.TreatedAfter, p.Treated),
		yesNo(code.Unaffected, p.Unaffected),
		text(contains, code.Because, p.Reason.String()),
	}
	if p.Alike > 0 {
		all = append(all, quantity{concept: code.Alike, name: "likeness of the endplates' pictures", value: p.Alike, unit: code.NoUnits}.item())
	}
	return all
}

func expectedOf(p *comparison.Pair) []*item {
	if p.Expected == nil || len(p.Expected.From) == 0 {
		return nil
	}
	var all []*item
	for _, h := range bodyHeights(nil, p.Expected) {
		q := quantity{concept: code.Height, name: "expected " + h.which.String() + " height", value: h.expected, sd: h.priorSD, unit: code.Millimetre}
		all = append(all, q.item(site(code.VertebralBody, heightParts[h.which]), derived(code.Estimated), method(code.FromAdjacent)).add(expectedFrom(p.Expected.From)...))
	}
	return all
}

func grade(g *int, when code.Code) *item {
	if g == nil || *g < 0 || *g >= len(genantCodes) {
		return nil
	}
	return coded(contains, code.Genant, genantCodes[*g]).add(atTime(when))
}

// change is a change with the readings that it is inferred from; nothing where one of
// them is missing.
func change(c *comparison.Change, concept code.Code, name string, unit code.Code, where func() *item) []*item {
	if c == nil {
		return nil
	}
	reading := func(e morphometry.Estimate, when code.Code, word string) *item {
		return numeric(inferredFrom, concept, e.Value, unit).add(text(hasConceptMod, code.EquivalentMeaning, name+", "+word), where(), atTime(when), uncertainty(e.SD, unit))
	}
	significance := code.NotSignificant
	switch {
	case c.Reason != "":
		significance = code.UnknownSignificance
	case c.Significant:
		significance = code.IsSignificant
	}
	q := quantity{concept: code.Change, name: "change of " + name, value: c.Value, sd: c.SD, unit: unit}
	return []*item{q.item(where()).add(
		reading(c.Before, code.Before, "before"),
		reading(c.After, code.After, "after"),
		coded(hasProperties, code.LevelOfSignificance, significance).add(because(c.Reason.String()), numeric(inferredFrom, code.Least, c.LSC, unit)),
		coded(hasConceptMod, code.Tracked, yes(c.Tracked)),
	)}
}

// restored is the part of the lost height that came back.
func restored(q comparison.Quotient, h finding.Height) *item {
	n := quantity{concept: code.Restored, name: h.String() + " height restored", value: q.Value, sd: q.SD, unit: code.Percent}
	if q.Defined {
		return n.item(derived(code.Calculated))
	}
	return n.unmeasured(code.CalculationFailure, q.Reason.String())
}

func newLeak(l comparison.Leak) []*item {
	return []*item{text(contains, code.NewLeak, l.Place.String()).add(
		numeric(inferredFrom, code.Volume, l.Volume, code.Millilitre),
		numeric(inferredFrom, code.LeakDistance, l.Distance, code.Millimetre),
	)}
}

// angleChange is the group of an angle over several vertebrae.
func (d *document) angleChange(c *comparison.AngleChange) *item {
	a := morphometry.Angle{Name: c.Name, Level: c.Level, From: c.From, To: c.To}
	where, known := code.Level(a.Level)
	if !known {
		where = code.Spine
	}
	name := angleName(a)
	g := d.group(name, "angle", a.Name, a.Level.String()).add(coded(contains, code.Finding, code.Spine), site(where))
	return g.add(method(angleMethods[a.Name])).add(change(c.Change, code.CobbAngle, name, code.Degree, func() *item { return site(where) })...)
}
