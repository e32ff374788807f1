// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package localization

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/volume"
)

// Outside marks samples of a Straight beyond the volume.
const Outside = math.MinInt16

// Window is the part of each cross-section that Straighten samples, mm from the
// canal's centre.
type Window struct {
	Posterior, Anterior float64 // both positive
	Lateral             float64 // to each side
}

// Straight is a volume resampled along the canal, so that the spine is
// straight: sample (s, a, l) lies in the cross-section of Canal[s].
type Straight struct {
	Canal []CanalPoint
	Step  float64 // mm between samples in a cross-section

	// A and L say how many samples there are along the anterior axis and to the
	// left; sample A0 (L0) lies in the canal's centre.
	A, A0 int
	L, L0 int

	// Samples holds HU, or Outside; index (s*A+a)*L+l.
	Samples []int16
}

// Straighten resamples v, a canonical volume, in the cross-sections of canal:
// trilinear, at distances of step mm.
func Straighten(v *volume.Volume, canal []CanalPoint, step float64, w Window) *Straight {
	back, side := int(w.Posterior/step), int(w.Lateral/step)
	r := &Straight{
		Canal: canal, Step: step,
		A: back + int(w.Anterior/step) + 1, A0: back,
		L: 2*side + 1, L0: side,
	}
	r.Samples = make([]int16, len(canal)*r.A*r.L)
	ix := v.Indexer()
	each(len(canal), func(s int) {
		f := canal[s].frame()
		from, to := f.Point(0, 0, -float64(side)*step), f.Point(0, 0, float64(side)*step)
		for a := range r.A {
			shift := r3.Scale(float64(a-back)*step, f.Anterior)
			sampleLine(r.Samples[(s*r.A+a)*r.L:][:r.L], v, ix, r3.Add(from, shift), r3.Add(to, shift))
		}
	})
	return r
}

// sampleLine fills dst with samples of v at even distances between two points.
func sampleLine(dst []int16, v *volume.Volume, ix volume.Indexer, from, to r3.Vec) {
	x, y, z := ix.Index(from)
	x1, y1, z1 := ix.Index(to)
	n := float64(max(len(dst)-1, 1))
	dx, dy, dz := (x1-x)/n, (y1-y)/n, (z1-z)/n
	for m := range dst {
		t := float64(m)
		dst[m] = sampleAt(v, x+t*dx, y+t*dy, z+t*dz)
	}
}

// sampleAt interpolates v at voxel coordinates, and returns Outside where they
// are not between voxel centres.
func sampleAt(v *volume.Volume, x, y, z float64) int16 {
	if !(x >= 0 && y >= 0 && z >= 0 && x <= float64(v.Columns-1) && y <= float64(v.Rows-1) && z <= float64(v.Slices-1)) {
		return Outside
	}
	i, j, k := min(int(x), max(v.Columns-2, 0)), min(int(y), max(v.Rows-2, 0)), min(int(z), max(v.Slices-2, 0))
	fx, fy, fz := float32(x-float64(i)), float32(y-float64(j)), float32(z-float64(k))
	di, dj, dk := min(1, v.Columns-1), min(1, v.Rows-1)*v.Columns, min(1, v.Slices-1)*v.Columns*v.Rows
	c := v.Samples[(k*v.Rows+j)*v.Columns+i:]
	d := c[dk:]
	a := mix(mix(float32(c[0]), float32(c[di]), fx), mix(float32(c[dj]), float32(c[dj+di]), fx), fy)
	b := mix(mix(float32(d[0]), float32(d[di]), fx), mix(float32(d[dj]), float32(d[dj+di]), fx), fy)
	return int16(math.RoundToEven(float64(mix(a, b, fz))))
}

func mix(a, b, f float32) float32 { return a + float32((b-a)*f) }

func (p CanalPoint) frame() volume.Frame {
	return volume.Frame{Origin: p.Position, Superior: p.Superior, Anterior: p.Anterior, Left: r3.Cross(p.Superior, p.Anterior)}
}

// At returns the sample of cross-section s at a mm anterior and l mm left of
// the canal's centre, rounded to the nearest; Outside beyond the window.
func (r *Straight) At(s int, a, l float64) int16 {
	i, j := int(math.Round(a/r.Step))+r.A0, int(math.Round(l/r.Step))+r.L0
	if s < 0 || s >= len(r.Canal) || i < 0 || i >= r.A || j < 0 || j >= r.L {
		return Outside
	}
	return r.Samples[(s*r.A+i)*r.L+j]
}

// Position returns where (s, a, l) lies: s counts cross-sections from the
// superior end and is interpolated, a and l are mm.
func (r *Straight) Position(s, a, l float64) r3.Vec {
	return frameAt(r.Canal, s).Point(0, a, l)
}

// frameAt interpolates the frame of canal at index s, which it clamps.
func frameAt(canal []CanalPoint, s float64) volume.Frame {
	s = min(max(s, 0), float64(len(canal)-1))
	i := min(int(s), max(len(canal)-2, 0))
	f := s - float64(i)
	p, q := canal[i], canal[min(i+1, len(canal)-1)]
	lerp := func(a, b r3.Vec) r3.Vec { return r3.Add(a, r3.Scale(f, r3.Sub(b, a))) }
	return volume.NewFrame(lerp(p.Position, q.Position), lerp(p.Superior, q.Superior), lerp(p.Anterior, q.Anterior))
}

// Coordinates is the inverse of Position for points near the spine: of the
// cross-sections that hold p, the one where the canal is nearest. Beyond the
// canal's ends s is that of the end.
func (r *Straight) Coordinates(p r3.Vec) (s, a, l float64) {
	best := math.Inf(1)
	for n := range r.Canal {
		f := r.Canal[n].frame()
		h, fa, fl := f.Coordinates(p)
		end := n == 0 || n == len(r.Canal)-1
		if d := r3.Norm2(r3.Sub(p, f.Origin)); (math.Abs(h) <= canalStep || end) && d < best {
			best, s, a, l = d, min(max(float64(n)-h, 0), float64(len(r.Canal)-1)), fa, fl
		}
	}
	return s, a, l
}
