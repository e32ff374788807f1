// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package sr

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/suyashkumar/dicom/pkg/tag"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/dicom/code"
	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/spine"
)

// Group is a measurement group that was read: of TID 1501, or of TID 1410 or 1411 as
// far as they hold the same.
type Group struct {
	Identifier string // TrackingIdentifier
	UID        string // TrackingUniqueIdentifier
	Finding    code.Code
	Sites      []code.Code
	Numbers    []Number
	Graphics   []Graphic // of the group itself; those of a number stand with it
}

// Number is a measurement that was read.
type Number struct {
	Concept  code.Code
	Meaning  string // Equivalent Meaning of Concept Name, if it is given
	Value    float64
	Unit     code.Code
	SD       float64     // of HAS PROPERTIES of CID 225; 0 if there is none
	Sites    []code.Code // its own
	Parts    []code.Code // topographical modifiers of its own sites
	Graphics []Graphic
}

// Graphic is spatial coordinates, in a frame of reference or in an image.
type Graphic struct {
	Concept code.Code
	Type    string // POINT, POLYLINE, …

	Positions           []r3.Vec // LPS mm, of SCOORD3D
	FrameOfReferenceUID string

	Points         []radiograph.ImagePoint // of SCOORD; where they are in the patient only the image says
	SOPInstanceUID string                  // of the image, where they are of its only frame or its first; empty where that is not known
}

// Errors of Read.
var (
	// ErrNoReport is returned for what is no structured report.
	ErrNoReport = errors.New("no structured report")
	// ErrNoGroup is returned for a report without a measurement group.
	ErrNoGroup = errors.New("the report has no measurement group (TID 1500)")
)

// Read reads the measurement groups of a structured report, in their order, whoever
// wrote it. What a group or a number lacks is left empty; a number without a value, or
// with one that is none, is left out. The errors are those of dataset.Read,
// ErrNoReport and ErrNoGroup.
func Read(r io.Reader, size int64) ([]Group, error) {
	f, err := dataset.Read(r, size, dataset.Options{Want: func(t tag.Tag) bool {
		return t == tag.ContentSequence || t == tag.ValueType
	}})
	if err != nil {
		return nil, err
	}
	if f.Value(tag.ValueType) != "CONTAINER" {
		return nil, ErrNoReport
	}
	var groups []Group
	addGroups(&f.Dataset, &groups)
	if len(groups) == 0 {
		return nil, ErrNoGroup
	}
	return groups, nil
}

// addGroups finds the groups at any depth, which dataset.Read bounds.
func addGroups(d *dataset.Dataset, groups *[]Group) {
	for _, item := range d.Items(tag.ContentSequence) {
		switch {
		case item.Value(tag.ValueType) != "CONTAINER":
		case conceptOf(item).Is(code.MeasurementGroup):
			*groups = append(*groups, groupOf(item))
		default:
			addGroups(item, groups)
		}
	}
}

func conceptOf(item *dataset.Dataset) code.Code {
	return modern(code.Of(item, tag.ConceptNameCodeSequence))
}

func valueOf(item *dataset.Dataset) code.Code { return modern(code.Of(item, tag.ConceptCodeSequence)) }

// older are codes of SNOMED RT, which reports written before 2020 have, with those of
// SNOMED CT that took their place. PS3.16 annex O.
var older = map[string]code.Code{
	"G-C0E3": code.FindingSite, "G-A1F8": code.TopographicModifier, "G-C036": code.MeasurementMethod,
	"R-404CC": code.AnteriorAspect, "R-404CE": code.PosteriorAspect, "G-A110": code.CentralAspect,
}

func modern(c code.Code) code.Code {
	if c.Scheme == "SRT" {
		if now, ok := older[c.Value]; ok {
			return now
		}
	}
	return c
}

func groupOf(container *dataset.Dataset) Group {
	var g Group
	for _, item := range container.Items(tag.ContentSequence) {
		concept := conceptOf(item)
		switch item.Value(tag.ValueType) {
		case "TEXT":
			if concept.Is(code.TrackingIdentifier) {
				g.Identifier = item.Value(tag.TextValue)
			}
		case "UIDREF":
			if concept.Is(code.TrackingUID) {
				g.UID = item.Value(tag.UID)
			}
		case "CODE":
			switch {
			case concept.Is(code.Finding):
				g.Finding = valueOf(item)
			case concept.Is(code.FindingSite):
				g.Sites = append(g.Sites, valueOf(item))
			}
		case "NUM":
			if n, ok := numberOf(item); ok {
				g.Numbers = append(g.Numbers, n)
			}
		case "SCOORD3D", "SCOORD":
			if x, ok := graphicOf(item); ok {
				g.Graphics = append(g.Graphics, x)
			}
		}
	}
	return g
}

