// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package projection_test

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"
	"gonum.org/v1/gonum/stat"

	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/radiograph/projection"
)

// flat is a detector of n by n pixels of 0.2 mm and a uniform path.
func flat(t testing.TB, n int, path float32) (projection.Geometry, []float32) {
	g := lateral(t, projection.Setup{SourceToIsocenter: 800, SourceToDetector: 1000, Columns: n, Rows: n, ImagerPixelSpacing: 0.2})
	paths := make([]float32, n*n)
	for i := range paths {
		paths[i] = path
	}
	return g, paths
}

func moments(v []float32) (mean, variance float64) {
	x := make([]float64, len(v))
	for i := range v {
		x[i] = float64(v[i])
	}
	return stat.MeanVariance(x, nil)
}

// Of 30174 quanta a square millimetre and µGy, 40 % of 2 µGy on 0.04 mm² are 966, whose
// relative variance is 1/966.
func TestNoiseIsPoissons(t *testing.T) {
	g, paths := flat(t, 300, 200)
	e := (&projection.Technique{Energy: 60, Kerma: 2, Efficiency: 0.4}).Expose(&g, paths, r3.Vec{})
	mean, variance := moments(e.Signal)
	if want := 1 / (30174 * 2 * 0.4 * 0.04); math.Abs(mean-1) > 1e-3 || math.Abs(variance-want) > 0.03*want {
		t.Errorf("mean %.4f, variance %.3g, want 1 and %.3g", mean, variance, want)
	}
	half := (&projection.Technique{Energy: 60, Kerma: 1, Efficiency: 0.4}).Expose(&g, paths, r3.Vec{})
	if _, v := moments(half.Signal); math.Abs(v-2*variance) > 0.06*variance {
		t.Errorf("half the exposure has variance %.3g, want twice %.3g", v, variance)
	}
}

// Beer and Lambert's law: the ratio of two fields is exp(-µ·Δ), and scatter of a ratio s
// adds s of the mean to both.
func TestAttenuationAndScatter(t *testing.T) {
	g, paths := flat(t, 200, 200)
	for i := range paths {
		if i%200 < 100 {
			paths[i] = 150
		}
	}
	sides := func(technique projection.Technique) float64 {
		e := technique.Expose(&g, paths, r3.Vec{})
		return float64(e.Signal[100*200+5]) / float64(e.Signal[100*200+195])
	}
	ratio := math.Exp(0.02059 * 50)
	if got := sides(projection.Technique{Energy: 60}); math.Abs(got-ratio) > 1e-4*ratio {
		t.Errorf("the sides are as %g, want %g", got, ratio)
	}
	const wide = 1e3 // mm: the same scatter everywhere
	s := 0.5 * (ratio + 1) / 2
	want := (ratio + s) / (1 + s)
	if got := sides(projection.Technique{Energy: 60, ScatterToPrimary: 0.5, ScatterSpread: wide}); math.Abs(got-want) > 0.01*want {
		t.Errorf("with scatter the sides are as %g, want %g", got, want)
	}
}

// Blur keeps the sum of what it blurs: the edge stays in its place, half way up, and rises
// as the Gaussian's integral does.
func TestBlurOfAnEdge(t *testing.T) {
	g, paths := flat(t, 200, 0)
	for i := range paths {
		if i%200 < 100 {
			paths[i] = 200
		}
	}
	const sigma = 0.6 // mm
	e := (&projection.Technique{Energy: 60, Blur: sigma}).Expose(&g, paths, r3.Vec{})
	row := e.Signal[100*200:][:200]
	low, high := float64(row[0]), float64(row[199])
	for col := 80; col < 120; col++ {
		x := (float64(col) + 0.5 - 100) * 0.2
		want := 0.5 * math.Erfc(-x/(sigma*math.Sqrt2))
		if got := (float64(row[col]) - low) / (high - low); math.Abs(got-want) > 0.01 {
			t.Errorf("%g mm from the edge %.3f, want %.3f", x, got, want)
		}
	}
}

// What the collimator covers and what markers cover.
func TestCollimationAndMarkers(t *testing.T) {
	g, paths := flat(t, 200, 100)
	technique := projection.Technique{
		Energy:      60,
		Collimation: projection.Collimation{Center: radiograph.ImagePoint{Col: 100, Row: 100}, Width: 120, Height: 160},
		Markers:     []projection.Marker{{Letter: projection.LetterL, At: radiograph.ImagePoint{Col: 60, Row: 40}, Height: 28}},
	}
	e := technique.Expose(&g, paths, r3.Vec{})
	open := float64(e.Signal[100*200+100])
	for name, tt := range map[string]struct {
		col, row int
		want     float64
	}{
		"open": {150, 100, 1}, "beside": {20, 100, 0.002}, "above": {100, 10, 0.002},
		"stem of the L": {51, 30, 0.01}, "beside the stem": {60, 30, 1}, "foot of the L": {66, 52, 0.01},
	} {
		if got := float64(e.Signal[tt.row*200+tt.col]) / open; math.Abs(got-tt.want) > 1e-3 {
			t.Errorf("%s: %.4f of the beam, want %g", name, got, tt.want)
		}
	}
	if f := projection.Standard().Develop(e); f.Stored[100*200+20] != 0 || f.Stored[30*200+51] < f.Stored[30*200+60] {
		t.Error("the shutter is not black, or lead is not brighter than tissue")
	}
}

// Polarity, depth and raw values.
func TestStoredValues(t *testing.T) {
	g, paths := flat(t, 60, 100)
	for i := range paths {
		paths[i] += float32(i % 60)
	}
	e := (&projection.Technique{Energy: 60}).Expose(&g, paths, r3.Vec{})
	for _, bits := range []int{8, 10, 12, 14, 16} {
		bright := projection.Processing{Bits: bits, Gamma: 2}.Develop(e)
		dark := projection.Processing{Bits: bits, Gamma: 2, Inverted: true}.Develop(e)
		raw := projection.Processing{Bits: bits, Raw: true}.Develop(e)
		full := 1<<bits - 1
		for i := range bright.Stored {
			if d := int(bright.Stored[i]) + int(dark.Stored[i]) - full; d < -1 || d > 1 {
				t.Fatalf("%d bits: %d and inverted %d", bits, bright.Stored[i], dark.Stored[i])
			}
		}
		if bright.Stored[59] <= bright.Stored[0] || raw.Stored[59] >= raw.Stored[0] {
			t.Errorf("%d bits: more tissue is not brighter, or not less exposed", bits)
		}
		// 59 mm of water at 60 keV are 0.528 decades, and all values four.
		want := 59 * 0.02059 / math.Ln10 / 4 * float64(full)
		if got := float64(raw.Stored[0]) - float64(raw.Stored[59]); math.Abs(got-want) > 1.5 {
			t.Errorf("%d bits: raw values differ by %g, want %g", bits, got, want)
		}
	}
}
