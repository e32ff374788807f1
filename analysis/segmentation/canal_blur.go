// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/localization"
)

// kernelSigmas are the blurs of reconstruction kernels that are tried, mm: from
// those for bone to the softest for the body, and what interpolation between
// pixels adds. The header's name of a kernel tells none of them.
var kernelSigmas = [...]float64{0.35, 0.45, inPlaneSigma, 0.65, 0.75, 0.85, 1}

const (
	// blurWalls is on how many posterior walls the blur is told, and blurRows the
	// number of profiles that each has to have.
	blurWalls = 5
	blurRows  = 4
)

// chooseKernel sets the blur in the plane of the slices to that under which the
// posterior walls of some bodies, spread over the chain, are likeliest. A wall's
// shell is thinner than the blur, so that it shows its width. Pixels that blur
// more than a kernel hide it, and it is left as it is.
func (im *reader) chooseKernel(s *localization.Spine, bodies []Body) {
	if im.pixelHides() {
		return
	}
	var whole []int
	for i := range bodies {
		if v := &s.Vertebrae[i]; !v.Sacral && !v.Truncated && hasCanalBounds(&bodies[i]) {
			whole = append(whole, i)
		}
	}
	for len(whole) > blurWalls {
		whole = thinned(whole)
	}
	costs := make([][len(kernelSigmas)]float64, len(whole))
	parallel(len(whole), func(n int) {
		i := whole[n]
		c := Canal{Frame: canalFrame(s.Canal, &s.Vertebrae[i], &bodies[i])}
		c.setEnds(&bodies[i])
		if c.High-c.Low >= leastSections*im.rowLength(c.Frame) {
			costs[n] = newWallReader(im, &c, &bodies[i]).kernelCosts()
		}
	})
	var sum [len(kernelSigmas)]float64
	for _, cost := range costs {
		for k := range cost {
			sum[k] += cost[k]
		}
	}
	if sum[0] > 0 {
		im.blur = im.blur.withKernel(lowestBetween(kernelSigmas[:], sum[:]))
	}
}

// pixelHides reports whether a pixel blurs more than a reconstruction kernel.
func (im *reader) pixelHides() bool {
	for n, v := range im.blur.variance {
		if n != im.blur.slice && v > 2*inPlaneSigma*inPlaneSigma {
			return true
		}
	}
	return false
}

// hasCanalBounds reports whether b has what a canal is bounded by in the outline
// of a body.
func hasCanalBounds(b *Body) bool {
	return b.Reason == "" && len(b.Posterior.S) > 0 && len(b.Superior.A) > 0 && len(b.Inferior.A) > 0
}

// kernelCosts returns the cost of the fits across the middle of the wall under
// each kernel; zero if too few succeed.
func (w *wallReader) kernelCosts() (costs [len(kernelSigmas)]float64) {
	rows := 0
	normal := w.canal.Frame.Anterior
	for i, s := range w.rows {
		at := w.canal.Frame.Point(s, w.middle[i], 0)
		p := w.acrossWall(at, normal)
		if p == nil {
			continue
		}
		var row [len(kernelSigmas)]float64
		good := true
		for k, sigma := range kernelSigmas {
			bare := w.im.blur.withKernel(sigma).across(normal).bare()
			got, ok := fitFace(p, wallStep, faceReach-boneThickness/2, max(wallFaceSD, wallFaceBlur*bare), bare, contentOf(p), bodyShell)
			good = good && ok
			row[k] = got.cost
		}
		if !good {
			continue
		}
		rows++
		for k := range row {
			costs[k] += row[k]
		}
	}
	if rows < blurRows {
		return [len(kernelSigmas)]float64{}
	}
	return costs
}

// withKernel returns p, which takes the kernel's blur for inPlaneSigma, with the
// given one, mm, in the plane of the slices.
func (p psf) withKernel(sigma float64) psf {
	for n := range p.axes {
		if n != p.slice {
			p.variance[n] += sigma*sigma - inPlaneSigma*inPlaneSigma
		}
	}
	return p
}

// lowestBetween returns where the parabola through the lowest y and its
// neighbours is lowest, over ascending x; the lowest at either end.
func lowestBetween(x, y []float64) float64 {
	at := 0
	for i := range y {
		if y[i] < y[at] {
			at = i
		}
	}
	if at == 0 || at == len(y)-1 {
		return x[at]
	}
	before, after := (y[at]-y[at-1])/(x[at]-x[at-1]), (y[at+1]-y[at])/(x[at+1]-x[at])
	left, right := (x[at]+x[at-1])/2, (x[at]+x[at+1])/2
	if !(after-before > 0) {
		return x[at]
	}
	return math.Min(math.Max(left-before*(right-left)/(after-before), x[at-1]), x[at+1])
}

// acrossWall samples the volume along normal about center, in the mean over a
// column's width; nil where the volume ends.
func (w *wallReader) acrossWall(center, normal r3.Vec) []float64 {
	across := r3.Unit(r3.Cross(normal, w.canal.Frame.Superior))
	p := make([]float64, int(2*faceReach/wallStep)+1)
	for c := range p {
		q := r3.Add(center, r3.Scale(float64(c)*wallStep-faceReach, normal))
		p[c] = w.im.mean(func(u, _ float64) r3.Vec { return r3.Add(q, r3.Scale(u, across)) }, wallColumn/2, 0)
		if p[c] <= beyondVolume {
			return nil
		}
	}
	return p
}
