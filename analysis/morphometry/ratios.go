// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package morphometry

import "github.com/endplate/endplate/analysis/spine"

// Ratios are a body's heights relative to its own posterior height. They
// describe the shape; as a rule for fractures they would call a fifth of all
// vertebrae fractured: 19.7 % of 3,393 that experts read have min(Ha, Hm)/Hp
// below 0.8, computed here from github.com/neuro-ml/vertebral-fractures-severity
// at 5120fcb (100 chest CTs, six points by two or three of seven experts).
type Ratios struct {
	Wedge       Ratio // anterior / posterior
	Biconcavity Ratio // middle / posterior
}

// Ratio is a ratio of heights with its level's norm.
type Ratio struct {
	Value  float64
	Mean   float64 // of the level
	MeanSD float64 // standard deviation of people of that level
}

// Z returns the distance from the level's mean in standard deviations, negative
// if lower.
func (r Ratio) Z() float64 { return (r.Value - r.Mean) / r.MeanSD }

// RatiosOf returns the ratios of a body's heights, and false outside T1 to L5
// (L6 counts as L5, T13 as T12) or for a posterior height of zero.
func RatiosOf(l spine.Level, h Heights) (Ratios, bool) {
	if !profiled(l) || h.Posterior <= 0 {
		return Ratios{}, false
	}
	n := ratioNorms[int(place(l))]
	return Ratios{
		Wedge:       Ratio{h.Anterior / h.Posterior, n.wedge, n.wedgeSD},
		Biconcavity: Ratio{h.Middle / h.Posterior, n.biconcavity(), biconcavitySD},
	}, true
}

// ratioNorm is the norm of one level.
type ratioNorm struct {
	wedge, wedgeSD float64
	posterior      float64 // typical posterior height, mm; scales the concavity only
}

// concavity is the depth of both endplates together at their middle, mm: 1.5 in
// the endplate cranial to a disc and 0.7 in the caudal one (Wang 2012, Eur Spine
// J, PMC3481085).
const concavity = 2.2

// biconcavity returns the normal middle / posterior height: the mean of the
// corner heights less the concavity. For the thoracic levels it gives .82 to
// .86; the median of the 3,393 mostly thoracic vertebrae read by experts (see
// Ratios) is .85.
func (n ratioNorm) biconcavity() float64 { return (1+n.wedge)/2 - concavity/n.posterior }

// biconcavitySD is the standard deviation of middle / posterior height at one
// level. Over all levels, with fractures and reading errors, it is .086 in the
// experts' readings (see Ratios), a tenth less than that of anterior / posterior
// (.096); a tenth less than the corner-based series' .05 to .08 of one level (see
// ratioNorms) is .06.
const biconcavitySD = 0.06

// ratioNorms from T1 to L5. The wedge ratio is the mean of corner-based series
// with their mean standard deviation: Matsumoto 2011 (MRI, n = 115) and a Chinese
// MRI series (n = 120) from T10 or T11 to L2, Duman 2026 (Tomography 12:109),
// Bonczar 2024 (18 studies), Front Physiol 2026 (CT of 100), Gilad 1985 (157 men)
// and, at L5, a CT series in Int J Spine Surg (table 6). Above T10 it is the median
// and deviation of the experts' readings (see Ratios). Heights are those of Panjabi
// 1991 at T1, Duman 2026 at T12 and Bonczar 2024 at L1 to L5, in between on a line.
// Duman, Bonczar, Front Physiol, Gilad and Panjabi are as transcribed in
// CTSpinoPelvic1K (see heightProfile), level_references.csv and
// panjabi_reference.csv; the papers themselves were not seen.
var ratioNorms = [spine.L5 - spine.T1 + 1]ratioNorm{
	{.92, .096, 14.3}, {.92, .096, 15.1}, {.92, .096, 15.9}, {.92, .096, 16.7}, // T1–T4
	{.92, .096, 17.6}, {.92, .096, 18.4}, {.92, .096, 19.2}, {.92, .096, 20.0}, // T5–T8
	{.92, .096, 20.9}, {.92, .08, 21.7}, {.915, .065, 22.5}, {.92, .055, 23.5}, // T9–T12
	{.911, .07, 26.6}, {.943, .075, 27.0}, {1.000, .048, 26.7}, {1.034, .05, 25.8}, {1.129, .10, 24.1}, // L1–L5
}
