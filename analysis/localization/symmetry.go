// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package localization

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/volume"
)

// The search for the vertebrae's rotation about the canal.
const (
	maxRotation  = 40 // degrees; more is beyond King's and Lenke's curves of 60° Cobb
	rotationStep = 2  // degrees
	// A cross-section is compared with its mirror image out to symmetryRadius,
	// mm: arch, body and the ribs' heads.
	symmetryRadius = 42.0
	// Attenuation is clipped, so that air, lung and metal do not outweigh bone.
	symmetryMinHU, symmetryMaxHU = -150, 400
	// rotationEvery is the distance of the cross-sections compared, mm, and
	// rotationSigma over how many mm their answers are averaged.
	rotationEvery, rotationSigma = 4, 14.0
	// rotationPrior is the relative rise of asymmetry, from 0 to maxRotation,
	// that a rotation must outweigh.
	rotationPrior = 0.15
)

// rotations returns for each point of canal the angle, degrees, by which the
// vertebra's anterior axis is turned from the point's, about its Superior axis:
// where the cross-sections around are most alike their mirror images.
func rotations(v *volume.Volume, canal []CanalPoint) []float64 {
	n := (len(canal)-1)/rotationEvery + 1
	costs := make([][]float64, n)
	each(n, func(m int) { costs[m] = asymmetries(v, canal[m*rotationEvery]) })
	turn := make([]float64, n)
	for m := range turn {
		turn[m] = leastAsymmetry(costs, m)
	}
	out := make([]float64, len(canal))
	for s := range out {
		out[s] = gaussianAt(turn, float64(s)/rotationEvery, rotationSigma/rotationEvery)
	}
	return out
}

// asymmetries returns the mean absolute difference, HU, of the two halves of a
// cross-section for rotations from -maxRotation in steps of rotationStep. It is
// NaN where too little of the cross-section lies in the volume.
func asymmetries(v *volume.Volume, p CanalPoint) []float64 {
	const turns = 360 / rotationStep
	const radii = int(symmetryRadius / 2)
	ix := v.Indexer()
	f := p.frame()
	var polar [radii][turns]int16
	for r := range polar {
		for t := range polar[r] {
			sin, cos := math.Sincos(float64(t) * rotationStep * math.Pi / 180)
			d := 2 * float64(r+1)
			x, y, z := ix.Index(f.Point(0, d*cos, d*sin))
			if h := sampleAt(v, x, y, z); h != Outside {
				polar[r][t] = min(max(h, symmetryMinHU), symmetryMaxHU)
			} else {
				polar[r][t] = Outside
			}
		}
	}
	out := make([]float64, 0, 2*maxRotation/rotationStep+1)
	for c := -maxRotation / rotationStep; c <= maxRotation/rotationStep; c++ {
		var sum, n, all float64
		for r := range polar {
			w := float64(r + 1)
			for t := 1; t < turns/2; t++ {
				a, b := polar[r][(c+t+turns)%turns], polar[r][(c-t+turns)%turns]
				all += w
				if a != Outside && b != Outside {
					sum += w * math.Abs(float64(a)-float64(b))
					n += w
				}
			}
		}
		if n < all/2 {
			out = append(out, math.NaN())
			continue
		}
		out = append(out, sum/n)
	}
	return out
}

// leastAsymmetry returns the rotation, degrees, of the least asymmetry averaged
// about costs[m]; 0 where none is known.
func leastAsymmetry(costs [][]float64, m int) float64 {
	reach := int(2 * rotationSigma / rotationEvery)
	best, at := math.Inf(1), 0.0
	for c := range costs[m] {
		angle := float64(c*rotationStep - maxRotation)
		var sum, weight float64
		for d := max(-reach, -m); d <= min(reach, len(costs)-1-m); d++ {
			if cost := costs[m+d][c]; !math.IsNaN(cost) {
				t := float64(d) * rotationEvery / rotationSigma
				w := math.Exp(-t * t / 2)
				sum += w * cost
				weight += w
			}
		}
		if weight == 0 {
			continue
		}
		q := sum / weight * (1 + rotationPrior*angle*angle/(maxRotation*maxRotation))
		if q < best {
			best, at = q, angle
		}
	}
	return at
}

// gaussianAt returns the mean of values weighted by a Gaussian about index x.
func gaussianAt(values []float64, x, sigma float64) float64 {
	var sum, weight float64
	for n, v := range values {
		t := (float64(n) - x) / sigma
		w := math.Exp(-t * t / 2)
		sum += w * v
		weight += w
	}
	return sum / weight
}

// turned returns canal with the anterior axes turned by degrees.
func turned(canal []CanalPoint, degrees []float64) []CanalPoint {
	out := make([]CanalPoint, len(canal))
	for s, p := range canal {
		sin, cos := math.Sincos(degrees[s] * math.Pi / 180)
		f := p.frame()
		p.Anterior = r3.Add(r3.Scale(cos, f.Anterior), r3.Scale(sin, f.Left))
		out[s] = p
	}
	return out
}
