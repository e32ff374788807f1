// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package warp_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/phantom/warp"
	"github.com/endplate/endplate/analysis/volume"
)

// made is a body 24 mm high in front and 26 at the back, obliquely in space.
func made() (warp.Body, volume.Frame) {
	f := volume.NewFrame(r3.Vec{X: 4, Y: -150, Z: -420}, r3.Vec{X: 0.05, Y: -0.3, Z: 1}, r3.Vec{X: 0.03, Y: -1})
	return warp.Body{
		Superior: [3]r3.Vec{f.Point(12, 14, 0), f.Point(10.8, 0.3, 0), f.Point(13, -14.5, 0)},
		Inferior: [3]r3.Vec{f.Point(-12, 14.5, 0), f.Point(-10.2, -0.2, 0), f.Point(-13, -14, 0)},
		Left:     f.Left, Width: 42, DiscAbove: 5, DiscBelow: 6,
	}, f
}

// percent returns the losses, mm, of b's heights that are so many percent.
func percent(b warp.Body, anterior, middle, posterior float64) (loss [3]float64) {
	h := b.Heights()
	for i, p := range [3]float64{anterior, middle, posterior} {
		loss[i] = p / 100 * h[i]
	}
	return loss
}

// deformations are a nothing, fractures of all shapes, and one that gains height.
var deformations = [][3]float64{{0, 0, 0}, {40, 25, 5}, {10, 40, 8}, {45, 45, 42}, {55, 35, 10}, {-8, -6, 0}, {0, 12, 0}}

func each(t *testing.T, test func(t *testing.T, b warp.Body, f volume.Frame, d *warp.Deformation, loss [3]float64)) {
	for _, p := range deformations {
		for _, share := range []float64{0.4, 1} {
			t.Run(fmt.Sprintf("%v share %g", p, share), func(t *testing.T) {
				b, f := made()
				loss := percent(b, p[0], p[1], p[2])
				d, err := warp.New(b, warp.Change{Loss: loss, SuperiorShare: share, Bulge: 1.5, Retropulsion: 2})
				if err != nil {
					t.Fatal(err)
				}
				test(t, b, f, d, loss)
			})
		}
	}
}

// The six points, mapped, give the heights that were asked for.
func TestHeightsAreAsAsked(t *testing.T) {
	each(t, func(t *testing.T, b warp.Body, _ volume.Frame, d *warp.Deformation, loss [3]float64) {
		after := b
		for i := range 3 {
			after.Superior[i], after.Inferior[i] = d.Forward(b.Superior[i]), d.Forward(b.Inferior[i])
		}
		was, is := b.Heights(), after.Heights()
		for i := range 3 {
			if got := was[i] - is[i]; math.Abs(got-loss[i]) > 1e-6 {
				t.Errorf("height %d loses %.6f mm, want %.6f", i, got, loss[i])
			}
		}
		for i := range 3 {
			if i != 1 && after.Inferior[i] != b.Inferior[i] {
				t.Errorf("inferior corner %d moves", i)
			}
		}
	})
}

// What lies below stays bit for bit; what lies above moves rigidly: distances stay.
func TestRigidAboveAndBelow(t *testing.T) {
	each(t, func(t *testing.T, _ warp.Body, f volume.Frame, d *warp.Deformation, _ [3]float64) {
		rng := rand.New(rand.NewPCG(1, 2))
		column := func(low, high float64) r3.Vec {
			return f.Point(low+(high-low)*rng.Float64(), -20+40*rng.Float64(), -22+44*rng.Float64())
		}
		for range 500 {
			if p := column(-90, -22); r3.Norm(r3.Sub(d.Forward(p), p)) > 1e-12 || d.Inverse(p) != p {
				// A frame's coordinates and back round the last bits.
				t.Fatalf("%v below moves to %v", p, d.Forward(p))
			}
			p, q := column(22, 90), column(22, 90)
			was, is := r3.Norm(r3.Sub(p, q)), r3.Norm(r3.Sub(d.Forward(p), d.Forward(q)))
			if math.Abs(was-is) > 1e-9 {
				t.Fatalf("a distance above changes from %.9f to %.9f mm", was, is)
			}
		}
	})
}

