// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package pixel_test

import (
	"encoding/binary"
	"errors"
	"path/filepath"
	"sync"
	"testing"

	"github.com/endplate/endplate/analysis/dicom/pixel"
)

// siz returns a codestream that ends behind its SIZ segment (T.800 A.5.1).
func siz(width, height, tileWidth, tileHeight uint32, components ...[3]byte) []byte {
	data := []byte{0, 0}
	for _, v := range []uint32{width, height, 0, 0, tileWidth, tileHeight, 0, 0} {
		data = binary.BigEndian.AppendUint32(data, v)
	}
	data = binary.BigEndian.AppendUint16(data, uint16(len(components)))
	for _, c := range components {
		data = append(data, c[:]...)
	}
	return appendSegment([]byte{0xFF, 0x4F}, 0x51, data)
}

func TestJPEG2000RefusesLyingHeaders(t *testing.T) {
	component := [3]byte{15, 1, 1} // 16 bits unsigned, not subsampled
	for _, tt := range []struct {
		name  string
		frame []byte
		want  error
	}{
		{"larger than its Format", siz(1<<31, 1<<31, 1<<31, 1<<31, component), pixel.ErrCorrupt},
		{"no size", siz(0, 0, 16, 16, component), pixel.ErrCorrupt},
		{"no tile size", siz(16, 16, 0, 16, component), pixel.ErrCorrupt},
		{"more tiles than bytes", siz(16, 16, 1, 1, component), pixel.ErrCorrupt},
		{"another number of components", siz(16, 16, 16, 16, component, component), pixel.ErrCorrupt},
		{"no components", siz(16, 16, 16, 16), pixel.ErrCorrupt},
		{"38 bits", siz(16, 16, 16, 16, [3]byte{37, 1, 1}), pixel.ErrCorrupt},
		{"subsampled", siz(16, 16, 16, 16, [3]byte{15, 2, 1}), errors.ErrUnsupported},
		{"nothing behind SIZ", siz(16, 16, 16, 16, component), pixel.ErrCorrupt},
		{"JP2 without codestream", []byte("\x00\x00\x00\x0CjP  \r\n\x87\n"), pixel.ErrCorrupt},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := pixel.Decode(t.Context(), jpeg2000Lossless, tt.frame, gray(16, 16, 16), make([]int32, 256))
			if !errors.Is(err, tt.want) {
				t.Errorf("Decode = %v, want %v", err, tt.want)
			}
		})
	}
}

// PS3.5 8.2.4 wants a bare codestream, but JP2 files occur.
func TestJPEG2000WithinJP2(t *testing.T) {
	i := readInstance(t, filepath.Join(sharedData(t), "dicom", "nema-ct", "CT2_J2KR"))
	want := decodeInstance(t, i)
	box := binary.BigEndian.AppendUint32([]byte("\x00\x00\x00\x0CjP  \r\n\x87\n"), uint32(8+len(i.frame)))
	i.frame = append(append(box, "jp2c"...), i.frame...)
	if worst := largestDifference(want, decodeInstance(t, i)); worst > 0 {
		t.Errorf("largest difference %d from the bare codestream", worst)
	}
}

// The codestream calls its samples unsigned, the dataset signed: the bits are
// those of signed ones. The range is what pydicom decodes, from whose tests the
// file comes.
func TestJPEG2000WithContradictingSign(t *testing.T) {
	i := readInstance(t, filepath.Join(sharedData(t), "dicom", "odd", "J2K_pixelrep_mismatch.dcm"))
	low, high := int32(0), int32(0)
	for _, s := range decodeInstance(t, i) {
		low, high = min(low, s), max(high, s)
	}
	if low != -2000 || high != 1896 {
		t.Errorf("samples from %d to %d, want -2000 to 1896", low, high)
	}
}

// The compiled module is shared.
func TestJPEG2000DecodesConcurrently(t *testing.T) {
	i := readInstance(t, filepath.Join(sharedData(t), "dicom", "nema-ct", "CT2_J2KR"))
	want := decodeInstance(t, i)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			got := i.samples()
			if err := pixel.Decode(t.Context(), i.transferSyntax, i.frame, i.format, got); err != nil {
				t.Error(err)
			}
			if worst := largestDifference(want, got); worst > 0 {
				t.Errorf("largest difference %d from a decoding alone", worst)
			}
		})
	}
	group.Wait()
}
