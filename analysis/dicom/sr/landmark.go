// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package sr

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/dicom/code"
	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/spine"
)

// Placed are the six points of one vertebra in a report: in the patient, or on a film.
type Placed struct {
	Level spine.Level

	FrameOfReferenceUID string
	Points              [landmark.NumPoints]r3.Vec // LPS mm

	SOPInstanceUID string                                    // of the film; empty in the patient
	OnFilm         [landmark.NumPoints]radiograph.ImagePoint // of it
}

// Landmarks returns the vertebrae whose six points the groups hold, from superior to
// inferior, each once: as the points that endplate names, or as the lines of three
// heights (DCM 121207) that are told apart by the topographical modifiers anterior,
// central and posterior of their finding sites, as others can write them. Of the two
// ends of a line the superior one is that further along the patient's superior axis, or
// further up the film.
// Groups that hold neither are passed over; a group that holds a part of it, or two
// that disagree, are a *LandmarkError.
func Landmarks(groups []Group) ([]Placed, error) {
	var all []Placed
	for i := range groups {
		g := &groups[i]
		p, found, reason := g.placed()
		if reason == "" && found && p.Level == spine.Unknown {
			reason = "its finding site is no vertebra"
		}
		if reason != "" {
			return nil, &LandmarkError{cmp.Or(g.Identifier, fmt.Sprint(i+1)), reason}
		}
		if !found {
			continue
		}
		if j := slices.IndexFunc(all, func(o Placed) bool { return o.Level == p.Level }); j >= 0 {
			if all[j] != p {
				return nil, &LandmarkError{cmp.Or(g.Identifier, fmt.Sprint(i+1)), "another group places the points of " + p.Level.String() + " elsewhere"}
			}
			continue
		}
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b Placed) int { return cmp.Compare(a.Level.Order(), b.Level.Order()) })
	return all, nil
}

// placed returns the six points of a group, and whether it has any.
func (g *Group) placed() (p Placed, found bool, reason string) {
	p.Level = g.Level()
	var have [landmark.NumPoints]bool
	set := func(n landmark.Name, x *Graphic, index int) {
		if have[n] {
			reason = "it has two of the " + n.String() + " point"
		}
		if slices.Contains(have[:], true) && (p.FrameOfReferenceUID != x.FrameOfReferenceUID || p.SOPInstanceUID != x.SOPInstanceUID) {
			reason = "its points are in two frames of reference or images"
		}
		have[n], p.FrameOfReferenceUID, p.SOPInstanceUID = true, x.FrameOfReferenceUID, x.SOPInstanceUID
		if x.SOPInstanceUID != "" {
			p.OnFilm[n] = x.Points[index]
		} else {
			p.Points[n] = x.Positions[index]
		}
	}
	for _, x := range preferred(g.Graphics) {
		if n := slices.IndexFunc(landmarkCodes[:], x.Concept.Is); n >= 0 && x.Type == "POINT" && x.len() == 1 {
			set(landmark.Name(n), x, 0)
		}
	}
	if !slices.Contains(have[:], true) {
		g.fromHeights(set)
	}
	switch missing := slices.Index(have[:], false); {
	case !slices.Contains(have[:], true), g.isEndplate(have):
		return p, false, reason
	case reason == "" && missing >= 0:
		reason = "it has no " + landmark.Name(missing).String() + " point"
	}
	return p, true, reason
}

// preferred returns the graphics in the patient or, where there are none, those of
// images that are named: some write both of the same.
func preferred(all []Graphic) (some []*Graphic) {
	patient := slices.ContainsFunc(all, func(x Graphic) bool { return x.Points == nil })
	for i := range all {
		if x := &all[i]; patient && x.Points == nil || !patient && x.SOPInstanceUID != "" {
			some = append(some, x)
		}
	}
	return some
}

// len returns how many points there are.
func (x *Graphic) len() int { return max(len(x.Positions), len(x.Points)) }

// superior returns which end of a line is the superior one.
func (x *Graphic) superior() int {
	if x.SOPInstanceUID != "" && x.Points[1].Row < x.Points[0].Row || x.SOPInstanceUID == "" && x.Positions[1].Z > x.Positions[0].Z {
		return 1
	}
	return 0
}

// isEndplate reports whether what a group has is the superior endplate alone, as of
// the sacrum: that is no body with heights.
func (g *Group) isEndplate(have [landmark.NumPoints]bool) bool {
	for n := range landmark.Name(landmark.NumPoints) {
		if have[n] != (n.Endplate() == spine.Superior) {
			return false
		}
	}
	return g.Level() == spine.S1
}

// fromHeights takes the points from the lines of heights. One that stands alone is a
// measurement that says nothing of the others: three make a body.
func (g *Group) fromHeights(set func(landmark.Name, *Graphic, int)) {
	lines := map[landmark.Name]*Graphic{} // by the superior point
	for _, n := range g.Numbers {
		drawn := preferred(n.Graphics)
		if !n.Concept.Is(code.Height) || len(drawn) != 1 || drawn[0].len() != 2 {
			continue
		}
		for _, part := range n.Parts {
			if upper, ok := upperOf(part); ok {
				lines[upper] = drawn[0]
			}
		}
	}
	if len(lines) != landmark.NumPoints/2 {
		return
	}
	for upper, x := range lines {
		set(upper, x, x.superior())
		set(upper+landmark.InferiorAnterior, x, 1-x.superior())
	}
}

// middleNCIt is another code of the middle, of CID 211.
var middleNCIt = code.Code{Value: "C25569", Scheme: "NCIt"}

// upperOf returns the superior point of the height of a part of the body.
func upperOf(part code.Code) (landmark.Name, bool) {
	switch {
	case part.Is(code.AnteriorAspect):
		return landmark.SuperiorAnterior, true
	case part.Is(code.CentralAspect), part.Is(middleNCIt):
		return landmark.SuperiorMiddle, true
	case part.Is(code.PosteriorAspect):
		return landmark.SuperiorPosterior, true
	}
	return 0, false
}

func finite(p r3.Vec) bool {
	sum := p.X + p.Y + p.Z
	return !math.IsNaN(sum) && !math.IsInf(sum, 0)
}
