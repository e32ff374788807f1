// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"math"

	"github.com/endplate/endplate/analysis/volume"
)

// profileDiscs is on how many discs the slice profile is told.
const profileDiscs = 6

// chooseProfile sets the blur of the volume and of all discs to the slice
// profile under which some discs, spread over the chain, are likeliest.
func (im *reader) chooseProfile(spaces []*discSpace, neighbours func(int) (above, below *draft)) {
	var chosen []int
	for i, d := range spaces {
		if d != nil && d.has[lowerPlate] && d.has[upperPlate] {
			chosen = append(chosen, i)
		}
	}
	for len(chosen) > profileDiscs {
		chosen = thinned(chosen)
	}
	cost := make([][]float64, len(chosen))
	parallel(len(chosen), func(c int) {
		above, below := neighbours(chosen[c])
		d := *spaces[chosen[c]]
		im.gather(&d, above, below)
		if len(d.voxels) < 3*d.size() {
			return
		}
		cost[c] = d.profileCosts(im.vol)
	})
	best, lowest := 0, math.Inf(1)
	for p := range sliceProfiles {
		sum := 0.0
		for _, c := range cost {
			if c != nil {
				sum += c[p]
			}
		}
		if sum < lowest {
			best, lowest = p, sum
		}
	}
	im.blur = blurOf(im.vol, sliceProfiles[best])
	for _, d := range spaces {
		if d != nil {
			d.blur = im.blur
		}
	}
}

// thinned returns every other element.
func thinned(x []int) []int {
	var out []int
	for i := 1; i < len(x); i += 2 {
		out = append(out, x[i])
	}
	return out
}

// profileCosts returns the cost of the disc's fit under each slice profile, all
// at the noise of the best.
func (d *discSpace) profileCosts(vol *volume.Volume) []float64 {
	fits := make([][]float64, len(sliceProfiles))
	least := math.Inf(1)
	coarse := d.thinned()
	for p, profile := range sliceProfiles {
		coarse.blur = blurOf(vol, profile)
		var noise float64
		fits[p], noise = coarse.fitFrom(d.smoothed(d.start), stagesSmooth[:2])
		least = min(least, noise)
	}
	costs := make([]float64, len(fits))
	for p, profile := range sliceProfiles {
		coarse.sloped = newSlopedBlur(blurOf(vol, profile), d.frame)
		costs[p] = coarse.linearize(fits[p], least).cost
	}
	return costs
}
