// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package pixel

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// blockSide is the size of a DCT block.
const blockSide = 8

// zigzag is the order in which coefficients are coded (T.81 figure A.6).
var zigzag = [64]uint8{
	0, 1, 8, 16, 9, 2, 3, 10,
	17, 24, 32, 25, 18, 11, 4, 5,
	12, 19, 26, 33, 40, 48, 41, 34,
	27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36,
	29, 22, 15, 23, 30, 37, 44, 51,
	58, 59, 52, 45, 38, 31, 39, 46,
	53, 60, 61, 54, 47, 55, 62, 63,
}

// decodeDCT12 decodes the extended sequential process of 12 bits (T.81 process
// 4), of components that are not subsampled, in one scan or in a scan each.
func decodeDCT12(ctx context.Context, frame []byte, f Format, dst []int32) error {
	d := dctDecoder{format: f, dst: dst}
	return decodeScans(ctx, frame, 1, &d)
}

// A dctDecoder holds what the segments before a scan have set.
type dctDecoder struct {
	format       Format
	dst          []int32 // cells of the frame, by pixel
	header       *frameHeader
	quantization [4]*[64]float64 // in zigzag order
	dc           [4]*differenceTable
	ac           [4]*huffman
	interval     int // restart interval, blocks of each component; 0 for none
	done         int // bit set of the components that have been decoded
}

func (d *dctDecoder) finished() bool { return d.done == 1<<d.format.SamplesPerPixel-1 }

// segment takes in a segment other than SOS.
func (d *dctDecoder) segment(s segment) error {
	var err error
	switch {
	case isFrameHeader(s.marker):
		d.header, err = onlyFrameHeader(d.header, s.data, d.format)
		return err
	case s.marker == markerDHT:
		return eachHuffmanTable(s.data, d.enterTable)
	case s.marker == markerDQT:
		return d.enterQuantization(s.data)
	case s.marker == markerDRI:
		d.interval, err = parseRestartInterval(s.data)
		return err
	case s.marker == markerEOI:
		return fmt.Errorf("%w: components missing", ErrCorrupt)
	}
	return nil
}

func (d *dctDecoder) enterTable(class, slot byte, counts, values []byte) error {
	var err error
	if class == 0 {
		d.dc[slot], err = newDifferenceTable(counts, values)
	} else {
		d.ac[slot], err = newHuffman(counts, values)
	}
	return err
}

// enterQuantization reads a DQT segment (T.81 B.2.4.1).
func (d *dctDecoder) enterQuantization(data []byte) error {
	for len(data) > 0 {
		width, slot := 1+int(data[0]>>4), data[0]&15
		if width > 2 || slot > 3 || len(data) < 1+64*width {
			return fmt.Errorf("%w: quantization table %d of %d bytes", ErrCorrupt, slot, len(data))
		}
		table := new([64]float64)
		for i := range table {
			if width == 1 {
				table[i] = float64(data[1+i])
			} else {
				table[i] = float64(binary.BigEndian.Uint16(data[1+2*i:]))
			}
		}
		d.quantization[slot] = table
		data = data[1+64*width:]
	}
	return nil
}

// scan decodes the scan with the given header.
func (d *dctDecoder) scan(ctx context.Context, header, data []byte) error {
	if d.header == nil {
		return fmt.Errorf("%w: scan before the frame header", ErrCorrupt)
	}
	h, err := parseScanHeader(header, d.header)
	if err != nil {
		return err
	}
	if h.start != 0 || h.end != 63 || h.low != 0 {
		return fmt.Errorf("spectral selection or successive approximation: %w", errors.ErrUnsupported)
	}
	s := dctScan{bits: bitReader{data: data}}
	for _, c := range h.components {
		component := dctComponent{
			index: c.index,
			dc:    d.dc[c.table>>4&3], ac: d.ac[c.table&3],
			quantization: d.quantization[d.header.components[c.index].quantization&3],
		}
		if component.dc == nil || component.ac == nil || component.quantization == nil || d.done&(1<<c.index) != 0 {
			return fmt.Errorf("%w: component %d without tables or twice", ErrCorrupt, c.index)
		}
		d.done |= 1 << c.index
		s.components = append(s.components, component)
	}
	return s.decode(ctx, d)
}

