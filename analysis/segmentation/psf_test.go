// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"math"
	"testing"
)

// TestKernelIsABoxConvolvedWithAGaussian compares the closed form with the
// convolution done by quadrature.
func TestKernelIsABoxConvolvedWithAGaussian(t *testing.T) {
	for _, k := range []kernel{{box: 3, sigma: 0.4}, {box: 1, sigma: 0.8}, {box: 5, sigma: 0.25}} {
		for x := -6.0; x <= 6; x += 0.37 {
			density, step := 0.0, 0.0
			const n = 4000
			for i := range n {
				u := ((float64(i)+0.5)/n - 0.5) * k.box
				density += gauss((x-u)/k.sigma) / k.sigma / n
				step += gaussStep((x-u)/k.sigma) / n
			}
			gotStep, gotDensity, slope := k.at(x)
			if math.Abs(gotStep-step) > 1e-5 || math.Abs(gotDensity-density) > 1e-5 {
				t.Errorf("%+v at %.2f: step %.6f, density %.6f, want %.6f, %.6f", k, x, gotStep, gotDensity, step, density)
			}
			const h = 1e-4
			_, after, _ := k.at(x + h)
			_, before, _ := k.at(x - h)
			if want := (after - before) / (2 * h); math.Abs(slope-want) > 1e-4 {
				t.Errorf("%+v at %.2f: slope %.6f, want %.6f", k, x, slope, want)
			}
		}
	}
}

func TestNarrowBoxCountsAsAGaussianOfTheSameVariance(t *testing.T) {
	narrow := kernel{box: 0.4, sigma: 1}
	exact := func(x float64) float64 {
		return (gaussStep(x+0.2) - gaussStep(x-0.2)) / 0.4
	}
	for x := -4.0; x <= 4; x += 0.5 {
		if _, got, _ := narrow.at(x); math.Abs(got-exact(x)) > 1e-3*exact(0) {
			t.Errorf("density at %.1f = %.6f, want %.6f", x, got, exact(x))
		}
	}
}

func TestSplineReproducesAParabola(t *testing.T) {
	b := newSpline(-12, 15, 3.5, 3, 9)
	f := func(x float64) float64 { return 2 - 0.3*x + 0.02*x*x }
	var x, y []float64
	for a := b.lo; a <= b.hi; a += 0.5 {
		x, y = append(x, a), append(y, f(a))
	}
	coef := b.through(x, y)
	for a := b.lo + 1; a < b.hi-1; a += 0.7 {
		got, slope := b.value(coef, a)
		// The penalty on second differences flattens a parabola a little.
		if math.Abs(got-f(a)) > 0.03 {
			t.Errorf("value at %.1f = %.3f, want %.3f", a, got, f(a))
		}
		if want := -0.3 + 0.04*a; math.Abs(slope-want) > 0.06 {
			t.Errorf("slope at %.1f = %.3f, want %.3f", a, slope, want)
		}
	}
}

// TestPredictionDerivatives compares the model's derivatives with differences.
func TestPredictionDerivatives(t *testing.T) {
	d := flatDisc()
	x := make([]float64, d.size())
	for i := range d.basis.n {
		x[d.surface(lowerPlate)+i], x[d.surface(upperPlate)+i] = -3+0.2*float64(i), 3-0.1*float64(i)
	}
	for i := d.masses(0); i < d.levels(); i++ {
		x[i] = 300 + 10*float64(i%3)
	}
	copy(x[d.levels():], []float64{180, 10, 80, -5, 160, 7, 200, 300, 250, 150})
	for _, place := range [][3]float64{{-3, 1, 2}, {-2.2, -9.6, 0}, {2.5, 4, -3}, {0.3, 9.7, 1}, {4.5, -6, 4}} {
		v := d.at(place[0], place[1], place[2], 0)
		var r row
		d.predict(x, &v, &r)
		got := make([]float64, d.size())
		for i, at := range d.columns(v.first) {
			if i >= r.from && i < r.to || i >= rowLights && r.lit {
				got[at] += r.v[i]
			}
		}
		for i := range x {
			const h = 1e-4
			up, down := append([]float64(nil), x...), append([]float64(nil), x...)
			up[i] += h
			down[i] -= h
			a, b := d.predict(up, &v, new(row)), d.predict(down, &v, new(row))
			// A surface's slope shortens the distance to it, which the derivative leaves out.
			if want := (a - b) / (2 * h); math.Abs(got[i]-want) > 0.1*math.Abs(want)+2 {
				t.Errorf("at %v: derivative %d = %.3f, want %.3f", place, i, got[i], want)
			}
		}
	}
}
