// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/volume"
)

// tracer traces the faces of one body.
type tracer struct {
	sampler volume.Sampler
	blur    psf
	body    *Body
}

func newTracer(vol *volume.Volume, b *Body) *tracer {
	return &tracer{sampler: vol.Sampler(), blur: blurOf(vol, sliceProfiles[0]), body: b}
}

// Attenuations between which the edges of a body are told, HU. Below lies what
// is no bone, and the borders of muscle with fat and lung are none of a body's;
// above lie cement and metal.
const (
	darkestEdge   = 50
	brightestEdge = 900
)

// edgeFilter scores, as fitEdge does, the edge inside | plate | outside at every
// sample of a profile that runs from inside to outside.
type edgeFilter struct {
	basis [][3]float64
	m     [3][3]float64
}

func newEdgeFilter(sigma float64) *edgeFilter {
	reach := int(wallReach / wallStep)
	f := &edgeFilter{}
	for i := -reach; i <= reach; i++ {
		x := float64(i) * wallStep / sigma
		outside, density := normal(x)
		b := [3]float64{1, 1 - outside, density / sigma}
		f.basis = append(f.basis, b)
		for j := range 3 {
			for k := range 3 {
				f.m[j][k] += b[j] * b[k]
			}
		}
	}
	return f
}

// reach returns how many samples beyond the outermost edge a profile must hold.
func (f *edgeFilter) reach() int { return len(f.basis) / 2 }

// gain returns the root of the score of an edge at sample c of p, and 0 where
// the volume ends.
func (f *edgeFilter) gain(p []float64, c int) float64 {
	var v [3]float64
	sum2 := 0.0
	for i, b := range f.basis {
		x := p[c-f.reach()+i]
		if math.IsNaN(x) {
			return 0
		}
		v[0] += x
		v[1] += b[1] * x
		v[2] += b[2] * x
		sum2 += x * x
	}
	n := f.m[0][0]
	total := sum2 - v[0]*v[0]/n
	left := total
	for _, use := range [][2]bool{{true, true}, {true, false}, {false, true}} {
		step, plate, rest, ok := solveEdge(f.m, v, sum2, use)
		if ok && step >= 0 && plate >= 0 && rest < left {
			left = rest
			if use[0] && use[1] {
				break
			}
		}
	}
	return math.Sqrt((total - left) / (left + n*wallNoise*wallNoise))
}

// profile reads attenuation from inside to outside at offsets from -half to
// +half of wallStep samples about a place, with what the filter needs beyond;
// NaN where the volume ends.
func (t *tracer) profile(at func(offset float64) r3.Vec, half int, f *edgeFilter) []float64 {
	n := half + f.reach()
	p := make([]float64, 2*n+1)
	for c := range p {
		hu := t.sampler.At(at(float64(c-n) * wallStep))
		if hu <= volume.OutsideHU {
			hu = math.NaN()
		}
		p[c] = min(max(hu, darkestEdge), brightestEdge)
	}
	return p
}

// gains returns the gain of an edge at each of the offsets of a profile.
func (f *edgeFilter) gains(p []float64) []float64 {
	g := make([]float64, len(p)-2*f.reach())
	for c := range g {
		g[c] = f.gain(p, c+f.reach())
	}
	return g
}

// peak returns where between its samples a gain is greatest near sample c.
func peak(g []float64, c int) float64 {
	if c == 0 || c == len(g)-1 {
		return float64(c)
	}
	before, at, after := g[c-1], g[c], g[c+1]
	bend := before + after - 2*at
	if bend >= 0 {
		return float64(c)
	}
	return float64(c) + min(max((before-after)/(2*bend), -0.5), 0.5)
}
