// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package finding

import (
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/spine"
)

// Answer is the answer to a question.
type Answer uint8

// The answers.
const (
	CannotTell Answer = iota
	Yes
	No
)

// Text returns "cannot be told", "yes" or "no".
func (a Answer) Text() phrase.Text { return [...]phrase.Text{"cannot be told", "yes", "no"}[a] }

func (a Answer) String() string { return a.Text().String() }

// EndplateSunk and EndplateTilted are by how much, mm, an endplate departs from
// the patient's undeformed levels from which it is broken, and the number of
// standard deviations is RepeatabilityLimit: the deficit from which a height
// counts. No published source found; default.
const (
	EndplateSunk   = MinDeficit
	EndplateTilted = MinDeficit
)

// WallShareOF is the share of the posterior wall that separates OF2 from OF3.
//
// Reference: AO-DGOU OF card; Schnake et al., Global Spine J 2018;8:46S.
const WallShareOF = 0.2

// FractureInput is what a description rests on. What is nil was not had.
type FractureInput struct {
	Level     spine.Level
	Deformity *Deformity
	Endplates *morphometry.EndplateShapes
	Tissue    *morphometry.Tissue

	Wall WallState
	// WallShare is the share of the posterior wall that is broken, 0 to 1.
	WallShare *float64
}

// Fracture describes the fracture of one body.
type Fracture struct {
	// Superior and Inferior say whether an endplate is broken.
	Superior, Inferior EndplateState
	Wall               WallState
	WallShare          *float64
	// Candidates are the classes that nothing seen speaks against.
	Candidates []Candidate
}

// EndplateState says whether an endplate is broken.
type EndplateState struct {
	Broken  Answer
	Because phrase.Text
}

// Candidate is a class of a classification that may hold.
type Candidate struct {
	System   string // "AO Spine", "OF"
	Class    string // such as "A3", "OF2"
	Criteria []ClassCriterion
	// Open are the questions of the class that CT cannot answer.
	Open   []phrase.Text
	Source phrase.Text
}

// ClassCriterion is one criterion of a class with its answer.
type ClassCriterion struct {
	Text    phrase.Text
	Answer  Answer
	Because phrase.Text
}

// DescribeFracture describes the fracture of a body that lost height, or whose
// cortex is broken or that holds a cleft; nil for one without any of these.
func DescribeFracture(in FractureInput) *Fracture {
	if !in.isFractured() {
		return nil
	}
	f := &Fracture{Wall: in.Wall, WallShare: in.WallShare}
	f.Superior, f.Inferior = in.endplate(spine.Superior), in.endplate(spine.Inferior)
	in.settle(f)
	f.Candidates = candidates(&in, f)
	return f
}

func (in *FractureInput) isFractured() bool {
	if in.lostHeight() {
		return true
	}
	return in.Tissue != nil && (in.Tissue.Cleft.Present() || len(bareFaces(in.Level, &in.Tissue.Cortex)) > 0)
}

func (in *FractureInput) lostHeight() bool { return in.Deformity != nil && in.Deformity.Grade > 0 }

// endplate judges one endplate by its shape and its cortex.
func (in *FractureInput) endplate(e spine.Endplate) EndplateState {
	var s EndplateState
	if in.Endplates != nil {
		shape := in.Endplates[e]
		sunk, tilted := departs(shape.Sunk, shape.SunkSD, EndplateSunk), departs(shape.Tilted, shape.TiltedSD, EndplateTilted)
		sunkBy := phrase.Of("sunk by %.1f ± %.1f mm", shape.Sunk, shape.SunkSD)
		tiltedBy := phrase.Of("anterior corner lower by %.1f ± %.1f mm", shape.Tilted, shape.TiltedSD)
		s = EndplateState{No, "its shape is that of the undeformed levels"}
		switch {
		case sunk == Yes:
			s = EndplateState{Yes, sunkBy}
		case tilted == Yes:
			s = EndplateState{Yes, tiltedBy}
		case !in.lostHeight(): // what is within the spread of people is no fracture
		case sunk == CannotTell:
			s = EndplateState{CannotTell, phrase.Of("%s, within the spread of people", sunkBy)}
		case tilted == CannotTell:
			s = EndplateState{CannotTell, phrase.Of("%s, within the spread of people", tiltedBy)}
		}
	}
	if in.Tissue == nil || s.Broken == Yes {
		return s
	}
	face := segmentation.SuperiorFace
	if e == spine.Inferior {
		face = segmentation.InferiorFace
	}
	if g := &in.Tissue.Cortex.Gaps[face]; isBare(g) {
		return EndplateState{Yes, phrase.Of("%.0f %% without cortical bone", 100*g.Share)}
	}
	return s
}

// departs says whether a departure is beyond what people's endplates differ by.
func departs(value, sd, least float64) Answer {
	switch {
	case value >= least && value >= RepeatabilityLimit*sd:
		return Yes
	case value >= least && value >= sd:
		return CannotTell
	}
	return No
}

// settle takes back that an endplate is unbroken where height was lost and
// neither seems to be, and where all of the height was: endplates that sank as a
// whole keep their shape.
func (in *FractureInput) settle(f *Fracture) {
	if !in.lostHeight() {
		return
	}
	unknown := EndplateState{CannotTell, "height was lost, and neither endplate stands out"}
	if f.Superior.Broken == No && f.Inferior.Broken == No {
		f.Superior, f.Inferior = unknown, unknown
	}
	if in.Deformity.Shape != Crush {
		return
	}
	unknown.Because = "the whole body lost height, and its shape does not tell where"
	for _, e := range []*EndplateState{&f.Superior, &f.Inferior} {
		if e.Broken == No {
			*e = unknown
		}
	}
}

// broken returns how many endplates are broken at least and at most.
func (f *Fracture) broken() (least, most int) {
	for _, e := range []EndplateState{f.Superior, f.Inferior} {
		if e.Broken == Yes {
			least++
		}
		if e.Broken != No {
			most++
		}
	}
	return least, most
}
