// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package outline

import (
	"slices"

	"github.com/endplate/endplate/analysis/spine"
)

// usual is the size of a body of an average adult and of the disc below it, mm. Only their
// ratios count: a film's scale comes from the seeds.
type usual struct {
	level               spine.Level
	height, depth, disc float64
	// bend is the angle by which the line of centres turns to anterior at the body, degrees:
	// kyphosis positive.
	bend float64
}

// usuals hold the levels that are looked for, from superior to inferior. Heights and discs
// are those of Duman 2026 (Tomography 12:109, mean of the sexes) for T12–L2 and Bonczar 2024
// for L3–L5; above, those of Panjabi 1991 with the growth per level of Palm 2025.
// Bends are such that T4–T12 is 37° (Zappalá 2021) and L1–S1 near -47°.
var usuals = []usual{
	{spine.T4, 17.5, 21.0, 3.6, 4}, {spine.T4 + 1, 17.9, 22.5, 3.8, 4}, {spine.T4 + 2, 18.3, 24.2, 4.2, 4}, {spine.T4 + 3, 18.9, 25.8, 4.4, 4},
	{spine.T4 + 4, 19.5, 27.3, 4.6, 4}, {spine.T4 + 5, 20.3, 28.7, 5.0, 4}, {spine.T10, 21.1, 29.7, 5.6, 3.5}, {spine.T11, 22.0, 30.2, 6.2, 3},
	{spine.T12, 23.0, 30.7, 6.8, 2}, {spine.L1, 24.2, 31.6, 7.6, 0}, {spine.L2, 25.4, 32.6, 8.6, -4}, {spine.L3, 26.5, 33.5, 9.6, -7},
	{spine.L4, 26.4, 34.1, 10.2, -12}, {spine.L5, 25.9, 34.3, 9.2, -17},
}

func usualIndex(l spine.Level) int {
	return slices.IndexFunc(usuals, func(u usual) bool { return u.level == l })
}

// nearestUsual returns the index of the level, or of the one nearest to it.
func nearestUsual(l spine.Level) int {
	if i := usualIndex(l); i >= 0 {
		return i
	}
	if l.Order() < usuals[0].level.Order() {
		return 0
	}
	return len(usuals) - 1
}

// pitch returns the usual distance of the centres of usuals[i] and the body below.
func pitch(i int) float64 { return (usuals[i].height+usuals[i+1].height)/2 + usuals[i].disc }

// The spread of sizes and tilts about the usual ones: of heights and discs as differences of
// logarithms, of tilts in degrees. Costs grow as those of a Cauchy distribution, so that a
// crushed body or a vanished disc stays possible. Defaults: half the limits of normal of
// clinical series, wide enough for a scoliotic or lordotic film.
const (
	heightSpread = 0.12
	discSpread   = 0.35
	wedgeSpread  = 4.0
	discTilt     = 6.0
	tiltSpread   = 9.0 // of an endplate against the curve's normal
	depthSpread  = 0.035
)
