// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package sr

import (
	"strings"

	"github.com/suyashkumar/dicom/pkg/tag"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/code"
	"github.com/endplate/endplate/analysis/finding"
)

// onFilm is points for a film: columns and rows of it, which it is selected from. A polygon
// is a closed polyline there. PS3.3 C.18.6.
func (d *document) onFilm(r relation, concept code.Code, graphic string, positions []r3.Vec) *item {
	if graphic == "POLYGON" {
		graphic, positions = "POLYLINE", append(positions, positions[0])
	}
	var at []float64
	for _, p := range positions {
		if !finite(p) {
			return nil
		}
		q := d.film.Point(p)
		at = append(at, q.Col, q.Row)
	}
	i := newItem(r, "SCOORD", concept)
	i.Text(tag.GraphicType, "CS", graphic)
	i.Floats(tag.GraphicData, "FL", at...)
	return i.add(image(selectedFrom, code.Code{}, d.origin.Images[0].Slice))
}

func (d *document) procedure() code.Code {
	if d.origin.Film {
		return code.ImagingProcedure
	}
	return code.CTUnspecified
}

var filmModalities = map[string]code.Code{
	"CR": code.ComputedRadiography, "DX": code.DigitalRadiography, "RF": code.Radiofluoroscopy,
}

// filmGroup is the group of a film in the library (TID 1602).
func filmGroup(o *dicom.Origin) *item {
	return container(contains, code.ImageLibraryGroup).add(
		coded(hasAcqContext, code.Modality, filmModalities[o.Modality]),
		date(hasAcqContext, code.StudyDate, o.Identity.Value(tag.StudyDate)),
		numeric(hasAcqContext, code.PixelDataRows, float64(o.Geometry.Rows), code.Pixels),
		numeric(hasAcqContext, code.PixelDataColumns, float64(o.Geometry.Columns), code.Pixels),
		image(contains, code.Code{}, o.Images[0].Slice),
	)
}

// filmNotes say what the lengths of a film rest on, and what it does not show.
func filmNotes(f *analysis.Film) []*item {
	return []*item{
		text(contains, code.Warning, "CALIBRATION "+f.Calibration.Basis.String()+": "+f.Calibration.Reason.String()),
		text(contains, code.Warning, notAssessable(analysis.NotOnFilms)),
	}
}

// whyUnmeasured says why a vertebra has no heights in mm.
func (d *document) whyUnmeasured(v *analysis.Vertebra) string {
	if d.film != nil && v.Status == analysis.Measured && !d.film.Calibration.Millimetres() {
		return "no calibration: " + d.film.Calibration.Reason.String()
	}
	return v.Reason.String()
}

// filmRatios are those of a body on a film without a calibration.
func filmRatios(r *analysis.Ratios) []*item {
	one := func(concept code.Code, name string, m *analysis.Measurement) *item {
		return quantity{concept: concept, name: name, value: m.Value, sd: m.SD, unit: code.Ratio}.item(derived(code.Calculated))
	}
	all := []*item{
		one(code.WedgeRatio, "anterior by posterior height", r.Anterior),
		one(code.BiconcavityRatio, "middle by posterior height", r.Middle),
	}
	for h, m := range r.OfExpected {
		if m == nil {
			continue
		}
		which := finding.Height(h)
		q := quantity{concept: code.HeightOfExpected, name: which.String() + " height of the expected", unit: code.Percent, value: 100 * m.Value, sd: 100 * m.SD}
		all = append(all, q.item(site(code.VertebralBody, heightParts[which]), derived(code.Calculated)).add(expectedFrom(r.ExpectedFrom)...))
	}
	return all
}

// comparedFilms say what the lengths of the films of a comparison rest on, and what it does
// not show.
func comparedFilms(c *comparison.Comparison) []*item {
	var all []*item
	for _, e := range []struct {
		*comparison.Examination
		which string
	}{{c.Before, "first"}, {c.After, "second"}} {
		if e.Film != nil {
			of := &e.Film.Calibration
			all = append(all, text(contains, code.Warning, "CALIBRATION "+of.Basis.String()+", "+e.which+" examination: "+of.Reason.String()))
		}
	}
	if len(c.NotAssessable) > 0 {
		all = append(all, text(contains, code.Warning, notAssessable(c.NotAssessable)))
	}
	return all
}

func notAssessable(what []string) string {
	return "NOT_ASSESSABLE_ON_RADIOGRAPH: " + strings.Join(what, ", ")
}

// filmChanges are those of a pair of which one is on a film.
func filmChanges(p *comparison.Pair) []*item {
	whole := func() *item { return site(code.VertebralBody) }
	all := append(change(p.Ratios[comparison.AnteriorToPosterior], code.WedgeRatio, "anterior by posterior height", code.Ratio, whole),
		change(p.Ratios[comparison.MiddleToPosterior], code.BiconcavityRatio, "middle by posterior height", code.Ratio, whole)...)
	for h, c := range p.OfExpected {
		which := finding.Height(h)
		items := change(c, code.HeightOfExpected, which.String()+" height of the expected", code.Percent, func() *item { return site(code.VertebralBody, heightParts[which]) })
		for _, i := range items {
			i.add(expectedFrom(p.RelativeTo)...)
		}
		all = append(all, items...)
	}
	return all
}
