// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package volume

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/spatial/r3"
)

// shearTolerance is the displacement, in voxels over the whole stack, up to
// which a grid counts as right-angled. A tenth of a voxel is below what any
// stage resolves.
const shearTolerance = 0.1

// Canonical returns v on an even, right-angled grid whose columns run to the
// patient's left, rows to posterior and slices to superior, as nearly as the
// grid's own axes allow: an oblique acquisition stays oblique. It returns v
// itself if it is so already. A tilted or uneven stack is resampled: cubic
// within a slice, linear between slices.
func (v *Volume) Canonical() *Volume {
	return v.rightAngled().reoriented()
}

// reoriented permutes and flips the axes of a right-angled volume.
func (v *Volume) reoriented() *Volume {
	axes, flip := v.Geometry.Orientation()
	if axes == [3]int{0, 1, 2} && flip == [3]bool{} {
		return v
	}
	steps := [3]r3.Vec{v.Column, v.Row, v.Slice}
	size := [3]int{v.Columns, v.Rows, v.Slices}
	stride := [3]int{1, v.Columns, v.Columns * v.Rows}
	g := v.Geometry
	out := [3]r3.Vec{}
	start := 0
	for d, axis := range axes {
		out[d] = steps[axis]
		if flip[d] {
			g.Origin = r3.Add(g.Origin, r3.Scale(float64(size[axis]-1), steps[axis]))
			out[d] = r3.Scale(-1, steps[axis])
			start += (size[axis] - 1) * stride[axis]
		}
	}
	g.Column, g.Row, g.Slice = out[0], out[1], out[2]
	g.Columns, g.Rows, g.Slices = size[axes[0]], size[axes[1]], size[axes[2]]
	step := [3]int{}
	for d, axis := range axes {
		step[d] = stride[axis]
		if flip[d] {
			step[d] = -step[d]
		}
	}
	w := &Volume{Geometry: g, Samples: make([]int16, len(v.Samples)), Acquisition: v.Acquisition}
	n := 0
	for k := range g.Slices {
		for j := range g.Rows {
			at := start + k*step[2] + j*step[1]
			for range g.Columns {
				w.Samples[n] = v.Samples[at]
				n++
				at += step[0]
			}
		}
	}
	return w
}

// Orientation returns which grid axis (0 column, 1 row, 2 slice) runs nearest
// to each of x, y and z, and whether against it.
func (g Geometry) Orientation() (axes [3]int, flip [3]bool) {
	steps := [3][3]float64{}
	for n, s := range [3]r3.Vec{g.Column, g.Row, g.Slice} {
		u := r3.Unit(s)
		steps[n] = [3]float64{u.X, u.Y, u.Z}
	}
	best := math.Inf(-1)
	for _, p := range [][3]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		sum := 0.0
		for d, axis := range p {
			sum += math.Abs(steps[axis][d])
		}
		if sum > best+1e-9 {
			best, axes = sum, p
		}
	}
	for d, axis := range axes {
		flip[d] = steps[axis][d] < 0
	}
	return axes, flip
}

// shear returns by how many columns and rows the grid slides from one slice
// step to the next, and the step that a right-angled grid would have.
func (g Geometry) shear() (columns, rows float64, normal r3.Vec) {
	n := r3.Unit(r3.Cross(g.Column, g.Row))
	normal = r3.Scale(r3.Dot(g.Slice, n), n)
	inPlane := r3.Sub(g.Slice, normal)
	return r3.Dot(inPlane, g.Column) / r3.Norm2(g.Column), r3.Dot(inPlane, g.Row) / r3.Norm2(g.Row), normal
}