func numberOf(item *dataset.Dataset) (Number, bool) {
	n := Number{Concept: conceptOf(item)}
	var ok bool
	if n.Value, n.Unit, ok = measuredValue(item); !ok {
		return n, false
	}
	for _, child := range item.Items(tag.ContentSequence) {
		concept := conceptOf(child)
		switch {
		case concept.Is(code.EquivalentMeaning):
			n.Meaning = child.Value(tag.TextValue)
		case concept.Is(code.Uncertainty):
			n.SD, _, _ = measuredValue(child)
		case concept.Is(code.FindingSite):
			n.Sites = append(n.Sites, valueOf(child))
			for _, part := range child.Items(tag.ContentSequence) {
				if conceptOf(part).Is(code.TopographicModifier) {
					n.Parts = append(n.Parts, valueOf(part))
				}
			}
		case child.Value(tag.ValueType) == "SCOORD3D", child.Value(tag.ValueType) == "SCOORD":
			if x, ok := graphicOf(child); ok {
				n.Graphics = append(n.Graphics, x)
			}
		}
	}
	return n, true
}

// measuredValue returns the number of a NUM: the floating point value where there is
// one, which is not rounded.
func measuredValue(item *dataset.Dataset) (value float64, unit code.Code, ok bool) {
	v := item.Item(tag.MeasuredValueSequence)
	unit = code.Of(v, tag.MeasurementUnitsCodeSequence)
	if value, ok = v.Number(tag.FloatingPointValue); !ok || !finite(r3.Vec{X: value}) {
		value, ok = v.Number(tag.NumericValue)
	}
	return value, unit, ok
}

// graphicOf reads spatial coordinates; false for what is none.
func graphicOf(item *dataset.Dataset) (Graphic, bool) {
	g := Graphic{Concept: conceptOf(item), Type: item.Value(tag.GraphicType)}
	numbers := item.Numbers(tag.GraphicData)
	if len(numbers) == 0 || slices.ContainsFunc(numbers, func(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) }) {
		return g, false
	}
	if item.Value(tag.ValueType) == "SCOORD" {
		for pair := range slices.Chunk(numbers, 2) {
			g.Points = append(g.Points, radiograph.ImagePoint{Col: pair[0], Row: pair[len(pair)-1]})
		}
		g.SOPInstanceUID = imageOf(item)
		return g, len(numbers)%2 == 0
	}
	for xyz := range slices.Chunk(numbers, 3) {
		g.Positions = append(g.Positions, r3.Vec{X: xyz[0], Y: xyz[len(xyz)/2], Z: xyz[len(xyz)-1]})
	}
	g.FrameOfReferenceUID = item.Value(tag.ReferencedFrameOfReferenceUID)
	return g, len(numbers)%3 == 0
}

// imageOf returns the image of whose first frame coordinates are; empty if there is
// none.
func imageOf(item *dataset.Dataset) (sopInstanceUID string) {
	for _, child := range item.Items(tag.ContentSequence) {
		image := child.Item(tag.ReferencedSOPSequence)
		if child.Value(tag.ValueType) == "IMAGE" && image.Int(tag.ReferencedFrameNumber, 1) == 1 {
			return image.Value(tag.ReferencedSOPInstanceUID)
		}
	}
	return ""
}

// Level returns the vertebra that a group is of: by its finding sites, or else by its
// identifier; Unknown if neither says so.
func (g *Group) Level() spine.Level {
	for _, s := range g.Sites {
		if l := code.LevelOf(s); l != spine.Unknown {
			return l
		}
	}
	for word := range strings.FieldsSeq(strings.ToUpper(g.Identifier)) {
		if l, err := spine.ParseLevel(word); err == nil {
			return l
		}
	}
	return spine.Unknown
}

// LandmarkError tells of landmarks that cannot be used.
type LandmarkError struct {
	Group  string // its TrackingIdentifier, or its place among the groups
	Reason string
}

func (e *LandmarkError) Error() string { return fmt.Sprintf("group %s: %s", e.Group, e.Reason) }
