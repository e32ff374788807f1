// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package finding

import "github.com/endplate/endplate/analysis/phrase"

// Cuts of the Genant grades, percent of the expected height. A loss at the cut
// belongs to the higher grade.
//
// Reference: Genant et al., J Bone Miner Res 1993;8:1137; RadElement RDES150.
const (
	MildLoss     = 20.0
	ModerateLoss = 25.0
	SevereLoss   = 40.0
)

// BorderlineMargin is how near to a cut, in percentage points, a grade is said
// to be borderline: default. The standard deviation of one expert's reading is 2.6
// points (2,971 pairs of readings by seven experts, computed here from
// neuro-ml/vertebral-fractures-severity at 5120fcb). Where that of the height itself
// is more, it counts instead.
const BorderlineMargin = 3.0

// A loss counts only if the deficit is also this large in millimetres and
// beyond this many standard deviations of the expected height: two standard
// deviations of a difference (1.96·√2). Short upper thoracic bodies and far
// neighbours would be graded on noise otherwise. No published source found;
// default.
const (
	MinDeficit         = 2.0 // mm
	RepeatabilityLimit = 2.77
)

// OwnRatioLimit is how many standard deviations the middle height relative to
// the own posterior height must lie below the level's mean to count without the
// neighbours' support.
//
// Reference: McCloskey et al., Osteoporos Int 1993;3:138; Eastell et al., J Bone
// Miner Res 1991;6:207.
const OwnRatioLimit = 3.0

// Ratios of measured to expected height of a severe collapse (worst height) and
// of vertebra plana (all three heights). No consensus definition was found; these
// are the service's defaults. Near them: a severe osteonecrosis keeps less than
// half of its height (AJNR 2007, PMC8134120); a third of the original height for
// vertebra plana: Peh 2002 (unverified).
const (
	SevereCollapseRatio = 0.5
	VertebraPlanaRatio  = 1.0 / 3
)

// uniformShare is the least of the three losses relative to the greatest from
// which a loss of all three heights, each past MildLoss, is a crush and not a
// wedge or biconcave deformity.
const uniformShare = 0.5

// GenantGrade returns the grade of a loss in percent, 0 to 3.
func GenantGrade(loss float64) int {
	switch {
	case loss >= SevereLoss:
		return 3
	case loss >= ModerateLoss:
		return 2
	case loss >= MildLoss:
		return 1
	}
	return 0
}

// borderline tells whether a loss in percent, whose height was read to the given
// percentage points, is near a cut.
func borderline(loss, reading float64) bool {
	margin := max(BorderlineMargin, reading)
	for _, cut := range []float64{MildLoss, ModerateLoss, SevereLoss} {
		if loss >= cut-margin && loss <= cut+margin {
			return true
		}
	}
	return false
}

// Text returns the height's name in lower case.
func (h Height) Text() phrase.Text {
	return [...]phrase.Text{AnteriorHeight: "anterior", MiddleHeight: "middle", PosteriorHeight: "posterior"}[h]
}

func (h Height) String() string { return h.Text().String() }

// Text returns the shape's name in lower case.
func (s Shape) Text() phrase.Text {
	return [...]phrase.Text{NoDeformity: "none", Wedge: "wedge", Biconcave: "biconcave", Crush: "crush"}[s]
}

func (s Shape) String() string { return s.Text().String() }
