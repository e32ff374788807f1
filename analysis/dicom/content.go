// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicom

import (
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/endplate/endplate/analysis/dicom/internal/element"
	"github.com/endplate/endplate/analysis/dicom/internal/fragment"
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

// frameSpans returns for each frame the pieces of content that make it up.
func (in *instance) frameSpans(r io.ReaderAt) ([][]fragment.Span, error) {
	n := len(in.frames)
	if in.pixels.encapsulated {
		return fragment.Data{Offset: in.pixels.offset, Length: in.pixels.length, Offsets: in.pixels.offsets, Lengths: in.pixels.lengths}.Frames(r, n)
	}
	spans := make([][]fragment.Span, n)
	size := in.frameBytes()
	all := make([]fragment.Span, n)
	for i := range spans {
		all[i] = fragment.Span{Offset: in.pixels.offset + int64(i)*size, Length: size}
		spans[i] = all[i : i+1]
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
func (d *decoder) decode(ctx context.Context, in *instance, i int, r io.ReaderAt, spans []fragment.Span, dst []int16) (err error) {
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
func (d *decoder) load(r io.ReaderAt, spans []fragment.Span) error {
	var total int64
	for _, s := range spans {
		total += s.Length
	}
	if int64(cap(d.frame)) < total {
		d.frame = make([]byte, total)
	}
	d.frame = d.frame[:total]
	at := d.frame
	for _, s := range spans {
		if err := fragment.ReadAt(r, at[:s.Length], s.Offset); err != nil {
			return err
		}
		at = at[s.Length:]
	}
	return nil
}

// swapPairs undoes the byte order of octets written as words.
func swapPairs(b []byte) {
	for i := 0; i+1 < len(b); i += 2 {
		b[i], b[i+1] = b[i+1], b[i]
	}
}
