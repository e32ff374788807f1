// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package pixel_test

import (
	"errors"
	"testing"

	"github.com/endplate/endplate/analysis/dicom/pixel"
	"github.com/google/go-cmp/cmp"
)

const (
	explicitLittleEndian = "1.2.840.10008.1.2.1"
	explicitBigEndian    = "1.2.840.10008.1.2.2"
	rleLossless          = "1.2.840.10008.1.2.5"
)

func TestDecodeReadsStoredBits(t *testing.T) {
	for _, tt := range []struct {
		name, syntax string
		format       pixel.Format
		frame        []byte
		want         []int32
	}{
		{
			"16 bits unsigned", explicitLittleEndian, gray(1, 2, 16),
			[]byte{0x01, 0x80, 0xFF, 0xFF}, []int32{0x8001, 0xFFFF},
		},
		{
			"16 bits signed, big endian", explicitBigEndian, signed(gray(1, 2, 16)),
			[]byte{0x80, 0x01, 0xFF, 0xFF}, []int32{-0x7FFF, -1},
		},
		{
			// An overlay in bits 12 to 15 is no part of the sample (PS3.5 8.1.1).
			"12 bits signed under an overlay", explicitLittleEndian, signed(gray(1, 2, 12)),
			[]byte{0xFF, 0x1F, 0xFF, 0xF7}, []int32{-1, 2047},
		},
		{
			"12 bits in the upper part of the cell", explicitLittleEndian,
			pixel.Format{Rows: 1, Columns: 1, SamplesPerPixel: 1, BitsAllocated: 16, BitsStored: 12, HighBit: 15, Signed: true},
			[]byte{0x0A, 0x80}, []int32{-2048},
		},
		{
			// Single bits are packed from the least significant one (PS3.5 8.1.1).
			"1 bit", explicitLittleEndian, pixel.Format{Rows: 2, Columns: 5, SamplesPerPixel: 1, BitsAllocated: 1, BitsStored: 1},
			[]byte{0b10000001, 0b10}, []int32{1, 0, 0, 0, 0, 0, 0, 1, 0, 1},
		},
		{
			"32 bits signed", explicitLittleEndian, signed(gray(1, 1, 32)),
			[]byte{0xFE, 0xFF, 0xFF, 0xFF}, []int32{-2},
		},
		{
			"colour by plane", explicitLittleEndian,
			pixel.Format{Rows: 1, Columns: 2, SamplesPerPixel: 3, BitsAllocated: 8, BitsStored: 8, HighBit: 7, PlanarConfiguration: 1},
			[]byte{1, 2, 3, 4, 5, 6}, []int32{1, 3, 5, 2, 4, 6},
		},
		{
			// Annex G.3: 2 literals, then 128 = nothing, then 3 times 9; the
			// segment of the high bytes comes first.
			"RLE", rleLossless, gray(1, 5, 16),
			rleFrame([]byte{1, 1, 2, 128, 254, 9}, []byte{252, 7}),
			[]int32{0x107, 0x207, 0x907, 0x907, 0x907},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := make([]int32, len(tt.want))
			if err := pixel.Decode(t.Context(), tt.syntax, tt.frame, tt.format, got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("samples (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeRefusesBadFrames(t *testing.T) {
	for _, tt := range []struct {
		name, syntax string
		format       pixel.Format
		frame        []byte
		want         error
	}{
		{"native, one byte short", explicitLittleEndian, gray(2, 2, 16), make([]byte, 7), pixel.ErrCorrupt},
		{"no rows", explicitLittleEndian, gray(0, 2, 16), nil, pixel.ErrCorrupt},
		{"bits stored beyond the cell", explicitLittleEndian, pixel.Format{
			Rows: 1, Columns: 1, SamplesPerPixel: 1, BitsAllocated: 16, BitsStored: 17, HighBit: 16,
		}, make([]byte, 2), pixel.ErrCorrupt},
		{"32 bits unsigned", explicitLittleEndian, gray(1, 1, 32), make([]byte, 4), errors.ErrUnsupported},
		{"RLE without header", rleLossless, gray(1, 1, 8), make([]byte, 63), pixel.ErrCorrupt},
		{"RLE with too few segments", rleLossless, gray(1, 1, 16), rleFrame([]byte{0, 1}), pixel.ErrCorrupt},
		{"RLE ending in a literal", rleLossless, gray(1, 3, 8), rleFrame([]byte{2, 1, 1}), pixel.ErrCorrupt},
		{"RLE ending in a run", rleLossless, gray(1, 3, 8), rleFrame([]byte{0, 1, 255}), pixel.ErrCorrupt},
		{"RLE with an offset beyond the frame", rleLossless, gray(1, 1, 8), rleFrame([]byte{0, 1})[:64:64], pixel.ErrCorrupt},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dst := make([]int32, tt.format.Rows*tt.format.Columns)
			if err := pixel.Decode(t.Context(), tt.syntax, tt.frame, tt.format, dst); !errors.Is(err, tt.want) {
				t.Errorf("Decode = %v, want %v", err, tt.want)
			}
		})
	}
}

func signed(f pixel.Format) pixel.Format {
	f.Signed = true
	return f
}

// rleFrame puts the header of PS3.5 G.5 before the segments.
func rleFrame(segments ...[]byte) []byte {
	frame := make([]byte, 64)
	frame[0] = byte(len(segments))
	for i, s := range segments {
		frame[4+4*i], frame[5+4*i] = byte(len(frame)), byte(len(frame)>>8)
		frame = append(frame, s...)
	}
	return frame
}