// rightAngled returns v on an even right-angled grid that holds all of it.
func (v *Volume) rightAngled() *Volume {
	du, dv, normal := v.shear()
	offsets := v.SliceOffsets
	length := float64(max(v.Slices-1, 0))
	if len(offsets) > 0 {
		length = offsets[len(offsets)-1]
	}
	sheared := max(math.Abs(du), math.Abs(dv))*length > shearTolerance
	if !sheared && offsets == nil {
		return v
	}
	if offsets == nil {
		offsets = make([]float64, v.Slices)
		floats.Span(offsets, 0, length)
	}
	step := medianStep(offsets)
	g := v.Geometry
	g.SliceOffsets = nil
	g.Slice = r3.Scale(step, normal)
	g.Slices = int(math.Floor(length/step+1e-6)) + 1
	// The new grid starts where the leftmost and uppermost slice starts.
	minU, minV := math.Floor(min(0, du*length)), math.Floor(min(0, dv*length))
	g.Origin = r3.Add(g.Origin, r3.Add(r3.Scale(minU, g.Column), r3.Scale(minV, g.Row)))
	g.Columns += int(math.Ceil(math.Abs(du * length)))
	g.Rows += int(math.Ceil(math.Abs(dv * length)))

	w := New(g)
	w.Acquisition = v.Acquisition
	size := g.Columns * g.Rows
	lower, upper := make([]float32, size), make([]float32, size)
	have := [2]int{-1, -1}
	for k := range g.Slices {
		at := float64(k) * step
		i := max(slices.IndexFunc(offsets, func(o float64) bool { return o > at+1e-9 })-1, 0)
		if at >= offsets[len(offsets)-1]-1e-9 {
			i = len(offsets) - 1
		}
		j := min(i+1, len(offsets)-1)
		if have[1] == i {
			lower, upper = upper, lower
			have = [2]int{i, -1}
		}
		if have[0] != i {
			v.shifted(lower, g, i, offsets[i]*du-minU, offsets[i]*dv-minV)
			have[0] = i
		}
		if have[1] != j {
			v.shifted(upper, g, j, offsets[j]*du-minU, offsets[j]*dv-minV)
			have[1] = j
		}
		f := float32(0)
		if j > i {
			f = float32((at - offsets[i]) / (offsets[j] - offsets[i]))
		}
		blend(w.Samples[k*size:(k+1)*size], lower, upper, f)
	}
	return w
}

func medianStep(offsets []float64) float64 {
	if len(offsets) < 2 {
		return 1
	}
	steps := make([]float64, len(offsets)-1)
	for i := range steps {
		steps[i] = offsets[i+1] - offsets[i]
	}
	slices.Sort(steps)
	return steps[len(steps)/2]
}

func blend(dst []int16, lower, upper []float32, f float32) {
	for n := range dst {
		x := lower[n] + (upper[n]-lower[n])*f
		dst[n] = int16(min(max(math.Round(float64(x)), math.MinInt16), math.MaxInt16))
	}
}

// shifted writes slice k of v into the in-plane grid of g, moved by u columns
// and w rows, by Catmull-Rom interpolation; OutsideHU outside the slice.
func (v *Volume) shifted(dst []float32, g Geometry, k int, u, w float64) {
	src := v.Samples[k*v.Columns*v.Rows : (k+1)*v.Columns*v.Rows]
	iu, iw := int(math.Floor(u)), int(math.Floor(w))
	cu, cw := catmullRom(1-(u-float64(iu))), catmullRom(1-(w-float64(iw)))
	if u == float64(iu) {
		cu, iu = [4]float32{0, 1, 0, 0}, iu-1
	}
	if w == float64(iw) {
		cw, iw = [4]float32{0, 1, 0, 0}, iw-1
	}
	for n := range dst {
		dst[n] = OutsideHU
	}
	// Output column c reads source columns c-iu-2 … c-iu+1.
	rows := make([][]int16, 4)
	for r := range g.Rows {
		y := r - iw - 1
		if y < 0 || y > v.Rows-1 {
			continue
		}
		for t := range rows {
			yy := min(max(y-1+t, 0), v.Rows-1)
			rows[t] = src[yy*v.Columns : (yy+1)*v.Columns]
		}
		for c := range g.Columns {
			x := c - iu - 1
			if x < 0 || x > v.Columns-1 {
				continue
			}
			sum := float32(0)
			for t, row := range rows {
				if cw[t] == 0 {
					continue
				}
				line := float32(0)
				for q, weight := range cu {
					line += weight * float32(row[min(max(x-1+q, 0), v.Columns-1)])
				}
				sum += cw[t] * line
			}
			dst[r*g.Columns+c] = sum
		}
	}
}

// catmullRom returns the weights of four equidistant samples for a point f of
// the way from the second to the third.
func catmullRom(f float64) [4]float32 {
	return [4]float32{
		float32(f * (-0.5 + f*(1-0.5*f))),
		float32(1 + f*f*(-2.5+1.5*f)),
		float32(f * (0.5 + f*(2-1.5*f))),
		float32(f * f * (-0.5 + 0.5*f)),
	}
}
