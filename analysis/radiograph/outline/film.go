// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package outline

import (
	"math"

	"gonum.org/v1/gonum/spatial/r2"

	"github.com/endplate/endplate/analysis/radiograph"
)

// film is an image in units in which its pixels are square.
type film struct {
	image *radiograph.Image
	unit  radiograph.Spacing // of a pixel
}

func (f *film) at(p r2.Vec) float64 {
	return f.image.At(f.point(p))
}

func (f *film) point(p r2.Vec) radiograph.ImagePoint {
	return radiograph.ImagePoint{Col: p.X / f.unit.Columns, Row: p.Y / f.unit.Rows}
}

func (f *film) position(p radiograph.ImagePoint) r2.Vec {
	return r2.Vec{X: p.Col * f.unit.Columns, Y: p.Row * f.unit.Rows}
}

// holds reports whether p lies on the film, margin within its border.
func (f *film) holds(p r2.Vec, margin float64) bool {
	w, h := float64(f.image.Columns)*f.unit.Columns, float64(f.image.Rows)*f.unit.Rows
	return p.X >= margin && p.Y >= margin && p.X <= w-margin && p.Y <= h-margin
}

// strip is a film straightened along a curve: n samples along, from arc length origin on,
// and 2·half+1 across from posterior to anterior, step apart. Index k*width+half+a.
type strip struct {
	v      []float64
	n      int
	half   int
	width  int
	step   float64
	origin float64
}

func (f *film) straighten(c *curve, half int, right bool) *strip {
	s := &strip{n: len(c.points), half: half, width: 2*half + 1, step: c.step, origin: c.origin}
	s.v = make([]float64, s.n*s.width)
	for k := range s.n {
		p, _, across := c.frame(c.origin+float64(k)*c.step, right)
		for a := -half; a <= half; a++ {
			s.v[k*s.width+half+a] = f.at(r2.Add(p, r2.Scale(float64(a)*c.step, across)))
		}
	}
	return s
}

// flatten takes wide differences of brightness out of s and makes what is left as strong
// everywhere, so that an endplate before the lung counts as much as one before the liver,
// and neither diaphragm nor marker counts for more. unit is the samples of a pitch.
func (s *strip) flatten(unit float64) {
	const (
		wide  = 0.28 // sigma, of a pitch
		about = 0.45
		most  = 2.5 // times the usual deviation
	)
	background := s.blurred(s.v, wide*unit)
	square := make([]float64, len(s.v))
	for i := range s.v {
		s.v[i] -= background[i]
		square[i] = s.v[i] * s.v[i]
	}
	square = s.blurred(square, about*unit)
	for i := range s.v {
		s.v[i] = min(max(s.v[i]/(math.Sqrt(square[i])+1e-9), -most), most)
	}
}

// blurred returns values on the strip convolved both ways with a bell of about a Gaussian's
// shape: three boxes.
func (s *strip) blurred(v []float64, sigma float64) []float64 {
	reach := int(math.Round((math.Sqrt(4*sigma*sigma+1) - 1) / 2)) // variance of three boxes: reach·(reach+1)
	out := make([]float64, len(v))
	for k := range s.n {
		copy(out[k*s.width:], boxes(v[k*s.width:(k+1)*s.width], reach))
	}
	column := make([]float64, s.n)
	for a := range s.width {
		for k := range column {
			column[k] = out[k*s.width+a]
		}
		for k, x := range boxes(column, reach) {
			out[k*s.width+a] = x
		}
	}
	return out
}

// boxes returns v averaged three times over reach to each side; beyond its ends nothing
// counts.
func boxes(v []float64, reach int) []float64 {
	sum := make([]float64, len(v)+1)
	out := append([]float64(nil), v...)
	for range 3 {
		for i, x := range out {
			sum[i+1] = sum[i] + x
		}
		for i := range out {
			low, high := max(i-reach, 0), min(i+reach+1, len(v))
			out[i] = (sum[high] - sum[low]) / float64(high-low)
		}
	}
	return out
}

// smooth returns v convolved with a Gaussian of sigma samples; beyond its ends nothing
// counts.
func smooth(v []float64, sigma float64) []float64 {
	reach := int(math.Ceil(3 * sigma))
	kernel := make([]float64, reach+1)
	for k := range kernel {
		kernel[k] = math.Exp(-float64(k*k) / (2 * sigma * sigma))
	}
	out := make([]float64, len(v))
	for i := range v {
		var sum, weight float64
		for j := max(i-reach, 0); j <= min(i+reach, len(v)-1); j++ {
			w := kernel[max(i-j, j-i)]
			sum += w * v[j]
			weight += w
		}
		out[i] = sum / weight
	}
	return out
}

// slope returns the central differences of v.
func slope(v []float64) []float64 {
	d := make([]float64, len(v))
	for i := range v {
		d[i] = (v[min(i+1, len(v)-1)] - v[max(i-1, 0)]) / 2
	}
	return d
}
