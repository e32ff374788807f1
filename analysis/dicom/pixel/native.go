// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package pixel

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
)

func decodeLittleEndian(_ context.Context, frame []byte, f Format, dst []int32) error {
	return decodeNative(binary.LittleEndian, frame, f, dst)
}

func decodeBigEndian(_ context.Context, frame []byte, f Format, dst []int32) error {
	return decodeNative(binary.BigEndian, frame, f, dst)
}

// decodeNative reads uncompressed cells (PS3.5 8.1). Cells of 8 bits are taken
// in the order of the bytes: a big-endian OW must have its byte pairs swapped
// by the caller, who alone knows the VR.
func decodeNative(order binary.ByteOrder, frame []byte, f Format, dst []int32) error {
	if want := (len(dst)*f.BitsAllocated + 7) / 8; len(frame) < want {
		return fmt.Errorf("%w: %d bytes, want %d", ErrCorrupt, len(frame), want)
	}
	switch f.BitsAllocated {
	case 1:
		for i := range dst {
			dst[i] = int32(frame[i/8]>>(i%8)) & 1
		}
	case 8:
		for i := range dst {
			dst[i] = int32(frame[i])
		}
	case 16:
		unpack16(order, frame, dst)
	case 32:
		for i := range dst {
			dst[i] = int32(order.Uint32(frame[4*i:]))
		}
	}
	f.samples(dst)
	switch f.PlanarConfiguration {
	case 0:
		return nil
	case 1:
		interleave(dst, f.SamplesPerPixel)
		return nil
	default:
		return fmt.Errorf("planar configuration %d: %w", f.PlanarConfiguration, errors.ErrUnsupported)
	}
}

// unpack16 calls order only where it must: the call costs more than the load.
func unpack16(order binary.ByteOrder, frame []byte, dst []int32) {
	frame = frame[:2*len(dst)]
	if order == binary.LittleEndian {
		for i := range dst {
			dst[i] = int32(binary.LittleEndian.Uint16(frame[2*i:]))
		}
		return
	}
	for i := range dst {
		dst[i] = int32(order.Uint16(frame[2*i:]))
	}
}

// interleave turns planes, one after another, into pixels.
func interleave(samples []int32, planes int) {
	if planes == 1 {
		return
	}
	planar := append([]int32(nil), samples...)
	size := len(samples) / planes
	for p := range planes {
		for i, s := range planar[p*size : (p+1)*size] {
			samples[i*planes+p] = s
		}
	}
}
