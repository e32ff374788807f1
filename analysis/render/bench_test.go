// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"io"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/render"
	"github.com/endplate/endplate/analysis/spine"
)

// trunk is a measured CT of 512 × 512 × 300 voxels.
var trunk = sync.OnceValues(func() (*render.Scene, *analysis.Result) {
	s := phantom.Random(rand.New(rand.NewPCG(1, 0)), phantom.Options{
		Fractures: map[spine.Level]phantom.Deformity{spine.L1: phantom.Fracture(phantom.Wedge, 35)},
	})
	scan := s.Cover(spine.T10, spine.S1, 0, 360, 0.7, 1)
	scan.Columns, scan.Rows, scan.Slices = 512, 512, 300
	scan.Noise, scan.Seed, scan.Table = 15, 1, true
	return measured(s.CT(scan))
})

// BenchmarkPicture is one picture, PNG included, of what a reader scrolls through.
func BenchmarkPicture(b *testing.B) {
	scene, result := trunk()
	center := result.Vertebrae[len(result.Vertebrae)/2].Center
	whole := render.Field{Whole: true, PixelSize: 0.7}
	views := []struct {
		name      string
		thickness float64
		geometry  func() (render.Geometry, error)
	}{
		{"axial", 0, func() (render.Geometry, error) { return scene.Slice(render.Axial, 150, whole) }},
		{"sagittal", 0, func() (render.Geometry, error) { return scene.Plane(render.Sagittal, center.X, whole) }},
		{"sagittal slab 5 mm", 5, func() (render.Geometry, error) { return scene.Plane(render.Sagittal, center.X, whole) }},
		{"straightened 512 rows", 0, func() (render.Geometry, error) {
			return scene.Straightened(render.Sagittal, 0, render.Field{PixelSize: 0.55})
		}},
		{"oblique 512 × 512", 0, func() (render.Geometry, error) {
			return scene.Vertebra(len(result.Vertebrae)/2, render.MidAxial, 0, render.Field{PixelSize: 120.0 / 512})
		}},
	}
	for _, v := range views {
		for _, layers := range []render.Layers{0, render.AllLayers} {
			name := v.name
			if layers != 0 {
				name += ", overlay"
			}
			b.Run(name, func(b *testing.B) {
				b.ReportAllocs()
				pixels := 0
				for b.Loop() {
					g, err := v.geometry()
					if err != nil {
						b.Fatal(err)
					}
					picture, err := scene.Render(&g, render.Options{Thickness: v.thickness, Layers: layers})
					if err != nil {
						b.Fatal(err)
					}
					if err := render.WritePNG(io.Discard, picture); err != nil {
						b.Fatal(err)
					}
					pixels = g.Columns * g.Rows
				}
				b.ReportMetric(float64(pixels), "pixels")
			})
		}
	}
}
