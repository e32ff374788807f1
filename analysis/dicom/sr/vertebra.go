// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package sr

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/dicom/code"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/spine"
)

// group begins a measurement group (TID 1501) of a part of the patient, which tracked
// names: the TrackingIdentifier says the same to people.
func (d *document) group(identifier string, tracked ...string) *item {
	return container(contains, code.MeasurementGroup).template("1501").add(
		text(hasObsContext, code.TrackingIdentifier, identifier),
		uidRef(hasObsContext, code.TrackingUID, d.origin.TrackingUID(tracked...)),
	)
}

// levelGroup begins the group of a vertebra.
func (d *document) levelGroup(l spine.Level) *item {
	where, known := code.Level(l)
	if !known {
		where = code.Vertebra
	}
	return d.group(l.String()+" vertebra", l.String()).add(
		coded(contains, code.Finding, code.Vertebra),
		site(where),
	)
}

var statusCodes = map[analysis.Status]code.Code{
	analysis.Measured:      code.IsMeasured,
	analysis.Truncated:     code.IsTruncated,
	analysis.NotMeasurable: code.NotMeasurable,
}

// vertebra is the group of one vertebra.
func (d *document) vertebra(v *analysis.Vertebra) *item {
	g := d.levelGroup(v.Level).add(
		d.outline(v.Landmarks),
		d.points(contains, code.BodyCenter, "POINT", v.Center),
	)
	g.add(d.heights(v)...)
	g.add(coded(contains, code.Status, statusCodes[v.Status]).add(because(v.Reason.String())), yesNo(code.Complete, v.Complete))
	g.add(levelDoubt(v)...)
	g.add(readerDid(v.Reader)...)
	g.add(d.landmarks(v.Landmarks)...)
	g.add(d.angleOf(v)...)
	g.add(deformity(v.Deformity)...)
	g.add(bodySize(v)...)
	g.add(canal(&v.Canal)...)
	g.add(wall(&v.Wall)...)
	g.add(d.tissue(v.Tissue)...)
	g.add(cementOf(v.Cement)...)
	g.add(metal(v.Metal)...)
	g.add(fracture(v.Fracture)...)
	return g.add(facts(v.Treatment)...)
}

func levelDoubt(v *analysis.Vertebra) []*item {
	alternative, _ := code.Level(v.LevelAlternative)
	return []*item{
		quantity{concept: code.Probability, name: "probability that the level is right, 0 to 1", value: v.LevelProbability, unit: code.NoUnits}.item(),
		coded(contains, code.Alternative, alternative),
	}
}

func readerDid(r analysis.Reader) []*item {
	var all []*item
	for _, did := range []struct {
		done bool
		what code.Code
	}{{r.Added, code.AddedByReader}, {r.Named, code.NamedByReader}, {r.Status, code.JudgedReader}} {
		if did.done {
			all = append(all, coded(contains, code.ByReader, did.what))
		}
	}
	return all
}

// landmarkCodes are the codes of the points, by landmark.Name.
var landmarkCodes = [landmark.NumPoints]code.Code{
	landmark.SuperiorAnterior: code.SuperiorAnterior, landmark.SuperiorMiddle: code.SuperiorMiddle, landmark.SuperiorPosterior: code.SuperiorPosterior,
	landmark.InferiorAnterior: code.InferiorAnterior, landmark.InferiorMiddle: code.InferiorMiddle, landmark.InferiorPosterior: code.InferiorPosterior,
}

// outline joins the six points; nil where an endplate is missing.
func (d *document) outline(l *landmark.Vertebra) *item {
	if l == nil || !l.Superior.Found() || !l.Inferior.Found() {
		return nil
	}
	s, i := &l.Superior, &l.Inferior
	return d.points(contains, code.BodyOutline, "POLYGON",
		s.Anterior.Position, s.Middle.Position, s.Posterior.Position, i.Posterior.Position, i.Middle.Position, i.Anterior.Position)
}

// landmarks are the points of the endplates that there are, with their standard
// deviations and who placed them.
func (d *document) landmarks(l *landmark.Vertebra) []*item {
	if l == nil {
		return nil
	}
	var all []*item
	for n := range landmark.Name(landmark.NumPoints) {
		if !l.Endplate(n.Endplate()).Found() {
			continue
		}
		p := l.Point(n)
		how := code.Automated
		if p.ByReader {
			how = code.Manual
		}
		point, sd := d.points(contains, landmarkCodes[n], "POINT", p.Position), d.pointSD(n, p.SD)
		if d.film != nil { // a SCOORD takes no modifier: PS3.3 table A.35.13-2
			sd.add(method(how))
		} else {
			point.add(method(how))
		}
		all = append(all, point, sd)
	}
	return all
}

// heightParts are the topographical modifiers of the heights, by finding.Height.
var heightParts = [...]code.Code{
	finding.AnteriorHeight: code.AnteriorAspect, finding.MiddleHeight: code.CentralAspect, finding.PosteriorHeight: code.PosteriorAspect,
}