// Everywhere the inverse takes back what the map did, volumes stay positive, and map
// and slopes are continuous.
func TestInvertibleAndSmooth(t *testing.T) {
	each(t, func(t *testing.T, _ warp.Body, f volume.Frame, d *warp.Deformation, _ [3]float64) {
		rng := rand.New(rand.NewPCG(3, 4))
		worst, least := 0.0, math.Inf(1)
		for n := range 20000 {
			reach := []float64{22, 60, 300}[n%3]
			p := f.Point(reach*(2*rng.Float64()-1), reach*(2*rng.Float64()-1), reach*(2*rng.Float64()-1))
			worst = max(worst, r3.Norm(r3.Sub(d.Inverse(d.Forward(p)), p)))
			least = min(least, d.Volume(p))
		}
		if worst > 1e-4 {
			t.Errorf("there and back leaves %.2g mm", worst)
		}
		if least <= 0 {
			t.Errorf("a volume shrinks to %.3f", least)
		}
		t.Logf("least volume %.3f, there and back %.2g mm", least, worst)
		const h = 0.02 // mm
		for range 2000 {
			p := f.Point(60*(2*rng.Float64()-1), 60*(2*rng.Float64()-1), 60*(2*rng.Float64()-1))
			for _, axis := range []r3.Vec{f.Superior, f.Anterior, f.Left} {
				at := func(x float64) r3.Vec { return d.Forward(r3.Add(p, r3.Scale(x, axis))) }
				bend := r3.Norm(r3.Add(r3.Sub(at(h), r3.Scale(2, at(0))), at(-h))) / h
				// A kink of slope would show as its height, at any h.
				if bend > 0.15 {
					t.Fatalf("slope jumps by %.3f at %v", bend, p)
				}
			}
		}
	})
}

// The map of lines is the inverse of points.
func TestLinesAreInverted(t *testing.T) {
	b, f := made()
	d, err := warp.New(b, warp.Change{Loss: percent(b, 40, 25, 5), SuperiorShare: 0.75})
	if err != nil {
		t.Fatal(err)
	}
	line := make([]r3.Vec, 200)
	for i := range line {
		line[i] = f.Point(-30+0.3*float64(i), -60+0.6*float64(i), 3)
	}
	got := append([]r3.Vec(nil), line...)
	d.Map()(got)
	for i, q := range got {
		if r3.Norm(r3.Sub(d.Forward(q), line[i])) > 1e-5 {
			t.Errorf("point %d: %v goes to %v, want %v", i, q, d.Forward(q), line[i])
		}
	}
}

// A wedge bends what is above forward by the angle that its corners lose; equal
// losses only lower it.
func TestBend(t *testing.T) {
	b, f := made()
	d, err := warp.New(b, warp.Change{Loss: [3]float64{9, 5, 0}, SuperiorShare: 1})
	if err != nil {
		t.Fatal(err)
	}
	// Its anterior corner turns about the posterior one, 28.5 mm behind.
	if want := 180 / math.Pi * math.Asin(9/28.5); math.Abs(d.Turn()-want) > 1 {
		t.Errorf("bends by %.2f°, want about %.2f", d.Turn(), want)
	}
	p, q := f.Point(80, 0, 0), f.Point(100, 0, 0)
	axis := r3.Unit(r3.Sub(d.Forward(q), d.Forward(p)))
	if got := 180 / math.Pi * math.Acos(r3.Dot(axis, f.Superior)); math.Abs(got-d.Turn()) > 1e-6 {
		t.Errorf("an axis above leans by %.4f°, want %.4f", got, d.Turn())
	}
	h := b.Heights()
	d, err = warp.New(b, warp.Change{Loss: [3]float64{0.3 * h[0], 0.3 * h[1], 0.3 * h[2]}, SuperiorShare: 0.5})
	if err != nil {
		t.Fatal(err)
	}
	if got := r3.Norm(r3.Sub(d.Forward(p), p)); math.Abs(got-0.3*25) > 0.5 || math.Abs(d.Turn()) > 2 {
		t.Errorf("equal losses lower what is above by %.2f mm and turn it by %.2f°", got, d.Turn())
	}
}

func TestImpossibleChanges(t *testing.T) {
	b, _ := made()
	for _, loss := range [][3]float64{{30, 5, 0}, {23, 20, 20}, {0, 0, math.NaN()}, {0, 19, 0}} {
		if _, err := warp.New(b, warp.Change{Loss: loss, SuperiorShare: 0.7}); err == nil {
			t.Errorf("losses of %v mm: no error", loss)
		}
	}
}
