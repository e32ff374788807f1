// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package phantom

import (
	"math"
	"math/rand/v2"

	"github.com/endplate/endplate/analysis/spine"
)

// Lesion is a part of a body whose bone was replaced: by soft tissue, which makes
// it lytic, or by denser bone. It takes the cortex with it.
type Lesion struct {
	Blob Blob
	HU   float64
}

// Erosion is a pedicle that soft tissue replaced over a part of its length.
type Erosion struct {
	Left   bool
	Extent float64 // share of the length between body and arch, 0 to 1
	Center float64 // where its middle lies on that length, 0 at the body to 1
	HU     float64
}

// Pathology is what is drawn beside fractures: the probabilities, for each level
// from T4 to L5, of a lytic and of a sclerotic lesion, of a cleft in the body, of
// gas in the disc below, and of one or both pedicles eroded.
type Pathology struct {
	Lytic, Sclerotic, Cleft, DiscGas, Erosion float64
}

// addPathology draws lesions, clefts, disc gas and erosions.
func addPathology(rng *rand.Rand, vs []Vertebra, p Pathology) {
	if p == (Pathology{}) {
		return
	}
	for i := range vs {
		v := &vs[i]
		if v.Level < spine.T4 || v.Level > spine.L5 {
			continue
		}
		if rng.Float64() < p.Lytic {
			v.Lesions = append(v.Lesions, Lesion{v.randomBlob(rng, 0.2, 0.45), within(rng, 25, 55)})
		}
		if rng.Float64() < p.Sclerotic {
			v.Lesions = append(v.Lesions, Lesion{v.randomBlob(rng, 0.15, 0.28), within(rng, 450, 750)})
		}
		if rng.Float64() < p.Cleft {
			v.Clefts = append(v.Clefts, v.randomCleft(rng))
		}
		if rng.Float64() < p.DiscGas {
			v.DiscGas = append(v.DiscGas, v.randomDiscGas(rng))
		}
		if rng.Float64() < p.Erosion {
			v.Erosions = randomErosions(rng)
		}
	}
}

// randomBlob draws an ellipsoid in the body with half axes of the given shares
// of its sizes.
func (b *Vertebra) randomBlob(rng *rand.Rand, least, most float64) Blob {
	height := (b.AnteriorHeight + b.PosteriorHeight) / 2
	return Blob{
		S: within(rng, -0.15, 0.15) * height, A: within(rng, -0.2, 0.25) * b.Depth, L: within(rng, -0.25, 0.25) * b.Width,
		HalfS: within(rng, least, most) * height, HalfA: within(rng, least, most) * b.Depth, HalfL: within(rng, least, most) * b.Width,
	}
}

func randomErosions(rng *rand.Rand) []Erosion {
	one := func(left bool) Erosion {
		extent := within(rng, 0.6, 1)
		return Erosion{Left: left, Extent: extent, Center: 0.5 + (0.5-extent/2)*within(rng, -1, 1), HU: within(rng, 30, 60)}
	}
	switch rng.IntN(3) {
	case 0:
		return []Erosion{one(true)}
	case 1:
		return []Erosion{one(false)}
	}
	return []Erosion{one(true), one(false)}
}

// lesionGrain is the standard deviation of a lesion's texture as a part of its
// attenuation.
const lesionGrain = 0.08

// addLesions makes deposits of lesions, clefts, disc gas and erosions.
func (s *Spine) addLesions() {
	for _, b := range s.bodies {
		for i := range b.Lesions {
			o := &b.Lesions[i]
			s.addTissue(b, o.Blob, func(s, a, l float64) float64 { return max(o.Blob.outside(s, a, l), -b.inside(s, a, l)) }, o.HU)
		}
		for i := range b.Clefts {
			s.addTissue(b, b.Clefts[i], b.cleft(i), airHU)
		}
		for i := range b.DiscGas {
			o := &b.DiscGas[i]
			s.addTissue(b, *o, o.outside, airHU)
		}
	}
	for i := range s.bars {
		if s.bars[i].pedicle {
			s.addErosion(&s.bars[i])
		}
	}
}

