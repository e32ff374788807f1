// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package volume_test

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/volume"
)

// smooth is a scene without edges, so that interpolation is nearly exact.
func smooth(p r3.Vec) float64 {
	return 300*math.Sin(p.X/9) + 200*math.Cos(p.Y/8+p.Z/20) + 4*p.Z
}

func draw(g volume.Geometry) *volume.Volume {
	v := volume.New(g)
	for k := range g.Slices {
		for j := range g.Rows {
			for i := range g.Columns {
				v.Samples[(k*g.Rows+j)*g.Columns+i] = int16(math.Round(smooth(g.Position(float64(i), float64(j), float64(k)))))
			}
		}
	}
	return v
}

func TestCanonicalKeepsTheScene(t *testing.T) {
	tilt := 20 * math.Pi / 180
	for _, tt := range []struct {
		name string
		g    volume.Geometry
		tol  float64 // HU; linear interpolation over the slice gaps bounds it
	}{
		{"axial", volume.Geometry{Columns: 40, Rows: 30, Slices: 20, Origin: r3.Vec{X: -20, Y: 5, Z: 100},
			Column: r3.Vec{X: 0.8}, Row: r3.Vec{Y: 0.9}, Slice: r3.Vec{Z: 2}}, 0.6},
		{"prone, feet first order", volume.Geometry{Columns: 40, Rows: 30, Slices: 20, Origin: r3.Vec{X: 20, Y: 50, Z: 100},
			Column: r3.Vec{X: -0.8}, Row: r3.Vec{Y: -0.9}, Slice: r3.Vec{Z: -2}}, 0.6},
		{"sagittal stack", volume.Geometry{Columns: 30, Rows: 40, Slices: 20, Origin: r3.Vec{X: 20, Y: 5, Z: 100},
			Column: r3.Vec{Y: 0.8}, Row: r3.Vec{Z: -0.9}, Slice: r3.Vec{X: -1.5}}, 0.6},
		{"gantry tilt", volume.Geometry{Columns: 40, Rows: 40, Slices: 24, Origin: r3.Vec{X: -20, Y: 5, Z: 100},
			Column: r3.Vec{X: 0.8}, Row: r3.Vec{Y: 0.9 * math.Cos(tilt), Z: 0.9 * math.Sin(tilt)}, Slice: r3.Vec{Z: 2}}, 6},
		{"uneven", volume.Geometry{Columns: 40, Rows: 30, Slices: 6, Origin: r3.Vec{X: -20, Y: 5, Z: 100},
			Column: r3.Vec{X: 0.8}, Row: r3.Vec{Y: 0.9}, Slice: r3.Vec{Z: 2}, SliceOffsets: []float64{0, 1, 2, 3.5, 4.5, 5.5}}, 6},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := draw(tt.g).Canonical()
			if c.Column.X <= 0 || c.Row.Y <= 0 || c.Slice.Z <= 0 {
				t.Fatalf("steps %v %v %v, want left, posterior, superior", c.Column, c.Row, c.Slice)
			}
			if d := math.Abs(r3.Dot(r3.Unit(c.Row), r3.Unit(c.Slice))); d > 1e-9 {
				t.Errorf("rows and slices at cosine %g, want a right angle", d)
			}
			s := c.Sampler()
			worst, inside := 0.0, 0
			for k := 1; k < tt.g.Slices-1; k++ {
				for j := 2; j < tt.g.Rows-2; j++ {
					for i := 2; i < tt.g.Columns-2; i++ {
						p := tt.g.Position(float64(i), float64(j), float64(k))
						if got := s.At(p); got != volume.OutsideHU {
							inside++
							worst = max(worst, math.Abs(got-smooth(p)))
						}
					}
				}
			}
			if want := (tt.g.Slices - 4) * (tt.g.Rows - 6) * (tt.g.Columns - 4); inside < want {
				t.Errorf("%d voxels still inside, want at least %d", inside, want)
			}
			if worst > tt.tol {
				t.Errorf("scene differs by up to %.1f HU, want at most %.1f", worst, tt.tol)
			}
		})
	}
}

func TestCanonicalReturnsACanonicalVolumeItself(t *testing.T) {
	v := draw(volume.Geometry{Columns: 4, Rows: 4, Slices: 4, Column: r3.Vec{X: 1}, Row: r3.Vec{Y: 1}, Slice: r3.Vec{Z: 1}})
	if v.Canonical() != v {
		t.Error("a canonical volume was copied")
	}
}

func TestSamplerOutside(t *testing.T) {
	v := draw(volume.Geometry{Columns: 4, Rows: 4, Slices: 4, Column: r3.Vec{X: 1}, Row: r3.Vec{Y: 1}, Slice: r3.Vec{Z: 1}})
	s := v.Sampler()
	for _, p := range []r3.Vec{{X: -0.6}, {X: 3.6}, {Y: 99}, {Z: -1}, {X: math.NaN()}} {
		if got := s.At(p); got != volume.OutsideHU {
			t.Errorf("At(%v) = %g, want outside", p, got)
		}
	}
	if got, want := s.At(r3.Vec{X: 3.4, Y: 1, Z: 3}), float64(v.Samples[(3*4+1)*4+3]); got != want {
		t.Errorf("At the border = %g, want the nearest voxel's %g", got, want)
	}
}
