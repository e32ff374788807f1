// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package pixel

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
)

// Marker codes that JPEG-LS adds (T.87 table C.1).
const (
	markerSOF55 = 0xF7
	markerLSE   = 0xF8
)

// Interleave modes of a JPEG-LS scan (T.87 C.2.3).
const (
	interleaveNone = iota
	interleaveLine
	interleaveSample
)

// decodeJPEGLS decodes JPEG-LS (ITU-T T.87), lossless and near-lossless, in the
// three interleave modes. Restart intervals, mapping tables and images of more
// than 65535 rows or columns are not read.
func decodeJPEGLS(ctx context.Context, frame []byte, f Format, dst []int32) error {
	d := lsDecoder{format: f, dst: dst}
	if err := decodeScans(ctx, frame, 0x80, &d); err != nil {
		return err
	}
	f.coded(d.header.precision).samples(dst)
	return nil
}

// An lsDecoder holds what the segments before a scan have set.
type lsDecoder struct {
	format Format
	dst    []int32 // cells of the frame, by pixel
	header *frameHeader
	preset lsPreset
	done   int // bit set of the components that have been decoded
}

// An lsPreset is the LSE segment of preset coding parameters (T.87 C.2.4.1.1).
// Zero stands for the default.
type lsPreset struct {
	maxValue   int32
	thresholds [3]int32
	reset      int32
}

func (d *lsDecoder) finished() bool { return d.done == 1<<d.format.SamplesPerPixel-1 }

// segment takes in a segment other than SOS.
func (d *lsDecoder) segment(s segment) error {
	var err error
	switch {
	case s.marker == markerSOF55:
		d.header, err = onlyFrameHeader(d.header, s.data, d.format)
		return err
	case isFrameHeader(s.marker):
		return fmt.Errorf("JPEG process SOF%d in a JPEG-LS transfer syntax: %w", s.marker-markerSOF0, errors.ErrUnsupported)
	case s.marker == markerLSE:
		return d.parsePreset(s.data)
	case s.marker == markerDRI:
		return fmt.Errorf("restart interval: %w", errors.ErrUnsupported)
	case s.marker == markerEOI:
		return fmt.Errorf("%w: components missing", ErrCorrupt)
	}
	return nil
}

func (d *lsDecoder) parsePreset(data []byte) error {
	const (
		codingParameters = 1
		length           = 11
	)
	if len(data) == 0 || data[0] != codingParameters {
		return fmt.Errorf("LSE segment that is no preset coding parameters: %w", errors.ErrUnsupported)
	}
	if len(data) != length {
		return fmt.Errorf("%w: LSE segment of %d bytes", ErrCorrupt, len(data))
	}
	field := func(i int) int32 { return int32(binary.BigEndian.Uint16(data[1+2*i:])) }
	d.preset = lsPreset{field(0), [3]int32{field(1), field(2), field(3)}, field(4)}
	return nil
}

// scan decodes the scan with the given header.
func (d *lsDecoder) scan(ctx context.Context, header, data []byte) error {
	if d.header == nil {
		return fmt.Errorf("%w: scan before the frame header", ErrCorrupt)
	}
	h, err := parseScanHeader(header, d.header)
	if err != nil {
		return err
	}
	coding, err := newLSCoding(d.header.precision, int32(h.start), d.preset)
	if err != nil {
		return err
	}
	if h.end > interleaveSample || h.end == interleaveNone && len(h.components) > 1 {
		return fmt.Errorf("%w: interleave mode %d of %d components", ErrCorrupt, h.end, len(h.components))
	}
	for _, c := range h.components {
		if c.table != 0 {
			return fmt.Errorf("mapping table: %w", errors.ErrUnsupported)
		}
		if d.done&(1<<c.index) != 0 {
			return fmt.Errorf("%w: component %d twice", ErrCorrupt, c.index)
		}
		d.done |= 1 << c.index
	}
	return newLSScan(coding, data, h.components, d.format.Columns).decode(ctx, d, h.end == interleaveSample)
}

