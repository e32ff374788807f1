// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package volume_test

import (
	"fmt"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/volume"
)

func ExampleGeometry() {
	g := volume.Geometry{
		Columns: 512, Rows: 512, Slices: 300,
		Origin: r3.Vec{X: -180, Y: -200, Z: -900},
		Column: r3.Vec{X: 0.7}, Row: r3.Vec{Y: 0.7}, Slice: r3.Vec{Z: 1},
	}
	p := g.Position(10, 20, 30)
	i, j, k := g.Indexer().Index(p)
	fmt.Printf("voxel (%.0f, %.0f, %.0f) lies at (%.0f, %.0f, %.0f) mm\n", i, j, k, p.X, p.Y, p.Z)
	// Output: voxel (10, 20, 30) lies at (-173, -186, -870) mm
}

// A frame tells where a point lies as seen from a vertebra.
func ExampleFrame() {
	f := volume.NewFrame(r3.Vec{Z: -500}, r3.Vec{Z: 1}, r3.Vec{Y: -1})
	superior, anterior, left := f.Coordinates(r3.Vec{X: 3, Y: -17, Z: -488})
	fmt.Printf("%.0f mm superior, %.0f anterior, %.0f left\n", superior, anterior, left)
	// Output: 12 mm superior, 17 anterior, 3 left
}
