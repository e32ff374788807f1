// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package seg

// frame is what one image shows of one segment.
type frame struct {
	segment int // from 0
	image   int // in the grid
	runs    []run
}

// pack returns frames of so many pixels each as one bit a pixel, the first in the
// lowest bit, one frame after the other without a gap. PS3.5 section 8.1.1 and annex
// D; PS3.3 C.8.20.2.
func pack(frames []frame, pixels int) []byte {
	bits := make([]byte, (len(frames)*pixels+7)/8)
	for n := range frames {
		for _, r := range frames[n].runs {
			set(bits, n*pixels+r.from, n*pixels+r.to)
		}
	}
	return bits
}

// set sets the bits from the first to before the last.
func set(bits []byte, from, to int) {
	for ; from < to && from%8 != 0; from++ {
		bits[from/8] |= 1 << (from % 8)
	}
	for ; from+8 <= to; from += 8 {
		bits[from/8] = 0xff
	}
	for ; from < to; from++ {
		bits[from/8] |= 1 << (from % 8)
	}
}
