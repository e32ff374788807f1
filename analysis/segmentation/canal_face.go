// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import "math"

// What is believed of a bony face before the image is looked at.
const (
	// corticalHU is the attenuation of compact bone where the image shows no
	// denser: vertebral shells, with their pores, have 500 to 900 HU, and their
	// thickness follows from what the blur leaves of it.
	corticalHU    = 800.0
	thinnestShell = 0.02 // mm
	thickestShell = 4.0
	// Attenuation of cancellous bone and of the soft tissue before it, HU.
	cancellousHU   = 250.0
	cancellousSD   = 200.0
	canalContentSD = 60.0

	faceReach = 3.0  // mm, half width of the window fitted
	faceNoise = 25.0 // HU, of a sample of a body CT
	// faceFixed is what the model may be off, in units of the blur, over the width
	// of which a face is taken as plane: 0.15 mm with standard kernels.
	faceFixed = 0.25
)

// shell is what is believed of the thickness of cortical bone, mm.
type shell struct{ mean, sd float64 }

// Shells of the bones that bound the canal: microscopy finds 0.4 to 0.8 mm at
// bodies; laminae and pedicles have 1 to 2 mm.
var (
	bodyShell = shell{boneThickness, 0.25}
	archShell = shell{1.1, 0.5}
)

// face is the outer face of cortical bone on a profile that runs from soft
// tissue into bone.
type face struct {
	at, sd float64 // mm along the profile
	cortex float64 // thickness of the cortical bone, mm of at least corticalHU
	cost   float64 // of the fit: squares of residuals and departures from beliefs
}

// fitFace fits soft tissue | cortex | cancellous bone, blurred by sigma, to the
// samples of p, which stand step mm apart, near start. The faces of a cortex
// thinner than the blur cannot be told apart by their looks; its attenuation,
// which is known, tells its thickness.
//
// Reference: Treece et al., Med Image Anal 2010;14:276 (cortical thickness from
// a fixed cortical density).
func fitFace(p []float64, step, start, startSD, sigma, content float64, s shell) (face, bool) {
	lo := max(int(math.Ceil((start-faceReach)/step)), 0)
	hi := min(int(math.Floor((start+faceReach)/step)), len(p)-1)
	if float64(hi-lo)*step < faceReach+1 {
		return face{}, false
	}
	dense := corticalHU
	for i := lo; i <= hi; i++ {
		dense = max(dense, p[i])
	}
	fit := faceFit{p: p, lo: lo, hi: hi, step: step, sigma: sigma, dense: dense}
	fit.prior = [4]float64{start, s.mean, content, cancellousHU}
	fit.weight = [4]float64{1 / (startSD * startSD), 1 / (s.sd * s.sd), 1 / (canalContentSD * canalContentSD), 1 / (cancellousSD * cancellousSD)}
	x, sd, ok := fit.solve()
	return face{at: x[0], sd: math.Hypot(sd, faceFixed*sigma), cortex: x[1], cost: fit.cost(x)}, ok
}

// faceFit is the problem of fitFace. Its unknowns are the place of the outer
// face, mm, the shell's thickness, mm, and the attenuation on either side, HU.
type faceFit struct {
	p             []float64
	lo, hi        int
	step, sigma   float64
	dense         float64
	prior, weight [4]float64
}

// solve returns the most probable unknowns and the standard deviation of the
// first, by Gauss-Newton steps.
func (f *faceFit) solve() (x [4]float64, sd float64, ok bool) {
	const rounds = 8
	const longest, thickest = 0.6, 0.5 // mm of a step
	x = f.prior
	var m [4][4]float64
	for range rounds {
		var v [4]float64
		m, v = f.normal(x)
		d, _, ok := solve4(m, v)
		if !ok {
			return x, 0, false
		}
		d[0] = min(max(d[0], -longest), longest)
		d[1] = min(max(d[1], -thickest), thickest)
		for i := range x {
			x[i] += d[i]
		}
		x[1] = min(max(x[1], thinnestShell), thickestShell)
		if math.Abs(d[0])+math.Abs(d[1]) < 1e-3 {
			break
		}
	}
	_, variance, ok := solve4(m, [4]float64{})
	return x, math.Sqrt(variance), ok && math.Abs(x[0]-f.prior[0]) < faceReach
}

// cost returns what solve makes least, at x.
func (f *faceFit) cost(x [4]float64) float64 {
	sum := 0.0
	for i := range x {
		d := x[i] - f.prior[i]
		sum += f.weight[i] * d * d
	}
	for i := f.lo; i <= f.hi; i++ {
		at := float64(i) * f.step
		rest := f.p[i] - (x[2] + (f.dense-x[2])*gaussStep((at-x[0])/f.sigma) + (x[3]-f.dense)*gaussStep((at-x[0]-x[1])/f.sigma))
		sum += f.window(at) * rest * rest
	}
	return sum
}

// window is the weight of a sample, 1/HU².
func (f *faceFit) window(at float64) float64 {
	d := (at - f.prior[0]) / faceReach
	return (1 - d*d) * (1 - d*d) / (faceNoise * faceNoise)
}

// normal returns the normal equations at x.
func (f *faceFit) normal(x [4]float64) (m [4][4]float64, v [4]float64) {
	for i := range m {
		m[i][i] = f.weight[i]
		v[i] = f.weight[i] * (f.prior[i] - x[i])
	}
	for i := f.lo; i <= f.hi; i++ {
		at := float64(i) * f.step
		w := f.window(at)
		u, t := (at-x[0])/f.sigma, (at-x[0]-x[1])/f.sigma
		outer, outerDensity := normal(u)
		inner, innerDensity := normal(t)
		rest := f.p[i] - (x[2] + (f.dense-x[2])*outer + (x[3]-f.dense)*inner)
		slope := -(x[3] - f.dense) * innerDensity / f.sigma
		j := [4]float64{slope - (f.dense-x[2])*outerDensity/f.sigma, slope, 1 - outer, inner}
		for a := range j {
			v[a] += w * j[a] * rest
			for b := 0; b <= a; b++ {
				m[a][b] += w * j[a] * j[b]
			}
		}
	}
	return m, v
}

// solve4 solves the symmetric positive definite system m·x = v, of which the
// lower triangle is read, and returns the first diagonal element of m's inverse.
func solve4(m [4][4]float64, v [4]float64) (x [4]float64, first float64, ok bool) {
	var c [4][4]float64
	for i := range 4 {
		for j := range i + 1 {
			s := m[i][j]
			for k := range j {
				s -= c[i][k] * c[j][k]
			}
			if i > j {
				c[i][j] = s / c[j][j]
				continue
			}
			if s <= 0 {
				return x, 0, false
			}
			c[i][i] = math.Sqrt(s)
		}
	}
	back := func(v [4]float64) [4]float64 {
		for i := range 4 {
			for k := range i {
				v[i] -= c[i][k] * v[k]
			}
			v[i] /= c[i][i]
		}
		for i := 3; i >= 0; i-- {
			for k := i + 1; k < 4; k++ {
				v[i] -= c[k][i] * v[k]
			}
			v[i] /= c[i][i]
		}
		return v
	}
	return back(v), back([4]float64{1})[0], true
}
