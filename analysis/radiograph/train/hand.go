// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package train

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/radiograph/projection"
	"github.com/endplate/endplate/analysis/volume"
)

// Hand renders a film of a made hand: flesh, wrist, and five rows of bones.
func Hand(seed uint64, style Style) *Film {
	rng := draws{rand.New(rand.NewPCG(seed, 22))}
	up := r3.NewRotation(rng.between(-math.Pi, math.Pi), r3.Vec{X: 1}).Rotate(r3.Vec{Z: 1})
	g, err := projection.NewGeometry(projection.Setup{
		Toward: r3.Vec{X: 1}, Up: up, SourceToIsocenter: 1000, SourceToDetector: 1030,
		Columns: style.Columns, Rows: style.Rows, ImagerPixelSpacing: rng.between(200, 400) / float64(style.Rows),
	})
	if err != nil {
		panic(err) // the ranges above are those of a film
	}
	t := technique(rng, &g, style, seed)
	air := volume.New(volume.Geometry{Columns: 2, Rows: 2, Slices: 2, Column: r3.Vec{X: 1}, Row: r3.Vec{Y: 1}, Slice: r3.Vec{Z: 1}})
	for i := range air.Samples {
		air.Samples[i] = -1000
	}
	paths := projection.NewBody(air, r3.Vec{X: 1}).Paths(&g, handShadows(rng))
	f := &Film{Unit: 1, Note: []string{"HAND"}}
	f.Image = develop(rng, t.Expose(&g, paths, r3.Vec{}))
	return f
}

// Densities relative to water, in addition to what they lie in.
const (
	fleshDensity  = 1.05
	cortexDensity = 0.8
	marrowLess    = -0.6
)

// handShadows draws the hand in the plane of the film about the origin.
func handShadows(rng draws) []projection.Shadow {
	size := rng.between(0.8, 1.25)
	palm := projection.Ellipsoid{Center: r3.Vec{Z: -10 * size}, Radii: r3.Vec{X: 14, Y: 42, Z: 52}}
	wrist := projection.Capsule{From: r3.Vec{Z: -150 * size}, To: r3.Vec{Z: -50 * size}, Radius: 24 * size}
	all := []projection.Shadow{{Shape: palm, Density: fleshDensity}, {Shape: wrist, Density: fleshDensity}}
	bone := func(a, b r3.Vec, radius float64) {
		all = append(all,
			projection.Shadow{Shape: projection.Capsule{From: a, To: b, Radius: radius}, Density: cortexDensity},
			projection.Shadow{Shape: projection.Capsule{From: a, To: b, Radius: 0.55 * radius}, Density: marrowLess})
	}
	for _, y := range []float64{-11, 12} {
		bone(r3.Vec{Y: y * size, Z: -160 * size}, r3.Vec{Y: y * size, Z: -66 * size}, 8*size)
	}
	for range 8 {
		at := r3.Vec{Y: rng.between(-20, 20) * size, Z: rng.between(-60, -42) * size}
		bone(at, r3.Add(at, r3.Vec{Y: 4, Z: 4}), 6*size)
	}
	spread := rng.between(4, 12)
	for finger := range 5 {
		angle := (float64(finger-2)*spread + rng.between(-2, 2)) * math.Pi / 180
		direction := r3.Vec{Y: math.Sin(angle), Z: math.Cos(angle)}
		at := r3.Vec{Y: float64(finger-2) * 11 * size, Z: -38 * size}
		for n, length := range []float64{58, 38, 24, 17} {
			end := r3.Add(at, r3.Scale(length*size, direction))
			bone(at, end, (6.5-float64(n))*size*0.8)
			if n > 0 {
				all = append(all, projection.Shadow{Shape: projection.Capsule{From: at, To: end, Radius: 9 * size}, Density: fleshDensity})
			}
			at = r3.Add(end, r3.Scale(3*size, direction))
		}
	}
	return all
}
