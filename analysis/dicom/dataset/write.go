// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom/internal/element"
)

// utf8CharacterSet is the defined term of UTF-8. PS3.3 C.12.1.1.2.
const utf8CharacterSet = "ISO_IR 192"

// WriteFile writes the data set as a Part 10 file. It must hold SOPClassUID and
// SOPInstanceUID, which the file meta information repeats. The error is that of Err,
// a *ValueError, or one of w.
func (d *Dataset) WriteFile(w io.Writer) error {
	d.Declare()
	class, instance := d.Value(tag.SOPClassUID), d.Value(tag.SOPInstanceUID)
	if class == "" || instance == "" {
		d.fail(tag.SOPInstanceUID, "an instance needs it and SOPClassUID")
	}
	if d.err != nil {
		return d.err
	}
	const preamble = 128
	out := newWriter(w)
	out.raw(make([]byte, preamble))
	out.raw([]byte("DICM"))
	meta := metaOf(class, instance)
	out.element(Element{Tag: tag.FileMetaInformationGroupLength, VR: "UL", Value: binary.LittleEndian.AppendUint32(nil, uint32(meta.size()))})
	out.elements(meta)
	out.elements(d)
	return out.flush()
}

// WriteTo writes the data set alone, as it goes over a network.
func (d *Dataset) WriteTo(w io.Writer) (int64, error) {
	d.Declare()
	if d.err != nil {
		return 0, d.err
	}
	out := newWriter(w)
	out.elements(d)
	return out.n, out.flush()
}

// Declare says in which character set the texts are, if the data set or an item has an
// attribute of text. What is written declares it by itself. PS3.3 C.12.1.1.2.
func (d *Dataset) Declare() {
	if d.hasText() {
		d.Text(tag.SpecificCharacterSet, "CS", utf8CharacterSet)
	}
}

func (d *Dataset) hasText() bool {
	return slices.ContainsFunc(d.elements, func(e Element) bool {
		_, text := textVRs[e.VR]
		return text || slices.ContainsFunc(e.Items, (*Dataset).hasText)
	})
}

// metaOf returns the file meta information.
func metaOf(class, instance string) *Dataset {
	m := &Dataset{}
	m.Put(Element{Tag: tag.FileMetaInformationVersion, VR: "OB", Value: []byte{0, 1}})
	m.Put(Element{Tag: tag.MediaStorageSOPClassUID, VR: "UI", Value: []byte(class)})
	m.Put(Element{Tag: tag.MediaStorageSOPInstanceUID, VR: "UI", Value: []byte(instance)})
	m.Put(Element{Tag: tag.TransferSyntaxUID, VR: "UI", Value: []byte(element.ExplicitVRLittleEndian)})
	m.Put(Element{Tag: tag.ImplementationClassUID, VR: "UI", Value: []byte(element.ImplementationClassUID())})
	m.Put(Element{Tag: tag.ImplementationVersionName, VR: "SH", Value: []byte(element.ImplementationVersionName)})
	return m
}

// The sizes of headers, bytes. PS3.5 7.1.2 and 7.5.
const (
	shortHeader = 8
	longHeader  = 12
	itemHeader  = 8
)

// size returns how many bytes the elements take.
func (d *Dataset) size() int64 {
	var n int64
	for _, e := range d.elements {
		if element.IsLongVR(e.VR[0], e.VR[1]) {
			n += longHeader
		} else {
			n += shortHeader
		}
		n += e.length()
		if e.Fragments != nil {
			n += itemHeader // the delimiter
		}
	}
	return n
}

// length returns how many bytes the padded value takes.
func (e Element) length() int64 {
	n := int64(len(e.Value)+1) &^ 1
	for _, item := range e.Items {
		n += itemHeader + item.size()
	}
	for _, f := range e.Fragments {
		n += itemHeader + int64(len(f)+1)&^1
	}
	return n
}

// writer writes elements, and keeps the first error.
type writer struct {
	w   *bufio.Writer
	n   int64
	err error
}

func newWriter(w io.Writer) *writer { return &writer{w: bufio.NewWriter(w)} }

func (w *writer) raw(b []byte) {
	if w.err == nil {
		_, w.err = w.w.Write(b)
		w.n += int64(len(b))
	}
}

func (w *writer) flush() error {
	if w.err != nil {
		return w.err
	}
	return w.w.Flush()
}

func (w *writer) elements(d *Dataset) {
	for _, e := range d.elements {
		w.element(e)
	}
}

func (w *writer) element(e Element) {
	length := e.length()
	if length > int64(longest(e.VR)) && w.err == nil {
		w.err = &ValueError{element.Name(e.Tag), fmt.Sprintf("%d bytes are too long for VR %s", length, e.VR)}
	}
	if e.Fragments != nil {
		length = int64(element.UndefinedLength)
	}
	w.header(e.Tag, e.VR, uint32(length))
	w.value(e.Value, e.VR)
	for _, item := range e.Items {
		w.header(tag.Item, "", uint32(item.size()))
		w.elements(item)
	}
	for _, f := range e.Fragments {
		w.header(tag.Item, "", uint32(len(f)+1)&^1)
		w.value(f, "OB")
	}
	if e.Fragments != nil {
		w.header(tag.SequenceDelimitationItem, "", 0)
	}
}

// header writes the tag, the VR unless it is empty, and the length.
func (w *writer) header(t tag.Tag, vr string, length uint32) {
	b := binary.LittleEndian.AppendUint16(nil, t.Group)
	b = binary.LittleEndian.AppendUint16(b, t.Element)
	b = append(b, vr...)
	switch {
	case vr == "":
		b = binary.LittleEndian.AppendUint32(b, length)
	case element.IsLongVR(vr[0], vr[1]):
		b = append(b, 0, 0)
		b = binary.LittleEndian.AppendUint32(b, length)
	default:
		b = binary.LittleEndian.AppendUint16(b, uint16(length))
	}
	w.raw(b)
}

// value writes a value, padded to an even length as its VR asks. PS3.5 6.2.
func (w *writer) value(value []byte, vr string) {
	w.raw(value)
	if len(value)%2 == 0 {
		return
	}
	switch vr {
	case "UI", "OB", "UN":
		w.raw([]byte{0})
	default:
		w.raw([]byte{' '})
	}
}
