// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package phantom

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/spatial/r3"
)

// texture is smooth noise of unit variance at its lattice points, periodic in
// space.
type texture struct {
	lattice [textureSize * textureSize * textureSize]float32
}

const textureSize = 32

func newTexture(seed uint64) *texture {
	rng := rand.New(rand.NewPCG(seed, 0x746578747572))
	t := new(texture)
	for i := range t.lattice {
		t.lattice[i] = float32(rng.NormFloat64())
	}
	return t
}

// at returns the noise at p, whose lattice points lie scale mm apart.
func (t *texture) at(p r3.Vec, scale float64) float64 {
	const mask = textureSize - 1
	x, y, z := p.X/scale, p.Y/scale, p.Z/scale
	fx, fy, fz := math.Floor(x), math.Floor(y), math.Floor(z)
	x, y, z = x-fx, y-fy, z-fz
	i, j, k := int(fx)&mask, int(fy)&mask, int(fz)&mask
	i1, j1, k1 := (i+1)&mask, (j+1)&mask, (k+1)&mask
	row := func(j, k int) float64 {
		r := (k*textureSize + j) * textureSize
		a, b := float64(t.lattice[r+i]), float64(t.lattice[r+i1])
		return a + (b-a)*x
	}
	a := row(j, k) + (row(j1, k)-row(j, k))*y
	b := row(j, k1) + (row(j1, k1)-row(j, k1))*y
	return a + (b-a)*z
}
