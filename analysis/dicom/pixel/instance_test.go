// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package pixel_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/endplate/endplate/analysis/dicom/pixel"
)

// An instance is as much of a DICOM file as these tests need.
type instance struct {
	transferSyntax string
	format         pixel.Format
	frame          []byte // all fragments of the only frame
}

// samples returns an empty frame of the instance's size.
func (i *instance) samples() []int32 {
	return make([]int32, i.format.Rows*i.format.Columns*i.format.SamplesPerPixel)
}

// sharedData returns the development data's folder, or skips the test.
func sharedData(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("ENDPLATE_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "shared")
	}
	if _, err := os.Stat(filepath.Join(dir, "data")); err != nil {
		t.Skipf("no development data in %s", dir)
	}
	return filepath.Join(dir, "data")
}

func readInstance(t testing.TB, path string) *instance {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	i := parseInstance(data)
	if i.frame == nil {
		t.Fatalf("%s: no pixel data", path)
	}
	return i
}

// parseInstance reads a well-formed Part 10 file.
func parseInstance(data []byte) *instance {
	i := &instance{}
	w := walker{data: data[132:]}
	for len(w.data) >= 8 {
		group := w.order().Uint16(w.data)
		if w.syntax == "" && group != 2 {
			w.syntax = i.transferSyntax
		}
		tag, value := w.element()
		i.set(tag, value, &w)
		if tag == 0x7FE00010 {
			return i
		}
	}
	return i
}

func (i *instance) set(tag uint32, value []byte, w *walker) {
	number := func() int { return int(w.order().Uint16(value)) }
	switch tag {
	case 0x00020010:
		i.transferSyntax = string(bytes.TrimRight(value, "\x00 "))
	case 0x00280002:
		i.format.SamplesPerPixel = number()
	case 0x00280004:
		i.format.PhotometricInterpretation = strings.TrimSpace(string(value))
	case 0x00280006:
		i.format.PlanarConfiguration = number()
	case 0x00280010:
		i.format.Rows = number()
	case 0x00280011:
		i.format.Columns = number()
	case 0x00280100:
		i.format.BitsAllocated = number()
	case 0x00280101:
		i.format.BitsStored = number()
	case 0x00280102:
		i.format.HighBit = number()
	case 0x00280103:
		i.format.Signed = number() == 1
	case 0x7FE00010:
		i.frame = value
	}
}

// A walker steps through a dataset's elements, over sequences.
type walker struct {
	data   []byte
	syntax string // empty within the file meta information
}

func (w *walker) order() binary.ByteOrder {
	if w.syntax == "1.2.840.10008.1.2.2" {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

func (w *walker) element() (tag uint32, value []byte) {
	o := w.order()
	tag = uint32(o.Uint16(w.data))<<16 | uint32(o.Uint16(w.data[2:]))
	length, head := o.Uint32(w.data[4:]), 8
	if w.syntax != "1.2.840.10008.1.2" && tag>>16 != 0xFFFE {
		switch vr := string(w.data[4:6]); vr {
		case "OB", "OW", "OF", "OD", "OL", "SQ", "UT", "UN", "UC", "UR":
			length, head = o.Uint32(w.data[8:]), 12
		default:
			length = uint32(o.Uint16(w.data[6:]))
		}
	}
	w.data = w.data[head:]
	if length == 0xFFFFFFFF {
		return tag, w.items()
	}
	value, w.data = w.data[:length], w.data[length:]
	return tag, value
}

// items joins the items behind the first, which is the Basic Offset Table of
// encapsulated pixel data; of a sequence nobody wants the result.
func (w *walker) items() []byte {
	var joined []byte
	for n := 0; ; n++ {
		tag, value := w.element()
		if tag == 0xFFFEE0DD || tag == 0xFFFEE00D {
			return joined
		}
		if n > 0 {
			joined = append(joined, value...)
		}
	}
}
