// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package pixel_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"testing"

	"github.com/endplate/endplate/analysis/dicom/pixel"
)

const jpegLossless = "1.2.840.10008.1.2.4.57"

// losslessEncoder writes what no encoder at hand writes: restart intervals,
// point transforms and scans of single components (T.81 annex H). Its Huffman
// code gives each of the 17 categories five bits.
type losslessEncoder struct {
	format       pixel.Format
	predictor    int
	shift        int // point transform
	intervalRows int // rows between restart markers; 0 for none
	scans        [][]int
}

func (e losslessEncoder) encode(samples []int32) []byte {
	f := e.format
	out := []byte{0xFF, 0xD8}
	sof := binary.BigEndian.AppendUint16([]byte{byte(f.BitsStored)}, uint16(f.Rows))
	sof = append(binary.BigEndian.AppendUint16(sof, uint16(f.Columns)), byte(f.SamplesPerPixel))
	for c := range f.SamplesPerPixel {
		sof = append(sof, byte(c+1), 0x11, 0)
	}
	out = appendSegment(out, 0xC3, sof)
	dht := append([]byte{0, 0, 0, 0, 0, 17}, make([]byte, 11)...)
	for category := range 17 {
		dht = append(dht, byte(category))
	}
	out = appendSegment(out, 0xC4, dht)
	out = appendSegment(out, 0xDD, binary.BigEndian.AppendUint16(nil, uint16(e.intervalRows*f.Columns)))
	for _, scan := range e.scans {
		sos := []byte{byte(len(scan))}
		for _, c := range scan {
			sos = append(sos, byte(c+1), 0)
		}
		out = appendSegment(out, 0xDA, append(sos, byte(e.predictor), 0, byte(e.shift)))
		out = e.appendScan(out, scan, samples)
	}
	return append(out, 0xFF, 0xD9)
}

func appendSegment(out []byte, marker byte, data []byte) []byte {
	out = append(out, 0xFF, marker)
	out = binary.BigEndian.AppendUint16(out, uint16(len(data)+2))
	return append(out, data...)
}

func (e losslessEncoder) appendScan(out []byte, scan []int, samples []int32) []byte {
	f := e.format
	var w bitWriter
	for y := range f.Rows {
		if e.intervalRows > 0 && y > 0 && y%e.intervalRows == 0 {
			out = append(w.flush(out), 0xFF, 0xD0+byte(y/e.intervalRows-1)%8)
		}
		for x := range f.Columns {
			for _, c := range scan {
				at := func(dx, dy int) int32 {
					return samples[((y+dy)*f.Columns+x+dx)*f.SamplesPerPixel+c] >> e.shift
				}
				w.difference(int16(at(0, 0) - e.predict(x, y, at)))
			}
		}
	}
	return w.flush(out)
}

// predict is T.81 H.1.2.1 and table H.1 to the letter.
func (e losslessEncoder) predict(x, y int, at func(dx, dy int) int32) int32 {
	top := y == 0 || e.intervalRows > 0 && y%e.intervalRows == 0
	switch {
	case top && x == 0:
		return 1 << (e.format.BitsStored - e.shift - 1)
	case top:
		return at(-1, 0)
	case x == 0:
		return at(0, -1)
	}
	ra, rb, rc := at(-1, 0), at(0, -1), at(-1, -1)
	return [...]int32{0, ra, rb, rc, ra + rb - rc, ra + (rb-rc)>>1, rb + (ra-rc)>>1, (ra + rb) >> 1}[e.predictor]
}

// A bitWriter collects entropy-coded bits.
type bitWriter struct {
	bits  []byte
	acc   uint64
	count int
}

func (w *bitWriter) write(v uint32, n int) {
	w.acc, w.count = w.acc<<n|uint64(v), w.count+n
	for ; w.count >= 8; w.count -= 8 {
		b := byte(w.acc >> (w.count - 8))
		if w.bits = append(w.bits, b); b == 0xFF {
			w.bits = append(w.bits, 0)
		}
	}
}

