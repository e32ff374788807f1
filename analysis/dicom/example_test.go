// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicom_test

import (
	"context"
	"fmt"
	"testing/fstest"

	"github.com/endplate/endplate/analysis/dicom"
)

func ExampleScan() {
	folder := fstest.MapFS{"README": {Data: []byte("three slices")}}
	for k := range 3 {
		folder[fmt.Sprint("IM", k)] = &fstest.MapFile{Data: part10(explicitLittle, axial(k))}
	}
	ctx := context.Background()
	catalog, err := dicom.Scan(ctx, dicom.Files(folder, "."), dicom.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer catalog.Close()
	for _, stack := range catalog.Stacks {
		series, err := stack.Read(ctx)
		if err != nil {
			fmt.Println(err)
			continue
		}
		v := series.Volume
		column, row, slice := v.Spacing()
		fmt.Printf("series %s: %d×%d×%d voxels of %g×%g×%g mm\n",
			series.SeriesInstanceUID, v.Columns, v.Rows, v.Slices, column, row, slice)
	}
	// Output: series 1.2.3: 5×6×3 voxels of 0.5×0.75×2 mm
}
