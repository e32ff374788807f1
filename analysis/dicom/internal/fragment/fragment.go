// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package fragment finds the frames of encapsulated pixel data.
//
// Reference: DICOM PS3.5 A.4, PS3.3 C.7.6.3.1.8.
package fragment

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom/internal/element"
	"github.com/endplate/endplate/analysis/dicom/pixel"
)

// Span is a piece of content.
type Span struct {
	Offset, Length int64
}

// Data says where encapsulated pixel data lies in content.
type Data struct {
	Offset int64 // of the first item
	Length int64 // to the end of the content

	// The extended offset table, PS3.3 C.7.6.3.1.8, empty if absent.
	Offsets, Lengths []uint64
}

// Frames sorts fragments into n frames: by the extended offset table,
// one each, all into one, or by the basic offset table. PS3.5 A.4.
func (d Data) Frames(r io.ReaderAt, n int) ([][]Span, error) {
	basic, fragments, err := d.fragments(r, n)
	switch {
	case err != nil:
		return nil, err
	case len(fragments) == 0:
		return nil, fmt.Errorf("%w: no fragment", pixel.ErrCorrupt)
	case len(d.Offsets) == n && len(d.Lengths) == n:
		return d.spansByTable(fragments[0].Offset - itemHeader)
	case n == 1:
		return [][]Span{fragments}, nil
	case len(fragments) == n:
		spans := make([][]Span, n)
		for i := range spans {
			spans[i] = fragments[i : i+1]
		}
		return spans, nil
	case len(basic) == n:
		return spansByBasicTable(fragments, basic)
	}
	return nil, element.Malformed("%d fragments for %d frames and no offset table", len(fragments), n)
}

const itemHeader = 8 // bytes

// fragments returns the basic offset table if it has n entries, and the fragments.
func (d Data) fragments(r io.ReaderAt, n int) (basic []uint32, fragments []Span, err error) {
	p := d.Offset
	end := p + d.Length
	var h [itemHeader]byte
	for first := true; ; first = false {
		if end-p < itemHeader {
			return nil, nil, element.Truncated("fragments end at byte %d", end)
		}
		if err := ReadAt(r, h[:], p); err != nil {
			return nil, nil, err
		}
		t := tag.Tag{Group: binary.LittleEndian.Uint16(h[:]), Element: binary.LittleEndian.Uint16(h[2:])}
		length := int64(binary.LittleEndian.Uint32(h[4:]))
		p += itemHeader
		switch {
		case t == tag.SequenceDelimitationItem:
			return basic, fragments, nil
		case t != tag.Item:
			return nil, nil, element.Malformed("no fragment at byte %d", p-itemHeader)
		case length > end-p:
			return nil, nil, element.Truncated("fragment of %d bytes has %d", length, end-p)
		case !first:
			fragments = append(fragments, Span{p, length})
		case length == 4*int64(n):
			if basic, err = basicOffsetTable(r, p, n); err != nil {
				return nil, nil, err
			}
		}
		p += length
	}
}

func basicOffsetTable(r io.ReaderAt, p int64, n int) ([]uint32, error) {
	b := make([]byte, 4*n)
	if err := ReadAt(r, b, p); err != nil {
		return nil, err
	}
	table := make([]uint32, n)
	for i := range table {
		table[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return table, nil
}

// spansByTable places frames by the extended offset table, whose offsets count
// from the first fragment's item at base. PS3.3 C.7.6.3.1.8.
func (d Data) spansByTable(base int64) ([][]Span, error) {
	end := uint64(d.Offset + d.Length - base)
	spans := make([][]Span, len(d.Offsets))
	var free uint64 // the first byte that no frame has taken
	for i, offset := range d.Offsets {
		length := d.Lengths[i]
		if offset < free || offset > end-itemHeader || length > end-itemHeader-offset {
			return nil, element.Malformed("extended offset table does not fit the pixel data")
		}
		free = offset + itemHeader + length
		spans[i] = []Span{{base + int64(offset) + itemHeader, int64(length)}}
	}
	return spans, nil
}

// spansByBasicTable cuts the fragments where the table says that a frame begins.
func spansByBasicTable(fragments []Span, table []uint32) ([][]Span, error) {
	base := fragments[0].Offset
	spans := make([][]Span, 0, len(table))
	start := 0
	for i, f := range fragments {
		next := len(spans) + 1
		if i > 0 && next < len(table) && f.Offset-base == int64(table[next]) {
			spans = append(spans, fragments[start:i])
			start = i
		}
	}
	spans = append(spans, fragments[start:])
	if len(spans) != len(table) || table[0] != 0 {
		return nil, element.Malformed("basic offset table does not fit the fragments")
	}
	return spans, nil
}

// ReadAt fills b from offset on.
func ReadAt(r io.ReaderAt, b []byte, offset int64) error {
	n, err := r.ReadAt(b, offset)
	switch {
	case n == len(b):
		return nil
	case errors.Is(err, io.EOF):
		return element.Truncated("ends at byte %d", offset+int64(n))
	}
	return fmt.Errorf("%w: %w", element.ErrUnreadable, err)
}
