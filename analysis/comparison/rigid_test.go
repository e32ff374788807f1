// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"
)

func randomMotion(rng *rand.Rand, degrees float64) Rigid {
	axis := r3.Unit(r3.Vec{X: rng.NormFloat64(), Y: rng.NormFloat64(), Z: rng.NormFloat64()})
	return small(r3.Scale(degrees*math.Pi/180, axis), r3.Vec{X: 100 * rng.NormFloat64(), Y: 100 * rng.NormFloat64(), Z: 100 * rng.NormFloat64()})
}

func cloud(rng *rand.Rand, n int, flat float64) []r3.Vec {
	points := make([]r3.Vec, n)
	for i := range points {
		points[i] = r3.Vec{X: 20 * rng.NormFloat64(), Y: 15 * rng.NormFloat64(), Z: flat * rng.NormFloat64()}
	}
	return points
}

func TestFitRigidFindsTheMotion(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 5))
	for range 50 {
		want := randomMotion(rng, 180*rng.Float64())
		from := cloud(rng, 6, 12*float64(rng.IntN(2))) // in a plane too, where a mirror would do as well
		to := make([]r3.Vec, len(from))
		for i, p := range from {
			to[i] = want.Apply(p)
		}
		got, ok := fitRigid(from, to)
		if !ok {
			t.Fatal("no motion")
		}
		if d := distanceOf(got, from, to); d > 1e-9 {
			t.Errorf("points lie %g mm off", d)
		}
		if a := got.after(want.Inverse()).angle(); a > 1e-5 {
			t.Errorf("turned %g° too far", a)
		}
		if h := r3.Dot(r3.Cross(got.X, got.Y), got.Z); math.Abs(h-1) > 1e-9 {
			t.Errorf("determinant %g", h)
		}
	}
}

func TestFitRigidNeedsMoreThanALine(t *testing.T) {
	line := []r3.Vec{{X: 1}, {X: 2}, {X: 5}, {X: 9}}
	if _, ok := fitRigid(line, line); ok {
		t.Error("points on a line gave a motion")
	}
	if _, ok := fitRigid(line[:2], line[:2]); ok {
		t.Error("two points gave a motion")
	}
}

func TestInverseUndoes(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 5))
	g := randomMotion(rng, 70)
	p := r3.Vec{X: 3, Y: -7, Z: 40}
	if d := r3.Norm(r3.Sub(g.Inverse().Apply(g.Apply(p)), p)); d > 1e-9 {
		t.Errorf("%g mm off", d)
	}
	if a := g.angle(); math.Abs(a-70) > 1e-9 {
		t.Errorf("angle %g°, want 70", a)
	}
}

// A family of n changes without any true one errs as often as FamilyError says.
func TestFactorKeepsTheFamilyError(t *testing.T) {
	if f := factor(1); math.Abs(f-2.5758) > 1e-3 { // the normal's 99.5th percentile
		t.Errorf("factor of one change %.4f", f)
	}
	rng := rand.New(rand.NewPCG(9, 9))
	const families, n = 20000, 40
	limit := factor(n)
	wrong := 0
	for range families {
		for range n {
			if math.Abs(rng.NormFloat64()) > limit {
				wrong++
				break
			}
		}
	}
	if share := float64(wrong) / families; share > 1.4*FamilyError || share < 0.6*FamilyError {
		t.Errorf("%.4f of families err, want %g", share, FamilyError)
	}
}
