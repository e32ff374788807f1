// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/endplate/endplate/analysis/dicom/internal/element"
	"github.com/endplate/endplate/analysis/dicom/internal/fragment"
	"github.com/endplate/endplate/analysis/dicom/pixel"
)

// A frame may decode to so many times its size, with an allowance for small ones, as
// for slices of a volume.
const (
	maxCompression       = 256
	compressionAllowance = 4 << 20 // bytes
)

// Stored returns frame n, from 1, as it is stored: compressed, or native in the byte
// order of its transfer syntax.
func (m *Image) Stored(n int) ([]byte, error) {
	if n < 1 || n > m.Frames {
		return nil, ErrNoFrame
	}
	if !m.Compressed {
		return m.native(n)
	}
	var size int64
	for _, s := range m.spans[n-1] {
		size += s.Length
	}
	b := make([]byte, size)
	at := b
	for _, s := range m.spans[n-1] {
		if err := fragment.ReadAt(m.r, at[:s.Length], s.Offset); err != nil {
			return nil, err
		}
		at = at[s.Length:]
	}
	return b, nil
}

// native reads a native frame. One of single bits is shifted so that it begins at an
// octet.
func (m *Image) native(n int) ([]byte, error) {
	bits := m.frameBits() * int64(n-1)
	first, shift := bits/8, uint(bits%8)
	last := (bits + m.frameBits() + 7) / 8
	paired := m.order == binary.BigEndian && m.vr == "OW" && m.Format.BitsAllocated <= 8
	odd := first % 2
	if paired { // octets written as words come in pairs
		first -= odd
		last += last % 2
	}
	b := make([]byte, last-first)
	if err := fragment.ReadAt(m.r, b[:min(int64(len(b)), m.length-first)], m.offset+first); err != nil {
		return nil, err
	}
	if paired {
		element.Swap("OW", b)
		b = b[odd:]
	}
	return aligned(b[:], shift)[:m.Size()], nil
}

// aligned moves bits down so that the first is that at shift.
func aligned(b []byte, shift uint) []byte {
	if shift == 0 {
		return b
	}
	for i := range b {
		b[i] >>= shift
		if i+1 < len(b) {
			b[i] |= b[i+1] << (8 - shift)
		}
	}
	return b
}

// Bits returns the pixel data of an image of single bits, all frames in a row.
func (m *Image) Bits() (*io.SectionReader, error) {
	size := (m.frameBits()*int64(m.Frames) + 7) / 8
	if m.Compressed || m.Format.BitsAllocated != 1 || m.order == binary.BigEndian || size >= math.MaxUint32-1 {
		return nil, fmt.Errorf("single bits written like this: %w", errors.ErrUnsupported)
	}
	return io.NewSectionReader(m.r, m.offset, size), nil
}

// Uncompressed returns frame n, from 1, in little endian and as BitsAllocated says,
// pixel by pixel where it was compressed; see [Image.Native] for how that is described.
func (m *Image) Uncompressed(ctx context.Context, n int) ([]byte, error) {
	if !m.Compressed {
		b, err := m.Stored(n)
		if err == nil && m.order == binary.BigEndian && m.Format.BitsAllocated > 8 {
			element.Swap(map[int]string{16: "OW", 32: "OL", 64: "OV"}[m.Format.BitsAllocated], b)
		}
		return b, err
	}
	samples, err := m.Decode(ctx, n)
	if err != nil {
		return nil, err
	}
	return packed(samples, m.Format.BitsAllocated)
}

// packed writes samples in so many bits each.
func packed(samples []int32, bits int) ([]byte, error) {
	b := make([]byte, 0, len(samples)*bits/8)
	switch bits {
	case 8:
		for _, s := range samples {
			b = append(b, byte(s))
		}
	case 16:
		for _, s := range samples {
			b = binary.LittleEndian.AppendUint16(b, uint16(s))
		}
	case 32:
		for _, s := range samples {
			b = binary.LittleEndian.AppendUint32(b, uint32(s))
		}
	default:
		return nil, fmt.Errorf("%w: compressed samples of %d bits", pixel.ErrCorrupt, bits)
	}
	return b, nil
}

// Native returns the format of uncompressed frames: of compressed ones the decoder
// leaves stored bits at the bottom, samples beside each other, and colour that was
// transformed for JPEG 2000 undone.
func (m *Image) Native() pixel.Format {
	f := m.Format
	if !m.Compressed {
		return f
	}
	f.HighBit = f.BitsStored - 1
	f.PlanarConfiguration = 0
	switch f.PhotometricInterpretation {
	case "YBR_RCT", "YBR_ICT":
		f.PhotometricInterpretation = "RGB"
	case "YBR_FULL_422", "YBR_PARTIAL_420", "YBR_PARTIAL_422":
		f.PhotometricInterpretation = "YBR_FULL"
	}
	return f
}

// Decode returns the samples of frame n, from 1: see [pixel.Decode]. A decoder that
// panics fails the frame, not the process.
func (m *Image) Decode(ctx context.Context, n int) (samples []int32, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: decoder of %s gave up", pixel.ErrCorrupt, m.TransferSyntaxUID)
		}
	}()
	syntax := element.ExplicitVRLittleEndian
	read := m.Uncompressed
	if m.Compressed {
		syntax = m.TransferSyntaxUID
		read = func(_ context.Context, n int) ([]byte, error) { return m.Stored(n) }
	}
	b, err := read(ctx, n)
	if err != nil {
		return nil, err
	}
	if need := 4 * int64(m.samples()); m.Compressed && need > compressionAllowance+maxCompression*int64(len(b)) {
		return nil, fmt.Errorf("%w: a frame of %d bytes from %d", element.ErrTooLarge, need, len(b))
	}
	samples = make([]int32, m.samples())
	return samples, pixel.Decode(ctx, syntax, b, m.Format, samples)
}
