// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package phantom

import (
	"math"
	"runtime"
	"sync"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/volume"
)

// CT renders the spine as scan sees it. The same arguments give the same samples
// on any number of cores.
func (s *Spine) CT(scan Scan) *volume.Volume {
	v := volume.New(scan.Geometry())
	v.Acquisition = volume.Acquisition{
		SliceThickness:    scan.thickness(),
		KVP:               120,
		ConvolutionKernel: scan.Kernel.String(),
		PatientPosition:   scan.PatientPosition,
		BodyPart:          "SPINE",
		Manufacturer:      "PHANTOM",
	}
	if v.Acquisition.PatientPosition == "" {
		v.Acquisition.PatientPosition = "HFS"
	}
	if s.params.VesselHU > 100 {
		v.Acquisition.ContrastAgent = "IODINE"
	}
	tex := newTexture(s.params.Seed)
	// Chunks of slices are rendered apart; sub-slices at their borders twice.
	const chunk = 16
	next := make(chan int, v.Slices/chunk+1)
	for k := 0; k < v.Slices; k += chunk {
		next <- k
	}
	close(next)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			r := newRenderer(s, scan, v, tex)
			for k := range next {
				r.slices(k, min(k+chunk, v.Slices))
			}
		})
	}
	wg.Wait()
	return v
}

// subslice returns the distance of sub-slices for a slice thickness, mm, and the
// sigma across them that the surfaces carry: with 0.62 of the distance the sum
// over sub-slices shows less than 0.1 % of their grid.
func subslice(thickness float64) (step, sigma float64) {
	step = min(max(thickness/4, 0.2), 0.3)
	return step, 0.62 * step
}

// renderer renders slices of one volume on one goroutine.
type renderer struct {
	spine *Spine
	scan  Scan
	out   *volume.Volume
	tex   *texture

	normal      r3.Vec // unit, of the slices
	step, sigma float64
	layer       *layer
	slots       []*slot // of the slices in work
	base        []float32
	noise       *noise

	line, nextLine []float32 // of soft tissue
}

// slot accumulates the bone layer of one slice: its attenuation weighted by its
// coverage, and the coverage.
type slot struct {
	value, cover []float32
}

func newRenderer(s *Spine, scan Scan, v *volume.Volume, tex *texture) *renderer {
	r := &renderer{
		spine: s, scan: scan, out: v, tex: tex,
		normal: r3.Unit(r3.Cross(v.Column, v.Row)),
		base:   make([]float32, v.Columns*v.Rows),
		noise:  newNoise(scan, v.Columns, v.Rows),
	}
	n := (v.Columns-1)/coarse + 2
	r.line, r.nextLine = make([]float32, n), make([]float32, n)
	r.step, r.sigma = subslice(scan.thickness())
	r.layer = newLayer(s, v.Columns, v.Rows, tex)
	return r
}

// slices renders the slices k0 to k1-1.
func (r *renderer) slices(k0, k1 int) {
	half := r.scan.thickness() / 2
	pitch := r.scan.SliceSpacing
	first := int(math.Floor((float64(k0)*pitch - half) / r.step))
	last := int(math.Ceil((float64(k1-1)*pitch + half) / r.step))
	done := k0
	pending := map[int]*slot{}
	for j := first; j <= last; j++ {
		z := float64(j) * r.step
		low := max(int(math.Ceil((z-half-r.step/2)/pitch)), k0)
		high := min(int(math.Floor((z+half+r.step/2)/pitch)), k1-1)
		for ; done < low; done++ {
			r.finish(done, pending)
		}
		if low > high {
			continue
		}
		r.layer.render(r.plane(z / pitch))
		for k := low; k <= high; k++ {
			if w := r.weight(z - float64(k)*pitch); w > 0 {
				r.accumulate(r.slot(k, pending), float32(w))
			}
		}
	}
	for ; done < k1; done++ {
		r.finish(done, pending)
	}
}

// weight returns the part of a box profile that the sub-slice at distance d
// from the slice stands for.
func (r *renderer) weight(d float64) float64 {
	t := r.scan.thickness()
	overlap := min(d+r.step/2, t/2) - max(d-r.step/2, -t/2)
	return max(overlap, 0) / t
}

// plane returns the slice plane at the slice coordinate k.
func (r *renderer) plane(k float64) plane {
	return plane{
		origin: r.out.Position(0, 0, k),
		column: r.out.Column, row: r.out.Row, normal: r.normal,
		pixel:      r.scan.PixelSpacing,
		sigma:      r.scan.Kernel.Sigma,
		sigmaCross: r.sigma,
	}
}

func (r *renderer) slot(k int, pending map[int]*slot) *slot {
	if s := pending[k]; s != nil {
		return s
	}
	var s *slot
	if n := len(r.slots); n > 0 {
		s, r.slots = r.slots[n-1], r.slots[:n-1]
		clear(s.value)
		clear(s.cover)
	} else {
		n := r.out.Columns * r.out.Rows
		s = &slot{make([]float32, n), make([]float32, n)}
	}
	pending[k] = s
	return s
}

