// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"image"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/volume"
)

// Window is a range of attenuation that is shown as black to white, HU, linear
// between: DICOM's LINEAR_EXACT (PS3.3 C.11.2.1.3.2).
type Window struct{ Center, Width float64 }

// The usual windows, after Radiopaedia, Windowing (CT), article 52108.
var (
	Bone       = Window{Center: 400, Width: 1800}
	SoftTissue = Window{Center: 50, Width: 400}
	// Spine shows bone and still tells disc from fat.
	Spine = Window{Center: 300, Width: 1000}
)

func (w Window) check() error {
	if !(w.Width > 0) || math.IsInf(w.Width, 0) || math.IsNaN(w.Center) || math.IsInf(w.Center, 0) {
		return fmt.Errorf("window of %g HU around %g HU: %w", w.Width, w.Center, ErrInvalid)
	}
	return nil
}

// Slabs, mm.
const (
	// maxThickness is that of the thickest slab: a whole trunk.
	maxThickness = 600.0
	// maxWork is the largest number of samples that a picture is made of, some two
	// seconds' worth.
	maxWork = 1 << 28
	// slabStep is how far apart samples across a slab may be, however fine the voxels.
	slabStep = 1.0
)

// Slab returns the offsets, mm across a picture, of which the mean is that of a
// slab of the given thickness in vol, mm. They are no further apart than the voxels, or
// than a millimetre.
func Slab(vol *volume.Volume, g *Geometry, thickness float64) ([]float64, error) {
	if !(thickness >= 0 && thickness <= maxThickness) {
		return nil, fmt.Errorf("slab of %g mm, want 0 to %g: %w", thickness, maxThickness, ErrInvalid)
	}
	if thickness == 0 {
		return []float64{0}, nil
	}
	ix := vol.Indexer()
	i0, j0, k0 := ix.Index(vol.Origin)
	i, j, k := ix.Index(r3.Add(vol.Origin, g.across()))
	perMM := math.Hypot(math.Hypot(i-i0, j-j0), k-k0)
	n := max(int(math.Ceil(thickness*min(perMM, 1/slabStep)-tolerance)), 1)
	if n == 1 {
		return []float64{0}, nil
	}
	half := thickness / 2 * float64(n-1) / float64(n)
	return floats.Span(make([]float64, n), -half, half), nil
}

// Grey returns the picture of vol, an even grid: the mean over the offsets across
// the picture, mm.
func Grey(vol *volume.Volume, g *Geometry, offsets []float64, w Window) (*image.Gray, error) {
	if err := w.check(); err != nil {
		return nil, err
	}
	picture := image.NewGray(image.Rect(0, 0, g.Columns, g.Rows))
	gain := float32(math.MaxUint8 / (w.Width * float64(len(offsets))))
	black := float32((w.Center - w.Width/2) * float64(len(offsets)))
	err := sums(vol, g, offsets, func(row int, sum []float32) {
		line := picture.Pix[row*picture.Stride:][:g.Columns]
		for i, hu := range sum {
			line[i] = uint8(min(max(float32((hu-black)*gain), 0), math.MaxUint8) + 0.5)
		}
	})
	if err != nil {
		return nil, err
	}
	return picture, nil
}

// attenuation returns what Grey shows of vol, HU, rows from the top.
func attenuation(vol *volume.Volume, g *Geometry, offsets []float64) ([]int16, error) {
	samples := make([]int16, g.Columns*g.Rows)
	share := 1 / float64(len(offsets))
	err := sums(vol, g, offsets, func(row int, sum []float32) {
		line := samples[row*g.Columns:][:g.Columns]
		for i, hu := range sum {
			line[i] = int16(math.Round(float64(hu) * share))
		}
	})
	if err != nil {
		return nil, err
	}
	return samples, nil
}

// sums tells f of each row what vol holds there, summed over the offsets, HU. What
// it tells is gone after.
func sums(vol *volume.Volume, g *Geometry, offsets []float64, f func(row int, sum []float32)) error {
	if work := float64(g.Columns) * float64(g.Rows) * float64(len(offsets)); work > maxWork {
		return fmt.Errorf("%.0f samples, at most %d: %w", work, maxWork, ErrTooLarge)
	}
	s := newSampler(vol)
	sum := make([]float32, g.Columns)
	for row := range g.Rows {
		clear(sum)
		for _, o := range offsets {
			s.add(sum, &g.lines[row], o, 0)
		}
		f(row, sum)
	}
	return nil
}

