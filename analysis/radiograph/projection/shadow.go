// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/spatial/r3"
)

// Shadow is something that stands in the beam and not in the volume.
type Shadow struct {
	Shape   Shape
	Density float64 // relative to water, in addition to what is there; gas in tissue is -1
}

// Shape is a solid.
type Shape interface {
	// Chord returns the length of a ray within the solid, mm. direction is a unit vector.
	Chord(source, direction r3.Vec) float64
}

// Ellipsoid is an ellipsoid whose axes are those of the patient.
type Ellipsoid struct {
	Center r3.Vec
	Radii  r3.Vec
}

// Chord implements Shape.
func (e Ellipsoid) Chord(source, direction r3.Vec) float64 {
	scale := func(v r3.Vec) r3.Vec { return r3.Vec{X: v.X / e.Radii.X, Y: v.Y / e.Radii.Y, Z: v.Z / e.Radii.Z} }
	p, d := scale(r3.Sub(source, e.Center)), scale(direction)
	a, b := r3.Norm2(d), r3.Dot(p, d)
	root := b*b - a*(r3.Norm2(p)-1)
	if root <= 0 {
		return 0
	}
	return 2 * math.Sqrt(root) / a
}

// Capsule is a cylinder with half balls at its ends.
type Capsule struct {
	From, To r3.Vec
	Radius   float64
}

// Chord implements Shape: a capsule is convex, so a ray is within it from where it first
// enters cylinder or ball to where it last leaves one.
func (c Capsule) Chord(source, direction r3.Vec) float64 {
	in, out := math.Inf(1), math.Inf(-1)
	add := func(t float64) { in, out = min(in, t), max(out, t) }
	for _, center := range []r3.Vec{c.From, c.To} {
		p := r3.Sub(source, center)
		b := r3.Dot(p, direction)
		if root := b*b - r3.Norm2(p) + c.Radius*c.Radius; root > 0 {
			add(-b - math.Sqrt(root))
			add(-b + math.Sqrt(root))
		}
	}
	length := r3.Norm(r3.Sub(c.To, c.From))
	axis := r3.Scale(1/length, r3.Sub(c.To, c.From))
	p := r3.Sub(source, c.From)
	dp, dd := r3.Dot(p, axis), r3.Dot(direction, axis)
	across, turned := r3.Sub(p, r3.Scale(dp, axis)), r3.Sub(direction, r3.Scale(dd, axis))
	a, b := r3.Norm2(turned), r3.Dot(across, turned)
	if root := b*b - a*(r3.Norm2(across)-c.Radius*c.Radius); a > 0 && root > 0 {
		for _, t := range []float64{(-b - math.Sqrt(root)) / a, (-b + math.Sqrt(root)) / a} {
			if s := dp + t*dd; s >= 0 && s <= length {
				add(t)
			}
		}
	}
	return max(out-in, 0)
}

// Densities of what arms are made of, relative to water: ICRU-44 muscle and cortical bone,
// marrow taken as fat.
const (
	muscleDensity   = 1.05
	corticalDensity = 1.92
	marrowDensity   = 0.95
)

// Arm returns the shadow of an upper arm that is held from the shoulder along direction.
func Arm(shoulder, direction r3.Vec) []Shadow {
	const (
		length   = 320.0 // mm
		flesh    = 42.0  // radius
		bone     = 11.5
		medullar = 6.5
	)
	elbow := r3.Add(shoulder, r3.Scale(length, r3.Unit(direction)))
	return []Shadow{
		{Capsule{shoulder, elbow, flesh}, muscleDensity},
		{Capsule{shoulder, elbow, bone}, corticalDensity - muscleDensity},
		{Capsule{shoulder, elbow, medullar}, marrowDensity - corticalDensity},
	}
}

// BowelGas returns so many bubbles of gas before the spine about center, as seed draws
// them.
func BowelGas(center r3.Vec, bubbles int, seed uint64) []Shadow {
	rng := rand.New(rand.NewPCG(seed, 0x67617320))
	between := func(low, high float64) float64 { return low + (high-low)*rng.Float64() }
	all := make([]Shadow, bubbles)
	for i := range all {
		at := r3.Vec{X: between(-70, 70), Y: between(-110, 0), Z: between(-130, 130)}
		radii := r3.Vec{X: between(6, 22), Y: between(6, 22), Z: between(6, 22)}
		all[i] = Shadow{Ellipsoid{r3.Add(center, at), radii}, -1}
	}
	return all
}
