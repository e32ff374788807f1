// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package warp_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/phantom/warp"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

var tilted = warp.Motion{Turn: r3.Vec{X: 3, Y: -2, Z: 4}, Center: r3.Vec{X: 5, Y: -180, Z: -600}, Shift: r3.Vec{X: 11.3, Y: -6.7, Z: 20.2}}

func TestMotion(t *testing.T) {
	forth, back := tilted.Map(), tilted.Inverse()
	if got, want := forth(tilted.Center), r3.Add(tilted.Center, tilted.Shift); r3.Norm(r3.Sub(got, want)) > 1e-9 {
		t.Errorf("centre goes to %v, want %v", got, want)
	}
	p, q := r3.Vec{X: 80, Y: -20, Z: -500}, r3.Vec{X: -3, Y: -190, Z: -712}
	if d := r3.Norm(r3.Sub(back(forth(p)), p)); d > 1e-9 {
		t.Errorf("forth and back leaves %g mm", d)
	}
	if d := r3.Norm(r3.Sub(forth(p), forth(q))) - r3.Norm(r3.Sub(p, q)); math.Abs(d) > 1e-9 {
		t.Errorf("a distance changes by %g mm", d)
	}
	quarter := warp.Motion{Turn: r3.Vec{Z: 90}}.Map()
	if got := quarter(r3.Vec{X: 1}); r3.Norm(r3.Sub(got, r3.Vec{Y: 1})) > 1e-12 {
		t.Errorf("a quarter turn about z takes x to %v, want y", got)
	}
}

// waves is a volume of smooth waves about 40 HU, with its function.
func waves(g volume.Geometry) (*volume.Volume, func(p r3.Vec) float64) {
	f := func(p r3.Vec) float64 {
		return 40 + 200*math.Sin(p.X/6)*math.Cos(p.Y/7)*math.Sin(p.Z/11+1)
	}
	v := volume.New(g)
	n := 0
	for k := range g.Slices {
		for j := range g.Rows {
			for i := range g.Columns {
				v.Samples[n] = int16(math.Round(f(g.Position(float64(i), float64(j), float64(k)))))
				n++
			}
		}
	}
	return v, f
}

func grid(columns, rows, slices int, pixel, distance float64) volume.Geometry {
	return volume.Geometry{
		Columns: columns, Rows: rows, Slices: slices, Origin: r3.Vec{X: -30, Y: -200, Z: -640},
		Column: r3.Vec{X: pixel}, Row: r3.Vec{Y: pixel}, Slice: r3.Vec{Z: distance},
	}
}

// A volume that is not moved stays as it is, sample by sample, at its borders too.
func TestRepositionNowhere(t *testing.T) {
	v, _ := waves(grid(40, 36, 20, 1.5, 2.5))
	got := warp.Reposition(v, warp.Motion{}, warp.Scan{Geometry: v.Geometry, Smooth: true})
	for i, x := range v.Samples {
		if got.Samples[i] != x {
			t.Fatalf("sample %d is %d, want %d", i, got.Samples[i], x)
		}
	}
}

// A smooth function is interpolated to the rounding of its samples.
func TestRepositionedFunction(t *testing.T) {
	v, f := waves(grid(60, 60, 40, 1.2, 2))
	scan := warp.Scan{Geometry: warp.GridOf(v.Geometry, tilted, nil, 1.5), Thickness: 2, Smooth: true}
	got := warp.Reposition(v, tilted, scan)
	back, from := tilted.Inverse(), v.Indexer()
	worst, n := 0.0, 0
	for k := range got.Slices {
		for j := range got.Rows {
			for i := range got.Columns {
				p := back(got.Position(float64(i), float64(j), float64(k)))
				x, y, z := from.Index(p)
				if min(x, y, z) < 3 || x > 56 || y > 56 || z > 36 {
					continue
				}
				n++
				worst = max(worst, math.Abs(f(p)-float64(got.Samples[(k*got.Rows+j)*got.Columns+i])))
			}
		}
	}
	if n < 50000 || worst > 3 {
		t.Errorf("off by %.2f HU at most in %d samples, want within 3", worst, n)
	}
}

