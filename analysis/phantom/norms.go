// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package phantom

import "github.com/endplate/endplate/analysis/spine"

// norm is the anatomy of one level in a body of average size, mm and degrees.
type norm struct {
	level spine.Level

	anterior, posterior float64 // heights of the body at its corners
	depth, width        float64 // of the endplates

	disc      float64 // height of the disc below, at its centre line, between the rims
	discAngle float64 // of the disc below, degrees, kyphosis positive

	canalAP, canalWidth         float64
	pedicleWidth, pedicleHeight float64

	spinousLength, spinousSlope float64 // slope in degrees below the horizontal
	transverse                  float64 // length of the transverse process

	chestWidth, chestDepth float64 // half axes of the rib cage at the level's ribs; 0 without ribs
	ribSweep               float64 // degrees that the rib runs round the chest from its angle
}

// norms hold the levels from superior to inferior. Heights and discs follow the
// CT series of Duman 2026 (Tomography 12:109, mean of the sexes) for T12–L2,
// Bonczar 2024 for L3–L5, the growth per level of Palm 2025 (Sci Rep) from T9 to
// L1 and Panjabi 1991 above; canals Griffith 2016 and Abbas 2021; wedge angles
// and lordosis of discs are set so that T4–T12 is 37° and L1–S1 near -47°. The
// remaining numbers are round figures of textbook anatomy.
var norms = [...]norm{
	{spine.C2 + 1, 13.4, 13.7, 15.5, 17, 5.0, -2, 14, 23, 5, 7, 14, 15, 8, 0, 0, 0},
	{spine.C2 + 2, 13.0, 13.3, 15.7, 18, 5.2, -3, 14, 23.5, 5, 7, 14, 18, 8, 0, 0, 0},
	{spine.C2 + 3, 12.7, 13.0, 15.9, 19, 5.4, -3, 14, 24, 5.2, 7, 15, 20, 9, 0, 0, 0},
	{spine.C2 + 4, 12.9, 13.2, 16.2, 20.5, 5.4, -2, 14, 24, 5.5, 7.2, 20, 22, 10, 0, 0, 0},
	{spine.C7, 14.2, 14.5, 16.5, 23.5, 4.8, 0, 14.5, 23, 6.5, 8, 30, 25, 14, 0, 0, 0},
	{spine.T1, 15.8, 16.8, 17.2, 26, 4.2, 1, 15, 20, 8, 9.5, 31, 30, 22, 62, 48, 140},
	{spine.T1 + 1, 16.2, 17.5, 18.3, 26, 3.8, 1, 15, 17.5, 7, 11, 31, 40, 21, 85, 66, 140},
	{spine.T1 + 2, 16.5, 18.0, 19.6, 25.5, 3.6, 1, 15, 16.8, 6, 11.5, 31, 48, 20, 100, 78, 140},
	{spine.T4, 16.7, 18.3, 21.0, 25.5, 3.6, 1, 15, 16.5, 5.2, 12, 32, 54, 20, 110, 88, 142},
	{spine.T4 + 1, 17.0, 18.7, 22.5, 26, 3.8, 1.2, 15, 16.4, 5.2, 12, 33, 58, 20, 117, 95, 142},
	{spine.T4 + 2, 17.4, 19.2, 24.2, 27, 4.2, 1.4, 15, 16.4, 5.2, 12, 33, 60, 20, 122, 100, 142},
	{spine.T4 + 3, 17.9, 19.8, 25.8, 28.5, 4.4, 1.4, 15, 16.5, 5.6, 12.2, 33, 60, 20, 126, 104, 142},
	{spine.T4 + 4, 18.6, 20.4, 27.3, 30.5, 4.6, 1.2, 15, 16.6, 6, 12.6, 33, 58, 19, 129, 107, 140},
	{spine.T4 + 5, 19.4, 21.1, 28.7, 32.5, 5.0, 1.0, 15, 16.8, 6.5, 13.5, 32, 50, 18, 130, 108, 138},
	{spine.T10, 20.2, 22.0, 29.7, 35, 5.6, 0.8, 15.3, 17.4, 7.2, 14.6, 28, 40, 16, 129, 108, 130},
	{spine.T11, 20.9, 23.0, 30.2, 37.8, 6.2, 0.3, 15.8, 19.4, 8.2, 16, 25, 28, 11, 126, 106, 75},
	{spine.T12, 22.0, 24.0, 30.7, 40, 6.8, -1.5, 16.4, 21.8, 8, 15.8, 25, 18, 9, 122, 104, 48},
	{spine.L1, 23.3, 25.1, 31.6, 41.5, 7.6, -4, 16.6, 22.6, 7.6, 15.2, 28, 9, 22, 0, 0, 0},
	{spine.L2, 24.7, 26.0, 32.6, 43, 8.6, -6, 16.1, 23.2, 8.2, 15, 30, 7, 27, 0, 0, 0},
	{spine.L3, 26.6, 26.4, 33.5, 44.8, 9.6, -8, 15.6, 24, 9.8, 14.6, 30, 7, 31, 0, 0, 0},
	{spine.L4, 26.9, 25.8, 34.1, 47, 10.2, -10, 16, 25.2, 12, 14.4, 27, 8, 27, 0, 0, 0},
	{spine.L5, 27.5, 24.3, 34.3, 50, 9.2, -13, 17, 28, 15.5, 14, 20, 12, 24, 0, 0, 0},
	{spine.S1, 29.5, 26.0, 33.0, 50, 2.2, 10, 16, 29, 14, 13, 9, 30, 0, 0, 0, 0},
}

// lowerSacrum holds S2 to S5, which belong to the level S1 and are not measured.
var lowerSacrum = [...]norm{
	{spine.S1, 24.0, 22.0, 21, 36, 1.2, 16, 13, 25, 10, 11, 7, 40, 0, 0, 0, 0},
	{spine.S1, 20.0, 18.0, 16, 30, 1.0, 18, 10, 20, 8, 10, 6, 50, 0, 0, 0, 0},
	{spine.S1, 17.0, 15.5, 12, 25, 0.8, 18, 7, 15, 6, 9, 4, 60, 0, 0, 0, 0},
	{spine.S1, 15.0, 14.0, 9.5, 21, 0, 0, 5, 10, 5, 8, 3, 70, 0, 0, 0, 0},
}

// referenceLevel is the level whose frame is upright in an undeformed spine and
// whose centre lies at Params.Position.
const referenceLevel = spine.L3

// Levels returns the levels that a phantom has, from superior to inferior.
func Levels() []spine.Level {
	levels := make([]spine.Level, len(norms))
	for i, n := range norms {
		levels[i] = n.level
	}
	return levels
}
