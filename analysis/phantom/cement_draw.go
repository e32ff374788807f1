// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package phantom

import (
	"math/rand/v2"
)

// RandomCement draws a fill of about the given volume, ml, on one side, on both or
// in the middle of v, with a leak to each of the places. A fill larger than what
// the body can take is as large as it can be.
func RandomCement(rng *rand.Rand, v Vertebra, milliliters float64, places ...LeakPlace) *Cement {
	v.Cement = nil
	b := newBody(v)
	c := &Cement{
		HU:    within(rng, 1200, 3000),
		Grain: within(rng, 0.04, 0.12),
		Inset: v.EndplateThickness + within(rng, 0, 2.5),
	}
	switch rng.IntN(3) {
	case 0:
		side := float64(2*rng.IntN(2) - 1)
		c.Fill = b.cluster(rng, side*within(rng, 0.12, 0.22)*v.Width)
	case 1:
		c.Fill = append(b.cluster(rng, within(rng, 0.18, 0.25)*v.Width), b.cluster(rng, -within(rng, 0.18, 0.25)*v.Width)...)
	default:
		c.Fill = b.cluster(rng, within(rng, -0.05, 0.05)*v.Width)
	}
	b.Cement = c
	b.growFill(milliliters)
	for _, p := range places {
		c.Leaks = append(c.Leaks, b.drawLeak(rng, p))
	}
	return c
}

// cluster returns overlapping blobs of some millimetres about a place at the given
// distance left of the midline.
func (b *body) cluster(rng *rand.Rand, left float64) []Blob {
	a := within(rng, 0, 0.15) * b.Depth
	s := b.table.middle(a, left) + within(rng, -0.08, 0.08)*b.AnteriorHeight
	blobs := []Blob{{s, a, left, within(rng, 0.75, 1), within(rng, 0.9, 1.1), within(rng, 0.9, 1.1)}}
	for range 3 {
		blobs = append(blobs, Blob{
			s + within(rng, -0.6, 0.6), a + within(rng, -0.7, 0.7), left + within(rng, -0.7, 0.7),
			within(rng, 0.45, 0.8), within(rng, 0.45, 0.8), within(rng, 0.45, 0.8),
		})
	}
	return blobs
}

// growFill sizes the fill, whose blobs are drawn about a unit in size, to the
// volume wanted, ml.
func (b *body) growFill(milliliters float64) {
	unit := b.Cement.Fill
	seat := unit[0]
	grown := func(factor float64) []Blob {
		blobs := make([]Blob, len(unit))
		for i, e := range unit {
			if i%4 == 0 {
				seat = e
			}
			blobs[i] = Blob{
				seat.S + (e.S-seat.S)*factor, seat.A + (e.A-seat.A)*factor, seat.L + (e.L-seat.L)*factor,
				e.HalfS * factor, e.HalfA * factor, e.HalfL * factor,
			}
		}
		return blobs
	}
	low, high := 1.0, 0.6*b.Depth
	const coarse = 0.7 // mm
	for range 12 {
		mid := (low + high) / 2
		b.Cement.Fill = grown(mid)
		if b.measureCement(coarse).Volume < milliliters {
			low = mid
		} else {
			high = mid
		}
	}
}

// drawLeak draws a leak that starts from the nearest blob of the fill.
func (b *body) drawLeak(rng *rand.Rand, place LeakPlace) Leak {
	k := Leak{Place: place, Bore: within(rng, 0.9, 1.4)}
	from := b.Cement.Fill[4*rng.IntN(len(b.Cement.Fill)/4)]
	k.From = [3]float64{from.S, from.A, from.L}
	side := 1.0
	if from.L < 0 {
		side = -1
	}
	height := (b.AnteriorHeight + b.PosteriorHeight) / 2
	e := Blob{S: from.S, A: from.A, L: from.L, HalfS: within(rng, 2.5, 5), HalfA: within(rng, 2.5, 5), HalfL: within(rng, 2.5, 5)}
	switch place {
	case CanalLeak:
		e.HalfA, e.HalfL = within(rng, 1.2, 2.2), min(e.HalfL, 0.35*b.CanalWidth)
		e.S, e.L = b.table.middle(0, 0), within(rng, -0.15, 0.15)*b.CanalWidth
		wall, _ := b.wallAt(e.S, -1)
		e.A = wall - 0.9*e.HalfA
	case ForaminalLeak:
		e.HalfS, e.HalfL = within(rng, 1.8, 2.5), within(rng, 1.8, 3)
		e.S = -within(rng, 0.3, 0.38) * height
		e.L = side * (b.CanalWidth/2 + within(rng, 2, 5))
		e.A = -b.Depth/2 + b.PosteriorConcavity/2 - within(rng, 0.2, 0.4)*b.CanalAP
	case ParavertebralLeak:
		e.HalfL = within(rng, 1.5, 2.5)
		for e.L = from.L; b.inside(e.S, e.A, e.L) > 0; e.L += 0.1 * side {
		}
		e.L += 0.9 * side * e.HalfL
	case SuperiorDiscLeak, InferiorDiscLeak:
		e.HalfS = min(within(rng, 1.2, 2.5), 0.4*b.DiscHeight)
		f, _ := b.table.lookup(e.A, e.L)
		e.S = f.superior + 0.8*e.HalfS
		if place == InferiorDiscLeak {
			e.S = f.inferior - 0.8*e.HalfS
		}
	}
	k.Blob = e
	return k
}

// RandomScrews draws a pair of pedicle screws for v.
func RandomScrews(rng *rand.Rand, v Vertebra) []Screw {
	var screws []Screw
	diameter, length := within(rng, 4.5, 7), within(rng, 35, 50)
	medial := within(rng, 2, 14)
	for _, side := range []float64{1, -1} {
		screws = append(screws, Screw{
			Left: side, Diameter: min(diameter, 0.9*v.PedicleWidth), Length: min(length, 0.85*v.Depth+0.25*v.CanalAP+12),
			Medial: medial + within(rng, -3, 3), HeadWidth: within(rng, 10, 13),
		})
	}
	return screws
}
