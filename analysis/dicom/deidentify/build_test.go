// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package deidentify_test

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom/deidentify"
)

const (
	implicitLittle = "1.2.840.10008.1.2"
	explicitLittle = "1.2.840.10008.1.2.1"
	deflated       = "1.2.840.10008.1.2.1.99"
	explicitBig    = "1.2.840.10008.1.2.2"
	rleLossless    = "1.2.840.10008.1.2.5"

	ctClass      = "1.2.840.10008.5.1.4.1.1.2"
	captureClass = "1.2.840.10008.5.1.4.1.1.7"
)

var syntaxes = []string{implicitLittle, explicitLittle, deflated, explicitBig, rleLossless}

// element is one to be written. What it holds is its value or its items.
type element struct {
	tag       tag.Tag
	vr        string
	value     []byte
	items     [][]element // of a sequence
	undefined bool        // the lengths of sequence and items
	fragments [][]byte    // of encapsulated pixel data
}

func at(group, elem uint16, vr, value string) element {
	if len(value)%2 == 1 {
		value += " "
	}
	return element{tag: tag.Tag{Group: group, Element: elem}, vr: vr, value: []byte(value)}
}

func sequence(t tag.Tag, undefined bool, items ...[]element) element {
	return element{tag: t, vr: "SQ", items: items, undefined: undefined}
}

// encoder writes elements in one transfer syntax.
type encoder struct {
	order    binary.AppendByteOrder
	implicit bool
}

func encoderOf(syntax string) encoder {
	if syntax == explicitBig {
		return encoder{order: binary.BigEndian}
	}
	return encoder{order: binary.LittleEndian, implicit: syntax == implicitLittle}
}

func (e encoder) head(b []byte, t tag.Tag, vr string, length uint32) []byte {
	b = e.order.AppendUint16(b, t.Group)
	b = e.order.AppendUint16(b, t.Element)
	if e.implicit || t.Group == 0xFFFE {
		return e.order.AppendUint32(b, length)
	}
	b = append(b, vr...)
	if slices.Contains([]string{"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"}, vr) {
		return e.order.AppendUint32(append(b, 0, 0), length)
	}
	return e.order.AppendUint16(b, uint16(length))
}

const undefinedLength = 0xFFFFFFFF

func (e encoder) element(b []byte, x element) []byte {
	switch {
	case x.fragments != nil:
		b = e.head(b, x.tag, x.vr, undefinedLength)
		for _, f := range x.fragments {
			b = append(e.head(b, tag.Item, "", uint32(len(f))), f...)
		}
		return e.head(b, tag.SequenceDelimitationItem, "", 0)
	case x.items == nil:
		return append(e.head(b, x.tag, x.vr, uint32(len(x.value))), x.value...)
	}
	inner := e
	if x.vr == "UN" {
		inner = encoder{order: binary.LittleEndian, implicit: true} // PS3.5 6.2.2
	}
	var content []byte
	for _, item := range x.items {
		i := inner.dataset(nil, item)
		if x.undefined {
			content = append(e.head(content, tag.Item, "", undefinedLength), i...)
			content = e.head(content, tag.ItemDelimitationItem, "", 0)
		} else {
			content = append(e.head(content, tag.Item, "", uint32(len(i))), i...)
		}
	}
	if x.undefined {
		content = e.head(content, tag.SequenceDelimitationItem, "", 0)
		return append(e.head(b, x.tag, x.vr, undefinedLength), content...)
	}
	return append(e.head(b, x.tag, x.vr, uint32(len(content))), content...)
}

func (e encoder) dataset(b []byte, d []element) []byte {
	d = slices.Clone(d)
	slices.SortStableFunc(d, func(a, b element) int { return a.tag.Compare(b.tag) })
	for _, x := range d {
		b = e.element(b, x)
	}
	return b
}

// part10 writes a file, with more elements of meta information.
func part10(syntax string, d []element, more ...element) []byte {
	little := encoderOf(explicitLittle)
	group := little.dataset(nil, append([]element{
		at(2, 2, "UI", ctClass+"\x00"), at(2, 3, "UI", "1.2.3.1\x00"), at(2, 0x10, "UI", padUID(syntax)),
	}, more...))
	b := append(make([]byte, 128), "DICM"...)
	b = append(little.head(b, tag.FileMetaInformationGroupLength, "UL", 4), binary.LittleEndian.AppendUint32(nil, uint32(len(group)))...)
	b = append(b, group...)
	if syntax != deflated {
		return encoderOf(syntax).dataset(b, d)
	}
	var z bytes.Buffer
	w, _ := flate.NewWriter(&z, flate.BestSpeed)
	w.Write(encoderOf(syntax).dataset(nil, d))
	w.Close()
	return append(b, z.Bytes()...)
}

