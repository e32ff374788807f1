// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package pixel

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
)

// Marker codes of JPEG (ITU-T T.81 table B.1) and JPEG-LS (T.87 table C.1).
const (
	markerSOF0  = 0xC0 // baseline DCT
	markerSOF1  = 0xC1 // extended sequential DCT
	markerSOF3  = 0xC3 // lossless
	markerDHT   = 0xC4
	markerSOF15 = 0xCF
	markerJPG   = 0xC8
	markerDAC   = 0xCC
	markerRST0  = 0xD0
	markerRST7  = 0xD7
	markerSOI   = 0xD8
	markerEOI   = 0xD9
	markerSOS   = 0xDA
	markerDQT   = 0xDB
	markerDRI   = 0xDD
	markerTEM   = 0x01
)

// A segment is one marker segment: its code and its parameters, without the
// length. Markers that stand alone have no parameters.
type segment struct {
	marker byte
	data   []byte
}

// A markerReader walks the marker segments of a codestream.
type markerReader struct {
	data []byte
	pos  int
}

// newMarkerReader returns a reader that stands behind the SOI marker.
func newMarkerReader(frame []byte) (*markerReader, error) {
	if len(frame) < 2 || frame[0] != 0xFF || frame[1] != markerSOI {
		return nil, fmt.Errorf("%w: no SOI marker", ErrCorrupt)
	}
	return &markerReader{data: frame, pos: 2}, nil
}

// next returns the next segment.
func (r *markerReader) next() (segment, error) {
	if r.pos >= len(r.data) || r.data[r.pos] != 0xFF {
		return segment{}, fmt.Errorf("%w: no marker at byte %d of %d", ErrCorrupt, r.pos, len(r.data))
	}
	for r.pos < len(r.data) && r.data[r.pos] == 0xFF { // fill bytes, T.81 B.1.1.2
		r.pos++
	}
	if r.pos >= len(r.data) {
		return segment{}, fmt.Errorf("%w: ends in a marker", ErrCorrupt)
	}
	marker := r.data[r.pos]
	r.pos++
	if marker == markerTEM || marker >= markerRST0 && marker <= markerEOI {
		return segment{marker: marker}, nil
	}
	rest := r.data[r.pos:]
	if len(rest) < 2 {
		return segment{}, fmt.Errorf("%w: ends in segment %X", ErrCorrupt, marker)
	}
	length := int(binary.BigEndian.Uint16(rest))
	if length < 2 || length > len(rest) {
		return segment{}, fmt.Errorf("%w: segment %X of %d bytes, %d left", ErrCorrupt, marker, length, len(rest))
	}
	r.pos += length
	return segment{marker: marker, data: rest[2:length]}, nil
}

// skipEntropyCoded moves to the next marker other than a restart. Within
// entropy-coded data a byte FF is followed by one below escapes: 00 in JPEG,
// 00 to 7F in JPEG-LS.
func (r *markerReader) skipEntropyCoded(escapes byte) {
	for ; r.pos+1 < len(r.data); r.pos++ {
		next := r.data[r.pos+1]
		if r.data[r.pos] == 0xFF && next >= escapes && next != 0xFF && (next < markerRST0 || next > markerRST7) {
			return
		}
	}
	r.pos = len(r.data)
}

// A scanDecoder decodes a codestream segment by segment.
type scanDecoder interface {
	segment(s segment) error                                       // other than SOS
	scan(ctx context.Context, header []byte, entropy []byte) error // may be followed by more than the scan
	finished() bool                                                // whether all components have been decoded
}

// decodeScans hands the segments of frame to d until it has finished. escapes is
// that of skipEntropyCoded.
func decodeScans(ctx context.Context, frame []byte, escapes byte, d scanDecoder) error {
	r, err := newMarkerReader(frame)
	if err != nil {
		return err
	}
	for !d.finished() {
		s, err := r.next()
		if err != nil {
			return err
		}
		if s.marker != markerSOS {
			if err := d.segment(s); err != nil {
				return err
			}
			continue
		}
		if err := d.scan(ctx, s.data, r.data[r.pos:]); err != nil {
			return err
		}
		r.skipEntropyCoded(escapes)
	}
	return nil
}

