// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package element steps through the data elements of DICOM content that nobody
// vouches for: it checks every length against what is there before it is used,
// bounds depth and number, and allocates no more than a small multiple of what it
// has read. It knows tags, VRs and lengths, and leaves values to its callers.
//
// Reference: DICOM PS3.5 section 7 and annex A, PS3.10 section 7.
package element

import (
	"cmp"
	"errors"
	"fmt"
	"io"

	"github.com/suyashkumar/dicom/pkg/tag"
)

// UndefinedLength is the length of a value that a delimiter ends.
const UndefinedLength = tag.VLUndefinedLength

// Bounds of the walk. Real CT headers hold some hundred elements in some kB;
// Enhanced CT of a thousand frames some ten thousand in a few MB.
const (
	maxDepth    = 32
	maxElements = 1 << 20
	MaxHeader   = 64 << 20 // bytes before PixelData
	FirstRead   = 16 << 10 // bytes; holds most CT headers whole
)

// Walker steps through the elements of a data set without allocating for them.
// It reads only as far as it must.
type Walker struct {
	Encoding
	Src      io.Reader
	B        []byte // what was read so far
	Size     int    // of the whole content; B never grows beyond
	Limit    int    // of what is read, bytes; 0 means MaxHeader
	elements int    // counted, so that tiny items cannot take forever
}

// Header is the header of one element.
type Header struct {
	Tag      tag.Tag
	VR       string // "" for items and in implicit VR
	Length   uint32
	Value    int  // offset of the value
	Implicit bool // whether the content of a sequence is implicit VR
}

// Fill reads until n bytes are there. It fails with ErrTruncated if the content
// ends before, and with ErrTooLarge if that is no header any more.
func (w *Walker) Fill(n int) error {
	for len(w.B) < n {
		if n > w.Size {
			return Truncated("ends at byte %d", w.Size)
		}
		if n > w.limit() {
			return fmt.Errorf("%w: header exceeds %d bytes", ErrTooLarge, w.limit())
		}
		if err := w.grow(); err != nil {
			return err
		}
	}
	return nil
}

func (w *Walker) limit() int { return cmp.Or(w.Limit, MaxHeader) }

// grow reads about as much again as is there, so that memory follows what a
// content holds and not what it claims.
func (w *Walker) grow() error {
	have := len(w.B)
	want := min(max(2*have, FirstRead), w.Size, w.limit())
	if cap(w.B) < want {
		w.B = append(make([]byte, 0, want), w.B...)
	}
	read, err := io.ReadFull(w.Src, w.B[have:want])
	w.B = w.B[:have+read]
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		w.Size = len(w.B) // Fill sees that this is not enough
		return nil
	}
	return fmt.Errorf("%w: %w", ErrUnreadable, err)
}

// Header reads the element header at p. Its value may reach beyond what was
// filled, but not beyond end unless its length is undefined.
func (w *Walker) Header(p, end int, implicit bool) (Header, error) {
	if w.elements++; w.elements > maxElements {
		return Header{}, Malformed("more than %d elements", maxElements)
	}
	if end-p < 8 {
		return Header{}, Truncated("element header at byte %d", p)
	}
	if err := w.Fill(p + 8); err != nil {
		return Header{}, err
	}
	b := w.B[p:]
	h := Header{Tag: tag.Tag{Group: w.Order.Uint16(b), Element: w.Order.Uint16(b[2:])}, Implicit: implicit}
	switch {
	case h.Tag.Group == tag.GroupSeqItem || implicit:
		h.Length, h.Value = w.Order.Uint32(b[4:]), p+8
	case !isVR(b[4], b[5]):
		return Header{}, Malformed("no VR at byte %d, element %v", p+4, h.Tag)
	case IsLongVR(b[4], b[5]):
		if end-p < 12 {
			return Header{}, Truncated("element header at byte %d", p)
		}
		if err := w.Fill(p + 12); err != nil {
			return Header{}, err
		}
		h.VR = string(b[4:6])
		h.Length, h.Value = w.Order.Uint32(w.B[p+8:]), p+12
	default:
		h.VR = string(b[4:6])
		h.Length, h.Value = uint32(w.Order.Uint16(b[6:])), p+8
	}
	if h.Length != UndefinedLength && int64(h.Length) > int64(end-h.Value) {
		if end < w.Size {
			return h, Malformed("%s of %d bytes exceeds its sequence", Name(h.Tag), h.Length)
		}
		return h, Truncated("%s needs %d bytes and has %d", Name(h.Tag), h.Length, end-h.Value)
	}
	if h.VR == "UN" && h.Length == UndefinedLength {
		h.Implicit = true // PS3.5 section 6.2.2, note 4
	}
	return h, nil
}

