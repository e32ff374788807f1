// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package frame_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"math"
	"testing"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/analysis/dicom/frame"
)

// grey returns a row of 16-bit samples as an image.
func grey(samples ...int16) *dataset.Dataset {
	d := &dataset.Dataset{}
	d.Text(tag.SOPClassUID, "UI", "1.2.840.10008.5.1.4.1.1.2")
	d.Text(tag.SOPInstanceUID, "UI", "1.2.3")
	d.Ints(tag.SamplesPerPixel, "US", 1)
	d.Text(tag.PhotometricInterpretation, "CS", "MONOCHROME2")
	d.Ints(tag.Rows, "US", 1)
	d.Ints(tag.Columns, "US", len(samples))
	d.Ints(tag.BitsAllocated, "US", 16)
	d.Ints(tag.BitsStored, "US", 16)
	d.Ints(tag.HighBit, "US", 15)
	d.Ints(tag.PixelRepresentation, "US", 1)
	var b []byte
	for _, s := range samples {
		b = binary.LittleEndian.AppendUint16(b, uint16(s))
	}
	d.Bytes(tag.PixelData, "OW", b)
	return d
}

func opened(t *testing.T, d *dataset.Dataset) *frame.Image {
	t.Helper()
	var b bytes.Buffer
	if err := d.WriteFile(&b); err != nil {
		t.Fatal(err)
	}
	m, err := frame.Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func shown(t *testing.T, d *dataset.Dataset, w *frame.Window) []byte {
	t.Helper()
	picture, err := opened(t, d).Picture(t.Context(), 1, w)
	if err != nil {
		t.Fatal(err)
	}
	return picture.(*image.Gray).Pix
}

// The formulae are those of PS3.3 C.11.2.1.2.1 and C.11.2.1.3.
func TestWindows(t *testing.T) {
	samples := []int16{-200, 0, 39, 40, 41, 100, 240, 1000}
	for _, tt := range []struct {
		window frame.Window
		want   func(x float64) float64
	}{
		{frame.Window{Center: 40, Width: 400}, func(x float64) float64 { return (x-39.5)/399 + 0.5 }},
		{frame.Window{Center: 40, Width: 1}, func(x float64) float64 {
			if x <= 39.5 {
				return 0
			}
			return 1
		}},
		{frame.Window{Center: 40, Width: 400, Function: frame.LinearExact}, func(x float64) float64 { return (x-40)/400 + 0.5 }},
		{frame.Window{Center: 40, Width: 400, Function: frame.Sigmoid}, func(x float64) float64 { return 1 / (1 + math.Exp(-4*(x-40)/400)) }},
	} {
		got := shown(t, grey(samples...), &tt.window)
		for i, s := range samples {
			if want := byte(math.Round(255 * min(max(tt.want(float64(s)), 0), 1))); got[i] != want {
				t.Errorf("%+v: %d is shown as %d, want %d", tt.window, s, got[i], want)
			}
		}
	}
}

// What an image says of its display holds in the order of the standard, and small
// values of MONOCHROME1 are bright.
func TestDisplayAsTheImageSays(t *testing.T) {
	rescaled := func() *dataset.Dataset {
		d := grey(0, 1024, 2048)
		d.Floats(tag.RescaleSlope, "DS", 2)
		d.Floats(tag.RescaleIntercept, "DS", -1024)
		return d
	}
	for name, tt := range map[string]struct {
		change func(*dataset.Dataset)
		want   []byte
	}{
		"all that there is": {func(*dataset.Dataset) {}, []byte{0, 128, 255}},
		"window": {func(d *dataset.Dataset) {
			d.Floats(tag.WindowCenter, "DS", 1024.5, 7)
			d.Floats(tag.WindowWidth, "DS", 1025, 8)
		}, []byte{0, 128, 255}},
		"inverted": {func(d *dataset.Dataset) { d.Text(tag.PhotometricInterpretation, "CS", "MONOCHROME1") }, []byte{255, 127, 0}},
		"shape before interpretation": {func(d *dataset.Dataset) {
			d.Text(tag.PhotometricInterpretation, "CS", "MONOCHROME1")
			d.Text(tag.PresentationLUTShape, "CS", "IDENTITY")
		}, []byte{0, 128, 255}},
		"VOI LUT": {func(d *dataset.Dataset) {
			item := &dataset.Dataset{}
			item.Ints(tag.LUTDescriptor, "SS", 3, 1023, 8)
			item.Bytes(tag.LUTData, "OW", []byte{10, 0, 20, 0, 30, 0})
			d.Sequence(tag.VOILUTSequence, item)
		}, []byte{10, 20, 30}},
		"functional group": {func(d *dataset.Dataset) {
			voi, group := &dataset.Dataset{}, &dataset.Dataset{}
			voi.Floats(tag.WindowCenter, "DS", 4000)
			voi.Floats(tag.WindowWidth, "DS", 2)
			group.Sequence(tag.FrameVOILUTSequence, voi)
			d.Sequence(tag.PerFrameFunctionalGroupsSequence, group)
		}, []byte{0, 0, 0}},
	} {
		d := rescaled()
		tt.change(d)
		if got := shown(t, d, nil); !bytes.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

func TestPalette(t *testing.T) {
	d := grey(0, 1, 2)
	d.Text(tag.PhotometricInterpretation, "CS", "PALETTE COLOR")
	d.Ints(tag.PixelRepresentation, "US", 0)
	for i, tags := range [][2]tag.Tag{
		{tag.RedPaletteColorLookupTableDescriptor, tag.RedPaletteColorLookupTableData},
		{tag.GreenPaletteColorLookupTableDescriptor, tag.GreenPaletteColorLookupTableData},
		{tag.BluePaletteColorLookupTableDescriptor, tag.BluePaletteColorLookupTableData},
	} {
		d.Ints(tags[0], "US", 2, 1, 16)
		d.Bytes(tags[1], "OW", []byte{0, 0, 0, byte(255 - i)})
	}
	picture, err := opened(t, d).Picture(t.Context(), 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := picture.At(2, 0), (color.RGBA{254, 253, 252, 255}); got != want && got != (color.RGBA{254, 253, 252, 255}) {
		t.Errorf("%v, want %v", got, want)
	}
	if picture.At(0, 0) != picture.At(1, 0) {
		t.Error("what lies before a table is not its first colour")
	}
}

// Frames of single bits lie in a row without gaps, and come out each from an octet on.
func TestFramesOfBits(t *testing.T) {
	d := grey(0, 0, 0, 0, 0)
	d.Text(tag.NumberOfFrames, "IS", "3")
	for a, v := range map[tag.Tag]int{tag.BitsAllocated: 1, tag.BitsStored: 1, tag.HighBit: 0, tag.PixelRepresentation: 0} {
		d.Ints(a, "US", v)
	}
	d.Bytes(tag.PixelData, "OB", []byte{0b011_10101, 0b0_11111_01}) // 10101, 11001 from the lowest bit, 11111
	m := opened(t, d)
	for n, want := range []byte{0b10101, 0b01011, 0b11111} {
		got, err := m.Stored(n + 1)
		if err != nil || len(got) != 1 || got[0]&0b11111 != want {
			t.Errorf("frame %d: %08b, %v, want %05b", n+1, got, err, want)
		}
	}
}

// A compressed frame that claims to be larger than it can be costs nothing.
func TestFramesThatCannotBe(t *testing.T) {
	d := grey(1)
	d.Ints(tag.Rows, "US", 65535)
	d.Ints(tag.Columns, "US", 65535)
	var b bytes.Buffer
	if err := d.WriteFile(&b); err != nil {
		t.Fatal(err)
	}
	if _, err := frame.Open(bytes.NewReader(b.Bytes()), int64(b.Len())); !errors.Is(err, dataset.ErrTruncated) {
		t.Errorf("native: %v", err)
	}
	compressed := bytes.Replace(b.Bytes(), []byte("1.2.840.10008.1.2.1\x00"), []byte("1.2.840.10008.1.2.5\x00"), 1)
	at := bytes.Index(compressed, []byte{0xe0, 0x7f, 0x10, 0, 'O', 'W'})
	compressed = append(compressed[:at:at], 0xe0, 0x7f, 0x10, 0, 'O', 'B', 0, 0, 0xff, 0xff, 0xff, 0xff,
		0xfe, 0xff, 0, 0xe0, 0, 0, 0, 0, 0xfe, 0xff, 0, 0xe0, 4, 0, 0, 0, 1, 2, 3, 4, 0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0)
	m, err := frame.Open(bytes.NewReader(compressed), int64(len(compressed)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Decode(t.Context(), 1); !errors.Is(err, dataset.ErrTooLarge) {
		t.Errorf("compressed: %v", err)
	}
}

func FuzzOpen(f *testing.F) {
	for _, d := range []*dataset.Dataset{grey(1, 2, 3)} {
		var b bytes.Buffer
		if err := d.WriteFile(&b); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := frame.Open(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		if _, err := m.Stored(m.Frames); err != nil && m.Frames < 1 {
			t.Error(err)
		}
		_, _ = m.Picture(t.Context(), 1, nil)
		_, _ = m.Uncompressed(t.Context(), m.Frames)
	})
}