// isFrameHeader reports whether marker is one of the SOFs of T.81.
func isFrameHeader(marker byte) bool {
	return marker >= markerSOF0 && marker <= markerSOF15 &&
		marker != markerDHT && marker != markerJPG && marker != markerDAC
}

// A frameHeader is the SOF segment of JPEG and JPEG-LS (T.81 B.2.2).
type frameHeader struct {
	precision     int
	rows, columns int
	components    []frameComponent
}

// A frameComponent is a component of a frameHeader.
type frameComponent struct {
	id                   byte
	horizontal, vertical byte // sampling factors
	quantization         byte
}

func parseFrameHeader(data []byte) (*frameHeader, error) {
	if len(data) < 6 || len(data) != 6+3*int(data[5]) {
		return nil, fmt.Errorf("%w: frame header of %d bytes", ErrCorrupt, len(data))
	}
	h := &frameHeader{
		precision: int(data[0]),
		rows:      int(binary.BigEndian.Uint16(data[1:])),
		columns:   int(binary.BigEndian.Uint16(data[3:])),
	}
	for c := data[6:]; len(c) > 0; c = c[3:] {
		h.components = append(h.components, frameComponent{
			id: c[0], horizontal: c[1] >> 4, vertical: c[1] & 15, quantization: c[2],
		})
	}
	return h, nil
}

// check compares the header with the frame's Format.
func (h *frameHeader) check(f Format) error {
	if h.rows != f.Rows || h.columns != f.Columns || len(h.components) != f.SamplesPerPixel {
		return fmt.Errorf("%w: codestream of %d×%d pixels of %d samples, want %d×%d of %d", ErrCorrupt,
			h.columns, h.rows, len(h.components), f.Columns, f.Rows, f.SamplesPerPixel)
	}
	if h.precision < 2 || h.precision > 16 || h.precision > f.BitsAllocated {
		return fmt.Errorf("%w: precision of %d bits, %d allocated", ErrCorrupt, h.precision, f.BitsAllocated)
	}
	return nil
}

// onlyFrameHeader parses a frame header of the given format, and refuses one that
// follows another, old.
func onlyFrameHeader(old *frameHeader, data []byte, f Format) (*frameHeader, error) {
	if old != nil {
		return nil, fmt.Errorf("%w: second frame header", ErrCorrupt)
	}
	h, err := parseFrameHeader(data)
	if err != nil {
		return nil, err
	}
	if err := h.check(f); err != nil {
		return nil, err
	}
	return h, h.checkSampling()
}

// checkSampling refuses components of different resolution.
func (h *frameHeader) checkSampling() error {
	for _, c := range h.components {
		if c.horizontal != h.components[0].horizontal || c.vertical != h.components[0].vertical {
			return fmt.Errorf("subsampled components: %w", errors.ErrUnsupported)
		}
	}
	return nil
}

// A scanHeader is the SOS segment (T.81 B.2.3, T.87 C.2.3).
type scanHeader struct {
	components []scanComponent
	start, end byte // predictor or NEAR; interleave mode
	low        byte // point transform
}

// A scanComponent is a component of a scan.
type scanComponent struct {
	index int  // in the frame header
	table byte // entropy coding or mapping table
}

func parseScanHeader(data []byte, frame *frameHeader) (*scanHeader, error) {
	if len(data) < 1 || data[0] < 1 || len(data) != 4+2*int(data[0]) {
		return nil, fmt.Errorf("%w: scan header of %d bytes", ErrCorrupt, len(data))
	}
	h := &scanHeader{start: data[len(data)-3], end: data[len(data)-2], low: data[len(data)-1] & 15}
	next := 0
	for c := data[1 : len(data)-3]; len(c) > 0; c = c[2:] {
		// T.81 B.2.3: components of a scan follow the frame's order.
		for next < len(frame.components) && frame.components[next].id != c[0] {
			next++
		}
		if next == len(frame.components) {
			return nil, fmt.Errorf("%w: scan of unknown component %d", ErrCorrupt, c[0])
		}
		h.components = append(h.components, scanComponent{index: next, table: c[1]})
		next++
	}
	return h, nil
}

// parseRestartInterval reads a DRI segment.
func parseRestartInterval(data []byte) (int, error) {
	if len(data) != 2 {
		return 0, fmt.Errorf("%w: DRI segment of %d bytes", ErrCorrupt, len(data))
	}
	return int(binary.BigEndian.Uint16(data)), nil
}
