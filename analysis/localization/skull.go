// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package localization

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/volume"
)

// The skull above the canal's superior end.
const (
	skullRays   = 32
	skullRadius = 120.0 // mm, from the foramen magnum to the forehead
	skullStep   = 2.0
	// skullEnclosed is the fraction of rays that meet bone before air, and
	// skullMedian the least median distance, mm: a posterior fossa, not a canal.
	skullEnclosed = 0.9
	skullMedian   = 22.0
	// skullHU is exceeded by the skull's bone, unlike by brain or muscle.
	skullHU = 200
	airHU   = -300
	// axisHeight is the height of C1 and C2 above the disc C2/C3 by the expected
	// pitch of the vertebrae below: some 38 mm to 17.
	axisHeight = 2.2
	// pitchByDepth is the pitch of a vertebra by its body's depth: 0.75 to 1.3
	// from T1 to L5 in the four series read, mean 1.03.
	pitchByDepth = 1.03
)

// belowSkull returns the first cross-section of r that can hold a disc: 0, or
// below C2 where the canal ends at a skull.
func belowSkull(v *volume.Volume, r *Straight, sg *signals) int {
	if !skullAbove(v, r.Canal[0]) {
		return 0
	}
	least := extendAtEnd + axisHeight*depthMin
	at := min(int(math.Round(least)), len(sg.anterior)-1)
	pitch := pitchByDepth * (sg.anterior[at] - sg.posterior[at])
	return int(extendAtEnd + axisHeight*max(pitch, depthMin))
}

// skullAbove reports whether bone surrounds p, or a point a little above, at a
// skull's distance.
func skullAbove(v *volume.Volume, p CanalPoint) bool {
	for _, up := range [...]float64{0, 10, 20, 30} {
		c := r3.Add(p.Position, r3.Vec{Z: up})
		if skullAround(v, c) {
			return true
		}
	}
	return false
}

// skullAround casts rays from c in its transverse plane.
func skullAround(v *volume.Volume, c r3.Vec) bool {
	s := v.Sampler()
	var hits []float64
	for n := range skullRays {
		sin, cos := math.Sincos(2 * math.Pi * float64(n) / skullRays)
		for d := skullStep; d <= skullRadius; d += skullStep {
			h := s.At(r3.Add(c, r3.Vec{X: d * cos, Y: d * sin}))
			if h < airHU {
				break
			}
			if h > skullHU {
				hits = append(hits, d)
				break
			}
		}
	}
	if float64(len(hits)) < skullEnclosed*skullRays {
		return false
	}
	slices.Sort(hits)
	return hits[len(hits)/2] >= skullMedian
}
