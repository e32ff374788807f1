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
	"github.com/endplate/endplate/analysis/spine"
)

// Placed are the six points of one vertebra in a report.
type Placed struct {
	Level               spine.Level
	FrameOfReferenceUID string
	Points              [landmark.NumPoints]r3.Vec // LPS mm
}

// Landmarks returns the vertebrae whose six points the groups hold, from superior to
// inferior, each once: as the points that endplate names, or as the lines of three
// heights (DCM 121207) that are told apart by the topographical modifiers anterior,
// central and posterior of their finding sites, as others can write them. Of the two
// ends of a line the superior one is that further along the patient's superior axis.
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
	set := func(n landmark.Name, at r3.Vec, frame string) {
		if have[n] {
			reason = "it has two of the " + n.String() + " point"
		}
		if p.FrameOfReferenceUID != "" && p.FrameOfReferenceUID != frame {
			reason = "its points are in two frames of reference"
		}
		have[n], p.Points[n], p.FrameOfReferenceUID = true, at, frame
	}
	for _, x := range g.Graphics {
		if n := slices.IndexFunc(landmarkCodes[:], x.Concept.Is); n >= 0 && x.Type == "POINT" && len(x.Positions) == 1 {
			set(landmark.Name(n), x.Positions[0], x.FrameOfReferenceUID)
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
func (g *Group) fromHeights(set func(landmark.Name, r3.Vec, string)) {
	lines := map[landmark.Name]Graphic{} // by the superior point
	for _, n := range g.Numbers {
		if !n.Concept.Is(code.Height) || len(n.Graphics) != 1 || len(n.Graphics[0].Positions) != 2 {
			continue
		}
		for _, part := range n.Parts {
			if upper, ok := upperOf(part); ok {
				lines[upper] = n.Graphics[0]
			}
		}
	}
	if len(lines) != landmark.NumPoints/2 {
		return
	}
	for upper, x := range lines {
		top, bottom := x.Positions[0], x.Positions[1]
		if bottom.Z > top.Z {
			top, bottom = bottom, top
		}
		set(upper, top, x.FrameOfReferenceUID)
		set(upper+landmark.InferiorAnterior, bottom, x.FrameOfReferenceUID)
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