// bodyHeight is one of the three heights.
type bodyHeight struct {
	which               finding.Height
	upper, lower        landmark.Name
	measured, expected  float64
	measuredSD, priorSD float64
}

func bodyHeights(h *morphometry.Heights, e *morphometry.Expected) []bodyHeight {
	if h == nil {
		h = &morphometry.Heights{}
	}
	if e == nil {
		e = &morphometry.Expected{}
	}
	return []bodyHeight{
		{finding.AnteriorHeight, landmark.SuperiorAnterior, landmark.InferiorAnterior, h.Anterior, e.Anterior, h.AnteriorSD, e.AnteriorSD},
		{finding.MiddleHeight, landmark.SuperiorMiddle, landmark.InferiorMiddle, h.Middle, e.Middle, h.MiddleSD, e.MiddleSD},
		{finding.PosteriorHeight, landmark.SuperiorPosterior, landmark.InferiorPosterior, h.Posterior, e.Posterior, h.PosteriorSD, e.PosteriorSD},
	}
}

// heights are the measured heights, or why there are none, those expected, and how
// they compare.
func (d *document) heights(v *analysis.Vertebra) []*item {
	var all []*item
	hasExpected := v.Expected != nil && len(v.Expected.From) > 0
	for _, h := range bodyHeights(v.Heights, v.Expected) {
		where := site(code.VertebralBody, heightParts[h.which])
		q := quantity{concept: code.Height, name: h.which.String() + " height", value: h.measured, sd: h.measuredSD, unit: code.Millimetre}
		if v.Heights == nil {
			if v.Level != spine.S1 {
				all = append(all, q.unmeasured(whyNot(v.Status), d.whyUnmeasured(v)).add(where))
			}
			continue
		}
		q.on = d.line(v.Landmarks, h.upper, h.lower)
		all = append(all, q.item(where))
	}
	if hasExpected {
		all = append(all, expectedHeights(v)...)
	}
	if v.Heights == nil && v.Ratios != nil {
		return append(all, filmRatios(v.Ratios)...)
	}
	return append(all, ratios(v)...)
}

// pointSD is the standard deviation of a landmark.
func (d *document) pointSD(n landmark.Name, sd float64) *item {
	q := quantity{concept: code.Uncertainty, name: n.String() + " landmark, along the body's superior axis", value: sd, unit: code.Millimetre}
	if d.film != nil && !d.film.Calibration.Millimetres() {
		q.value, q.unit = d.film.Pixels(sd), code.Pixels
	}
	return q.item(coded(hasConceptMod, code.Landmark, landmarkCodes[n]), derived(code.StandardDeviation))
}

// whyNot qualifies a number that is missing. PS3.16 CID 42.
func whyNot(s analysis.Status) code.Code {
	if s == analysis.Truncated {
		return code.NotAttempted
	}
	return code.Failure
}

// line joins two landmarks.
func (d *document) line(l *landmark.Vertebra, from, to landmark.Name) *item {
	if l == nil {
		return nil
	}
	return d.points(inferredFrom, code.Path, "POLYLINE", l.Point(from).Position, l.Point(to).Position)
}

// expectedHeights are the heights that the neighbours lead one to expect, and the
// measured ones in percent of them.
func expectedHeights(v *analysis.Vertebra) []*item {
	var all []*item
	for _, h := range bodyHeights(v.Heights, v.Expected) {
		where := site(code.VertebralBody, heightParts[h.which])
		from := expectedFrom(v.Expected.From)
		q := quantity{concept: code.Height, name: "expected " + h.which.String() + " height", value: h.expected, sd: h.priorSD, unit: code.Millimetre}
		all = append(all, q.item(where, derived(code.Estimated), method(code.FromAdjacent)).add(from...))
		if v.Heights != nil && h.expected > 0 {
			percent := 100 * h.measured / h.expected
			q = quantity{
				concept: code.HeightOfExpected, name: h.which.String() + " height of the expected", unit: code.Percent,
				value: percent, sd: percent * math.Hypot(h.measuredSD/h.measured, h.priorSD/h.expected),
			}
			all = append(all, q.item(where, derived(code.Calculated)).add(from...))
		}
	}
	return all
}

// ratios are those of the body's own heights, with what is usual at its level
// (TID 311).
func ratios(v *analysis.Vertebra) []*item {
	if v.Heights == nil {
		return nil
	}
	r, ok := morphometry.RatiosOf(v.Level, *v.Heights)
	if !ok {
		return nil
	}
	one := func(concept code.Code, name string, r morphometry.Ratio) *item {
		return quantity{concept: concept, name: name, value: r.Value, unit: code.Ratio}.item(derived(code.Calculated)).add(
			numeric(hasProperties, code.PopulationMean, r.Mean, code.Ratio),
			numeric(hasProperties, code.PopulationSD, r.MeanSD, code.Ratio),
			numeric(hasProperties, code.ZScore, r.Z(), code.NoUnits),
		)
	}
	return []*item{
		one(code.WedgeRatio, "anterior by posterior height", r.Wedge),
		one(code.BiconcavityRatio, "middle by posterior height", r.Biconcavity),
	}
}

