// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package seg

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/analysis/dicom/pixel"
)

// maxPixels bounds a frame: 4096 × 4096, of which the decoder takes four bytes each.
const maxPixels = 1 << 24

// pixels are the values of all frames as they are stored.
type pixels struct {
	format            pixel.Format
	transferSyntaxUID string
	native            []byte   // all frames; one bit a pixel is packed over them all
	frames            [][]byte // encapsulated ones
}

// locate finds the frames in the pixel data, and makes sure that all are there.
func (p *pixels) locate(f *dataset.File, frames int) error {
	p.transferSyntaxUID = f.TransferSyntaxUID
	e, ok := f.Find(tag.PixelData)
	switch {
	case !ok:
		return dicom.ErrNoPixelData
	case e.Fragments != nil:
		return p.sort(e.Fragments, frames)
	}
	p.native = e.Value
	bits := int64(frames) * int64(p.format.Rows) * int64(p.format.Columns) * int64(p.format.BitsAllocated)
	if need := (bits + 7) / 8; int64(len(p.native)) < need {
		return fmt.Errorf("%w: PixelData of %d bytes, %d frames take %d", dicom.ErrTruncated, len(p.native), frames, need)
	}
	return nil
}

// sort sorts fragments, the first of which is the basic offset table, into frames.
// PS3.5 A.4.
func (p *pixels) sort(fragments [][]byte, frames int) error {
	if p.format.BitsAllocated == 1 {
		return &dicom.UnsupportedTransferSyntaxError{UID: p.transferSyntaxUID} // they are defined for bytes
	}
	if len(fragments) == 0 {
		return dicom.ErrNoPixelData
	}
	table, fragments := fragments[0], fragments[1:]
	switch {
	case len(fragments) == frames:
		p.frames = fragments
	case frames == 1:
		p.frames = [][]byte{slices.Concat(fragments...)}
	case len(table) == 4*frames:
		p.frames = byTable(fragments, table)
	}
	if len(p.frames) != frames {
		return fmt.Errorf("%w: %d fragments for %d frames", dicom.ErrMalformed, len(fragments), frames)
	}
	return nil
}

// byTable begins a frame where the table says that one begins.
func byTable(fragments [][]byte, table []byte) [][]byte {
	const itemHeader = 8
	var frames [][]byte
	at := uint32(0)
	for _, f := range fragments {
		if n := 4 * len(frames); n < len(table) && binary.LittleEndian.Uint32(table[n:]) == at {
			frames = append(frames, nil)
		}
		if len(frames) == 0 {
			return nil
		}
		last := len(frames) - 1
		frames[last] = append(frames[last], f...)
		at += uint32(len(f)) + itemHeader
	}
	return frames
}

// size returns how many bytes the pixels take as they are stored.
func (p *pixels) size() int64 {
	n := int64(len(p.native))
	for _, f := range p.frames {
		n += int64(len(f))
	}
	return n
}

// decode decodes frame i into dst, which has as many places as a frame pixels.
func (p *pixels) decode(ctx context.Context, i int, dst []int32) (err error) {
	if p.native != nil {
		p.unpack(i, dst)
		return nil
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: decoder of %s gave up", pixel.ErrCorrupt, p.transferSyntaxUID)
		}
	}()
	return pixel.Decode(ctx, p.transferSyntaxUID, p.frames[i], p.format, dst)
}

// unpack is decode of native pixels.
func (p *pixels) unpack(i int, dst []int32) {
	first := i * len(dst)
	switch p.format.BitsAllocated {
	case 1:
		clear(dst)
		for n := 0; n < len(dst); n++ {
			at := first + n
			if at%8 == 0 && p.native[at/8] == 0 {
				n += 7 // as nearly all are
				continue
			}
			dst[n] = int32(p.native[at/8]>>(at%8)) & 1
		}
	case 8:
		for n := range dst {
			dst[n] = int32(p.native[first+n])
		}
	case 16:
		for n := range dst {
			dst[n] = int32(binary.LittleEndian.Uint16(p.native[2*(first+n):]))
		}
	}
}
