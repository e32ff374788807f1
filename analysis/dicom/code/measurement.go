// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package code

// Quantities.
var (
	Height      = dcm("121207", "Height", "PS3.16 CID 7470")
	Distance    = dcm("121206", "Distance", "PS3.16 CID 7470")
	Depth       = sct("131197000", "Depth", "PS3.16 CID 7470")
	Width       = sct("103355008", "Width", "PS3.16 CID 7470")
	Diameter    = sct("81827009", "Diameter", "PS3.16 CID 7470")
	Area        = sct("42798000", "Area", "PS3.16 CID 7471")
	Volume      = sct("118565006", "Volume", "PS3.16 CID 7472")
	CobbAngle   = sct("285285000", "Cobb angle", "PS3.16 CID 7550")
	Angle       = dcm("110859", "Angle", "PS3.16 CID 7182")
	Attenuation = dcm("112031", "Attenuation Coefficient", "PS3.16 CID 6141")
	Probability = dcm("122157", "Probability", "PS3.16 TID 3602")

	HeightOfExpected = own("HEIGHT-OF-EXP", "Height, percent of the height that is expected")
	WedgeRatio       = own("WEDGE-RATIO", "Anterior by posterior height of a vertebral body")
	BiconcavityRatio = own("BICONC-RATIO", "Middle by posterior height of a vertebral body")
	HeightLoss       = own("HEIGHT-LOSS", "Largest loss of the three heights, percent of the reference")

	Path             = dcm("121055", "Path", "PS3.16 TID 1010")
	Compromise       = own("CANAL-COMPR", "How far the canal is narrower than expected, percent")
	NarrowestAt      = own("NARROWEST-AT", "Where the canal is least: percent from inferior to superior end")
	OpenShare        = own("CANAL-OPEN", "Share of the canal's outline that no bone bounds")
	Retropulsion     = own("RETROPULSION", "How far the posterior wall stands behind the expected line")
	RetropulsionAt   = own("RETROPULS-AT", "Where that is greatest: percent from inferior to superior end")
	RetropulsionLeft = own("RETROPULS-LEFT", "Where that is greatest: to the left of the wall's middle")
	CortexGap        = own("CORTEX-GAP", "Share of a face's area without cortical bone")
	CortexJudged     = own("CORTEX-JUDGED", "Share of a face's area that was judged")
	CortexThickness  = own("CORTEX-THICK", "Median thickness of the cortical bone of a face")
	IntactLevels     = own("INTACT-LEVELS", "Number of intact levels compared with")
	LyticShare       = own("LYTIC-SHARE", "Share of the body's volume with little or no bone")
	ScleroticShare   = own("SCLEROTIC-SHARE", "Share of the body's volume that is dense")
	ExpectedBone     = own("EXPECTED-HU", "Attenuation of bone that is expected there")
	Spread           = own("VOXEL-SPREAD", "Standard deviation of attenuation between voxels")
	BodyShare        = own("BODY-SHARE", "Cement in the body and its pedicles, percent of the body")
	LeftShare        = own("LEFT-SHARE", "Part of that cement to the left of the mid-sagittal plane")
	Saturated        = own("SATURATED", "Share of the cement's core at the scanner's ceiling")
	CementConfidence = own("CEMENT-SURE", "How sure the cement is, 0 to 1: a score, not a probability")
	EndplateGap      = own("CEMENT-ENDPLATE", "Least distance of cement to an endplate; negative beyond it")
	LeakDistance     = own("LEAK-DISTANCE", "Farthest point of leaked cement from the body's surface")
	TubeVoltage      = own("TUBE-VOLTAGE", "Tube voltage by the header of the images, kV")

	Change      = own("CHANGE", "Change of a quantity from the earlier to the later examination")
	Least       = own("LSC", "Least significant change: what noise alone does not reach")
	Restored    = own("RESTORED", "Part of the lost height that came back, percent of the loss")
	DaysBetween = own("DAYS", "Days between the two examinations")
)

// How a number was got, or of what it is: HAS CONCEPT MOD, as a Measurement Method
// where no concept is named.
var (
	FromAdjacent = own("ADJACENT-LEVELS", "Expected from the unfractured adjacent levels")
	ExpectedFrom = own("EXPECTED-FROM", "Level that an expected value is derived from")
	AtPedicles   = own("AT-PEDICLES", "At the level of the pedicles")
	AtNarrowest  = own("AT-NARROWEST", "Where it is least behind the vertebral body")
	OfIntact     = own("INTACT", "Of the patient's intact levels")
	OfAbove      = own("OF-ABOVE", "Relative to the level above")
	OfBelow      = own("OF-BELOW", "Relative to the level below")
	BesideIntact = own("BESIDE-INTACT", "Mean of the intact levels above and below")
	ToWall       = own("TO-WALL", "In the body, between an endplate and the posterior wall")
	InBody       = own("IN-BODY", "Of what lies in the body and its pedicles")
	OfGas        = own("OF-GAS", "Of gas within the body")

	UpperEndplate = own("UPPER-ENDPLATE", "Vertebra of the upper endplate of an angle")
	LowerEndplate = own("LOWER-ENDPLATE", "Vertebra of the lower endplate of an angle")
	WedgeAngle    = own("WEDGE-ANGLE", "Between the endplates of one body, kyphosis positive")
	Gardner       = own("GARDNER", "Superior endplate of the level above to own inferior, kyphosis +")
	Bisegmental   = own("BISEGMENTAL", "Superior endplate above to inferior below, kyphosis positive")
	Kyphosis      = own("KYPHOSIS-T4-T12", "Superior endplate of T4 to inferior of T12, kyphosis positive")
	Lordosis      = own("LORDOSIS-L1-S1", "Superior endplate of L1 to superior of S1, kyphosis positive")

	LossBasis     = own("LOSS-BASIS", "What a loss of height is relative to")
	BasisAdjacent = own("BASIS-ADJACENT", "Expectation from unfractured neighbours above and below")
	BasisOne      = own("BASIS-ONE", "Expectation from one unfractured neighbour")
	BasisOwn      = own("BASIS-OWN", "The vertebra's own posterior height")
)

// Points and outlines.
var (
	Landmark          = own("LANDMARK", "Landmark that a number is of")
	BodyCenter        = own("BODY-CENTER", "Centre of the vertebral body")
	BodyOutline       = own("BODY-OUTLINE", "Vertebral body by its six landmarks, in the mid-sagittal plane")
	GasCenter         = own("GAS-CENTER", "Centre of the gas within the vertebral body")
	EndplateLines     = own("ENDPLATES", "The two endplates that an angle is between")
	SuperiorAnterior  = own("SUP-ANT", "Superior endplate, anterior corner, mid-sagittal")
	SuperiorMiddle    = own("SUP-MID", "Superior endplate, middle, mid-sagittal")
	SuperiorPosterior = own("SUP-POST", "Superior endplate, posterior corner, mid-sagittal")
	InferiorAnterior  = own("INF-ANT", "Inferior endplate, anterior corner, mid-sagittal")
	InferiorMiddle    = own("INF-MID", "Inferior endplate, middle, mid-sagittal")
	InferiorPosterior = own("INF-POST", "Inferior endplate, posterior corner, mid-sagittal")
)
