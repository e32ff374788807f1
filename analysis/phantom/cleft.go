// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package phantom

import "math/rand/v2"

// cleftInset, mm, is how much bone at least lies between a cleft and the body's
// surface.
const cleftInset = 1.5

// cleft returns the distance of a point to the surface of cleft i, mm, negative
// inside.
func (b *body) cleft(i int) func(s, a, l float64) float64 {
	e := &b.Clefts[i]
	return func(s, a, l float64) float64 { return max(e.outside(s, a, l), cleftInset-b.inside(s, a, l)) }
}

// randomCleft draws a flat gas-filled cleft in the middle of what a deformity
// leaves of the body, of 0.1 to some 2 ml.
func (b *Vertebra) randomCleft(rng *rand.Rand) Blob {
	d := b.Deformity
	height := (b.AnteriorHeight*(1-d.Anterior) + b.PosteriorHeight*(1-d.Posterior)) / 2
	middle := height / 2 * (1 - 2*d.SuperiorShare) * 0.3
	return Blob{
		S: middle + within(rng, -0.1, 0.15)*height, A: within(rng, -0.05, 0.2) * b.Depth, L: within(rng, -0.15, 0.15) * b.Width,
		HalfS: within(rng, 1, 3), HalfA: within(rng, 0.15, 0.3) * b.Depth, HalfL: within(rng, 0.15, 0.3) * b.Width,
	}
}

// randomDiscGas draws gas in the nucleus of the disc below.
func (b *Vertebra) randomDiscGas(rng *rand.Rand) Blob {
	bottom := -(b.AnteriorHeight + b.PosteriorHeight) / 4
	return Blob{
		S: bottom - b.DiscHeight/2 + b.InferiorConcavity/3, A: within(rng, -0.15, 0.15) * b.Depth, L: within(rng, -0.2, 0.2) * b.Width,
		HalfS: within(rng, 0.2, 0.4) * b.DiscHeight, HalfA: within(rng, 0.1, 0.3) * b.Depth, HalfL: within(rng, 0.1, 0.3) * b.Width,
	}
}
