// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"math"
	"runtime"
	"sync"
)

// plane is an image of numbers, row by row.
type plane struct {
	v             []float32
	columns, rows int
}

// eachRow calls f for every row, on all cores.
func (p plane) eachRow(f func(row int, v []float32)) {
	workers := runtime.GOMAXPROCS(0)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for row := w; row < p.rows; row += workers {
				f(row, p.v[row*p.columns:][:p.columns])
			}
		})
	}
	wg.Wait()
}

// smooth convolves p with a Gaussian, sigma in pixels; what lies beyond a border is as the
// border.
func (p plane) smooth(sigma float64) {
	if !(sigma > 0) {
		return
	}
	kernel := gaussian(sigma)
	reach := len(kernel) - 1
	p.eachRow(func(_ int, v []float32) {
		line := make([]float32, len(v)+2*reach)
		for i := range line {
			line[i] = v[min(max(i-reach, 0), len(v)-1)]
		}
		for i := range v {
			sum := kernel[0] * line[i+reach]
			for k := 1; k <= reach; k++ {
				sum += kernel[k] * (line[i+reach-k] + line[i+reach+k])
			}
			v[i] = sum
		}
	})
	source := plane{append([]float32(nil), p.v...), p.columns, p.rows}
	p.eachRow(func(row int, v []float32) {
		source.copyScaled(v, row, kernel[0])
		for k := 1; k <= reach; k++ {
			source.addScaled(v, row-k, kernel[k])
			source.addScaled(v, row+k, kernel[k])
		}
	})
}

func (p plane) line(row int) []float32 {
	return p.v[min(max(row, 0), p.rows-1)*p.columns:][:p.columns]
}

func (p plane) copyScaled(dst []float32, row int, f float32) {
	for i, v := range p.line(row) {
		dst[i] = f * v
	}
}

func (p plane) addScaled(dst []float32, row int, f float32) {
	for i, v := range p.line(row) {
		dst[i] += f * v
	}
}

// gaussian returns the half of a Gaussian's samples from its middle on, the whole of which
// sums to 1.
func gaussian(sigma float64) []float32 {
	reach := int(math.Ceil(3.5 * sigma))
	half := make([]float64, reach+1)
	var sum float64
	for k := range half {
		half[k] = math.Exp(-float64(k*k) / (2 * sigma * sigma))
		sum += half[k]
		if k > 0 {
			sum += half[k]
		}
	}
	kernel := make([]float32, reach+1)
	for k := range half {
		kernel[k] = float32(half[k] / sum)
	}
	return kernel
}

// shrunk returns the means of f over blocks of n by n pixels.
func (p plane) shrunk(n int, f func(float32) float32) plane {
	small := plane{columns: (p.columns + n - 1) / n, rows: (p.rows + n - 1) / n}
	small.v = make([]float32, small.columns*small.rows)
	small.eachRow(func(row int, v []float32) {
		for col := range v {
			var sum float32
			count := 0
			for y := row * n; y < min((row+1)*n, p.rows); y++ {
				for x := col * n; x < min((col+1)*n, p.columns); x++ {
					sum += f(p.v[y*p.columns+x])
					count++
				}
			}
			v[col] = sum / float32(count)
		}
	})
	return small
}

// addTo adds p, each of whose pixels stands for n by n of dst, times f, linearly between
// the blocks' middles.
func (p plane) addTo(dst plane, n int, f float32) {
	dst.eachRow(func(row int, v []float32) {
		y0, fy := between(row, n, p.rows)
		upper, lower := p.line(y0), p.line(y0+1)
		for col := range v {
			x0, fx := between(col, n, p.columns)
			x1 := min(x0+1, p.columns-1)
			top := upper[x0] + fx*(upper[x1]-upper[x0])
			bottom := lower[x0] + fx*(lower[x1]-lower[x0])
			v[col] += f * (top + fy*(bottom-top))
		}
	})
}

// between returns which of so many blocks of n pixels has its middle before pixel i, and
// the part of the way to the next one's.
func between(i, n, blocks int) (int, float32) {
	at := (float64(i)+0.5)/float64(n) - 0.5
	at = min(max(at, 0), float64(blocks-1))
	return int(at), float32(at - math.Floor(at))
}