// A thicker slice is the mean over its thickness: of a wave along z of wavelength
// 2π·a a box of width w leaves sin(w/2a)/(w/2a).
func TestThickerSlices(t *testing.T) {
	v := volume.New(grid(8, 8, 120, 2, 1))
	v.Acquisition.SliceThickness = 1
	const a = 4.0
	for k := range v.Slices {
		for i := range 64 {
			v.Samples[k*64+i] = int16(math.Round(1000 * math.Sin(float64(k)/a)))
		}
	}
	g := v.Geometry
	g.Slice, g.Slices = r3.Vec{Z: 5}, 24
	got := warp.Reposition(v, warp.Motion{}, warp.Scan{Geometry: g, Thickness: 5, Smooth: true})
	if got.Acquisition.SliceThickness != 5 {
		t.Errorf("thickness %g, want 5", got.Acquisition.SliceThickness)
	}
	w := math.Sqrt(5*5 - 1)
	for k := 2; k < 22; k++ {
		want := 1000 * math.Sin(5*float64(k)/a) * math.Sin(w/2/a) / (w / 2 / a)
		if x := float64(got.Samples[k*64+27]); math.Abs(x-want) > 12 {
			t.Errorf("slice %d: %.0f, want %.0f", k, x, want)
		}
	}
}

// noisy is soft tissue with white noise of the given standard deviation.
func noisy(g volume.Geometry, sd float64) *volume.Volume {
	v := volume.New(g)
	rng := rand.New(rand.NewPCG(5, 6))
	for i := range v.Samples {
		v.Samples[i] = int16(math.Round(40 + sd*rng.NormFloat64()))
	}
	return v
}

func deviation(v *volume.Volume) float64 {
	sum, squares := 0.0, 0.0
	for _, x := range v.Samples {
		sum += float64(x)
		squares += float64(x) * float64(x)
	}
	n := float64(len(v.Samples))
	return math.Sqrt(squares/n - sum/n*sum/n)
}

// Noise is as strong as before in slices as thick as before, and averaged in
// thicker ones; the seed names it.
func TestNoiseIsReplaced(t *testing.T) {
	v := noisy(grid(64, 64, 24, 1, 2), 20)
	v.Acquisition.SliceThickness = 2
	half := warp.Motion{Shift: r3.Vec{X: 0.5, Y: 0.5, Z: 1}}
	for _, tt := range []struct {
		thickness, want float64
	}{{2, 20}, {4, 20 / math.Sqrt2}} {
		scan := warp.Scan{Geometry: v.Geometry, Thickness: tt.thickness, Seed: 3}
		got := warp.Reposition(v, half, scan)
		if sd := deviation(got); math.Abs(sd-tt.want) > 0.12*tt.want {
			t.Errorf("%g mm: noise of %.1f HU, want %.1f", tt.thickness, sd, tt.want)
		}
		scan.Smooth = true
		if sd := deviation(warp.Reposition(v, half, scan)); sd > 0.8*tt.want {
			t.Errorf("%g mm: %.1f HU without it, want less", tt.thickness, sd)
		}
	}
	scan := warp.Scan{Geometry: v.Geometry, Seed: 3}
	one, again := warp.Reposition(v, half, scan), warp.Reposition(v, half, scan)
	scan.Seed = 4
	other := warp.Reposition(v, half, scan)
	same, differ := 0, 0
	for i := range one.Samples {
		if one.Samples[i] != again.Samples[i] {
			t.Fatal("the same seed gives other samples")
		}
		if one.Samples[i] == other.Samples[i] {
			same++
		} else {
			differ++
		}
	}
	if differ < 5*same {
		t.Errorf("another seed leaves %d of %d samples", same, same+differ)
	}
}

// A repositioned CT of a made spine is the CT of the spine made in that position.
func TestRepositionedPhantom(t *testing.T) {
	p := phantom.RandomParams(rand.New(rand.NewPCG(2, 0)), phantom.Options{})
	s := phantom.New(p)
	scan := s.Cover(spine.L1, spine.L1, 12, 60, 0.5, 0.5)
	scan.SliceThickness, scan.Kernel = 1.2, phantom.Soft // the grid holds what it shows
	v := s.CT(scan)
	m := warp.Motion{Shift: r3.Vec{X: 0.4, Y: -0.3, Z: 0.35}}
	got := warp.Reposition(v, m, warp.Scan{Geometry: v.Geometry, Smooth: true})
	p.Position = r3.Add(p.Position, m.Shift)
	want := phantom.New(p).CT(scan)
	// Bone alone: texture lies in space, and not in the patient.
	apart := func(a *volume.Volume) float64 {
		sum, n := 0.0, 0
		for i, x := range want.Samples {
			c, r, k := i%v.Columns, i/v.Columns%v.Rows, i/(v.Columns*v.Rows)
			if x > 250 && min(c, r, k) > 3 && c < v.Columns-4 && r < v.Rows-4 && k < v.Slices-4 {
				d := float64(x - a.Samples[i])
				sum += d * d
				n++
			}
		}
		return math.Sqrt(sum / float64(n))
	}
	moved, unmoved := apart(got), apart(v)
	if moved > 6 || unmoved < 40 {
		t.Errorf("differs by %.0f HU in bone, and by %.0f unmoved", moved, unmoved)
	}
}
