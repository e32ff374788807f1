// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/volume"
)

const (
	// sliceSigma is the standard deviation of a slice profile in units of its
	// nominal width: between a box (1/√12 = 0.29) and a Gaussian of that full
	// width at half maximum (0.42).
	sliceSigma = 0.34
	// inPlaneSigma, mm, is the blur of a standard body kernel: a modulation of
	// 50 % near 4 lp/cm. Sharp kernels have about 0.4, soft ones 0.8.
	inPlaneSigma = 0.55
	// boneThickness, mm, is the thickness taken for a bony endplate and for the
	// cortical shell: design value within the 0.4 to 0.8 mm of microscopy.
	boneThickness = 0.6
)

// psf is the blur of an acquisition, a Gaussian along each axis of the grid.
type psf struct {
	axes     [3]r3.Vec  // unit
	variance [3]float64 // mm²
}

// blurOf returns the blur to be expected of v. The slice axis is the one with
// the widest spacing; without a nominal thickness, slices are taken to touch.
func blurOf(v *volume.Volume) psf {
	steps := [3]r3.Vec{v.Column, v.Row, v.Slice}
	var p psf
	slice := 2
	for n, step := range steps {
		p.axes[n] = r3.Unit(step)
		if r3.Norm(step) > 1.05*r3.Norm(steps[slice]) {
			slice = n
		}
	}
	for n, step := range steps {
		pixel := r3.Norm(step)
		p.variance[n] = inPlaneSigma*inPlaneSigma + pixel*pixel/12
		if n == slice {
			width := max(v.Acquisition.SliceThickness, pixel)
			p.variance[n] = sliceSigma * sliceSigma * width * width
		}
	}
	return p
}

// sigma returns the standard deviation, mm, of the blur across a surface with
// unit normal n, with the thickness of a bony plate counted in.
func (p psf) sigma(n r3.Vec) float64 {
	sum := boneThickness * boneThickness / 12
	for i, axis := range p.axes {
		c := r3.Dot(n, axis)
		sum += p.variance[i] * c * c
	}
	return math.Sqrt(sum)
}

// gauss is the standard normal density.
func gauss(x float64) float64 { return math.Exp(-x*x/2) / math.Sqrt(2*math.Pi) }

// gaussStep is the standard normal distribution function.
func gaussStep(x float64) float64 { return 0.5 * math.Erfc(-x/math.Sqrt2) }