// A dctScan is a scan while it is decoded.
type dctScan struct {
	bits       bitReader
	components []dctComponent

	// The block at work: its dequantized coefficients, index
	// 8·vertical+horizontal frequency, and its samples.
	coefficients, samples [64]float64
}

// A dctComponent is a component of a dctScan.
type dctComponent struct {
	index        int // in a pixel
	dc           *differenceTable
	ac           *huffman
	quantization *[64]float64
	last         int32 // DC coefficient of the block before
}

// decode fills the scan's components of the frame.
func (s *dctScan) decode(ctx context.Context, d *dctDecoder) error {
	left := d.interval
	for y := 0; y < d.format.Rows; y += blockSide {
		for x := 0; x < d.format.Columns; x += blockSide {
			if d.interval > 0 && left == 0 {
				if err := s.restart(); err != nil {
					return err
				}
				left = d.interval
			}
			for i := range s.components {
				if err := s.block(&s.components[i], d, x, y); err != nil {
					return err
				}
			}
			left--
		}
		if s.bits.overrun() {
			return fmt.Errorf("row %d of %d: %w", y, d.format.Rows, errTruncated)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

func (s *dctScan) restart() error {
	for i := range s.components {
		s.components[i].last = 0
	}
	return s.bits.restart()
}

// block decodes the block whose first sample is at x, y.
func (s *dctScan) block(c *dctComponent, d *dctDecoder, x, y int) error {
	if err := s.decodeCoefficients(c); err != nil {
		return err
	}
	s.inverseDCT()
	const (
		level = 1 << 11 // of 12 bits, T.81 A.3.1
		most  = 1<<12 - 1
	)
	f := d.format
	for j := range min(blockSide, f.Rows-y) {
		for i := range min(blockSide, f.Columns-x) {
			v := math.Round(s.samples[j*blockSide+i]) + level
			d.dst[((y+j)*f.Columns+x+i)*f.SamplesPerPixel+c.index] = int32(min(max(v, 0), most))
		}
	}
	return nil
}

// decodeCoefficients decodes a block's coefficients (T.81 F.2.2).
func (s *dctScan) decodeCoefficients(c *dctComponent) error {
	clear(s.coefficients[:])
	difference, err := s.bits.difference(c.dc)
	if err != nil {
		return err
	}
	c.last = int32(int16(c.last + difference)) // a bad stream may not grow without bound
	s.coefficients[0] = float64(c.last) * c.quantization[0]
	for k := 1; k < 64; k++ {
		if s.bits.n < 32 {
			s.bits.fill()
		}
		symbol, err := s.bits.symbol(c.ac)
		if err != nil {
			return err
		}
		run, category := int(symbol>>4), int(symbol&15)
		if category == 0 {
			if run != 15 { // end of block
				return nil
			}
			k += 15
			continue
		}
		if k += run; k > 63 {
			return fmt.Errorf("%w: DCT coefficient %d", ErrCorrupt, k)
		}
		s.coefficients[zigzag[k]] = float64(extend(s.bits.take(category), category)) * c.quantization[k]
	}
	return nil
}

// cosines holds C(u)/2·cos((2x+1)uπ/16), index 8u+x (T.81 A.3.3).
var cosines = func() (c [64]float64) {
	for u := range blockSide {
		for x := range blockSide {
			c[u*blockSide+x] = math.Cos(float64((2*x+1)*u)*math.Pi/16) / 2
			if u == 0 {
				c[x] = math.Sqrt2 / 4
			}
		}
	}
	return c
}()

// inverseDCT turns the coefficients into samples (T.81 A.3.3).
func (s *dctScan) inverseDCT() {
	var rows [64]float64
	for v := range blockSide {
		transform8(rows[v*blockSide:], s.coefficients[v*blockSide:], 1)
	}
	clear(s.samples[:])
	for x := range blockSide {
		transform8(s.samples[x:], rows[x:], blockSide)
	}
}

// transform8 adds the inverse transform of eight values, step apart.
func transform8(dst, src []float64, step int) {
	for u := range blockSide {
		v := src[u*step]
		if v == 0 {
			continue
		}
		for x, c := range cosines[u*blockSide : (u+1)*blockSide] {
			dst[x*step] += v * c
		}
	}
}
