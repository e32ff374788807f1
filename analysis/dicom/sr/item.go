// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package sr

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/suyashkumar/dicom/pkg/tag"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/code"
	"github.com/endplate/endplate/analysis/dicom/dataset"
)

// relation is the RelationshipType of a content item to its parent.
type relation string

// The relationships. PS3.3 C.17.3.2.4.
const (
	contains      relation = "CONTAINS"
	hasProperties relation = "HAS PROPERTIES"
	hasObsContext relation = "HAS OBS CONTEXT"
	hasAcqContext relation = "HAS ACQ CONTEXT"
	hasConceptMod relation = "HAS CONCEPT MOD"
	inferredFrom  relation = "INFERRED FROM"
	selectedFrom  relation = "SELECTED FROM"
)

// item is a content item: its attributes without those of its children.
type item struct {
	*dataset.Dataset
	children []*dataset.Dataset
}

// newItem begins an item; the root has no relation, and an image in a library no
// concept name.
func newItem(r relation, valueType string, concept code.Code) *item {
	d := &dataset.Dataset{}
	if r != "" {
		d.Text(tag.RelationshipType, "CS", string(r))
	}
	d.Text(tag.ValueType, "CS", valueType)
	if concept != (code.Code{}) {
		d.Sequence(tag.ConceptNameCodeSequence, concept.Item())
	}
	return &item{Dataset: d}
}

// add adds children; nil ones are none, and a nil item takes none.
func (i *item) add(children ...*item) *item {
	if i == nil {
		return nil
	}
	for _, c := range children {
		if c != nil {
			i.children = append(i.children, c.done())
		}
	}
	return i
}

// done returns the data set of the item with its children, those of a number in the
// order of TID 300, which is significant.
func (i *item) done() *dataset.Dataset {
	if i.Value(tag.ValueType) == "NUM" {
		slices.SortStableFunc(i.children, func(a, b *dataset.Dataset) int { return cmp.Compare(rowOf(a), rowOf(b)) })
	}
	if len(i.children) > 0 {
		i.Sequence(tag.ContentSequence, i.children...)
	}
	return i.Dataset
}

// rowOf returns the row of TID 300 that a child of a number is of, with that of TID 310
// as its fraction. A graphic stands before all of them, for viewers such as OHIF that
// take the first child for it; what the templates do not have stands behind.
func rowOf(child *dataset.Dataset) float64 {
	concept, valueType := code.Of(child, tag.ConceptNameCodeSequence), child.Value(tag.ValueType)
	switch r := relation(child.Value(tag.RelationshipType)); {
	case r == inferredFrom && (valueType == "SCOORD3D" || valueType == "SCOORD"):
		return 0
	case r == inferredFrom:
		return 9
	case r == hasProperties && valueType == "TEXT":
		return 100
	case r == hasProperties && concept.Is(code.LevelOfSignificance):
		return 8.4
	case r == hasProperties && concept.Is(code.Uncertainty):
		return 8.5
	case r == hasProperties:
		return 8.2
	case concept.Is(code.MeasurementMethod):
		return 3
	case concept.Is(code.Derivation):
		return 4
	case concept.Is(code.FindingSite):
		return 5
	case concept.Is(code.EquivalentMeaning):
		return 16
	}
	return 2
}

func container(r relation, concept code.Code) *item {
	i := newItem(r, "CONTAINER", concept)
	i.Text(tag.ContinuityOfContent, "CS", "SEPARATE")
	return i
}

// template names the template that a container follows.
func (i *item) template(id string) *item {
	t := &dataset.Dataset{}
	t.Text(tag.MappingResource, "CS", "DCMR")
	t.Text(tag.TemplateIdentifier, "CS", id)
	i.Sequence(tag.ContentTemplateSequence, t)
	return i
}

// text returns nil for an empty text: a TEXT has a value. PS3.3 C.18.2.
func text(r relation, concept code.Code, value string) *item {
	if strings.TrimSpace(value) == "" {
		return nil
	}
	i := newItem(r, "TEXT", concept)
	i.Text(tag.TextValue, "UT", value)
	return i
}