// An lsCoding holds the coding parameters of a scan (T.87 A.2).
type lsCoding struct {
	near     int32 // largest error of a sample
	maxValue int32
	modulus  int32 // RANGE: how many values an error takes
	step     int32 // 2·NEAR+1
	bits     int   // qbpp: of an error
	limit    int   // of a Golomb code's length
	reset    int32 // occurrences after which a context's counters are halved

	thresholds [3]int32
	quantized  []int8 // region of a gradient, index gradient+thresholds[2]
}

func newLSCoding(precision int, near int32, preset lsPreset) (*lsCoding, error) {
	c := &lsCoding{near: near, maxValue: preset.maxValue, step: 2*near + 1, reset: preset.reset}
	if c.maxValue == 0 {
		c.maxValue = 1<<precision - 1
	}
	if c.reset == 0 {
		c.reset = 64 // T.87 table C.3
	}
	if c.maxValue >= 1<<precision || near > c.maxValue/2 || c.reset < 3 { // T.87 tables C.1 and C.2
		return nil, fmt.Errorf("%w: MAXVAL %d, NEAR %d, RESET %d in %d bits", ErrCorrupt, c.maxValue, near, c.reset, precision)
	}
	c.modulus = (c.maxValue+2*near)/c.step + 1
	c.bits = bitLength(c.modulus - 1)
	width := max(2, bitLength(c.maxValue))
	c.limit = 2 * (width + max(8, width))
	c.thresholds = defaultThresholds(c.maxValue, near)
	for i, t := range preset.thresholds {
		if t != 0 {
			c.thresholds[i] = t
		}
	}
	t := c.thresholds
	if t[0] <= near || t[1] < t[0] || t[2] < t[1] || t[2] > c.maxValue {
		return nil, fmt.Errorf("%w: thresholds %v", ErrCorrupt, t)
	}
	c.quantize()
	return c, nil
}

// defaultThresholds returns T1, T2 and T3 of T.87 C.2.4.1.1.1.
func defaultThresholds(maxValue, near int32) [3]int32 {
	basic := [3]int32{3, 7, 21}
	var t [3]int32
	least := near + 1
	for i, b := range basic {
		low := int32(i) + 2
		spread := int32(2*i+3) * near
		if maxValue >= 128 {
			factor := (min(maxValue, 4095) + 128) >> 8
			t[i] = factor*(b-low) + low + spread
		} else {
			factor := 256 / (maxValue + 1)
			t[i] = max(low, b/factor+spread)
		}
		if t[i] > maxValue || t[i] < least {
			t[i] = least
		}
		least = t[i]
	}
	return t
}

// quantize tabulates the regions of T.87 A.3.3.
func (c *lsCoding) quantize() {
	largest := c.thresholds[2]
	c.quantized = make([]int8, 2*largest+1)
	for d := range largest + 1 {
		region := int8(0)
		if d > c.near {
			region = 1
			for _, t := range c.thresholds {
				if d >= t {
					region++
				}
			}
		}
		c.quantized[largest+d] = region
		c.quantized[largest-d] = -region
	}
}

// region returns the region of a gradient, from -4 to 4.
func (c *lsCoding) region(gradient int32) int32 {
	largest := c.thresholds[2]
	return int32(c.quantized[min(max(gradient, -largest), largest)+largest])
}

// context returns the signed number of the context of three gradients: 0 if all
// of them are flat (T.87 A.3.4).
func (c *lsCoding) context(d1, d2, d3 int32) int32 {
	return (c.region(d1)*9+c.region(d2))*9 + c.region(d3)
}

// reconstruct returns the sample of an error, which is modulo RANGE (T.87 A.4.5).
func (c *lsCoding) reconstruct(predicted, err int32) int32 {
	v := predicted + err*c.step
	if v < -c.near {
		v += c.modulus * c.step
	} else if v > c.maxValue+c.near {
		v -= c.modulus * c.step
	}
	return min(max(v, 0), c.maxValue)
}
