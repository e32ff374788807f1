// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package pixel

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
)

const (
	rleHeaderSize  = 64 // PS3.5 G.5: a count and fifteen offsets, four bytes each
	rleMaxSegments = 15
)

// decodeRLE decodes DICOM's RLE (PS3.5 annex G): each byte of each sample is a
// plane of its own, packed by PackBits, the most significant byte first.
func decodeRLE(ctx context.Context, frame []byte, f Format, dst []int32) error {
	if f.BitsAllocated < 8 {
		return fmt.Errorf("%d bit allocated: %w", f.BitsAllocated, errors.ErrUnsupported)
	}
	planes := f.BitsAllocated / 8
	segments, err := rleSegments(frame, f.SamplesPerPixel*planes)
	if err != nil {
		return err
	}
	plane := make([]byte, f.Rows*f.Columns)
	clear(dst)
	for i, segment := range segments {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := unpackBits(plane, segment); err != nil {
			return fmt.Errorf("segment %d: %w", i+1, err)
		}
		first := i / planes
		for j, b := range plane {
			k := first + j*f.SamplesPerPixel
			dst[k] = dst[k]<<8 | int32(b)
		}
	}
	f.samples(dst)
	return nil
}

// rleSegments splits a frame at the offsets of its header.
func rleSegments(frame []byte, want int) ([][]byte, error) {
	if len(frame) < rleHeaderSize {
		return nil, fmt.Errorf("%w: %d bytes are no RLE header", ErrCorrupt, len(frame))
	}
	n := binary.LittleEndian.Uint32(frame)
	if n > rleMaxSegments || int(n) != want {
		return nil, fmt.Errorf("%w: %d RLE segments, want %d", ErrCorrupt, n, want)
	}
	segments := make([][]byte, want)
	end := int64(len(frame))
	for i := want - 1; i >= 0; i-- {
		start := int64(binary.LittleEndian.Uint32(frame[4+4*i:]))
		if start < rleHeaderSize || start > end {
			return nil, fmt.Errorf("%w: RLE segment %d at %d, beyond %d", ErrCorrupt, i+1, start, end)
		}
		segments[i] = frame[start:end]
		end = start
	}
	return segments, nil
}

// unpackBits fills dst from a PackBits run-length code (PS3.5 G.3.2). What the
// segment holds beyond dst is padding.
func unpackBits(dst, src []byte) error {
	out := 0
	for out < len(dst) {
		if len(src) == 0 {
			return fmt.Errorf("%w: %d bytes, want %d", ErrCorrupt, out, len(dst))
		}
		n := int(int8(src[0]))
		src = src[1:]
		switch {
		case n >= 0:
			n = min(n+1, len(dst)-out)
			if len(src) < n {
				return fmt.Errorf("%w: %d bytes, want %d", ErrCorrupt, out+len(src), len(dst))
			}
			copy(dst[out:out+n], src)
			src = src[n:]
			out += n
		case n > -128:
			n = min(1-n, len(dst)-out)
			if len(src) == 0 {
				return fmt.Errorf("%w: %d bytes, want %d", ErrCorrupt, out, len(dst))
			}
			fill(dst[out:out+n], src[0])
			src = src[1:]
			out += n
		}
	}
	return nil
}

func fill(dst []byte, b byte) {
	for i := range dst {
		dst[i] = b
	}
}
