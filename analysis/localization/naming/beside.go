// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package naming

import (
	"math"

	"github.com/endplate/endplate/analysis/volume"
)

const (
	// Lung is looked for at these places beside the canal, mm.
	lungNearMM, lungFarMM, lungLateralStep    = 36.0, 60.0, 8.0
	lungBackMM, lungFrontMM, lungAnteriorStep = 0.0, 36.0, 9.0
	lungHeightMM, lungHeightStep              = 8.0, 8.0

	// Attenuation of lung, between the air of bowel and room, and fat.
	lungLowHU, lungHighHU = -960.0, -350.0
	// lungShare of the places make a side lung.
	lungShare = 0.4
	// lungWeight tempers the cue: neighbours share it.
	lungWeight = 0.4
)

// lungBeside returns the share of places beside f that look like lung, on the
// better side; ok is false where the volume does not reach.
func lungBeside(s *volume.Sampler, inside extent, f volume.Frame) (share float64, ok bool) {
	for _, sd := range []side{left, right} {
		lung, seen, all := 0, 0, 0
		for l := lungNearMM; l <= lungFarMM; l += lungLateralStep {
			for a := lungBackMM; a <= lungFrontMM; a += lungAnteriorStep {
				for z := -lungHeightMM; z <= lungHeightMM; z += lungHeightStep {
					all++
					p := f.Point(z, a, float64(sd)*l)
					if !inside.holds(p) {
						continue
					}
					seen++
					if v := s.At(p); v > lungLowHU && v < lungHighHU {
						lung++
					}
				}
			}
		}
		if 2*seen > all {
			share, ok = max(share, float64(lung)/float64(seen)), true
		}
	}
	return share, ok
}

// lungLogLikelihood returns the log-likelihood of a share of lung where lung
// lies beside a vertebra with probability p.
func lungLogLikelihood(share, p float64) float64 {
	if share < lungShare {
		p = 1 - p
	}
	return lungWeight * math.Log(max(p, lungNever))
}
