// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package detect

import (
	"math"

	"gonum.org/v1/gonum/spatial/r2"

	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/radiograph/network"
)

// film is an image in units in which its pixels are square, as in package outline.
type film struct {
	image *radiograph.Image
	unit  radiograph.Spacing
}

func (f *film) point(p r2.Vec) radiograph.ImagePoint {
	return radiograph.ImagePoint{Col: p.X / f.unit.Columns, Row: p.Y / f.unit.Rows}
}

func (f *film) position(p radiograph.ImagePoint) r2.Vec {
	return r2.Vec{X: p.Col * f.unit.Columns, Y: p.Row * f.unit.Rows}
}

func (f *film) holds(p r2.Vec) bool {
	at := f.point(p)
	return at.Col >= 0 && at.Row >= 0 && at.Col <= float64(f.image.Columns) && at.Row <= float64(f.image.Rows)
}

// view is a square picture cut from a film: the place on the film of its pixel (0, 0)'s outer
// corner, and the steps of a column and of a row.
type view struct {
	corner, column, row r2.Vec
	size                int
}

func (v *view) position(col, row float64) r2.Vec {
	return r2.Add(v.corner, r2.Add(r2.Scale(col, v.column), r2.Scale(row, v.row)))
}

// direction returns a direction on the film, of one in the picture.
func (v *view) direction(d r2.Vec) r2.Vec {
	return r2.Add(r2.Scale(d.X, v.column), r2.Scale(d.Y, v.row))
}

// whole returns the view of the part of the film that shows anything, as large as a square
// of size pixels holds it.
func (f *film) whole(field *radiograph.Field, size int) view {
	low, high := r2.Vec{X: math.Inf(1), Y: math.Inf(1)}, r2.Vec{X: math.Inf(-1), Y: math.Inf(-1)}
	for row := range f.image.Rows {
		for col := range f.image.Columns {
			if field.Inside[row*f.image.Columns+col] {
				p := f.position(radiograph.ImagePoint{Col: float64(col), Row: float64(row)})
				low = r2.Vec{X: min(low.X, p.X), Y: min(low.Y, p.Y)}
				high = r2.Vec{X: max(high.X, p.X+f.unit.Columns), Y: max(high.Y, p.Y+f.unit.Rows)}
			}
		}
	}
	extent := r2.Sub(high, low)
	step := max(extent.X, extent.Y) / float64(size)
	middle := r2.Scale(0.5, r2.Add(low, high))
	half := step * float64(size) / 2
	return view{r2.Sub(middle, r2.Vec{X: half, Y: half}), r2.Vec{X: step}, r2.Vec{Y: step}, size}
}

// cut returns the brightness of the view's pixels, each the mean of the film over it.
func (f *film) cut(v *view) []float64 {
	fine := min(f.unit.Columns, f.unit.Rows)
	parts := min(max(int(math.Round(r2.Norm(v.column)/fine)), 1), 8)
	out := make([]float64, v.size*v.size)
	for row := range v.size {
		for col := range v.size {
			var sum float64
			for y := range parts {
				for x := range parts {
					at := v.position(float64(col)+(float64(x)+0.5)/float64(parts), float64(row)+(float64(y)+0.5)/float64(parts))
					sum += f.image.At(f.point(at))
				}
			}
			out[row*v.size+col] = sum / float64(parts*parts)
		}
	}
	return out
}

// mostSpread is how many standard deviations from the mean brightness counts: the networks
// see nothing beyond.
const mostSpread = 3

func clamp(v float64) float64 { return min(max(v, -mostSpread), mostSpread) }

// relative makes brightness relative to its own mean and spread, as the networks learnt to
// see it.
func relative(v []float64) {
	var sum, square float64
	for _, x := range v {
		sum += x
		square += x * x
	}
	mean := sum / float64(len(v))
	sd := math.Sqrt(max(square/float64(len(v))-mean*mean, 0))
	for i, x := range v {
		v[i] = clamp((x - mean) / (sd + 1e-4))
	}
}

// input returns what a network sees of a square picture: brightness relative to what is within
// reach, in pixels, and to the whole picture's.
func input(v []float64, size, reach int) *network.Tensor {
	relative(v)
	square := make([]float64, len(v))
	for i, x := range v {
		square[i] = x * x
	}
	mean, about := boxed(v, size, reach), boxed(square, size, reach)
	t := network.NewTensor(size, size, 2)
	for i, x := range v {
		sd := math.Sqrt(max(about[i]-mean[i]*mean[i], 0))
		p := t.At(i/size, i%size)
		p[0], p[1] = float32(clamp((x-mean[i])/(sd+0.02))), float32(x)
	}
	return t
}

// boxed returns the means over squares of 2·reach+1 pixels, of what lies within the picture.
func boxed(v []float64, size, reach int) []float64 {
	along := func(v []float64, step, line int) []float64 {
		out := make([]float64, len(v))
		sum := make([]float64, size+1)
		for l := range size {
			for i := range size {
				sum[i+1] = sum[i] + v[l*line+i*step]
			}
			for i := range size {
				low, high := max(i-reach, 0), min(i+reach+1, size)
				out[l*line+i*step] = (sum[high] - sum[low]) / float64(high-low)
			}
		}
		return out
	}
	return along(along(v, size, 1), 1, size)
}
