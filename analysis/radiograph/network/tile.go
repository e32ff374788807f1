// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package network

// Outputs are a multiple of tileOutputs, padded with weights of zero: so many sums are made
// side by side, of tilePixels pixels at a time where the processor can.
const (
	tilePixels  = 8
	tileOutputs = 8
)

// accumulate adds to the outputs of a row's pixels the products of n values of x with their
// weights. The values of the next pixel are xStep further. Each sum is made in the order of
// the values, products rounded: on all processors the same.
func accumulate(dst, x []float32, xStep int, w []float32, outputs, n, pixels int) {
	for p := tiled(dst, x, xStep, w, outputs, n, pixels); p < pixels; p++ {
		tile(dst[p*outputs:(p+1)*outputs], x[p*xStep:p*xStep+n], w)
	}
}

// tile adds to the outputs of one pixel.
func tile(dst, x, w []float32) {
	outputs := len(dst)
	for o := 0; o < outputs; o += 4 {
		s0, s1, s2, s3 := dst[o], dst[o+1], dst[o+2], dst[o+3]
		for i, v := range x {
			q := w[i*outputs+o : i*outputs+o+4 : i*outputs+o+4]
			s0 += float32(v * q[0])
			s1 += float32(v * q[1])
			s2 += float32(v * q[2])
			s3 += float32(v * q[3])
		}
		dst[o], dst[o+1], dst[o+2], dst[o+3] = s0, s1, s2, s3
	}
}
