// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/volume"
)

// draw draws what field shows at each place of a picture.
func draw(field func(s, a float64) float64) picture {
	const rows, step = 100, 0.8
	p := &segmentation.Picture{S0: -40, A0: -40, Step: step, Rows: rows, Columns: rows, Pixels: make([]byte, rows*rows)}
	for i := range rows {
		for j := range rows {
			p.Pixels[i*rows+j] = byte(math.Round(field(-40+step*float64(i), -40+step*float64(j))))
		}
	}
	return picture{p}
}

// texture is a smooth field without a period.
func texture() func(s, a float64) float64 {
	rng := rand.New(rand.NewPCG(5, 6))
	type wave struct{ s, a, phase float64 }
	var waves []wave
	for range 40 {
		waves = append(waves, wave{rng.NormFloat64() * 0.5, rng.NormFloat64() * 0.5, 2 * math.Pi * rng.Float64()})
	}
	return func(s, a float64) float64 {
		sum := 0.0
		for _, w := range waves {
			sum += math.Cos(w.s*s + w.a*a + w.phase)
		}
		return min(max(128+10*sum, 1), 255)
	}
}

// A superior endplate that rose, tilted and broke in is found where it went.
func TestDentedEndplateIsFound(t *testing.T) {
	f := volume.NewFrame(r3.Vec{}, r3.Vec{Z: 1}, r3.Vec{Y: -1})
	at := func(s, a float64) landmark.Point { return landmark.Point{Position: f.Point(s, a, 0)} }
	plate := &landmark.Endplate{Anterior: at(10, 13), Middle: at(9, 0), Posterior: at(10, -13), Direction: f.Anterior}
	field := texture()
	whole, ok := stripOf(draw(field), f, plate, 1, stripHalf, nil)
	if !ok {
		t.Fatal("no strip")
	}
	want := shift{rise: -3, slide: 1, tilt: 5, dent: 5}
	// Where a point of the second picture was in the first: by iteration.
	moved := draw(func(s, a float64) float64 {
		x, y := s, a
		for range 30 {
			s1, a1 := whole.moved(want, x, y)
			x, y = x+s-s1, y+a-a1
		}
		return field(x, y)
	})
	got := whole.find(moved, shift{}, wholeReach)
	if d := got.plus(want.times(-1)); math.Abs(d.rise) > 0.15 || math.Abs(d.slide) > 0.15 || math.Abs(d.tilt) > 0.5 || math.Abs(d.dent) > 0.2 || got.alike < 0.98 {
		t.Errorf("found at %+.2f, want %+.2f", got, want)
	}
	if still := whole.find(draw(field), shift{}, wholeReach); math.Abs(still.rise)+math.Abs(still.dent)+math.Abs(still.slide) > 0.05 {
		t.Errorf("what did not move was found at %+.2f", still)
	}
}

// Where the two ways of looking differ, one of the readings is of another edge, and
// the surer way counts, with a half of the difference open.
func TestTheSurerWayOfLookingCounts(t *testing.T) {
	c := Change{Value: -10, SD: 0.5}
	c.Before.Value, c.After.Value = 16, 6 // read; the second is off by 8 mm
	c.look(&sighting{value: 14, sd: 0.3, alike: 0.98}, &sighting{value: 12, sd: 0.6, alike: 0.86}, 0)
	if want := -2.0; c.Value != want || !c.Misread || c.ByLater || !(c.SD > 1) {
		t.Errorf("change %+.1f ± %.1f, misread %t, by the later %t; want %+.1f by the earlier", c.Value, c.SD, c.Misread, c.ByLater, want)
	}
	c = Change{Value: -10, SD: 0.5}
	c.Before.Value, c.After.Value = 6, 16
	c.Value = 10
	c.look(&sighting{value: 12, sd: 0.6, alike: 0.86}, &sighting{value: 14, sd: 0.3, alike: 0.98}, 0)
	if c.Value != 2 || !c.Misread || !c.ByLater || c.Earlier() != 14 || c.Later() != 16 {
		t.Errorf("change %+.1f, misread %t, by the later %t, from %.1f to %.1f; want +2 by the later, 14 to 16", c.Value, c.Misread, c.ByLater, c.Earlier(), c.Later())
	}
}
