// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package pixel

import (
	"context"
	"errors"
	"fmt"
)

var errTruncated = fmt.Errorf("%w: entropy-coded data ends early", ErrCorrupt)

// decodeJPEGLossless decodes the lossless process with Huffman coding (T.81
// process 14, SOF3): every predictor, restart intervals, point transform, and
// several components in one scan or in a scan each.
func decodeJPEGLossless(ctx context.Context, frame []byte, f Format, dst []int32) error {
	d := losslessDecoder{format: f, dst: dst}
	if err := decodeScans(ctx, frame, 1, &d); err != nil {
		return err
	}
	f.coded(d.header.precision).samples(dst)
	return nil
}

// A losslessDecoder holds what the segments before a scan have set.
type losslessDecoder struct {
	format   Format
	dst      []int32 // cells of the frame, by pixel
	header   *frameHeader
	tables   [4]*differenceTable
	interval int // restart interval, pixels; 0 for none
	done     int // bit set of the components that have been decoded
}

func (d *losslessDecoder) finished() bool { return d.done == 1<<d.format.SamplesPerPixel-1 }

// segment takes in a segment other than SOS.
func (d *losslessDecoder) segment(s segment) error {
	var err error
	switch {
	case s.marker == markerSOF3:
		d.header, err = onlyFrameHeader(d.header, s.data, d.format)
		return err
	case isFrameHeader(s.marker):
		return fmt.Errorf("JPEG process SOF%d in a lossless transfer syntax: %w", s.marker-markerSOF0, errors.ErrUnsupported)
	case s.marker == markerDHT:
		return eachHuffmanTable(s.data, d.enterTable)
	case s.marker == markerDRI:
		d.interval, err = parseRestartInterval(s.data)
		return err
	case s.marker == markerEOI:
		return fmt.Errorf("%w: components missing", ErrCorrupt)
	}
	return nil
}

func (d *losslessDecoder) enterTable(class, slot byte, counts, values []byte) error {
	if class != 0 {
		return fmt.Errorf("%w: AC table in a lossless process", ErrCorrupt)
	}
	var err error
	d.tables[slot], err = newDifferenceTable(counts, values)
	return err
}

// scan decodes the scan with the given header (T.81 H.2).
func (d *losslessDecoder) scan(ctx context.Context, header, data []byte) error {
	if d.header == nil {
		return fmt.Errorf("%w: scan before the frame header", ErrCorrupt)
	}
	h, err := parseScanHeader(header, d.header)
	if err != nil {
		return err
	}
	s := losslessScan{bits: bitReader{data: data}, predictor: h.start, shift: int(h.low)}
	if s.predictor < 1 || s.predictor > 7 || s.shift >= d.header.precision {
		return fmt.Errorf("%w: predictor %d, point transform %d", ErrCorrupt, s.predictor, s.shift)
	}
	for _, c := range h.components {
		table := d.tables[c.table>>4&3]
		if table == nil || d.done&(1<<c.index) != 0 {
			return fmt.Errorf("%w: component %d without a table or twice", ErrCorrupt, c.index)
		}
		d.done |= 1 << c.index
		s.components = append(s.components, c.index)
		s.tables = append(s.tables, table)
	}
	s.origin = 1 << (d.header.precision - s.shift - 1)
	return s.decode(ctx, d)
}

// A losslessScan is a scan while it is decoded.
type losslessScan struct {
	bits       bitReader
	components []int              // indices in a pixel
	tables     []*differenceTable // of each component
	predictor  byte
	shift      int   // point transform
	origin     int32 // prediction of the first sample
}

// decode fills the scan's components of the frame.
func (s *losslessScan) decode(ctx context.Context, d *losslessDecoder) error {
	f := d.format
	stride := f.Columns * f.SamplesPerPixel
	if d.interval%f.Columns != 0 { // T.81 H.1.1
		return fmt.Errorf("%w: restart interval %d is not whole rows of %d", ErrCorrupt, d.interval, f.Columns)
	}
	rowsLeft := d.interval / f.Columns
	var above []int32
	for y := range f.Rows {
		if d.interval > 0 && rowsLeft == 0 {
			if err := s.bits.restart(); err != nil {
				return err
			}
			rowsLeft = d.interval / f.Columns
			above = nil
		}
		row := d.dst[y*stride : (y+1)*stride]
		if err := s.row(row, above, f.SamplesPerPixel); err != nil {
			return err
		}
		if s.bits.overrun() {
			return fmt.Errorf("row %d of %d: %w", y, f.Rows, errTruncated)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		rowsLeft--
		above = row
	}
	s.unshift(d.dst, f.SamplesPerPixel)
	return nil
}

// row decodes one row, whose pixels hold step samples. The row above is nil at
// the top and after a restart.
func (s *losslessScan) row(row, above []int32, step int) error {
	for k, c := range s.components {
		d, err := s.bits.difference(s.tables[k])
		if err != nil {
			return err
		}
		first := s.origin
		if above != nil {
			first = above[c]
		}
		row[c] = (first + d) & 0xFFFF // modulo 2^16, T.81 H.1.2.1
	}
	if above == nil {
		return s.rest(row, row, step, 1)
	}
	return s.rest(row, above, step, s.predictor)
}

// rest decodes a row but for its first pixel.
func (s *losslessScan) rest(row, above []int32, step int, predictor byte) error {
	above = above[:len(row)]
	for x := step; x < len(row); x += step {
		for k, c := range s.components {
			d, err := s.bits.difference(s.tables[k])
			if err != nil {
				return err
			}
			i := x + c
			row[i] = (predict(predictor, row[i-step], above[i], above[i-step]) + d) & 0xFFFF
		}
	}
	return nil
}

// predict returns the prediction of T.81 table H.1 from the samples to the
// left, above, and above left.
func predict(predictor byte, left, above, corner int32) int32 {
	switch predictor {
	case 1:
		return left
	case 2:
		return above
	case 3:
		return corner
	case 4:
		return left + above - corner
	case 5:
		return left + (above-corner)>>1
	case 6:
		return above + (left-corner)>>1
	default:
		return (left + above) >> 1
	}
}

// unshift undoes the point transform.
func (s *losslessScan) unshift(dst []int32, step int) {
	if s.shift == 0 {
		return
	}
	for x := 0; x < len(dst); x += step {
		for _, c := range s.components {
			dst[x+c] = dst[x+c] << s.shift & 0xFFFF
		}
	}
}