func padUID(uid string) string {
	if len(uid)%2 == 1 {
		uid += "\x00"
	}
	return uid
}

func words(group, elem uint16, syntax string, v ...uint16) element {
	x := element{tag: tag.Tag{Group: group, Element: elem}, vr: "US"}
	for _, w := range v {
		x.value = encoderOf(syntax).order.AppendUint16(x.value, w)
	}
	return x
}

// pixelBytes are those of the pixel data that slice makes.
var pixelBytes = []byte("pixel data of 32 bytes, as it is")

// slice is a small CT slice.
func slice(syntax string) []element {
	pixels := element{tag: tag.PixelData, vr: "OW", value: pixelBytes}
	if syntax == rleLossless {
		pixels = element{tag: tag.PixelData, vr: "OB", fragments: [][]byte{nil, pixelBytes[:16], pixelBytes[16:]}}
	}
	return []element{
		at(0x0008, 0x0005, "CS", "ISO_IR 100"),
		at(0x0008, 0x0008, "CS", `ORIGINAL\PRIMARY\AXIAL`),
		at(0x0008, 0x0016, "UI", padUID(ctClass)),
		at(0x0008, 0x0018, "UI", "1.2.3.1\x00"),
		at(0x0008, 0x0060, "CS", "CT"),
		at(0x0008, 0x0070, "LO", "Acme"),
		at(0x0018, 0x0050, "DS", "2.5"),
		at(0x0018, 0x0060, "DS", "120"),
		at(0x0018, 0x1210, "SH", "B60s"),
		at(0x0018, 0x5100, "CS", "HFS"),
		at(0x0020, 0x000D, "UI", "1.2\x00"),
		at(0x0020, 0x000E, "UI", "1.2.3\x00"),
		at(0x0020, 0x0032, "DS", `-10\20.5\30`),
		at(0x0020, 0x0037, "DS", `1\0\0\0\1\0`),
		at(0x0020, 0x0052, "UI", "1.2.4\x00"),
		words(0x0028, 0x0002, syntax, 1),
		at(0x0028, 0x0004, "CS", "MONOCHROME2"),
		words(0x0028, 0x0010, syntax, 4),
		words(0x0028, 0x0011, syntax, 4),
		at(0x0028, 0x0030, "DS", `0.75\0.5`),
		words(0x0028, 0x0100, syntax, 16),
		words(0x0028, 0x0101, syntax, 16),
		words(0x0028, 0x0102, syntax, 15),
		words(0x0028, 0x0103, syntax, 0),
		at(0x0028, 0x1052, "DS", "-1024"),
		at(0x0028, 0x1053, "DS", "1"),
		pixels,
	}
}

// without returns d without an attribute.
func without(d []element, t tag.Tag) []element {
	return slices.DeleteFunc(slices.Clone(d), func(x element) bool { return x.tag == t })
}

func profile(t testing.TB, opt deidentify.Options) *deidentify.Profile {
	t.Helper()
	p, err := deidentify.New([]byte("a secret of 24 bytes ---"), opt)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// deidentified de-identifies a file.
func deidentified(t testing.TB, p *deidentify.Profile, b []byte) ([]byte, *deidentify.Outcome) {
	t.Helper()
	var out bytes.Buffer
	outcome, err := p.Instance(&out, bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), outcome
}

// inflate returns a file whose data set is not deflated any more.
func inflate(t testing.TB, syntax string, b []byte) []byte {
	t.Helper()
	if syntax != deflated {
		return b
	}
	const lengthAt, lengthEnd = 140, 144
	start := lengthEnd + int(binary.LittleEndian.Uint32(b[lengthAt:]))
	var out bytes.Buffer
	if _, err := out.ReadFrom(flate.NewReader(bytes.NewReader(b[start:]))); err != nil {
		t.Fatal(err)
	}
	return append(slices.Clone(b[:start]), out.Bytes()...)
}
