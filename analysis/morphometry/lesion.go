// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package morphometry

import (
	"math"
	"slices"

	"github.com/endplate/endplate/analysis/phrase"
)

// Lesions are the parts of a body whose attenuation departs from that of the
// patient's other bodies: less, as where bone was lost, or more.
type Lesions struct {
	// Lytic and Sclerotic are shares of the body's volume, 0 to 1.
	Lytic, Sclerotic Share
	// Reference is the attenuation of cancellous bone that is expected, HU.
	Reference float64
	Reason    phrase.Text
}

// Share is a part of a body's volume.
type Share struct {
	Assessed bool
	Value    float64     // 0 to 1
	Reason   phrase.Text // why it is not assessed
}

const (
	// softHU is the attenuation of what replaces bone in a lytic lesion: that of
	// soft tissue (unverified).
	softHU = 40
	// leastContrast, HU, is how far above it cancellous bone must lie for a lytic
	// lesion to stand out from its noise and texture.
	leastContrast = 60

	// Dense bone is this far above the cancellous bone expected and at least so
	// dense, HU: half way to a bone island or an osteoblastic metastasis of 450 HU
	// and more (unverified).
	denseAbove = 150
	leastDense = 300

	// A lesion is told on means over cubes of 3 mm, in the voxels so far inside
	// the cortex, mm, and of at least this volume, ml, and share of the body:
	// smaller ones are islands of fatty marrow, veins and degeneration.
	lesionBox   = 1.5
	lyticDepth  = 2.5
	denseDepth  = 3.0
	leastLesion = 0.3
	leastShare  = 0.03
	// lesionRim, mm, is how far from such a core the rest of a lesion lies: nearer to
	// the cortex, or in the basivertebral plexus, where alone it would tell nothing.
	lesionRim = 3.0

	// spreadLimit is how many standard deviations of such means, as is usual in the
	// column, a lesion must depart from what is expected.
	spreadLimit = 3.0

	// referenceReach is how many levels away a body may stand that tells what is
	// expected.
	referenceReach = 3
	// ownShare is how far, as a part of what the others lead one to expect, a
	// body's own attenuation may lie from that to be expected itself: cancellous
	// bone gets less dense from T1 to L3 by a third.
	ownShare = 0.35
	ownNear  = 40.0 // HU, allowed in any case
)

// references returns the attenuation expected in the cancellous bone of each
// body: its own where that agrees with its neighbours', else theirs; NaN where
// there is none.
func references(column []Body, measured []Tissue) []float64 {
	out := make([]float64, len(column))
	for i := range column {
		var others []float64
		for j := max(i-referenceReach, 0); j <= min(i+referenceReach, len(column)-1); j++ {
			if a := &measured[j].Attenuation; j != i && a.Measured() && !column[j].Deformed {
				others = append(others, a.HU)
			}
		}
		own := &measured[i].Attenuation
		out[i] = math.NaN()
		if own.Measured() {
			out[i] = own.HU
		}
		if len(others) < 2 {
			continue
		}
		slices.Sort(others)
		expected := quantile(others, 0.5)
		if !own.Measured() || math.Abs(own.HU-expected) > max(ownNear, ownShare*math.Abs(expected)) {
			out[i] = expected
		}
	}
	return out
}

// means are the attenuations of the cubes of a body, and their spread.
type means struct {
	use []bool
	hu  []float32
	// The standard deviation below the median and above it, HU: a lesion widens
	// but one of the two.
	fainter, denser float64
}

func (c *crop) newMeans() *means {
	m := &means{use: make([]bool, len(c.hu))}
	for i, inside := range c.inside {
		m.use[i] = inside >= lesionBox && !c.foreign[i]
	}
	m.hu = c.smoothed(m.use, lesionBox)
	var x []float64
	for i, hu := range m.hu {
		if m.use[i] && !c.plexus[i] && float64(c.inside[i]) >= denseDepth {
			x = append(x, float64(hu))
		}
	}
	if len(x) > 0 {
		slices.Sort(x)
		middle := quantile(x, 0.5)
		m.fainter, m.denser = middle-quantile(x, 0.159), quantile(x, 0.841)-middle
	}
	return m
}

// usualSpread returns the standard deviation of the cubes of the column's bodies:
// the median, over both directions.
func usualSpread(bodies []*means) float64 {
	var x []float64
	for _, m := range bodies {
		if m != nil {
			x = append(x, m.fainter, m.denser)
		}
	}
	if len(x) == 0 {
		return 0
	}
	slices.Sort(x)
	return quantile(x, 0.5)
}

// lesions returns the shares of a body that are lytic and sclerotic, and which
// voxels to leave out of its density; nil if none. spread is the column's.
func (c *crop) lesions(m *means, reference, spread float64) (Lesions, []bool) {
	if math.IsNaN(reference) {
		return Lesions{Reason: "what its bone should attenuate is not known"}, nil
	}
	l := Lesions{Reference: reference}
	var found []bool
	mark := func(depth float64, is func(hu float64) bool) Share {
		core, whole := make([]bool, len(c.hu)), make([]bool, len(c.hu))
		for i, hu := range m.hu {
			whole[i] = m.use[i] && is(float64(hu))
			core[i] = whole[i] && !c.plexus[i] && float64(c.inside[i]) >= depth
		}
		return Share{Assessed: true, Value: c.share(core, whole, &found)}
	}
	l.Sclerotic = mark(denseDepth, func(hu float64) bool { return hu >= max(reference+max(denseAbove, spreadLimit*spread), leastDense) })
	if reference-softHU < leastContrast {
		l.Lytic.Reason = "its cancellous bone is hardly denser than soft tissue"
		return l, found
	}
	l.Lytic = mark(lyticDepth, func(hu float64) bool { return hu <= min((reference+softHU)/2, reference-spreadLimit*spread) })
	return l, found
}

// share returns which part of the body the lesions are whose cores are marked, without
// cores that are too small, with what of the whole lies beside them, and adds those
// that count to found.
func (c *crop) share(core, whole []bool, found *[]bool) float64 {
	body := c.region.Volume() / 1000 // ml
	counts := make([]bool, len(c.hu))
	any := false
	for _, set := range c.components(core) {
		if float64(len(set))*c.ml < max(leastLesion, leastShare*body) {
			continue
		}
		any = true
		for _, i := range set {
			counts[i] = true
		}
	}
	if !any {
		return 0
	}
	voxels := 0
	for i, near := range c.grown(counts, lesionRim) {
		if counts[i] = counts[i] || near && whole[i]; counts[i] {
			voxels++
		}
	}
	if *found == nil {
		*found = make([]bool, len(c.hu))
	}
	for i, is := range c.grown(counts, foreignRim) {
		(*found)[i] = (*found)[i] || is
	}
	return min(float64(voxels)*c.ml/body, 1)
}
