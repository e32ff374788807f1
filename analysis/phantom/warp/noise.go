// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package warp

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/endplate/endplate/analysis/volume"
)

// grain knows the fine noise of a CT, slice by slice, and gives it to images that
// have less of it.
type grain struct {
	level []float64 // HU, of each slice
	seed  uint64
}

// newGrain measures the noise of v and multiplies it by factor.
func newGrain(v *volume.Volume, factor float64, seed uint64) *grain {
	g := &grain{level: make([]float64, v.Slices), seed: seed}
	n := v.Columns * v.Rows
	parallel(v.Slices, func(k int) {
		img := make([]float32, n)
		for i, hu := range v.Samples[k*n : (k+1)*n] {
			img[i] = float32(hu)
		}
		g.level[k] = factor * fineNoise(img, v.Columns)
	})
	return g
}

// softest and hardest bound the attenuation in which noise is measured, HU: fat,
// muscle, blood, and bone marrow in part.
const softest, hardest = -200, 200

// fineNoise returns the standard deviation of white noise that is as strong in the
// second differences across both axes as what img has there: Immerkær, Comput Vis
// Image Underst 1996;64:300, in soft tissue, with the median in the place of the
// mean. It is 0 where there is no soft tissue.
func fineNoise(img []float32, columns int) float64 {
	const norm = 6 // root of the sum of the mask's squares
	var d []float64
	const sparse = 3 // of so many rows and columns one is enough
	for j := 1; j < len(img)/columns-1; j += sparse {
		up, at, down := img[(j-1)*columns:], img[j*columns:], img[(j+1)*columns:]
		for i := 1; i < columns-1; i += sparse {
			if at[i] < softest || at[i] > hardest {
				continue
			}
			across := func(r []float32) float32 { return r[i-1] - 2*r[i] + r[i+1] }
			d = append(d, math.Abs(float64(across(up)-2*across(at)+across(down))))
		}
	}
	const fewest = 50
	if len(d) < fewest {
		return 0
	}
	slices.Sort(d)
	const medianOfNormal = 0.6745 // of the absolute value, in standard deviations
	return d[len(d)/2] / medianOfNormal / norm
}

// replace adds to img, slice k of what is made, the noise by which it is finer in
// the given slice of the source: none where it has as much.
func (g *grain) replace(img []float32, columns, source int, k uint64) {
	have := fineNoise(img, columns)
	lost := g.level[source]*g.level[source] - have*have
	if lost <= 0 || have == 0 {
		return
	}
	rng := rand.New(rand.NewPCG(g.seed, k))
	added := make([]float32, len(img))
	for i := range added {
		added[i] = float32(rng.NormFloat64())
	}
	// What interpolation takes away are the highest frequencies.
	fine := slices.Clone(added)
	blur(fine, columns, grainSigma, grainSigma)
	for i := range fine {
		fine[i] = added[i] - fine[i]
	}
	scale := float32(math.Sqrt(lost) / fineNoise(fine, columns))
	for i := range img {
		if img[i] > volume.OutsideHU {
			img[i] += scale * fine[i]
		}
	}
}

// grainSigma, pixels, is that of the Gaussian which is taken from white noise.
const grainSigma = 0.7

// blur convolves img with a Gaussian of the given sigmas along columns and rows,
// pixels.
func blur(img []float32, columns int, alongRow, alongColumn float64) {
	rows := len(img) / columns
	taps := gaussian(alongRow)
	line := make([]float32, columns+2*len(taps))
	for j := range rows {
		smooth(img[j*columns:(j+1)*columns], taps, line)
	}
	smoothRows(img, columns, gaussian(alongColumn))
}

// gaussian returns one side of a Gaussian from its middle; both sides sum to 1.
func gaussian(sigma float64) []float32 {
	if sigma <= 0 {
		return []float32{1}
	}
	t := make([]float64, int(math.Ceil(3*sigma))+1)
	sum := -1.0
	for i := range t {
		t[i] = math.Exp(-float64(i*i) / (2 * sigma * sigma))
		sum += 2 * t[i]
	}
	out := make([]float32, len(t))
	for i := range t {
		out[i] = float32(t[i] / sum)
	}
	return out
}

// smooth convolves x with symmetric taps, mirrored at the ends. line has room for x
// and the taps to each side.
func smooth(x, taps, line []float32) {
	n, reach := len(x), len(taps)
	copy(line[reach:], x)
	for t := range reach {
		line[t] = x[mirror(t-reach, n)]
		line[reach+n+t] = x[mirror(n+t, n)]
	}
	for i := range x {
		sum := taps[0] * line[reach+i]
		for t := 1; t < reach; t++ {
			sum += taps[t] * (line[reach+i-t] + line[reach+i+t])
		}
		x[i] = sum
	}
}

// smoothRows convolves each column of img with symmetric taps, mirrored at the ends:
// row by row, so that memory is read in its order.
func smoothRows(img []float32, columns int, taps []float32) {
	from := slices.Clone(img)
	rows := len(img) / columns
	row := func(j int) []float32 {
		j = mirror(j, rows)
		return from[j*columns : (j+1)*columns]
	}
	for j := range rows {
		to, at := img[j*columns:(j+1)*columns], row(j)
		for i := range to {
			to[i] = taps[0] * at[i]
		}
		for t := 1; t < len(taps); t++ {
			above, below := row(j-t), row(j+t)
			for i := range to {
				to[i] += taps[t] * (above[i] + below[i])
			}
		}
	}
}
