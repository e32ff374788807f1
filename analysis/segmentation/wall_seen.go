// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/spatial/r3"
)

// seenReach, mm, is how far to both sides of an edge most of its light lies.
const seenReach = 1.5

// seen returns, for each of n samples of a profile that is a mean over ±wallSlab, how
// much of what tells an edge there nothing hides: as much as of the sample within its
// reach of which most is hidden.
func (im *reader) seen(n int, at func(c int, l float64) r3.Vec) []float64 {
	free := make([]float64, n)
	for c := range free {
		total := 0.0
		for l := -wallSlab; l <= wallSlab; l++ {
			if total++; !im.isHiddenAt(at(c, l)) {
				free[c]++
			}
		}
		free[c] /= total
	}
	const half = int(seenReach / wallStep)
	out := make([]float64, n)
	for c := range out {
		out[c] = floats.Min(free[max(c-half, 0):min(c+half+1, n)])
	}
	return out
}

// isHidden reports whether something hides the sample of the given index.
func (im *reader) isHidden(sample int) bool { return im.hides != nil && im.hides(sample) }

// isHiddenAt is isHidden of the sample nearest to p.
func (im *reader) isHiddenAt(p r3.Vec) bool {
	x, y, z := im.vol.Indexer().Index(p)
	i, j, k := int(math.Round(x)), int(math.Round(y)), int(math.Round(z))
	if i < 0 || j < 0 || k < 0 || i >= im.vol.Columns || j >= im.vol.Rows || k >= im.vol.Slices {
		return false
	}
	return im.isHidden((k*im.vol.Rows+j)*im.vol.Columns + i)
}
