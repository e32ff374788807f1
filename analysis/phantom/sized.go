// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package phantom

import (
	"math"
	"math/rand/v2"
)

// SizedCleft returns a flat gas-filled cleft of the given volume, ml, in the middle
// of what a deformity leaves of v; if v cannot take as much, the largest that it
// can. got is the volume that it has, ml.
func SizedCleft(v Vertebra, milliliters float64) (cleft Blob, got float64) {
	d := v.Deformity
	height := (v.AnteriorHeight*(1-d.Anterior) + v.PosteriorHeight*(1-d.Posterior)) / 2
	b := newBody(v)
	// A tenth as high as wide, and shares of the body in the axial plane.
	unit := Blob{
		S: b.table.middle(0.08*v.Depth, 0), A: 0.08 * v.Depth,
		HalfS: 0.1 * height, HalfA: 0.22 * v.Depth, HalfL: 0.22 * v.Width,
	}
	volume := func(e Blob) float64 { return b.volumeOf(e, cleftInset) }
	cleft = unit.grownTo(milliliters, volume)
	return cleft, volume(cleft)
}

// SizedLesion draws a place in v's body and returns an ellipsoid there that takes up
// the given share of the body, 0 to 1.
func SizedLesion(rng *rand.Rand, v Vertebra, share float64) Blob {
	b := newBody(v)
	unit := v.randomBlob(rng, 0.2, 0.25)
	unit.S += b.table.middle(unit.A, unit.L)
	return unit.grownTo(share*b.volume()/1000, func(e Blob) float64 { return b.volumeOf(e, 0) })
}

// RandomDiscGas draws gas in the disc below v.
func RandomDiscGas(rng *rand.Rand, v Vertebra) Blob { return v.randomDiscGas(rng) }

// SizedWallGap returns a gap of the given share, 0 to 1, of v's posterior wall as
// Measured tells it, at the upper end, where fragments break off.
func SizedWallGap(v Vertebra, share float64) WallGap {
	side := math.Sqrt(share)
	return WallGap{Along: 1 - side/2, Height: side, Width: 2 * v.testedWall() * side}
}

// CementIn returns how much cement lies within v's body, ml.
func CementIn(v Vertebra) float64 {
	if m := newBody(v).measureCement(sizedStep); m != nil {
		return m.Inside
	}
	return 0
}

// grownTo scales e about its middle until it has the given volume, ml, or as much
// of it as is to be had.
func (e Blob) grownTo(milliliters float64, volume func(Blob) float64) Blob {
	scaled := func(f float64) Blob {
		return Blob{e.S, e.A, e.L, f * e.HalfS, f * e.HalfA, f * e.HalfL}
	}
	low, high := 0.0, 12.0 // beyond, an ellipsoid of a tenth of the body holds all of it
	for range 12 {
		mid := (low + high) / 2
		if volume(scaled(mid)) < milliliters {
			low = mid
		} else {
			high = mid
		}
	}
	return scaled(high)
}

// sizedStep is the edge of the cubes by which things are sized, mm: a cleft of 0.1 ml
// is five of them high.
const sizedStep = 0.5

// volumeOf returns the volume of the part of e that lies at least inset, mm, inside
// the body's surface, ml.
func (b *body) volumeOf(e Blob, inset float64) float64 {
	high := max(b.AnteriorHeight, b.PosteriorHeight)/2 + 1
	lo := [3]float64{max(e.S-e.HalfS, -high), max(e.A-e.HalfA, b.table.a0), max(e.L-e.HalfL, b.table.l0)}
	hi := [3]float64{min(e.S+e.HalfS, high), min(e.A+e.HalfA, -b.table.a0), min(e.L+e.HalfL, -b.table.l0)}
	sum := 0.0
	for s := lo[0] + sizedStep/2; s < hi[0]; s += sizedStep {
		for a := lo[1] + sizedStep/2; a < hi[1]; a += sizedStep {
			for l := lo[2] + sizedStep/2; l < hi[2]; l += sizedStep {
				if d := e.outside(s, a, l); d < sizedStep {
					sum += covered(max(d, inset-b.inside(s, a, l)), sizedStep)
				}
			}
		}
	}
	return sum * sizedStep * sizedStep * sizedStep / 1000
}
