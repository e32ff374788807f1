// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package morphometry

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/volume"
)

// Cortex is how much of each face of a body is without cortical bone, by
// segmentation.Face.
type Cortex struct {
	Gaps   [segmentation.NumFaces]Gap
	Reason phrase.Text
}

// Gap is the share of a face without cortical bone.
type Gap struct {
	Assessed bool
	Share    float64 // 0 to 1
	// Usual is the median of the patient's undeformed bodies: cortex is thin in
	// places, and more so where slices are thick.
	Usual float64
}

// Excess returns by how much the share exceeds what is usual in the patient.
func (g *Gap) Excess() float64 { return max(g.Share-g.Usual, 0) }

const (
	// corticalShare is the part of the patient's usual cortical mass below which
	// a place counts as without cortex: default.
	corticalShare = 1.0 / 3
	// patchReach, mm, is over how far a patch's mass is the median of.
	patchReach = 2.5
	// boneBeyond is the attenuation of what lies beyond a place without cortex from
	// which that is no gap: bone of a fused or an unresolved narrow disc, or a
	// vessel with contrast medium, HU. Discs have 60 to 100 (unverified).
	boneBeyond = 120
	// leastPatches a face must have to be assessed.
	leastPatches = 20
)

// addCortex measures the cortex of the bodies of a column against the undeformed
// ones.
func addCortex(vol *volume.Volume, column []Body, out []Tissue) {
	patches := make([][]segmentation.Patch, len(column))
	var masses [segmentation.NumFaces][]float64
	each(len(column), func(i int) {
		if b := column[i]; b.Region != nil && !b.Treated {
			patches[i] = evened(b.Region.Cortex(vol))
		}
	})
	for i, b := range column {
		if !b.Deformed {
			for _, p := range patches[i] {
				masses[p.Face] = append(masses[p.Face], p.Mass)
			}
		}
	}
	var least [segmentation.NumFaces]float64
	for f := range masses {
		if slices.Sort(masses[f]); len(masses[f]) > 0 {
			least[f] = corticalShare * quantile(masses[f], 0.5)
		}
	}
	for i := range column {
		out[i].Cortex.Gaps = gapsOf(patches[i], least)
	}
	addUsual(column, out)
}

// evened replaces each patch's mass by the median of those of its face around it.
func evened(patches []segmentation.Patch) []segmentation.Patch {
	out := slices.Clone(patches)
	cells := map[[4]int][]int{}
	cell := func(p *segmentation.Patch, di, dj, dk int) [4]int {
		at := r3.Scale(1/patchReach, p.Position)
		return [4]int{int(p.Face), int(math.Floor(at.X)) + di, int(math.Floor(at.Y)) + dj, int(math.Floor(at.Z)) + dk}
	}
	for i := range patches {
		at := cell(&patches[i], 0, 0, 0)
		cells[at] = append(cells[at], i)
	}
	var near []float64
	for i, p := range patches {
		near = near[:0]
		for n := range 27 {
			for _, j := range cells[cell(&p, n%3-1, n/3%3-1, n/9-1)] {
				if r3.Norm2(r3.Sub(patches[j].Position, p.Position)) <= patchReach*patchReach {
					near = append(near, patches[j].Mass)
				}
			}
		}
		slices.Sort(near)
		out[i].Mass = quantile(near, 0.5)
	}
	return out
}

func gapsOf(patches []segmentation.Patch, least [segmentation.NumFaces]float64) (gaps [segmentation.NumFaces]Gap) {
	var area, bare [segmentation.NumFaces]float64
	var count [segmentation.NumFaces]int
	for _, p := range patches {
		isBare := p.Mass < least[p.Face]
		if isBare && p.Outside >= boneBeyond {
			continue
		}
		count[p.Face]++
		area[p.Face] += p.Area
		if isBare {
			bare[p.Face] += p.Area
		}
	}
	for f := range gaps {
		if count[f] >= leastPatches && least[f] > 0 {
			gaps[f] = Gap{Assessed: true, Share: bare[f] / area[f]}
		}
	}
	return gaps
}

// addUsual adds the median share of the undeformed bodies.
func addUsual(column []Body, out []Tissue) {
	for f := range segmentation.NumFaces {
		var shares []float64
		for i := range out {
			if g := out[i].Cortex.Gaps[f]; g.Assessed && !column[i].Deformed {
				shares = append(shares, g.Share)
			}
		}
		if len(shares) == 0 {
			continue
		}
		slices.Sort(shares)
		for i := range out {
			out[i].Cortex.Gaps[f].Usual = quantile(shares, 0.5)
		}
	}
}
