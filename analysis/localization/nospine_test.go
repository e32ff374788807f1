// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package localization_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/localization"
	"github.com/endplate/endplate/analysis/volume"
)

// draw makes a volume of 1.5 mm voxels about the origin whose attenuation at a
// position is f.
func draw(columns, rows, slices int, f func(p r3.Vec) float64) *volume.Volume {
	const step = 1.5
	half := func(n int) float64 { return -float64(n-1) / 2 * step }
	v := volume.New(volume.Geometry{
		Columns: columns, Rows: rows, Slices: slices,
		Origin: r3.Vec{X: half(columns), Y: half(rows), Z: half(slices)},
		Column: r3.Vec{X: step}, Row: r3.Vec{Y: step}, Slice: r3.Vec{Z: step},
	})
	n := 0
	for k := range slices {
		for j := range rows {
			for i := range columns {
				v.Samples[n] = int16(f(v.Position(float64(i), float64(j), float64(k))))
				n++
			}
		}
	}
	return v
}

// leg returns the attenuation of a thigh about x0: muscle about a tube of bone
// full of marrow.
func leg(p r3.Vec, x0 float64) float64 {
	switch d := math.Hypot(p.X-x0, p.Y); {
	case d < 8:
		return 20 // red marrow, as in the young
	case d < 14:
		return 900
	case d < 70:
		return 55
	}
	return -1000
}

func TestNoSpine(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, tt := range []struct {
		name string
		at   func(p r3.Vec) float64
	}{
		{"air", func(r3.Vec) float64 { return -1000 }},
		{"water cylinder", func(p r3.Vec) float64 {
			if math.Hypot(p.X, p.Y) < 100 {
				return 0
			}
			return -1000
		}},
		{"noise", func(r3.Vec) float64 { return 300 * rng.NormFloat64() }},
		{"legs", func(p r3.Vec) float64 { return max(leg(p, -80), leg(p, 80)) }},
		{"one leg", func(p r3.Vec) float64 { return leg(p, 0) }},
		{"head", func(p r3.Vec) float64 {
			switch d := r3.Norm(p); {
			case d < 78:
				return 35
			case d < 85:
				return 1000
			case d < 90:
				return 40
			}
			return -1000
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := find(t, draw(200, 140, 120, tt.at))
			if len(s.Vertebrae) != 0 || s.Reason == "" {
				t.Errorf("%d vertebrae, reason %q; want none with a reason", len(s.Vertebrae), s.Reason)
			}
		})
	}
}

func TestTinyVolumes(t *testing.T) {
	for _, n := range [][3]int{{1, 1, 1}, {2, 2, 2}, {3, 200, 200}, {200, 3, 200}, {200, 200, 3}} {
		s := find(t, draw(n[0], n[1], n[2], func(p r3.Vec) float64 { return leg(p, 0) }))
		if s.Reason == "" {
			t.Errorf("%v: no reason", n)
		}
	}
}

func TestFindStopsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := localization.Find(ctx, draw(50, 50, 50, func(p r3.Vec) float64 { return leg(p, 0) }))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}
