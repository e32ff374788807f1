// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package radiograph_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/radiograph/projection"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// taken returns a film of v towards a side, its top turned by degrees about the ray.
func taken(t testing.TB, v *volume.Volume, toward, up r3.Vec, side int) *radiograph.Image {
	t.Helper()
	middle := v.Position(float64(v.Columns-1)/2, float64(v.Rows-1)/2, float64(v.Slices-1)/2)
	g, err := projection.NewGeometry(projection.Setup{
		Toward: toward, Up: up, Isocenter: middle, SourceToIsocenter: 900, SourceToDetector: 1150,
		Columns: side, Rows: side * 5 / 4, ImagerPixelSpacing: 400 / float64(side),
	})
	if err != nil {
		t.Fatal(err)
	}
	technique := projection.Lumbar()
	f := projection.Standard().Develop(technique.Expose(&g, projection.NewBody(v, toward).Paths(&g, nil), middle))
	m := &radiograph.Image{Columns: g.Columns, Rows: g.Rows, Samples: make([]float32, len(f.Stored))}
	for i, s := range f.Stored {
		m.Samples[i] = float32(s) / 4095
	}
	return m
}

// trunk is the coarse CT of a made trunk.
func trunk(seed uint64) *volume.Volume {
	s := phantom.Random(rand.New(rand.NewPCG(seed, 7)), phantom.Options{Scoliosis: 15})
	c := s.Cover(spine.T10, spine.S1, 40, 440, 4, 4)
	c.Center.Y -= 45
	return s.CT(c)
}

// Frontal films of trunks are symmetric and lateral ones are not, however they lie.
func TestSymmetry(t *testing.T) {
	for seed := range uint64(3) {
		v := trunk(seed)
		for name, tt := range map[string]struct {
			toward, up r3.Vec
			frontal    bool
		}{
			"left lateral":              {r3.Vec{X: 1}, r3.Vec{Z: 1}, false},
			"right lateral":             {r3.Vec{X: -1}, r3.Vec{Z: 1}, false},
			"upside down":               {r3.Vec{X: 1}, r3.Vec{Z: -1}, false},
			"turned":                    {r3.Vec{X: 1}, r3.Vec{Y: 0.34, Z: 0.94}, false},
			"frontal":                   {r3.Vec{Y: 1}, r3.Vec{Z: 1}, true},
			"frontal from behind":       {r3.Vec{Y: -1}, r3.Vec{Z: 1}, true},
			"frontal, a little oblique": {r3.Vec{X: 0.09, Y: 1}, r3.Vec{Z: 1}, true},
		} {
			m := taken(t, v, tt.toward, tt.up, 160)
			field := radiograph.FindField(m)
			r := radiograph.Frontal(m, field)
			if (r != nil) != tt.frontal {
				t.Errorf("spine %d, %s: %v, symmetry %.3f", seed, name, r, radiograph.Symmetry(m, field))
			}
			if r := radiograph.Recognize(m, field, false); r != nil {
				t.Errorf("spine %d, %s: %v", seed, name, r)
			}
		}
	}
}

// What is refused, with the reason's code, and what a header or a reader changes.
func TestRecognize(t *testing.T) {
	shown := taken(t, trunk(1), r3.Vec{X: 1}, r3.Vec{Z: 1}, 160)
	for name, tt := range map[string]struct {
		change func(*radiograph.Image)
		seeds  bool
		code   string // empty: not refused
	}{
		"a lateral film": {func(*radiograph.Image) {}, false, ""},
		"black":          {func(m *radiograph.Image) { clear(m.Samples) }, false, "BLANK_FRAME"},
		"white": {func(m *radiograph.Image) {
			for i := range m.Samples {
				m.Samples[i] = 1
			}
		}, true, "BLANK_FRAME"},
		"almost even": {func(m *radiograph.Image) {
			for i := range m.Samples {
				m.Samples[i] = 0.5 + 0.01*m.Samples[i]
			}
		}, false, "BLANK_FRAME"},
		"a stamp":              {func(m *radiograph.Image) { m.Columns, m.Rows, m.Samples = 20, 20, m.Samples[:400] }, false, "BLANK_FRAME"},
		"AP by its header":     {func(m *radiograph.Image) { m.Header.ViewPosition = "AP" }, true, "NOT_LATERAL"},
		"sides by its header":  {func(m *radiograph.Image) { m.Header.PatientOrientation = [2]string{"L", "F"} }, false, "NOT_LATERAL"},
		"anterior to the feet": {func(m *radiograph.Image) { m.Header.PatientOrientation = [2]string{"A", "F"} }, false, ""},
		"a hand by its header": {func(m *radiograph.Image) { m.Header.BodyPartExamined = "HAND" }, true, "NOT_SPINE"},
		"a chest":              {func(m *radiograph.Image) { m.Header.BodyPartExamined = "CHEST" }, false, "NOT_SPINE"},
		"a chest with seeds":   {func(m *radiograph.Image) { m.Header.BodyPartExamined = "CHEST" }, true, ""},
	} {
		m := *shown
		m.Samples = slices.Clone(shown.Samples)
		tt.change(&m)
		code := ""
		if r := radiograph.Recognize(&m, radiograph.FindField(&m), tt.seeds); r != nil {
			code = r.Code
		}
		if code != tt.code {
			t.Errorf("%s: %q, want %q", name, code, tt.code)
		}
	}
}

// The collimator's border is found whether it is black, as a shutter makes it, or white, and
// turned; what lies within is kept.
func TestFieldWithinACollimator(t *testing.T) {
	const columns, rows = 200, 240
	for _, border := range []float32{0, 1} {
		m := &radiograph.Image{Columns: columns, Rows: rows, Samples: make([]float32, columns*rows)}
		open := make([]bool, columns*rows)
		for i := range open {
			x, y := float64(i%columns)-100, float64(i/columns)-120
			u, v := x*0.99+y*0.14, y*0.99-x*0.14
			open[i] = u > -60 && u < 60 && v > -90 && v < 90
			if m.Samples[i] = border; open[i] {
				m.Samples[i] = 0.3 + 0.002*float32(i%columns)
			}
		}
		f := radiograph.FindField(m)
		wrong := 0
		for i := range open {
			if f.Inside[i] != open[i] {
				wrong++
			}
		}
		if wrong > 0 {
			t.Errorf("border %g: %d of %d pixels on the wrong side", border, wrong, len(open))
		}
		if !f.Holds(radiograph.ImagePoint{Col: 100, Row: 120}) || f.Holds(radiograph.ImagePoint{Col: 1, Row: 1}) || f.Holds(radiograph.ImagePoint{Col: -1, Row: 500}) {
			t.Errorf("border %g: the field holds what it does not", border)
		}
	}
}

// Tissue that is the brightest of the film and lies at a part of its border is in the field.
func TestFieldHoldsTissueAtTheBorder(t *testing.T) {
	const columns, rows = 200, 240
	m := &radiograph.Image{Columns: columns, Rows: rows, Samples: make([]float32, columns*rows)}
	for i := range m.Samples {
		if x, y := i%columns, i/columns; x > 60 && x < 160 {
			m.Samples[i] = min(0.3+0.004*float32(y), 1)
		}
	}
	f := radiograph.FindField(m)
	if bright, air := (radiograph.ImagePoint{Col: 110, Row: 230}), (radiograph.ImagePoint{Col: 20, Row: 230}); !f.Holds(bright) || f.Holds(air) {
		t.Errorf("tissue is in the field: %t, air: %t", f.Holds(bright), f.Holds(air))
	}
}
