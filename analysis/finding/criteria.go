// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package finding

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
// to be borderline: the standard deviation of one expert's reading is 2.6
// points (clinical.md §3.5 [C], §11).
const BorderlineMargin = 3.0

// A loss counts only if the deficit is also this large in millimetres and
// beyond this many standard deviations of the expected height: two standard
// deviations of a difference (1.96·√2). Short upper thoracic bodies and far
// neighbours would be graded on noise otherwise (clinical.md §11).
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
// of vertebra plana (all three heights). No consensus was found; these are the
// service's defaults (clinical.md §2.4).
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

// borderline tells whether a loss in percent is near a cut.
func borderline(loss float64) bool {
	for _, cut := range []float64{MildLoss, ModerateLoss, SevereLoss} {
		if loss >= cut-BorderlineMargin && loss <= cut+BorderlineMargin {
			return true
		}
	}
	return false
}

// String returns the height's name in lower case.
func (h Height) String() string {
	return [...]string{AnteriorHeight: "anterior", MiddleHeight: "middle", PosteriorHeight: "posterior"}[h]
}

// String returns the shape's name in lower case.
func (s Shape) String() string {
	return [...]string{NoDeformity: "none", Wedge: "wedge", Biconcave: "biconcave", Crush: "crush"}[s]
}
