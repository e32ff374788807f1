// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/volume"
)

const (
	// inPlaneSigma, mm, is the blur of a standard body kernel: a modulation of
	// 50 % near 4 lp/cm. Sharp kernels have about 0.4, soft ones 0.8.
	inPlaneSigma = 0.55
	// boneThickness, mm, is the thickness taken for a bony endplate and for the
	// cortical shell: design value within the 0.4 to 0.8 mm of microscopy.
	boneThickness = 0.6
)

// sliceProfile is the shape of a slice profile in units of its nominal width: a
// box convolved with a Gaussian.
type sliceProfile struct{ box, sigma float64 }

// sliceProfiles are the slice profiles tried: nearly a box, as in axial acquisition
// and thin spiral slices added up, and a Gaussian of a little less than the
// nominal full width at half maximum, as in spiral interpolation and resampled
// volumes.
var sliceProfiles = []sliceProfile{{0.92, 0.15}, {0, 0.36}}

// psf is the blur of an acquisition: a Gaussian along each axis of the grid,
// and a box along the slice axis.
type psf struct {
	axes     [3]r3.Vec  // unit
	variance [3]float64 // of the Gaussians, mm²
	slice    int        // which axis is the slices'
	box      float64    // mm, along the slice axis
	width    float64    // nominal, of a slice, mm
}

// blurOf returns the blur to be expected of v with the given slice profile. The
// slice axis is the one with the widest spacing; without a nominal thickness,
// slices are taken to touch.
func blurOf(v *volume.Volume, profile sliceProfile) psf {
	steps := [3]r3.Vec{v.Column, v.Row, v.Slice}
	p := psf{slice: 2}
	for n, step := range steps {
		p.axes[n] = r3.Unit(step)
		if r3.Norm(step) > 1.05*r3.Norm(steps[p.slice]) {
			p.slice = n
		}
	}
	for n, step := range steps {
		pixel := r3.Norm(step)
		p.variance[n] = inPlaneSigma*inPlaneSigma + pixel*pixel/12
		if n == p.slice {
			width := max(v.Acquisition.SliceThickness, pixel)
			p.width, p.box = width, profile.box*width
			p.variance[n] = profile.sigma * profile.sigma * width * width
		}
	}
	return p
}

// across returns the blur across a surface with unit normal n, with the
// thickness of a bony plate counted in.
func (p psf) across(n r3.Vec) kernel {
	variance := boneThickness * boneThickness / 12
	for i, axis := range p.axes {
		c := r3.Dot(n, axis)
		variance += p.variance[i] * c * c
	}
	return kernel{box: p.box * math.Abs(r3.Dot(n, p.axes[p.slice])), sigma: math.Sqrt(variance)}
}

// softened returns p with the given share of its box's variance moved to the
// Gaussian.
func (p psf) softened(share float64) psf {
	p.variance[p.slice] += share * p.box * p.box / 12
	p.box *= math.Sqrt(1 - share)
	return p
}

// kernel is a blur in one dimension: a box of the given width convolved with a
// Gaussian, mm.
type kernel struct{ box, sigma float64 }

// narrowBox is the width of a box, in units of sigma, below which it is counted
// as a Gaussian of the same variance: they differ by less than 0.1 %.
const narrowBox = 0.5

// total returns the standard deviation of the whole, mm.
func (k kernel) total() float64 { return math.Sqrt(k.sigma*k.sigma + k.box*k.box/12) }

// at returns, at a distance x, mm, the kernel's integral from -∞, the kernel
// (1/mm) and its derivative (1/mm²).
func (k kernel) at(x float64) (step, density, slope float64) {
	if k.box < narrowBox*k.sigma {
		s := k.total()
		u := x / s
		step, g := normal(u)
		g /= s
		return step, g, -u * g / s
	}
	u, v := (x+k.box/2)/k.sigma, (x-k.box/2)/k.sigma
	pu, gu := normal(u)
	pv, gv := normal(v)
	step = k.sigma * (u*pu + gu - v*pv - gv) / k.box
	return step, (pu - pv) / k.box, (gu - gv) / (k.box * k.sigma)
}