// angleOf is the body's own wedge angle and the disc below.
func (d *document) angleOf(v *analysis.Vertebra) []*item {
	var all []*item
	if a := v.WedgeAngle; a != nil {
		angle := morphometry.Angle{From: morphometry.EndplateOf{Level: v.Level}, To: morphometry.EndplateOf{Level: v.Level, Endplate: spine.Inferior}}
		all = append(all, quantity{
			concept: code.CobbAngle, name: "wedge angle", value: a.Value, sd: a.SD, unit: code.Degree,
			on: d.endplates(v.Landmarks, v.Landmarks, angle),
		}.item(method(code.WedgeAngle)).add(endplatesOf(angle)...))
	}
	if h := v.DiscHeight; h != nil {
		where, known := code.Disc(v.Level)
		if !known {
			where = code.IntervertebralGap
		}
		all = append(all, quantity{concept: code.Height, name: "height of the disc below", value: h.Value, sd: h.SD, unit: code.Millimetre}.item(site(where)))
	}
	return all
}

// endplatesOf names the two endplates of an angle.
func endplatesOf(a morphometry.Angle) []*item {
	var all []*item
	for _, e := range []struct {
		concept code.Code
		morphometry.EndplateOf
	}{{code.UpperEndplate, a.From}, {code.LowerEndplate, a.To}} {
		where, known := code.Level(e.Level)
		if !known {
			continue
		}
		part := code.SuperiorAspect
		if e.Endplate == spine.Inferior {
			part = code.InferiorAspect
		}
		all = append(all, coded(hasConceptMod, e.concept, where).add(coded(hasConceptMod, code.TopographicModifier, part)))
	}
	return all
}

// endplates draws the two endplates of an angle, each from posterior to anterior; nil
// where one is not known.
func (d *document) endplates(upper, lower *landmark.Vertebra, a morphometry.Angle) *item {
	if upper == nil || lower == nil {
		return nil
	}
	var p []r3.Vec
	for _, e := range []*landmark.Endplate{upper.Endplate(a.From.Endplate), lower.Endplate(a.To.Endplate)} {
		if !e.Found() {
			return nil
		}
		p = append(p, e.Posterior.Position, e.Anterior.Position)
	}
	return d.points(inferredFrom, code.EndplateLines, "POLYLINE", p...)
}

var (
	genantCodes = [...]code.Code{code.Genant0, code.Genant1, code.Genant2, code.Genant3}
	shapeCodes  = map[finding.Shape]code.Code{
		finding.NoDeformity: code.ShapeNone, finding.Wedge: code.ShapeWedge, finding.Biconcave: code.ShapeBiconc, finding.Crush: code.ShapeCrush,
	}
	basisCodes = map[finding.Basis]code.Code{
		finding.AdjacentLevels: code.BasisAdjacent, finding.OneAdjacentLevel: code.BasisOne, finding.OwnPosteriorHeight: code.BasisOwn,
	}
)

// deformity is the graded loss of height: the grade as a code, the loss beside it.
func deformity(f *finding.Deformity) []*item {
	if f == nil {
		return nil
	}
	loss := quantity{concept: code.HeightLoss, name: "largest loss of height", value: f.WorstLoss, sd: f.WorstLossSD, unit: code.Percent}
	if !f.Assessed {
		return []*item{loss.unmeasured(code.Failure, f.Reason.String())}
	}
	return []*item{
		loss.item(site(code.VertebralBody, heightParts[f.WorstHeight]), coded(hasConceptMod, code.LossBasis, basisCodes[f.Basis])),
		coded(contains, code.Genant, genantCodes[f.Grade]).add(coded(hasProperties, code.Borderline, yes(f.Borderline)), because(f.Reason.String())),
		coded(contains, code.Deformity, shapeCodes[f.Shape]),
		yesNo(code.Severe, f.Severe),
		yesNo(code.Plana, f.VertebraPlana),
	}
}

func yes(holds bool) code.Code {
	if holds {
		return code.Yes
	}
	return code.No
}

func bodySize(v *analysis.Vertebra) []*item {
	if v.Body == nil {
		return nil
	}
	var all []*item
	if v.Body.Depth > 0 {
		all = append(all, quantity{concept: code.Depth, name: "depth at mid-height", value: v.Body.Depth, unit: code.Millimetre}.item(site(code.VertebralBody)))
	}
	if v.Body.Width > 0 {
		all = append(all, quantity{concept: code.Width, name: "width at mid-height", value: v.Body.Width, unit: code.Millimetre}.item(site(code.VertebralBody)))
	}
	return all
}
