// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package sr

import (
	"errors"
	"fmt"
	"strings"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/code"
	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/spine"
)

// ErrNothing is returned for a film in which no vertebra was found.
var ErrNothing = errors.New("no vertebra was found on the film")

// Report returns the report of one examination. A result without vertebrae has a
// report that says why; for a film without any there is none, which wraps ErrNothing:
// most films are of something else.
func Report(o *dicom.Origin, r *analysis.Result, by dicom.Provenance) (*dataset.Dataset, error) {
	if r.Film != nil && len(r.Vertebrae) == 0 {
		return nil, fmt.Errorf("report: %w", ErrNothing)
	}
	d := &document{kind: Measurements, origin: o, by: by, film: r.Film}
	root := d.root().add(library(o), d.measurements(r), d.evaluations(r))
	return d.write(root, nil)
}

// measurements are the groups: of each vertebra, of each angle over several, and of
// the bone; then a group for each line, for viewers. Nil where there is nothing.
func (d *document) measurements(r *analysis.Result) *item {
	all := container(contains, code.ImagingMeasurements).add(d.algorithm()...)
	for i := range r.Vertebrae {
		all.add(d.vertebra(&r.Vertebrae[i]))
	}
	column := landmarksByLevel(r)
	for _, a := range r.Angles {
		all.add(d.angle(a, column))
	}
	if len(r.Vertebrae) == 0 {
		return nil
	}
	all.add(d.density(r.Density))
	for i := range r.Vertebrae {
		all.add(d.lines(&r.Vertebrae[i])...)
	}
	return all
}

func landmarksByLevel(r *analysis.Result) map[spine.Level]*landmark.Vertebra {
	all := map[spine.Level]*landmark.Vertebra{}
	for i := range r.Vertebrae {
		all[r.Vertebrae[i].Level] = r.Vertebrae[i].Landmarks
	}
	return all
}

// angleMethods are the methods of the angles by their names.
var angleMethods = map[string]code.Code{
	morphometry.Gardner: code.Gardner, morphometry.BisegmentalCobb: code.Bisegmental,
	morphometry.ThoracicKyphosis: code.Kyphosis, morphometry.LumbarLordosis: code.Lordosis,
}

// viewer begins the TrackingIdentifiers that Cornerstone, the library of OHIF and
// others, knows the tool by that draws a group again: it takes one graphic a group.
// The identifier is free text, which PS3.16 TID 1501 asks to be readable: the rest of
// it is. See MeasurementReport of @cornerstonejs/adapters.
const viewer = "Cornerstone3DTools@^0.1.0:"

// angle is the group of an angle between endplates of two vertebrae.
func (d *document) angle(a morphometry.Angle, column map[spine.Level]*landmark.Vertebra) *item {
	name := angleName(a)
	g := d.group(viewer+"CobbAngle:"+name, "angle", a.Name, a.Level.String()).add(coded(contains, code.Finding, code.Spine))
	where, known := code.Level(a.Level)
	if !known {
		where = code.Spine
	}
	q := quantity{concept: code.CobbAngle, name: name, value: a.Degrees, sd: a.SD, unit: code.Degree}
	q.on = d.endplates(column[a.From.Level], column[a.To.Level], a)
	return g.add(site(where), q.item(method(angleMethods[a.Name])).add(endplatesOf(a)...))
}

// angleName says which angle it is, with its endplates.
func angleName(a morphometry.Angle) string {
	name := words(a.Name)
	if a.Level != spine.Unknown {
		name = a.Level.String() + " " + name
	}
	return name + ", " + a.From.String() + " to " + a.To.String()
}

// lines are groups of the heights of a vertebra and of its wedge angle, one each: the
// same numbers as in the group of the vertebra, as viewers draw them.
func (d *document) lines(v *analysis.Vertebra) []*item {
	if v.Heights == nil || v.Landmarks == nil || d.film == nil && d.origin.FrameOfReferenceUID == "" {
		return nil
	}
	where, known := code.Level(v.Level)
	if !known {
		where = code.Vertebra
	}
	var all []*item
	for _, h := range bodyHeights(v.Heights, nil) {
		name := v.Level.String() + " " + h.which.String() + " height"
		q := quantity{concept: code.Height, name: name, value: h.measured, sd: h.measuredSD, unit: code.Millimetre, on: d.line(v.Landmarks, h.upper, h.lower)}
		all = append(all, d.group(viewer+"Length:"+name, "line", v.Level.String(), h.which.String()).add(
			coded(contains, code.Finding, code.VertebralBody), site(where),
			q.item(site(code.VertebralBody, heightParts[h.which])),
		))
	}
	return all
}

// evaluations is what is said of the whole examination in words and codes: nil where
// there is nothing to say.
func (d *document) evaluations(r *analysis.Result) *item {
	all := container(contains, code.QualitativeEvaluations)
	if r.Reason != "" || len(r.Vertebrae) == 0 {
		all.add(coded(contains, code.Finding, code.NoVertebra).add(because(r.Reason.String())))
	}
	for _, f := range r.Findings {
		all.add(findingItem(f))
	}
	if d.film != nil {
		all.add(filmNotes(d.film)...)
	}
	for _, w := range r.Warnings {
		all.add(text(contains, code.Warning, w.Code+": "+w.Message.String()))
	}
	if len(all.children) == 0 {
		return nil
	}
	return all
}

var verdictCodes = map[finding.Verdict]code.Code{finding.Accepted: code.Accepted, finding.Rejected: code.Rejected}

// findingItem is a finding with its levels, the rule behind it and what a reader says.
func findingItem(f finding.Finding) *item {
	i := coded(contains, code.Finding, code.FindingOf(f.Code))
	for _, l := range f.Levels {
		if where, ok := code.Level(l); ok {
			i.add(site(where))
		}
	}
	i.add(text(hasProperties, code.Statement, f.Statement.String())).add(rule(f.Criterion.String(), f.Source.String())...)
	i.add(coded(hasProperties, code.Borderline, yes(f.Borderline)))
	if verdict, given := verdictCodes[f.Verdict]; given {
		i.add(coded(hasProperties, code.Verdict, verdict).add(because(strings.TrimSpace(f.VerdictReason))))
	}
	return i
}
