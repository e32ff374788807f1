// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package warp

import (
	"math"
	"runtime"
	"sync"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/volume"
)

// Scan is how a moved or changed patient is seen.
type Scan struct {
	volume.Geometry // even

	// Thickness is the width of the slice profile, mm: not below that of the source,
	// whose slices it averages. 0 is that of the source, or the distance of slices
	// where this is greater.
	Thickness float64
	// Blur is the sigma, mm, of a Gaussian by which the image is smoothed in its
	// slices: a softer kernel.
	Blur float64
	// Smooth leaves out the noise that stands for what interpolation smoothed.
	Smooth bool
	Seed   uint64 // of that noise
}

// Map replaces points of an image to be made by the points of the source that they
// show. The points of a line follow closely upon one another. It is called from
// several goroutines at once.
type Map func(line []r3.Vec)

// of returns the map of a single point.
func (m Map) of(p r3.Vec) r3.Vec {
	line := [1]r3.Vec{p}
	m(line[:])
	return line[0]
}

// Then returns the map that goes on from the points of m with next.
func (m Map) Then(next Map) Map {
	return func(line []r3.Vec) {
		m(line)
		next(line)
	}
}

// Reposition returns v with the patient moved by m, as scan sees it. Attenuation is
// interpolated by cubic B-splines. Beyond the first and last slice of v these go
// on; beyond its sides is air.
func Reposition(v *volume.Volume, m Motion, scan Scan) *volume.Volume {
	return Resample(v, m.Back(), scan)
}

// GridOf returns a grid for what back takes from g: that of g, moved by whole voxels
// to where m takes its centre, with slices at the given distance, mm, as many as
// show nothing from beyond the ends of g in the middle half of columns and rows. A
// distance of 0 is that of g, no back that of m.
func GridOf(g volume.Geometry, m Motion, back Map, distance float64) volume.Geometry {
	if back == nil {
		back = m.Back()
	}
	source := even(g)
	out := source
	column, row, slice := source.Spacing()
	if distance > 0 && distance != slice {
		out.Slice = r3.Scale(distance/slice, source.Slice)
		out.Slices = max(int(math.Floor(float64(source.Slices-1)*slice/distance+1e-9))+1, 1)
	}
	center := source.Position(float64(g.Columns-1)/2, float64(g.Rows-1)/2, float64(source.Slices-1)/2)
	d := r3.Sub(m.Map()(center), center)
	whole := func(axis r3.Vec, step float64) r3.Vec {
		u := r3.Unit(axis)
		return r3.Scale(step*math.Round(r3.Dot(d, u)/step), u)
	}
	out.Origin = r3.Add(out.Origin, r3.Add(whole(source.Column, column), r3.Add(whole(source.Row, row), whole(source.Slice, slice))))
	return trimmed(out, source, back)
}

// even returns g with its slices at their mean distance.
func even(g volume.Geometry) volume.Geometry {
	if n := len(g.SliceOffsets); n > 1 {
		g.Slice = r3.Scale(g.SliceOffsets[n-1]/float64(n-1), g.Slice)
	}
	g.SliceOffsets = nil
	return g
}

// trimmed returns g without the slices at its ends, and with more of them, so that
// their middle halves show what source shows and all of it.
func trimmed(g, source volume.Geometry, back Map) volume.Geometry {
	indexer := source.Indexer()
	shows := func(k int) bool {
		for _, x := range []float64{0.25, 0.5, 0.75} {
			for _, y := range []float64{0.25, 0.5, 0.75} {
				p := g.Position(x*float64(g.Columns-1), y*float64(g.Rows-1), float64(k))
				if _, _, z := indexer.Index(back.of(p)); z < -0.5 || z > float64(source.Slices)-0.5 {
					return false
				}
			}
		}
		return true
	}
	middle := g.Slices / 2
	first, last := middle, middle
	for shows(first - 1) {
		first--
	}
	for shows(last + 1) {
		last++
	}
	g.Origin = g.Position(0, 0, float64(first))
	g.Slices = last - first + 1
	return g
}

