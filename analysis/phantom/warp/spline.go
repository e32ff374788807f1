// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package warp

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/volume"
)

// spline is a volume as a tensor product of cubic B-splines through its samples:
// Unser, Aldroubi and Eden, IEEE Trans Signal Process 1993;41:821. Beyond the
// outermost samples it is mirrored.
type spline struct {
	indexer    volume.Indexer
	c          []float32
	ni, nj, nk int
}

func newSpline(v *volume.Volume) *spline {
	s := &spline{indexer: v.Indexer(), c: make([]float32, len(v.Samples)), ni: v.Columns, nj: v.Rows, nk: v.Slices}
	for i, hu := range v.Samples {
		s.c[i] = float32(hu)
	}
	parallel(s.nk, func(k int) {
		plane := s.c[k*s.ni*s.nj : (k+1)*s.ni*s.nj]
		for j := range s.nj {
			prefilter(plane[j*s.ni:], 1, s.ni)
		}
		prefilterRows(plane, s.ni, s.nj)
	})
	// Through the slices row by row, so that memory is read in its order.
	parallel(s.nj, func(j int) {
		rows := make([]float32, s.ni*s.nk)
		for k := range s.nk {
			copy(rows[k*s.ni:], s.c[(k*s.nj+j)*s.ni:][:s.ni])
		}
		prefilterRows(rows, s.ni, s.nk)
		for k := range s.nk {
			copy(s.c[(k*s.nj+j)*s.ni:][:s.ni], rows[k*s.ni:])
		}
	})
	return s
}

// pole is that of the cubic B-spline's inverse filter.
var pole = math.Sqrt(3) - 2

// horizon is after how many samples the pole's response is below 1e-6.
const horizon = 11

// prefilter turns n samples at the given stride into coefficients, in place.
func prefilter(x []float32, stride, n int) {
	if n < 2 {
		return
	}
	z := float32(pole)
	at := func(i int) float32 { return x[mirror(i, n)*stride] }
	sum, power := float32(0), float32(1)
	for i := range horizon {
		sum += power * at(i)
		power *= z
	}
	x[0] = sum
	for i := 1; i < n; i++ {
		x[i*stride] += z * x[(i-1)*stride]
	}
	last := (n - 1) * stride
	x[last] = z / (z*z - 1) * (x[last] + z*x[last-stride])
	for i := n - 2; i >= 0; i-- {
		x[i*stride] = z * (x[(i+1)*stride] - x[i*stride])
	}
	for i := range n {
		x[i*stride] *= 6
	}
}

// prefilterRows filters each column of an image of ni columns and n rows.
func prefilterRows(img []float32, ni, n int) {
	if n < 2 {
		return
	}
	z := float32(pole)
	row := func(j int) []float32 { return img[j*ni : (j+1)*ni] }
	first := make([]float32, ni)
	power := float32(1)
	for j := range horizon {
		for i, x := range row(mirror(j, n)) {
			first[i] += power * x
		}
		power *= z
	}
	copy(row(0), first)
	for j := 1; j < n; j++ {
		above := row(j - 1)
		for i := range row(j) {
			img[j*ni+i] += z * above[i]
		}
	}
	last, before := row(n-1), row(n-2)
	for i := range last {
		last[i] = z / (z*z - 1) * (last[i] + z*before[i])
	}
	for j := n - 2; j >= 0; j-- {
		below := row(j + 1)
		for i := range below {
			img[j*ni+i] = z * (below[i] - img[j*ni+i])
		}
	}
	for i := range img {
		img[i] *= 6
	}
}

// mirror returns the index of [0, n) that i stands for.
func mirror(i, n int) int {
	if n == 1 {
		return 0
	}
	period := 2 * (n - 1)
	i = ((i % period) + period) % period
	return min(i, period-i)
}

// weights returns those of the four coefficients about a point that lies f of the
// way from the second to the third.
func weights(f float64) [4]float32 {
	g := 1 - f
	return [4]float32{
		float32(g * g * g / 6),
		float32(2.0/3 - f*f*(2-f)/2),
		float32(2.0/3 - g*g*(2-g)/2),
		float32(f * f * f / 6),
	}
}

// at returns the attenuation at p, HU. Beyond the first and last slice these go
// on; ok is false beyond the sides of the grid.
func (s *spline) at(p r3.Vec) (hu float32, ok bool) {
	x, y, z := s.indexer.Index(p)
	if !(x >= -0.5 && x <= float64(s.ni)-0.5 && y >= -0.5 && y <= float64(s.nj)-0.5) {
		return volume.OutsideHU, false
	}
	x, y = min(max(x, 0), float64(s.ni-1)), min(max(y, 0), float64(s.nj-1))
	z = min(max(z, 0), float64(s.nk-1))
	i, j, k := int(x), int(y), int(z)
	wx, wy, wz := weights(x-float64(i)), weights(y-float64(j)), weights(z-float64(k))
	if i < 1 || i > s.ni-3 || j < 1 || j > s.nj-3 || k < 1 || k > s.nk-3 {
		return s.mirrored(i, j, k, &wx, &wy, &wz), true
	}
	at := ((k-1)*s.nj+j-1)*s.ni + i - 1
	for c := range 4 {
		plane := float32(0)
		for b := range 4 {
			q := s.c[at+b*s.ni : at+b*s.ni+4 : at+b*s.ni+4]
			plane += wy[b] * (wx[0]*q[0] + wx[1]*q[1] + wx[2]*q[2] + wx[3]*q[3])
		}
		hu += wz[c] * plane
		at += s.ni * s.nj
	}
	return hu, true
}

// mirrored is the sum of at near the borders.
func (s *spline) mirrored(i, j, k int, wx, wy, wz *[4]float32) (hu float32) {
	for c := range 4 {
		kk := mirror(k-1+c, s.nk)
		for b := range 4 {
			row := s.c[(kk*s.nj+mirror(j-1+b, s.nj))*s.ni:]
			for a := range 4 {
				hu += wz[c] * wy[b] * wx[a] * row[mirror(i-1+a, s.ni)]
			}
		}
	}
	return hu
}
