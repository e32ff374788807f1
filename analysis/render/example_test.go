// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"bytes"
	"fmt"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/render"
	"github.com/endplate/endplate/analysis/volume"
)

func ExampleScene_Render() {
	vol := volume.New(volume.Geometry{
		Columns: 512, Rows: 512, Slices: 40,
		Origin: r3.Vec{X: -128, Y: -128, Z: 100},
		Column: r3.Vec{X: 0.5}, Row: r3.Vec{Y: 0.5}, Slice: r3.Vec{Z: 3},
	})
	scene, err := render.New(vol, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	sagittal, err := scene.Plane(render.Sagittal, 10, render.Field{Whole: true, MaxColumns: 256})
	if err != nil {
		fmt.Println(err)
		return
	}
	picture, err := scene.Render(&sagittal, render.Options{Window: render.Bone, Layers: render.LayersOf(render.Direction)})
	if err != nil {
		fmt.Println(err)
		return
	}
	var png bytes.Buffer
	if err := render.WritePNG(&png, picture); err != nil {
		fmt.Println(err)
		return
	}
	affine, _ := sagittal.Affine()
	fmt.Printf("%d × %d pixels of %.1f mm, the first at %.2f\n", sagittal.Columns, sagittal.Rows, sagittal.PixelSize, affine.Origin)
	// Output: 256 × 120 pixels of 1.0 mm, the first at {10.00 -127.75 218.00}
}
