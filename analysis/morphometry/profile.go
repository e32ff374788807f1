// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package morphometry

import (
	"math"

	"github.com/endplate/endplate/analysis/spine"
)

// heightProfile says how a height changes from level to level: the ratio of a
// level's height to that of the level above, and how much people differ in it.
// Only ratios matter; absolute norms are no yardstick, since published series
// disagree by 21 to 29 % of their median.
//
// Reference: github.com/Gregory-Schwing-MD-PhD/CTSpinoPelvic1K. Its
// morphometrics/level_gradients.csv at a9d12ed (802 CT colonographies, heights of
// the tallest column of the anterior and the posterior half of the body) gives,
// computed here with iterative trimming at three standard deviations, the steps
// and spreads from T12 downwards. Its level_references.csv and
// panjabi_reference.csv at 21d65b74 transcribe Panjabi 1991 (cadavers, n = 12),
// Bonczar 2024 (meta-analysis of 18 studies) and Front Physiol 2026 (CT of 100),
// which were not seen themselves.
type heightProfile struct {
	step [spine.L5 - spine.T1]float64 // T2/T1 … L5/L4
	sd   [spine.L5 - spine.T1]float64 // relative standard deviation of the same
}

// Steps above T11.
const (
	// T1 to T9: between 1.022 (Egwu 2019, 26 columns, Hp 17.59 at T2 to 20.46 at
	// T9, Ha 16.93 to 18.83; seen only as another source quotes it) and 1.034
	// (Panjabi 1991, Hp 14.3 at T1 and 22.7 at T12, with the steps below).
	upperThoracicStep = 1.028
	// T9 to T11: mean growth from T9 to L1, 6.63 % in women and 6.48 % in men
	// (Palm 2025, Sci Rep, CT of 262 people).
	lowerThoracicStep = 1.066
)

// Spread of one step where none is published: that of the same height from T12
// to L4 (root mean square over the levels in CTSpinoPelvic1K). The middle height's
// is taken to be the anterior one's.
const (
	anteriorStepSD  = 0.046
	posteriorStepSD = 0.037
)

// anteriorHeights: T12/T11 to L4/L3 are means of 653 to 730 people
// (CTSpinoPelvic1K). L5/L4 is from corner-based series, 1.022 (Bonczar 2024) and
// 1.004 (Front Physiol 2026), since CTSpinoPelvic1K takes the tallest column,
// which flattens L5. T1 to T11 grow as the posterior height: Ha/Hp is about .92 in
// all of them (see ratioNorms).
var anteriorHeights = newProfile(
	[]float64{1.071, 1.070, 1.036, 1.024, 1.002, 1.013},
	[]float64{.053, .046, .044, .048, .036, .048}, anteriorStepSD)

// posteriorHeights: as anteriorHeights; L5/L4 is .936 (Bonczar 2024) and .935
// (Front Physiol 2026). Its spread is that of CTSpinoPelvic1K.
var posteriorHeights = newProfile(
	[]float64{1.069, 1.053, 1.010, 0.994, 0.976, 0.936},
	[]float64{.040, .039, .033, .035, .039, .091}, posteriorStepSD)

// middleHeights grow as the mean of the two others: the concavity of the
// endplates, about 2 mm together, is much the same at all levels (Wang 2012, Eur
// Spine J, PMC3481085). No series of the middle height was found.
var middleHeights = func() heightProfile {
	m := anteriorHeights
	for i := range m.step {
		m.step[i] = (anteriorHeights.step[i] + posteriorHeights.step[i]) / 2
	}
	return m
}()

const t9 = spine.T1 + 8

// profiles are those of the anterior, middle and posterior height.
var profiles = [3]heightProfile{anteriorHeights, middleHeights, posteriorHeights}

// newProfile returns a profile of the given steps and spreads from T12/T11
// downwards.
func newProfile(step, sd []float64, upperSD float64) heightProfile {
	var p heightProfile
	first := int(spine.T12 - spine.T1 - 1)
	for i := range p.step {
		switch {
		case i >= first:
			p.step[i], p.sd[i] = step[i-first], sd[i-first]
		case i >= int(t9-spine.T1): // T10/T9, T11/T10
			p.step[i], p.sd[i] = lowerThoracicStep, upperSD
		default:
			p.step[i], p.sd[i] = upperThoracicStep, upperSD
		}
	}
	return p
}

// profiled tells whether heights can be expected at l: T1 to L5 and the
// supernumerary T13 and L6.
func profiled(l spine.Level) bool {
	return l >= spine.T1 && l <= spine.L6 || l == spine.T13
}

// place returns where l stands in the profile, in steps below T1. L6 is taken
// as L5; T13 stands between T12 and L1.
func place(l spine.Level) float64 {
	return min(l.Order(), float64(spine.L5)) - float64(spine.T1)
}

// relative returns the usual height at l relative to T1. Between levels it is
// interpolated geometrically.
func (p heightProfile) relative(l spine.Level) float64 {
	at := place(l)
	r := 1.0
	for i := range p.step {
		r *= math.Pow(p.step[i], min(max(at-float64(i), 0), 1))
	}
	return r
}

// spread returns the relative standard deviation of the ratio of two levels'
// heights, as if each step between them varied by itself. For two neighbours it
// gives 3.3 % anterior and 2.6 % posterior, where CTSpinoPelvic1K has 3.2 to 3.9
// and, but for L4, 2.5 to 2.9.
func (p heightProfile) spread(a, b spine.Level) float64 {
	lo, hi := min(place(a), place(b)), max(place(a), place(b))
	variance := 0.0
	for i, sd := range p.sd {
		share := max(min(hi, float64(i+1))-max(lo, float64(i)), 0)
		variance += sd * sd * share
	}
	// T13 and L6 stand nearer to a neighbour than a whole level in the profile,
	// but are not more alike.
	if missing := 1 - (hi - lo); missing > 0 {
		variance += missing * anteriorStepSD * anteriorStepSD
	}
	return math.Sqrt(variance)
}
