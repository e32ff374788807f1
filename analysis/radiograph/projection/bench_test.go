// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package projection_test

import (
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/radiograph/projection"
	"github.com/endplate/endplate/analysis/volume"
)

// trunk returns an elliptic cylinder of water, 340 by 240 mm, with a rod of bone, in voxels
// of 2 mm over 500 by 500 by 600 mm.
func trunk() *volume.Volume {
	v := volume.New(volume.Geometry{
		Columns: 250, Rows: 250, Slices: 300,
		Origin: r3.Vec{X: -249, Y: -249, Z: -299},
		Column: r3.Vec{X: 2}, Row: r3.Vec{Y: 2}, Slice: r3.Vec{Z: 2},
	})
	for n := range v.Samples {
		i, j := n%v.Columns, n/v.Columns%v.Rows
		x, y := 2*float64(i)-249, 2*float64(j)-249
		switch {
		case x*x+(y-60)*(y-60) < 20*20:
			v.Samples[n] = 300
		case x*x/(170*170)+y*y/(120*120) < 1:
			v.Samples[n] = 0
		}
	}
	return v
}

// BenchmarkFilm makes a film of 512 by 512 pixels of a trunk in 2 mm voxels: all of it,
// and of a body that is prepared already.
func BenchmarkFilm(b *testing.B) {
	v := trunk()
	g, err := projection.NewGeometry(projection.Setup{
		Toward: projection.LeftLateral, Up: r3.Vec{Z: 1}, SourceToIsocenter: 850, SourceToDetector: 1100,
		Columns: 512, Rows: 512, ImagerPixelSpacing: 0.84,
	})
	if err != nil {
		b.Fatal(err)
	}
	technique := projection.Lumbar()
	body := projection.NewBody(v, projection.LeftLateral)
	film := func(body *projection.Body) {
		paths := body.Paths(&g, nil)
		projection.Standard().Develop(technique.Expose(&g, paths, r3.Vec{}))
	}
	b.Run("from a volume", func(b *testing.B) {
		for b.Loop() {
			film(projection.NewBody(v, projection.LeftLateral))
		}
	})
	b.Run("from a body", func(b *testing.B) {
		for b.Loop() {
			film(body)
		}
	})
	b.Run("paths", func(b *testing.B) {
		for b.Loop() {
			body.Paths(&g, nil)
		}
	})
}
