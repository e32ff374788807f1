// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package network

import "golang.org/x/sys/cpu"

// tileAVX is tile for tilePixels pixels and tileOutputs outputs. Steps are in bytes; n is at
// least 1.
//
//go:noescape
func tileAVX(dst *float32, dstStep uintptr, x *float32, xStep uintptr, w *float32, wStep uintptr, n int)

// tiled makes of a row what whole tiles make, and returns how many pixels those are.
func tiled(dst []float32, x []float32, xStep int, w []float32, outputs, n, pixels int) int {
	if !cpu.X86.HasAVX {
		return 0
	}
	const size = 4 // bytes of a float32
	done := pixels / tilePixels * tilePixels
	for p := 0; p < done; p += tilePixels {
		for o := 0; o < outputs; o += tileOutputs {
			// The last elements that are touched, checked here as the assembly does not.
			_, _, _ = dst[(p+tilePixels-1)*outputs+o+tileOutputs-1], x[(p+tilePixels-1)*xStep+n-1], w[(n-1)*outputs+o+tileOutputs-1]
			tileAVX(&dst[p*outputs+o], uintptr(size*outputs), &x[p*xStep], uintptr(size*xStep), &w[o], uintptr(size*outputs), n)
		}
	}
	return done
}