// coded returns nil for no code.
func coded(r relation, concept, value code.Code) *item {
	if value == (code.Code{}) {
		return nil
	}
	i := newItem(r, "CODE", concept)
	i.Sequence(tag.ConceptCodeSequence, value.Item())
	return i
}

func uidRef(r relation, concept code.Code, uid string) *item {
	i := newItem(r, "UIDREF", concept)
	i.Text(tag.UID, "UI", uid)
	return i
}

func personName(r relation, concept code.Code, name string) *item {
	i := newItem(r, "PNAME", concept)
	i.Text(tag.PersonName, "PN", name)
	return i
}

// date returns nil for an empty date.
func date(r relation, concept code.Code, da string) *item {
	if da == "" {
		return nil
	}
	i := newItem(r, "DATE", concept)
	i.Text(tag.Date, "DA", da)
	return i
}

func image(r relation, concept code.Code, m dicom.Slice) *item {
	i := newItem(r, "IMAGE", concept)
	i.Sequence(tag.ReferencedSOPSequence, sopReference(m))
	return i
}

func composite(r relation, concept code.Code, classUID, instanceUID string) *item {
	i := newItem(r, "COMPOSITE", concept)
	i.Sequence(tag.ReferencedSOPSequence, sopReference(dicom.Slice{SOPClassUID: classUID, SOPInstanceUID: instanceUID}))
	return i
}

func sopReference(m dicom.Slice) *dataset.Dataset {
	d := &dataset.Dataset{}
	d.Text(tag.ReferencedSOPClassUID, "UI", m.SOPClassUID)
	d.Text(tag.ReferencedSOPInstanceUID, "UI", m.SOPInstanceUID)
	if m.FrameNumber > 0 {
		d.Ints(tag.ReferencedFrameNumber, "IS", m.FrameNumber)
	}
	return d
}

// points returns nil where the images have no frame of reference, or a position is
// not known. graphic is POINT, MULTIPOINT, POLYLINE or POLYGON; a polygon is closed
// here. PS3.3 C.18.9.
func (d *document) points(r relation, concept code.Code, graphic string, positions ...r3.Vec) *item {
	if d.film != nil {
		return d.onFilm(r, concept, graphic, positions)
	}
	if d.origin.FrameOfReferenceUID == "" {
		return nil
	}
	if graphic == "POLYGON" {
		positions = append(positions, positions[0])
	}
	var xyz []float64
	for _, p := range positions {
		if !finite(p) {
			return nil
		}
		xyz = append(xyz, p.X, p.Y, p.Z)
	}
	i := newItem(r, "SCOORD3D", concept)
	i.Text(tag.GraphicType, "CS", graphic)
	i.Floats(tag.GraphicData, "FL", xyz...)
	i.Text(tag.ReferencedFrameOfReferenceUID, "UI", d.origin.FrameOfReferenceUID)
	return i
}

// numeric is a NUM: a number with its unit.
func numeric(r relation, concept code.Code, value float64, unit code.Code) *item {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return nil
	}
	v := &dataset.Dataset{}
	v.Text(tag.NumericValue, "DS", shown(value))
	v.Floats(tag.FloatingPointValue, "FD", value)
	v.Sequence(tag.MeasurementUnitsCodeSequence, unit.Item())
	i := newItem(r, "NUM", concept)
	i.Sequence(tag.MeasuredValueSequence, v)
	return i
}

// shown returns a number as people read it, to four digits, and to whole numbers: no
// measurement is more precise. FloatingPointValue holds the rest.
func shown(x float64) string {
	const digits = 4
	whole := 1
	if a := math.Abs(x); a >= 1 {
		whole += int(math.Log10(a))
	} else if a > 0 {
		whole += int(math.Floor(math.Log10(a)))
	}
	return strconv.FormatFloat(x, 'f', min(max(digits-whole, 0), digits+2), 64)
}

// unmeasured is a NUM without a number. PS3.3 C.18.1: the qualifier then says why.
func unmeasured(r relation, concept, qualifier code.Code) *item {
	i := newItem(r, "NUM", concept)
	i.Sequence(tag.MeasuredValueSequence)
	i.Sequence(tag.NumericValueQualifierCodeSequence, qualifier.Item())
	return i
}
