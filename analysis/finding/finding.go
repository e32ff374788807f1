// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package finding

import (
	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/spine"
)

// Shape is the shape of a deformity, by the height that lost most.
type Shape uint8

// The shapes.
const (
	NoDeformity Shape = iota
	Wedge
	Biconcave
	Crush
)

// Height names one of the three heights of a body.
type Height uint8

// The heights.
const (
	AnteriorHeight Height = iota
	MiddleHeight
	PosteriorHeight
)

// Basis says what the loss is relative to.
type Basis uint8

// The bases.
const (
	NoBasis Basis = iota
	AdjacentLevels
	OneAdjacentLevel
	OwnPosteriorHeight
)

// Deformity is the graded loss of height of one vertebra.
type Deformity struct {
	Grade         int // Genant 0 to 3; meaningful only where Assessed
	Assessed      bool
	Shape         Shape
	WorstLoss     float64 // percent of the expected height
	WorstLossSD   float64
	WorstHeight   Height
	Borderline    bool
	Basis         Basis
	Severe        bool // worst height at most half of the expected
	VertebraPlana bool
	Reason        phrase.Text // why not assessed, or what makes it doubtful
}

// Finding is a graded statement with the criterion behind it.
type Finding struct {
	Code       string // VERTEBRAL_DEFORMITY, VERTEBRA_PLANA, …
	Levels     []spine.Level
	Statement  phrase.Text
	Criterion  phrase.Text // the rule, with its numbers
	Source     phrase.Text // where the rule is from
	Borderline bool

	// Verdict is a reader's, with the reason for it. It holds for this very statement:
	// where a correction changes what is stated, there is none any more.
	Verdict       Verdict
	VerdictReason string
}

// Verdict is what a reader says of a finding.
type Verdict uint8

// The verdicts.
const (
	NoVerdict Verdict = iota
	Accepted
	Rejected
)
