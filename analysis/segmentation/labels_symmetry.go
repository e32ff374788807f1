// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/volume"
)

// The search for the plane of symmetry of a body without arch, degrees: as far
// as scoliosis turns a vertebra axially, and finer than it matters.
const (
	maxSymmetryTurn  = 24
	symmetryTurnStep = 3
)

// symmetricAnterior returns the direction across the axis, near the
// direction about, about which the middle of the body is most nearly its own mirror
// image. It stands in for the canal where the label holds no arch.
func (c *labelMask) symmetricAnterior(f *labelFrame, about r3.Vec) r3.Vec {
	start := volume.NewFrame(f.Origin, f.Superior, about)
	const n = 2*maxSymmetryTurn/symmetryTurnStep + 1
	var differs [n]float64
	best := 0
	for i := range differs {
		turned := turn(start, float64(symmetryTurnStep*i-maxSymmetryTurn))
		differs[i] = c.asymmetry(turned, f.height, max(f.depth, f.width)/2)
		if differs[i] < differs[best] {
			best = i
		}
	}
	angle := float64(symmetryTurnStep*best - maxSymmetryTurn)
	if best > 0 && best < n-1 {
		angle += symmetryTurnStep * vertex(differs[best-1], differs[best], differs[best+1])
	}
	return turn(start, angle).Anterior
}

// vertex returns where the parabola through (-1, a), (0, b), (1, c) has its
// vertex; 0 for a line.
func vertex(a, b, c float64) float64 {
	if curvature := a - 2*b + c; curvature > 0 {
		return (a - c) / (2 * curvature)
	}
	return 0
}

// turn returns the frame turned about its superior axis, degrees towards left.
func turn(f volume.Frame, degrees float64) volume.Frame {
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	return volume.NewFrame(f.Origin, f.Superior, r3.Add(r3.Scale(cos, f.Anterior), r3.Scale(sin, f.Left)))
}

// asymmetry counts the points within radius of the axis, in the middle of the
// body, of which the mirror image across the mid-sagittal plane is not alike.
func (c *labelMask) asymmetry(f volume.Frame, height, radius float64) float64 {
	differs := 0.0
	for _, s := range []float64{-waistHeight, 0, waistHeight} {
		for a := -radius; a <= radius; a += labelStep {
			for l := labelStep / 2; l <= radius; l += labelStep {
				i, j, k := c.index.Index(f.Point(s*height, a, l))
				i1, j1, k1 := c.index.Index(f.Point(s*height, a, -l))
				differs += math.Abs(c.occupancy(i, j, k) - c.occupancy(i1, j1, k1))
			}
		}
	}
	return differs
}
