// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package morphometry

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/volume"
)

// Gas is gas within a body: a vacuum cleft. Gas of the discs is none of it.
type Gas struct {
	Assessed bool
	Volume   float64 // ml; 0 if there is none
	SD       float64 // of Volume, ml
	Center   r3.Vec  // LPS mm; meaningful only where there is gas
	Reason   phrase.Text
}

// Present reports whether the body holds a cleft.
func (g *Gas) Present() bool { return g.Assessed && g.Volume > 0 }

const (
	// pureGasHU is the attenuation of gas; a voxel below gasHU holds a quarter of
	// it or more.
	pureGasHU = -1000

	// Of a cleft at least this much must be seen: a smaller one is as likely a
	// vein, fat or noise. ml and voxels below gasHU.
	leastCleft       = 0.03
	leastCleftVoxels = 3

	// cleftDepth, mm, is how deep in the body gas must be seen, and cleftShare
	// which part of it must lie in the body: gas of a disc reaches the endplate
	// and a little beyond where that is misplaced, the lungs do so at the walls.
	cleftDepth = 1.0
	cleftShare = 0.6

	// denserRim, HU, is how much denser than around the cleft bone holds no gas: a
	// sclerotic margin on one side.
	denserRim = 100

	// gasBlur, mm, is how far the blur of the acquisition carries gas.
	gasBlur = 2.0
)

// gas finds the gas in a body whose cancellous bone has the attenuation bone, HU.
// Its volume is what it takes from the attenuation of what lies around it, which
// is often sclerotic, so that neither the blur nor the threshold changes it:
//
//	V = Σ (around - HU) / (around + 1000) · voxel
func (c *crop) gas(vol *volume.Volume, bone float64) Gas {
	if math.IsNaN(bone) {
		bone = 0
	}
	marked := make([]bool, len(c.hu))
	for i, hu := range c.hu {
		marked[i] = hu <= gasHU
	}
	g := Gas{Assessed: true}
	var at r3.Vec
	for _, set := range c.components(marked) {
		if !c.isCleft(set) {
			continue
		}
		own := make([]bool, len(c.hu))
		for _, i := range set {
			own[i] = true
		}
		ml, n := 0.0, 0.0
		var sum r3.Vec
		near := c.grown(own, gasBlur)
		around := c.shell(near, bone)
		for i, is := range near {
			if !is || !own[i] && float64(c.inside[i]) < cleftDepth || float64(c.hu[i]) > around+denserRim {
				continue
			}
			v := (around - float64(c.hu[i])) / (around - pureGasHU) * c.ml
			ml += v
			n++
			sum = r3.Add(sum, r3.Scale(v, c.position(vol, i)))
		}
		if ml < leastCleft {
			continue
		}
		g.Volume += ml
		at = r3.Add(at, sum)
		// What the bone around it is taken for may be off by its own spread.
		const boneSD = 30.0 // HU, between places of a body
		g.SD = math.Hypot(g.SD, boneSD/(around-pureGasHU)*n*c.ml*0.5)
	}
	if g.Volume > 0 {
		g.Center = r3.Scale(1/g.Volume, at)
	}
	return g
}

// shell returns the median attenuation around the marked voxels, within the
// cortex; bone if there is nothing.
func (c *crop) shell(marked []bool, bone float64) float64 {
	var hu []float64
	for i, is := range c.grown(marked, gasBlur) {
		if is && !marked[i] && float64(c.inside[i]) >= lesionBox {
			hu = append(hu, float64(c.hu[i]))
		}
	}
	const least = 20 // voxels
	if len(hu) < least {
		return bone
	}
	slices.Sort(hu)
	return quantile(hu, 0.5)
}

// isCleft reports whether gas lies in the body, and not at its border.
func (c *crop) isCleft(set []int) bool {
	deep, within := 0, 0.0
	for _, i := range set {
		if float64(c.inside[i]) >= cleftDepth {
			deep++
		}
		if c.inside[i] > 0 {
			within++
		}
	}
	return deep >= leastCleftVoxels && within >= cleftShare*float64(len(set))
}