// Resample returns v as scan sees it through back.
func Resample(v *volume.Volume, back Map, scan Scan) *volume.Volume {
	if v.SliceOffsets != nil {
		v = v.Canonical()
	}
	r := newResampler(v, back, scan)
	out := volume.New(scan.Geometry)
	out.Acquisition = v.Acquisition
	out.Acquisition.SliceThickness = r.thickness
	n := out.Columns * out.Rows
	parallel(out.Slices, func(k int) {
		img := make([]float32, n)
		r.slice(img, k)
		if scan.Blur > 0 {
			blur(img, out.Columns, scan.Blur/r3.Norm(out.Column), scan.Blur/r3.Norm(out.Row))
		}
		if !scan.Smooth {
			r.noise.replace(img, out.Columns, r.sourceSlice(k), uint64(k))
		}
		store(out.Samples[k*n:(k+1)*n], img)
	})
	return out
}

// store rounds img. Samples beyond the range of CT are cut off.
func store(dst []int16, img []float32) {
	const most = math.MaxInt16
	for i, x := range img {
		dst[i] = int16(math.Round(float64(min(max(x, volume.OutsideHU), most))))
	}
}

// parallel calls f for each of [0, n), on all cores.
func parallel(n int, f func(i int)) {
	var wg sync.WaitGroup
	next := make(chan int, n)
	for i := range n {
		next <- i
	}
	close(next)
	for range min(runtime.GOMAXPROCS(0), n) {
		wg.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	wg.Wait()
}

// resampler samples a source through a map.
type resampler struct {
	source    *spline
	back      Map
	scan      Scan
	thickness float64
	profile   []r3.Vec // offsets from a slice at which the source is averaged
	noise     *grain
}

func newResampler(v *volume.Volume, back Map, scan Scan) *resampler {
	r := &resampler{source: newSpline(v), back: back, scan: scan}
	normal := r3.Unit(r3.Cross(scan.Column, scan.Row))
	own := thicknessOf(v)
	r.thickness = scan.Thickness
	if r.thickness <= 0 {
		r.thickness = max(own, math.Abs(r3.Dot(normal, scan.Slice)))
	}
	r.thickness = max(r.thickness, own)
	r.profile = profileOf(normal, own, r.thickness, r3.Norm(v.Slice))
	if !scan.Smooth {
		// Averaging slices averages their noise.
		r.noise = newGrain(v, math.Sqrt(own/r.thickness), scan.Seed)
	}
	return r
}

func thicknessOf(v *volume.Volume) float64 {
	if t := v.Acquisition.SliceThickness; t > 0 {
		return t
	}
	return math.Abs(r3.Dot(v.Slice, r3.Unit(r3.Cross(v.Column, v.Row))))
}

// profileOf returns where along normal slices of thickness own are averaged to one
// of thickness wanted: over a box, with the variance by which the two profiles
// differ. step is the distance of the slices. All in mm.
func profileOf(normal r3.Vec, own, wanted, step float64) []r3.Vec {
	width := math.Sqrt(wanted*wanted - own*own)
	n := 1
	if width > 0.01*own {
		n = max(int(math.Ceil(2*width/step)), 2)
	}
	offsets := make([]r3.Vec, n)
	for i := range offsets {
		offsets[i] = r3.Scale(width*((float64(i)+0.5)/float64(n)-0.5), normal)
	}
	return offsets
}

// slice samples slice k.
func (r *resampler) slice(img []float32, k int) {
	g := &r.scan
	line := make([]r3.Vec, g.Columns)
	air := make([]bool, g.Columns)
	part := 1 / float32(len(r.profile))
	for j := range g.Rows {
		row := img[j*g.Columns : (j+1)*g.Columns]
		clear(air)
		for _, o := range r.profile {
			p := r3.Add(g.Position(0, float64(j), float64(k)), o)
			for i := range line {
				line[i] = r3.Add(p, r3.Scale(float64(i), g.Column))
			}
			r.back(line)
			for i, q := range line {
				hu, ok := r.source.at(q)
				row[i] += part * hu
				air[i] = air[i] || !ok
			}
		}
		for i, out := range air {
			if out {
				row[i] = volume.OutsideHU
			}
		}
	}
}

// sourceSlice returns which slice of the source slice k shows in its middle.
func (r *resampler) sourceSlice(k int) int {
	p := r.scan.Position(float64(r.scan.Columns-1)/2, float64(r.scan.Rows-1)/2, float64(k))
	_, _, z := r.source.indexer.Index(r.back.of(p))
	return min(max(int(math.Round(z)), 0), r.source.nk-1)
}