func (r *renderer) accumulate(s *slot, w float32) {
	l := r.layer
	for j := range l.rows {
		lo, hi := l.span[j].low+j*l.columns, l.span[j].high+j*l.columns
		if lo >= hi {
			continue
		}
		value, cover := s.value[lo:hi], s.cover[lo:hi]
		from, over := l.value[lo:hi], l.cover[lo:hi]
		for i := range value {
			value[i] += w * from[i]
			cover[i] += w * over[i]
		}
	}
}

// finish composes slice k of soft tissue, bone, couch and noise.
func (r *renderer) finish(k int, pending map[int]*slot) {
	n := r.out.Columns * r.out.Rows
	r.soft(k)
	if s := pending[k]; s != nil {
		for i := range r.base {
			r.base[i] += s.value[i] - s.cover[i]*r.base[i]
		}
		delete(pending, k)
		r.slots = append(r.slots, s)
	}
	r.streaks(k)
	if e := r.scan.Kernel.Enhancement; e > 0 {
		r.noise.enhance(r.base, e)
	}
	r.noise.add(r.base, r.scan.Seed, uint64(k))
	dst := r.out.Samples[k*n : (k+1)*n]
	for i, x := range r.base {
		dst[i] = stored(x)
	}
}

// coarse is the distance in pixels at which soft tissue far from the spine is
// evaluated; between, it is interpolated.
const coarse = 2

// soft paints what is not bone nor disc.
func (r *renderer) soft(k int) {
	p := r.plane(float64(k))
	couch := r.couch()
	above, below := r.line, r.nextLine
	r.softLine(above, &p, 0)
	for j := range r.out.Rows {
		if j%coarse == 0 && j > 0 {
			above, below = below, above
		}
		if j%coarse == 0 {
			r.softLine(below, &p, j+coarse)
		}
		f := float32(j%coarse) / coarse
		dst := r.base[j*r.out.Columns : (j+1)*r.out.Columns]
		for i := range dst {
			m, g := i/coarse, float32(i%coarse)/coarse
			a := above[m] + (above[m+1]-above[m])*g
			b := below[m] + (below[m+1]-below[m])*g
			dst[i] = a + (b-a)*f
		}
		r.softNear(dst, &p, j)
		if r.scan.Table {
			couch.paint(dst, r3.Add(p.origin, r3.Scale(float64(j), p.row)), p.column)
		}
	}
}

// softNear evaluates soft tissue on the pixels of row j near the spine.
func (r *renderer) softNear(dst []float32, p *plane, j int) {
	const reach = 50 // mm
	edge := r.edge()
	q := r3.Add(p.origin, r3.Scale(float64(j), p.row))
	st := r.spine.course.at(q.Z)
	along := r3.Scale(1/p.pixel, p.column)
	d := r3.Sub(r3.Vec{X: st.x, Y: st.y, Z: q.Z}, q)
	middle := r3.Dot(d, along)
	across := r3.Norm(r3.Sub(d, r3.Scale(middle, along)))
	if across >= reach {
		return
	}
	half := math.Sqrt(reach*reach - across*across)
	low := max(int(math.Ceil((middle-half)/p.pixel)), 0)
	high := min(int(math.Floor((middle+half)/p.pixel))+1, len(dst))
	for i := low; i < high; i++ {
		dst[i] = float32(r.spine.soft(r3.Add(q, r3.Scale(float64(i), p.column)), st, edge, r.tex))
	}
}

// edge returns the width of soft edges, mm.
func (r *renderer) edge() float64 {
	sigma, t := r.scan.Kernel.Sigma, r.scan.thickness()
	return 2.5 * math.Sqrt(sigma*sigma+t*t/24)
}

// softLine evaluates soft tissue along row j, at every coarse column and one
// beyond the last.
func (r *renderer) softLine(dst []float32, p *plane, j int) {
	edge := r.edge()
	q := r3.Add(p.origin, r3.Scale(float64(j), p.row))
	// Columns never climb along z: one station serves the row.
	st := r.spine.course.at(q.Z)
	for i := range dst {
		dst[i] = float32(r.spine.soft(q, st, edge, r.tex))
		q.X += coarse * p.column.X
		q.Y += coarse * p.column.Y
	}
}

// maxHU is the highest attenuation that 12 bits hold with the usual intercept.
const maxHU = 3071

// stored returns the sample that a scanner stores of an attenuation.
func stored(hu float32) int16 {
	switch {
	case hu <= volume.OutsideHU:
		return volume.OutsideHU
	case hu >= maxHU:
		return maxHU
	case hu < 0:
		return int16(float64(hu) - 0.5)
	}
	return int16(float64(hu) + 0.5)
}
