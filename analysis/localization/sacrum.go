// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package localization

import (
	"math"
)

// The sacrum: the ilia flank it, the canal bends backwards, and the bodies grow
// thin. Each sign counts from 0 to 1; bodies that grow thicker speak against it.
const (
	// The ilium lies beside and behind the sacral canal at every height, while
	// transverse processes and ribs come and go; mm from the canal's centre.
	iliumHU                       = 200
	iliumPosterior, iliumAnterior = -25, 5
	iliumNear, iliumFar           = 30, 60
	iliumFull                     = 0.08 // fraction of such voxels in a cross-section

	bendSpan     = 60   // mm of canal above over which it bends
	bendFull     = 25.0 // degrees
	thinningFull = 0.3  // of the depth

	// sacralMin is the least sum of signs, sacralBefore that of a segment before
	// one that reaches sacralMin: the body of S1 need not be thinner than L5's. A
	// clear disc between the two is L5/S1.
	sacralMin, sacralBefore = 1.6, 1.3
	// lumbarDepth is the least depth of a lumbar body by the canal's diameter;
	// cervical ones, above which the spine bends likewise, have 1.1.
	lumbarDepth = 1.4
)

// sacralLink returns the index of the disc above the first sacral segment, -1
// if none is in view.
func sacralLink(r *Straight, sg *signals, c *column) int {
	discs := c.middles()
	if c.openBottom {
		discs = discs[:len(discs)-1]
	}
	evidence := make([]float64, len(discs)+1)
	for n := 1; n < len(discs); n++ {
		end := len(r.Canal) - 1
		if n+1 < len(discs) {
			end = discs[n+1]
		}
		evidence[n] = sacralEvidence(r, sg, discs[n-1], discs[n], end)
	}
	for n := 1; n < len(discs); n++ {
		before := evidence[n] >= sacralBefore && evidence[n+1] >= sacralMin && c.discs[n+1].gain < clearDisc
		if evidence[n] >= sacralMin || before {
			return n
		}
	}
	return -1
}

// sacralEvidence returns how much the link from disc to end resembles the first
// sacral segment, when the last lumbar vertebra lies between above and disc.
func sacralEvidence(r *Straight, sg *signals, above, disc, end int) float64 {
	lumbar := (above + disc) / 2
	depth := sg.anterior[lumbar] - sg.posterior[lumbar]
	if depth < lumbarDepth*2*sg.posterior[lumbar] {
		return 0
	}
	end = min(end, disc+int(depth))
	mid := (disc + end) / 2
	ilium := flanks(r, disc+(end-disc)/5, end-(end-disc)/5) / iliumFull
	bend := (sagittalAngle(r, max(disc-bendSpan, 0)) - sagittalAngle(r, mid)) / bendFull
	thin := (1 - (sg.anterior[end]-sg.posterior[end])/depth) / thinningFull
	unit := func(x float64) float64 { return min(max(x, 0), 1) }
	return unit(ilium) + unit(bend) + min(max(thin, -1), 1)
}

// sagittalAngle returns how far the canal at s leans to posterior on its way
// up, degrees.
func sagittalAngle(r *Straight, s int) float64 {
	t := r.Canal[s].Superior
	return math.Atan2(t.Y, t.Z) * 180 / math.Pi
}

// flanks returns the least fraction of bone in the boxes where the ilia lie, on
// the weaker side, of the cross-sections s0 … s1, each averaged with its
// neighbours; 0 where the volume does not hold the boxes.
func flanks(r *Straight, s0, s1 int) float64 {
	least := math.Inf(1)
	for s := s0; s <= s1; s += 2 {
		least = min(least, flank(r, s, 1), flank(r, s, -1))
	}
	return least
}

// flank returns the fraction of bone on one side about cross-section s.
func flank(r *Straight, s int, side float64) float64 {
	var bone, n float64
	for d := -2; d <= 2; d += 2 {
		for a := iliumPosterior; a <= iliumAnterior; a++ {
			for l := iliumNear; l <= iliumFar; l++ {
				if h := r.At(s+d, float64(a), side*float64(l)); h != Outside {
					n++
					if h > iliumHU {
						bone++
					}
				}
			}
		}
	}
	return bone / max(n, 1)
}