// sampler reads lines of a volume between its voxels. It reads as
// volume.Sampler does, and is fast for being given a line at a time.
type sampler struct {
	samples []int16
	ix      volume.Indexer
	size    [3]int
	stride  [3]int // of the samples, along each axis; 0 where it has one voxel
}

func newSampler(vol *volume.Volume) *sampler {
	s := &sampler{vol.Samples, vol.Indexer(), [3]int{vol.Columns, vol.Rows, vol.Slices}, [3]int{}}
	stride := 1
	for axis, size := range s.size {
		if size > 1 {
			s.stride[axis] = stride
		}
		stride *= size
	}
	return s
}

// add adds to sum what the volume holds along the pixels of a line from the given
// column on, shifted by so many mm across the picture; OutsideHU outside.
func (s *sampler) add(sum []float32, l *Line, across float64, column int) {
	start := r3.Add(l.Origin, r3.Add(r3.Scale(across, l.Across), r3.Scale(float64(column), l.Step)))
	var at, end, step [3]float64
	at[0], at[1], at[2] = s.ix.Index(start)
	end[0], end[1], end[2] = s.ix.Index(r3.Add(start, l.Step))
	// A pixel in from to to has a voxel centre on each side along each axis; one in
	// first to last lies in a voxel at least.
	first, last, from, to := 0, len(sum), 0, len(sum)
	for axis := range at {
		step[axis] = end[axis] - at[axis]
		most := float64(s.size[axis] - 1)
		first, last = crop(first, last, at[axis], step[axis], -0.5, most+0.5)
		if s.size[axis] == 1 {
			at[axis], step[axis] = 0, 0
			continue
		}
		from, to = crop(from, to, at[axis], step[axis], 0, most)
	}
	from = min(max(from, first), last)
	to = min(max(to, from), last)
	for n := range sum[:first] {
		sum[n] += volume.OutsideHU
	}
	for n := first; n < from; n++ {
		sum[n] += s.border(at, step, n)
	}
	s.interior(sum[:to], from, at, step)
	for n := to; n < last; n++ {
		sum[n] += s.border(at, step, n)
	}
	for n := last; n < len(sum); n++ {
		sum[n] += volume.OutsideHU
	}
}

// interior adds to sum, from a pixel on, what lies between eight voxels each.
func (s *sampler) interior(sum []float32, from int, at, step [3]float64) {
	di, dj, dk := s.stride[0], s.stride[1], s.stride[2]
	lastI, lastJ, lastK := max(s.size[0]-2, 0), max(s.size[1]-2, 0), max(s.size[2]-2, 0)
	for n := from; n < len(sum); n++ {
		t := float64(n)
		x, y, z := at[0]+float64(t*step[0]), at[1]+float64(t*step[1]), at[2]+float64(t*step[2])
		// Rounding may lead a hair before the first voxel, or onto the last.
		i, j, k := min(int(x), lastI), min(int(y), lastJ), min(int(z), lastK)
		fx, fy, fz := float32(x-float64(i)), float32(y-float64(j)), float32(z-float64(k))
		c := s.samples[k*dk+j*dj+i*di:]
		d := c[dk:]
		a := mix(mix(float32(c[0]), float32(c[di]), fx), mix(float32(c[dj]), float32(c[dj+di]), fx), fy)
		b := mix(mix(float32(d[0]), float32(d[di]), fx), mix(float32(d[dj]), float32(d[dj+di]), fx), fy)
		sum[n] += mix(a, b, fz)
	}
}

// border returns what lies at a pixel within half a voxel of the outermost voxel
// centres: as on them.
func (s *sampler) border(at, step [3]float64, n int) float32 {
	for axis := range at {
		x := at[axis] + float64(float64(n)*step[axis])
		at[axis] = min(max(x, 0), float64(s.size[axis]-1))
	}
	var one [1]float32
	s.interior(one[:], 0, at, [3]float64{})
	return one[0]
}

func mix(a, b, f float32) float32 { return a + float32((b-a)*f) }

// crop returns the pixels, from the first to before the last, of those given that
// lie between low and high along an axis, where pixel 0 lies at and each a step
// further.
func crop(first, last int, at, step, low, high float64) (int, int) {
	if !(math.Abs(step) > 1e-12) {
		if at >= low && at <= high {
			return first, last
		}
		return first, first
	}
	a, b := (low-at)/step, (high-at)/step
	if a > b {
		a, b = b, a
	}
	n := float64(last)
	first = max(first, int(math.Ceil(min(max(a, 0), n))))
	return first, max(min(last, int(min(max(math.Floor(b)+1, 0), n))), first)
}
