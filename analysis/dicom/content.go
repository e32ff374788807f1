// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicom

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom/internal/element"
	"github.com/endplate/endplate/analysis/dicom/pixel"
)

// content is where an instance can be read again.
type content struct {
	source      Source
	inflateFrom int  // offset of a deflated data set; 0 if it is not deflated
	random      bool // whether it can be read in place
}

// reopened is content with random access.
type reopened struct {
	io.ReaderAt
	io.Closer
}

// open opens the content. Where it can only be read from the start, it is taken
// into buf, which is grown as needed.
func (c content) open(buf *bytes.Buffer) (reopened, error) {
	rc, err := c.source.Open()
	if err != nil {
		return reopened{}, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	if at, ok := rc.(io.ReaderAt); ok && c.inflateFrom == 0 {
		return reopened{at, rc}, nil
	}
	defer rc.Close()
	var r io.Reader = io.LimitReader(rc, c.source.Size)
	if c.inflateFrom > 0 {
		if _, err := io.CopyN(io.Discard, r, int64(c.inflateFrom)); err != nil {
			return reopened{}, fmt.Errorf("%w: %w", ErrUnreadable, err)
		}
		r = io.LimitReader(flate.NewReader(r), element.InflationLimit(c.source.Size))
	}
	buf.Reset()
	if _, err := buf.ReadFrom(r); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return reopened{}, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return reopened{bytes.NewReader(buf.Bytes()), io.NopCloser(nil)}, nil
}

// readAt fills b from offset on.
func readAt(r io.ReaderAt, b []byte, offset int64) error {
	n, err := r.ReadAt(b, offset)
	switch {
	case n == len(b):
		return nil
	case errors.Is(err, io.EOF):
		return element.Truncated("ends at byte %d", offset+int64(n))
	}
	return fmt.Errorf("%w: %w", ErrUnreadable, err)
}

// span is a piece of content.
type span struct {
	offset, length int64
}

// frameSpans returns for each frame the pieces of content that make it up.
func (in *instance) frameSpans(r io.ReaderAt) ([][]span, error) {
	n := len(in.frames)
	if in.pixels.encapsulated {
		return in.encapsulatedSpans(r, n)
	}
	spans := make([][]span, n)
	size := in.frameBytes()
	all := make([]span, n)
	for i := range spans {
		all[i] = span{in.pixels.offset + int64(i)*size, size}
		spans[i] = all[i : i+1]
	}
	return spans, nil
}

// encapsulatedSpans sorts fragments into n frames: by the extended offset table,
// one each, all into one, or by the basic offset table. PS3.5 A.4.
func (in *instance) encapsulatedSpans(r io.ReaderAt, n int) ([][]span, error) {
	basic, fragments, err := in.fragments(r, n)
	switch {
	case err != nil:
		return nil, err
	case len(fragments) == 0:
		return nil, fmt.Errorf("%w: no fragment", pixel.ErrCorrupt)
	case len(in.pixels.offsets) == n && len(in.pixels.lengths) == n:
		return in.spansByTable(fragments[0].offset - itemHeader)
	case n == 1:
		return [][]span{fragments}, nil
	case len(fragments) == n:
		spans := make([][]span, n)
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
func (in *instance) fragments(r io.ReaderAt, n int) (basic []uint32, fragments []span, err error) {
	p := in.pixels.offset
	end := p + in.pixels.length
	var h [itemHeader]byte
	for first := true; ; first = false {
		if end-p < itemHeader {
			return nil, nil, element.Truncated("fragments end at byte %d", end)
		}
		if err := readAt(r, h[:], p); err != nil {
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
			fragments = append(fragments, span{p, length})
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
	if err := readAt(r, b, p); err != nil {
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
func (in *instance) spansByTable(base int64) ([][]span, error) {
	end := uint64(in.pixels.offset + in.pixels.length - base)
	spans := make([][]span, len(in.pixels.offsets))
	var free uint64 // the first byte that no frame has taken
	for i, offset := range in.pixels.offsets {
		length := in.pixels.lengths[i]
		if offset < free || offset > end-itemHeader || length > end-itemHeader-offset {
			return nil, element.Malformed("extended offset table does not fit the pixel data")
		}
		free = offset + itemHeader + length
		spans[i] = []span{{base + int64(offset) + itemHeader, int64(length)}}
	}
	return spans, nil
}

// spansByBasicTable cuts the fragments where the table says that a frame begins.
func spansByBasicTable(fragments []span, table []uint32) ([][]span, error) {
	base := fragments[0].offset
	spans := make([][]span, 0, len(table))
	start := 0
	for i, f := range fragments {
		next := len(spans) + 1
		if i > 0 && next < len(table) && f.offset-base == int64(table[next]) {
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

// decoder turns frames into HU. It belongs to one goroutine.
type decoder struct {
	whole   bytes.Buffer // content that could not be read in place
	frame   []byte
	samples []int32
	table   table
}

// decode decodes frame i of an instance into dst. A decoder that panics on it
// fails the frame, not the process.
func (d *decoder) decode(ctx context.Context, in *instance, i int, r io.ReaderAt, spans []span, dst []int16) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: decoder of %s gave up", pixel.ErrCorrupt, in.transferSyntaxUID)
		}
	}()
	if err := d.load(r, spans); err != nil {
		return err
	}
	d.table.prepare(in.conversionOf(&in.frames[i]), len(dst))
	if !in.pixels.encapsulated {
		if in.format.BitsAllocated == 8 && in.transferSyntaxUID == explicitVRBigEndian && in.pixels.vr == "OW" {
			swapPairs(d.frame)
		}
		d.table.native(dst, d.frame, in.format)
		return nil
	}
	if len(d.samples) < len(dst) {
		d.samples = make([]int32, len(dst))
	}
	samples := d.samples[:len(dst)]
	if err := pixel.Decode(ctx, in.transferSyntaxUID, d.frame, in.format, samples); err != nil {
		return err
	}
	d.table.samples(dst, samples)
	return nil
}

// load joins the pieces of a frame.
func (d *decoder) load(r io.ReaderAt, spans []span) error {
	var total int64
	for _, s := range spans {
		total += s.length
	}
	if int64(cap(d.frame)) < total {
		d.frame = make([]byte, total)
	}
	d.frame = d.frame[:total]
	at := d.frame
	for _, s := range spans {
		if err := readAt(r, at[:s.length], s.offset); err != nil {
			return err
		}
		at = at[s.length:]
	}
	return nil
}

// swapPairs undoes the byte order of octets written as words.
func swapPairs(b []byte) {
	for i := 0; i+1 < len(b); i += 2 {
		b[i], b[i+1] = b[i+1], b[i]
	}
}
