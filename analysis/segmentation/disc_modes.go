// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// An endplate can have several places that explain the voxels about equally well:
// either face of a bridging spur, the plate or the band of denser bone beside it. Which
// one is likeliest then changes with noise and with how slices cut it. A fit looks for
// all of them, and its endplate is their mean, weighted by how likely each is; the
// standard deviation tells how far they are apart.

// discFit is a fitted disc space.
type discFit struct {
	space *discSpace
	modes []mode  // the likeliest first
	noise float64 // HU, of the residuals
}

// mode is one place of both plates at which the cost is least.
type mode struct {
	x      []float64
	cov    *mat.SymDense // nil if the fit is not determined
	cost   float64
	weight float64 // of all modes, 1 in sum
}

const (
	// exploreVolume, mm³, is what a voxel stands for while modes are looked for.
	exploreVolume = 6.0
	// bendBy, mm, is by how much a plate is bent to look for another mode, over
	// bendReach of the way from wall to wall.
	bendBy    = 3.0
	bendReach = 0.45
	// sameMode, mm, is how near to each other modes are one.
	sameMode = 0.3
	// modeTemper divides differences of cost before they weigh modes: the model is
	// not all there is, and what it lacks is alike over more than textureLength.
	modeTemper = 2.0
	// mostCost is the cost, in units of modeTemper, by which a mode may exceed the
	// best: a weight of 0.2 %.
	mostCost = 6.0
)

// fit finds the modes about a start: from it as it is and smoothed, and from the
// better of both with a plate bent at either end or in its middle.
func (d *discSpace) fit(start []float64) *discFit {
	coarse := d.thinned()
	kinked, noise := coarse.fitFrom(start, stagesKinked)
	smooth, other := coarse.fitFrom(d.smoothed(start), stagesSmooth)
	noise = min(noise, other)
	coarse.enter(final)
	found := [][]float64{kinked, smooth}
	likeliest := kinked
	if coarse.linearize(smooth, noise).cost < coarse.linearize(kinked, noise).cost {
		likeliest = smooth
	}
	for _, x := range d.bends(likeliest) {
		back := func(x []float64) bool { return d.alike(x, likeliest) }
		if coarse.minimize(x, noise, exploring, back); !back(x) {
			found = append(found, x)
		}
	}
	d.enter(final)
	f := &discFit{space: d, noise: d.residualNoise(likeliest)}
	f.settle(found)
	f.weigh()
	return f
}

// thinned returns d with fewer voxels, which explain the disc nearly as well.
func (d *discSpace) thinned() *discSpace {
	out := *d
	every := min(int(exploreVolume/d.volume), len(d.voxels)/(3*d.size()))
	if every < 2 {
		return &out
	}
	out.voxels = make([]voxel, 0, len(d.voxels)/every+1)
	for i := 0; i < len(d.voxels); i += every {
		out.voxels = append(out.voxels, d.voxels[i])
	}
	out.temper = min(1, d.temper*float64(every))
	return &out
}

// bends returns x with each plate bent up and down at its posterior end, in its
// middle and at its anterior end.
func (d *discSpace) bends(x []float64) [][]float64 {
	var out [][]float64
	for plate := range 2 {
		if !d.has[plate] {
			continue
		}
		for _, center := range [3]float64{0, 0.5, 1} {
			for _, by := range [2]float64{-bendBy, bendBy} {
				bent := slices.Clone(x)
				for i := range d.basis.n {
					u := (d.coefficientAt(i) - d.basis.lo) / (d.basis.hi - d.basis.lo)
					bent[d.surface(plate)+i] += by * max(0, 1-math.Abs(u-center)/bendReach)
				}
				out = append(out, bent)
			}
		}
	}
	return out
}

// settle makes modes of what was found on fewer voxels, the likeliest first, and
// leaves out what is unlikely or found already.
func (f *discFit) settle(found [][]float64) {
	d := f.space
	all := make([]mode, len(found))
	for i, x := range found {
		all[i] = mode{x: x, cost: d.linearize(x, f.noise).cost}
	}
	byCost := func(a, b mode) int { return cmp.Compare(a.cost, b.cost) }
	slices.SortStableFunc(all, byCost)
	const slack = 2 // what settling may bring, in the same units
	for _, m := range all {
		if m.cost > all[0].cost+(mostCost+slack)*modeTemper || f.knows(m.x) {
			continue
		}
		q := d.minimize(m.x, f.noise, settling, f.knows)
		if m.cost = q.cost; !f.knows(m.x) {
			m.cov = q.covariance()
			f.modes = append(f.modes, m)
		}
	}
	slices.SortStableFunc(f.modes, byCost)
	f.noise = d.residualNoise(f.modes[0].x)
}

// knows reports whether x is one of the modes.
func (f *discFit) knows(x []float64) bool {
	return slices.ContainsFunc(f.modes, func(m mode) bool { return f.space.alike(x, m.x) })
}

// alike reports whether the plates of x and y are at the same places.
func (d *discSpace) alike(x, y []float64) bool {
	for plate := range 2 {
		// The outermost coefficients lie beyond the walls.
		for i := d.surface(plate) + 1; i < d.surface(plate)+d.basis.n-1; i++ {
			if d.has[plate] && math.Abs(x[i]-y[i]) > sameMode {
				return false
			}
		}
	}
	return true
}

// weigh gives the modes their weights, and drops those of none.
func (f *discFit) weigh() {
	least := f.modes[0].cost
	f.modes = slices.DeleteFunc(f.modes, func(m mode) bool { return m.cost > least+mostCost*modeTemper })
	sum := 0.0
	for i := range f.modes {
		f.modes[i].weight = math.Exp((least - f.modes[i].cost) / modeTemper)
		sum += f.modes[i].weight
	}
	for i := range f.modes {
		f.modes[i].weight /= sum
	}
}

// tilt returns the lateral slope of a plate.
func (f *discFit) tilt(plate int) float64 {
	sum := 0.0
	for _, m := range f.modes {
		sum += m.weight * m.x[f.space.surface(plate)+f.space.basis.n]
	}
	return sum
}

// outer returns the outer face of a plate at (a, l) averaged over ±slab mm
// across, and its standard deviation.
func (f *discFit) outer(plate int, a, l float64) (s, sd float64) {
	mean, square := 0.0, 0.0
	for i := range f.modes {
		s, sd := f.modes[i].outer(f.space, plate, a, l)
		mean += f.modes[i].weight * s
		square += f.modes[i].weight * (s*s + sd*sd)
	}
	return mean, math.Sqrt(max(square-mean*mean, 0))
}

// outer is discFit's for one mode.
func (m *mode) outer(d *discSpace, plate int, a, l float64) (s, sd float64) {
	s, slope := d.height(m.x, plate, a, l)
	p := d.surface(plate)
	spread := slabHalfWidth * slabHalfWidth / 3
	s += m.x[p+d.basis.n+1] * spread
	half := boneThickness / 2 * math.Sqrt(1+slope*slope)
	if plate == upperPlate {
		half = -half
	}
	if m.cov == nil {
		return s + half, math.NaN()
	}
	first, w, _ := d.basis.at(a)
	at := []int{p + first, p + first + 1, p + first + 2, p + first + 3, p + d.basis.n, p + d.basis.n + 1}
	c := []float64{w[0], w[1], w[2], w[3], l, l*l + spread}
	v := 0.0
	for i := range at {
		for j := range at {
			v += c[i] * c[j] * m.cov.At(at[i], at[j])
		}
	}
	return s + half, math.Sqrt(max(v, 0))
}