func (w *bitWriter) difference(d int16) {
	magnitude := uint32(max(int32(d), -int32(d)))
	category := bits.Len32(magnitude)
	w.write(uint32(category), 5)
	if category == 16 {
		return
	}
	v := int32(d)
	if d < 0 {
		v += 1<<category - 1
	}
	w.write(uint32(v), category)
}

// flush pads with ones and appends what has been collected.
func (w *bitWriter) flush(out []byte) []byte {
	if w.count > 0 {
		w.write(1<<(8-w.count)-1, 8-w.count)
	}
	out = append(out, w.bits...)
	*w = bitWriter{}
	return out
}

func TestJPEGLosslessRoundTrips(t *testing.T) {
	colour := phantomFormats[5].format
	for _, f := range []pixel.Format{gray(61, 83, 8), gray(61, 83, 12), gray(61, 83, 16), colour} {
		samples := phantom(f)
		together := make([]int, f.SamplesPerPixel)
		var apart [][]int
		for c := range together {
			together[c] = c
			apart = append(apart, []int{c})
		}
		for predictor := 1; predictor <= 7; predictor++ {
			for _, shift := range []int{0, 3} {
				for _, rows := range []int{0, 1, 7} {
					for _, scans := range [][][]int{{together}, apart} {
						e := losslessEncoder{f, predictor, shift, rows, scans}
						got := make([]int32, len(samples))
						err := pixel.Decode(t.Context(), jpegLossless, e.encode(samples), f, got)
						if err != nil {
							t.Fatalf("%+v: %v", e, err)
						}
						for i, s := range samples {
							if want := s >> shift << shift; got[i] != want {
								t.Fatalf("%+v: sample %d = %d, want %d", e, i, got[i], want)
							}
						}
					}
				}
			}
		}
	}
}

func TestJPEGLosslessRefuses(t *testing.T) {
	f := gray(61, 83, 12)
	good := losslessEncoder{format: f, predictor: 1, intervalRows: 7, scans: [][]int{{0}}}.encode(phantom(f))
	replaced := func(old, new string) []byte { return bytes.Replace(good, []byte(old), []byte(new), 1) }
	for _, tt := range []struct {
		name  string
		frame []byte
		want  error
	}{
		{"one row more", replaced("\x0C\x00\x3D", "\x0C\x00\x3E"), pixel.ErrCorrupt},
		{"another precision than 2 to 16 bits", replaced("\x0C\x00\x3D", "\x11\x00\x3D"), pixel.ErrCorrupt},
		{"predictor 0 of the hierarchical mode", replaced("\x01\x01\x00\x01\x00\x00", "\x01\x01\x00\x00\x00\x00"), pixel.ErrCorrupt},
		{"unknown component", replaced("\x01\x01\x00\x01\x00\x00", "\x01\x02\x00\x01\x00\x00"), pixel.ErrCorrupt},
		{"missing restart marker", replaced("\xFF\xD1", "\xFE\xFE"), pixel.ErrCorrupt},
		{"a restart interval of part of a row", replaced("\xFF\xDD\x00\x04\x02\x45", "\xFF\xDD\x00\x04\x00\x45"), pixel.ErrCorrupt},
		{"arithmetic coding", replaced("\xFF\xC3", "\xFF\xCB"), errors.ErrUnsupported},
		{"no table", replaced("\xFF\xC4", "\xFF\xFE"), pixel.ErrCorrupt},
		{"no start", good[2:], pixel.ErrCorrupt},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if bytes.Equal(tt.frame, good) {
				t.Fatal("the stream is unchanged")
			}
			err := pixel.Decode(t.Context(), jpegLossless, tt.frame, f, make([]int32, f.Rows*f.Columns))
			if !errors.Is(err, tt.want) {
				t.Errorf("Decode = %v, want %v", err, tt.want)
			}
		})
	}
}

func ExampleDecode() {
	f := pixel.Format{Rows: 1, Columns: 2, SamplesPerPixel: 1, BitsAllocated: 16, BitsStored: 12, HighBit: 11, Signed: true}
	samples := make([]int32, 2)
	err := pixel.Decode(context.Background(), explicitLittleEndian, []byte{0x18, 0x0C, 0x28, 0x00}, f, samples)
	fmt.Println(samples, err)
	// Output: [-1000 40] <nil>
}