// addTissue adds a deposit within an ellipsoid of b.
func (s *Spine) addTissue(b *body, e Blob, outside func(s, a, l float64) float64, hu float64) {
	grain := lesionGrain
	if hu < 0 {
		grain = 0
	}
	s.deposits = append(s.deposits, deposit{
		frame: b.frame, outside: outside, hu: hu, grain: grain, seed: 3 * float64(b.Level),
		lo: [3]float64{e.S - e.HalfS, e.A - e.HalfA, e.L - e.HalfL},
		hi: [3]float64{e.S + e.HalfS, e.A + e.HalfA, e.L + e.HalfL},
	})
}

// addErosion adds what replaced the pedicle p, if anything did: the whole of its
// cross-section and a rim of what lies around it.
func (s *Spine) addErosion(p *bar) {
	const rim = 1.0 // mm
	b := s.find(spine.Level(p.level))
	for _, e := range b.Erosions {
		_, _, l := b.frame.Coordinates(p.center)
		if e.Left != (l > 0) {
			continue
		}
		// The bar begins sunk into the body.
		length := 2*p.half[0] - pedicleSunk
		middle := -p.half[0] + pedicleSunk + e.Center*length
		half := e.Extent * length / 2
		bs, ba, bl := b.frame.Coordinates(p.center)
		reach := p.half[0] + p.half[1] + p.radius + rim
		s.deposits = append(s.deposits, deposit{
			frame: b.frame, hu: e.HU, grain: lesionGrain, seed: 3 * float64(b.Level),
			lo: [3]float64{bs - reach, ba - reach, bl - reach}, hi: [3]float64{bs + reach, ba + reach, bl + reach},
			outside: func(s, a, l float64) float64 {
				x, y, z := p.coordinates(b.frame.Point(s, a, l))
				return max(math.Abs(x-middle)-half, p.outside(x, y, z)-rim)
			},
		})
	}
}

// MeasuredTissue is the truth of what replaced the bone of one vertebra.
type MeasuredTissue struct {
	LyticShare, ScleroticShare float64 // of the body's volume, 0 to 1
	CleftVolume                float64 // gas within the body, ml
	DiscGas                    bool    // in the disc below
	// The share of the pedicle's length that was eroded, 0 to 1.
	LeftErosion, RightErosion float64
}

// softMostHU is the attenuation up to which what replaced bone is soft tissue, HU, and
// its lesion lytic, even in bone that hardly attenuates more.
const softMostHU = 100

// tissueStep is the edge of the cubes of the truth, mm.
const tissueStep = 0.3

func (b *body) measureTissue() MeasuredTissue {
	m := MeasuredTissue{DiscGas: len(b.DiscGas) > 0}
	for _, e := range b.Erosions {
		if e.Left {
			m.LeftErosion = e.Extent
		} else {
			m.RightErosion = e.Extent
		}
	}
	if len(b.Lesions)+len(b.Clefts) == 0 {
		return m
	}
	high := max(b.AnteriorHeight, b.PosteriorHeight)/2 + 1
	var whole, lytic, sclerotic, gas float64
	for s := -high; s < high; s += tissueStep {
		for a := b.table.a0; a < -b.table.a0; a += tissueStep {
			for l := b.table.l0; l < -b.table.l0; l += tissueStep {
				in := covered(-b.inside(s, a, l), tissueStep)
				if in == 0 {
					continue
				}
				whole += in
				switch hu, replaced := b.tissueAt(s, a, l); {
				case !replaced:
				case hu <= airHU:
					gas += in
				case hu <= softMostHU:
					lytic += in
				default:
					sclerotic += in
				}
			}
		}
	}
	m.LyticShare, m.ScleroticShare = lytic/whole, sclerotic/whole
	m.CleftVolume = gas * tissueStep * tissueStep * tissueStep / 1000
	return m
}

// tissueAt returns the attenuation of what replaced the bone at a place of the body,
// and false where nothing did; what was added last covers what lies below.
func (b *body) tissueAt(s, a, l float64) (hu float64, replaced bool) {
	for i := range b.Lesions {
		if b.Lesions[i].Blob.outside(s, a, l) <= 0 {
			hu, replaced = b.Lesions[i].HU, true
		}
	}
	for i := range b.Clefts {
		if b.cleft(i)(s, a, l) <= 0 {
			hu, replaced = airHU, true
		}
	}
	return hu, replaced
}