// Skip returns where the element of header h ends.
func (w *Walker) Skip(h Header, end, depth int) (int, error) {
	if h.Tag.Group == tag.GroupSeqItem {
		return 0, Malformed("stray item at byte %d", h.Value-8)
	}
	if h.Length != UndefinedLength {
		return h.Value + int(h.Length), nil
	}
	fragments := h.VR == "OB" || h.VR == "OW"
	if !fragments && h.VR != "" && h.VR != "SQ" && h.VR != "UN" {
		return 0, Malformed("%s has VR %s and undefined length", Name(h.Tag), h.VR)
	}
	return w.Items(h, end, depth+1, func(p, itemEnd int, delimited bool) (int, error) {
		if fragments || !delimited {
			return itemEnd, nil
		}
		return w.SkipItem(p, itemEnd, depth+1, delimited, h.Implicit)
	})
}

// Elements calls visit for each element of the item at p, with where it ends, and
// returns where the item's content does: at its delimiter if it has one, else at end.
func (w *Walker) Elements(p, end, depth int, delimited, implicit bool, visit func(h Header, next int) error) (int, error) {
	for delimited || p < end {
		h, err := w.Header(p, end, implicit)
		if err != nil {
			return p, err
		}
		if delimited && h.Tag == tag.ItemDelimitationItem {
			return p, nil
		}
		if p, err = w.Skip(h, end, depth); err != nil {
			return p, err
		}
		if err := visit(h, p); err != nil {
			return p, err
		}
	}
	return p, nil
}

func nothing(Header, int) error { return nil }

// SkipItem returns where the content of the item at p ends.
func (w *Walker) SkipItem(p, end, depth int, delimited, implicit bool) (int, error) {
	return w.Elements(p, end, depth, delimited, implicit, nothing)
}

// Items calls visit for each item of the sequence of header h, with where its
// content begins and must end. A delimited item ends where visit says its
// delimiter is. Items returns where the sequence ends.
func (w *Walker) Items(h Header, end, depth int, visit func(p, end int, delimited bool) (int, error)) (int, error) {
	if depth > maxDepth {
		return 0, Malformed("sequences nested deeper than %d", maxDepth)
	}
	p := h.Value
	if h.Length != UndefinedLength {
		end = p + int(h.Length)
	}
	for {
		if h.Length != UndefinedLength && p == end {
			return end, nil
		}
		item, err := w.Header(p, end, true)
		if err != nil {
			return 0, err
		}
		if item.Tag == tag.SequenceDelimitationItem && h.Length == UndefinedLength {
			return item.Value, nil
		}
		if item.Tag != tag.Item {
			return 0, Malformed("no item at byte %d in %s", p, Name(h.Tag))
		}
		if p, err = w.item(item, end, visit); err != nil {
			return 0, err
		}
	}
}

func (w *Walker) item(item Header, end int, visit func(p, end int, delimited bool) (int, error)) (int, error) {
	if item.Length != UndefinedLength {
		itemEnd := item.Value + int(item.Length)
		_, err := visit(item.Value, itemEnd, false)
		return itemEnd, err
	}
	p, err := visit(item.Value, end, true)
	if err != nil {
		return 0, err
	}
	h, err := w.Header(p, end, true)
	if err != nil {
		return 0, err
	}
	if h.Tag != tag.ItemDelimitationItem {
		return 0, Malformed("item does not end at byte %d", p)
	}
	return h.Value, nil
}

func isVR(a, b byte) bool { return a >= 'A' && a <= 'Z' && b >= 'A' && b <= 'Z' }

// IsLongVR reports whether the length of a VR takes four bytes. PS3.5 7.1.2.
func IsLongVR(a, b byte) bool {
	switch string([]byte{a, b}) {
	case "OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV":
		return true
	}
	return false
}

// Inflation is bounded by a multiple of the size and an allowance for small
// content. CT deflates to a half, a synthetic one without noise to a hundredth.
const (
	maxInflation       = 100
	inflationAllowance = 32 << 20 // bytes
)

// InflationLimit returns what deflated content and archives of a size may inflate
// to, bytes.
func InflationLimit(size int64) int64 { return inflationAllowance + maxInflation*size }
