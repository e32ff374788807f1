// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package pixel

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/endplate/endplate/analysis/dicom/pixel/internal/openjpeg"
)

// decodeJPEG2000 decodes a JPEG 2000 or HTJ2K codestream by OpenJPEG.
func decodeJPEG2000(ctx context.Context, frame []byte, f Format, dst []int32) error {
	codestream, err := unboxed(frame)
	if err != nil {
		return err
	}
	size, err := parseImageSize(codestream)
	if err != nil {
		return err
	}
	if err := size.check(f, len(codestream)); err != nil {
		return err
	}
	err = openjpeg.Decode(ctx, codestream, f.Columns, f.Rows, f.SamplesPerPixel, dst)
	if errors.Is(err, openjpeg.ErrCodestream) {
		return fmt.Errorf("%w: %v", ErrCorrupt, err)
	}
	if err != nil {
		return err
	}
	// A signed component in a frame of unsigned samples, or the reverse, keeps
	// its bits, as other readers do.
	coded := f.coded(size.precision)
	if !f.Signed {
		coded.BitsStored = min(coded.BitsStored, size.precision)
	}
	coded.samples(dst)
	return nil
}

// jp2Signature begins the first box of a JP2 file (T.800 I.5.1). PS3.5 8.2.4
// allows a bare codestream only, but frames in JP2 exist.
var jp2Signature = []byte{0, 0, 0, 12, 'j', 'P', ' ', ' '}

// unboxed returns the codestream within a JP2 file, or the frame itself.
func unboxed(frame []byte) ([]byte, error) {
	if !bytes.HasPrefix(frame, jp2Signature) {
		return frame, nil
	}
	for len(frame) >= 16 {
		length, head := uint64(binary.BigEndian.Uint32(frame)), 8
		switch length { // T.800 table I.1
		case 0:
			length = uint64(len(frame))
		case 1:
			length, head = binary.BigEndian.Uint64(frame[8:]), 16
		}
		if length < uint64(head) || length > uint64(len(frame)) {
			break
		}
		if string(frame[4:8]) == "jp2c" {
			return frame[head:length], nil
		}
		frame = frame[length:]
	}
	return nil, fmt.Errorf("%w: JP2 without a codestream", ErrCorrupt)
}

// An imageSize is what the SIZ segment says (T.800 A.5.1).
type imageSize struct {
	columns, rows int64
	components    int
	precision     int  // largest of the components
	subsampled    bool // any of them
	tiles         int64
}

// sizStart is how every codestream starts: SOC, SIZ.
var sizStart = []byte{0xFF, 0x4F, 0xFF, 0x51}

// sizLength is the length of a SIZ segment without components.
const sizLength = 38

func parseImageSize(codestream []byte) (*imageSize, error) {
	if !bytes.HasPrefix(codestream, sizStart) || len(codestream) < len(sizStart)+sizLength {
		return nil, fmt.Errorf("%w: no SIZ marker", ErrCorrupt)
	}
	siz := codestream[len(sizStart):]
	field := func(i int) int64 { return int64(binary.BigEndian.Uint32(siz[4+4*i:])) }
	right, bottom, left, top := field(0), field(1), field(2), field(3)
	tileColumns, tileRows, tileLeft, tileTop := field(4), field(5), field(6), field(7)
	s := &imageSize{columns: right - left, rows: bottom - top, components: int(binary.BigEndian.Uint16(siz[36:]))}
	length := int(binary.BigEndian.Uint16(siz))
	if length != sizLength+3*s.components || length > len(siz) || s.components == 0 {
		return nil, fmt.Errorf("%w: SIZ of %d bytes for %d components", ErrCorrupt, length, s.components)
	}
	if tileColumns == 0 || tileRows == 0 || tileLeft > left || tileTop > top || s.columns <= 0 || s.rows <= 0 {
		return nil, fmt.Errorf("%w: pixels %d,%d to %d,%d in tiles of %d×%d from %d,%d", ErrCorrupt,
			left, top, right, bottom, tileColumns, tileRows, tileLeft, tileTop)
	}
	s.tiles = ceilDiv(right-tileLeft, tileColumns) * ceilDiv(bottom-tileTop, tileRows)
	for c := siz[sizLength:length]; len(c) > 0; c = c[3:] {
		s.precision = max(s.precision, int(c[0]&0x7F)+1)
		s.subsampled = s.subsampled || c[1] != 1 || c[2] != 1
	}
	return s, nil
}

func ceilDiv(a, b int64) int64 { return (a + b - 1) / b }

// minTilePart is the least a tile costs in a codestream: SOT and SOD.
const minTilePart = 14

// check compares the size with the frame's Format. A stream cannot hold more
// tiles than there is room for their headers.
func (s *imageSize) check(f Format, length int) error {
	switch {
	case s.columns != int64(f.Columns) || s.rows != int64(f.Rows) || s.components != f.SamplesPerPixel:
		return fmt.Errorf("%w: codestream of %d×%d pixels of %d samples, want %d×%d of %d", ErrCorrupt,
			s.columns, s.rows, s.components, f.Columns, f.Rows, f.SamplesPerPixel)
	case s.subsampled:
		return fmt.Errorf("subsampled components: %w", errors.ErrUnsupported)
	case s.precision > f.BitsAllocated:
		return fmt.Errorf("%w: precision of %d bits, %d allocated", ErrCorrupt, s.precision, f.BitsAllocated)
	case s.tiles > int64(length)/minTilePart:
		return fmt.Errorf("%w: %d tiles in %d bytes", ErrCorrupt, s.tiles, length)
	}
	return nil
}
