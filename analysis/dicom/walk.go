// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicom

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/suyashkumar/dicom/pkg/tag"
)

const undefinedLength = tag.VLUndefinedLength

// Bounds of the walk. Real CT headers hold some hundred elements in some kB;
// Enhanced CT of a thousand frames some ten thousand in a few MB.
const (
	maxDepth    = 32
	maxElements = 1 << 20
	maxCopied   = 1 << 17  // elements handed to the parser, which takes some 200 bytes for each
	maxHeader   = 64 << 20 // bytes before PixelData
	firstRead   = 16 << 10 // bytes; holds most CT headers whole
)

// walker steps through the elements of a data set without allocating for them.
// It reads only as far as it must.
type walker struct {
	encoding
	src      io.Reader
	b        []byte // what was read so far
	size     int    // of the whole content; b never grows beyond
	elements int    // counted, so that tiny items cannot take forever
	copied   int

	out []byte // the data set for the parser, see copyElement
}

// header is the header of one element.
type header struct {
	tag      tag.Tag
	vr       string // "" for items and in implicit VR
	length   uint32
	value    int  // offset of the value
	implicit bool // whether the content of a sequence is implicit VR
}

// fill reads until n bytes are there. It fails with ErrTruncated if the content
// ends before, and with ErrTooLarge if that is no header any more.
func (w *walker) fill(n int) error {
	if n <= len(w.b) {
		return nil
	}
	if n > w.size {
		return truncated("ends at byte %d", w.size)
	}
	if n > maxHeader {
		return fmt.Errorf("%w: header exceeds %d bytes", ErrTooLarge, maxHeader)
	}
	have := len(w.b)
	want := min(max(n, 2*have, firstRead), w.size, maxHeader)
	if cap(w.b) < want {
		w.b = append(make([]byte, 0, want), w.b...)
	}
	read, err := io.ReadFull(w.src, w.b[have:want])
	w.b = w.b[:have+read]
	if len(w.b) >= n {
		return nil
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		w.size = len(w.b)
		return truncated("ends at byte %d", w.size)
	}
	return fmt.Errorf("%w: %w", ErrUnreadable, err)
}

// header reads the element header at p. Its value may reach beyond what was
// filled, but not beyond end unless its length is undefined.
func (w *walker) header(p, end int, implicit bool) (header, error) {
	if w.elements++; w.elements > maxElements {
		return header{}, malformed("more than %d elements", maxElements)
	}
	if end-p < 8 {
		return header{}, truncated("element header at byte %d", p)
	}
	if err := w.fill(p + 8); err != nil {
		return header{}, err
	}
	b := w.b[p:]
	h := header{tag: tag.Tag{Group: w.order.Uint16(b), Element: w.order.Uint16(b[2:])}, implicit: implicit}
	switch {
	case h.tag.Group == tag.GroupSeqItem || implicit:
		h.length, h.value = w.order.Uint32(b[4:]), p+8
	case !isVR(b[4], b[5]):
		return header{}, malformed("no VR at byte %d, element %v", p+4, h.tag)
	case isLongVR(b[4], b[5]):
		if end-p < 12 {
			return header{}, truncated("element header at byte %d", p)
		}
		if err := w.fill(p + 12); err != nil {
			return header{}, err
		}
		h.vr = string(b[4:6])
		h.length, h.value = w.order.Uint32(w.b[p+8:]), p+12
	default:
		h.vr = string(b[4:6])
		h.length, h.value = uint32(w.order.Uint16(b[6:])), p+8
	}
	if h.length != undefinedLength && int64(h.length) > int64(end-h.value) {
		if end < w.size {
			return h, malformed("%s of %d bytes exceeds its sequence", name(h.tag), h.length)
		}
		return h, truncated("%s needs %d bytes and has %d", name(h.tag), h.length, end-h.value)
	}
	if h.vr == "UN" && h.length == undefinedLength {
		h.implicit = true // PS3.5 section 6.2.2, note 4
	}
	return h, nil
}

// skip returns where the element of header h ends.
func (w *walker) skip(h header, end, depth int) (int, error) {
	if h.tag.Group == tag.GroupSeqItem {
		return 0, malformed("stray item at byte %d", h.value-8)
	}
	if h.length != undefinedLength {
		return h.value + int(h.length), nil
	}
	fragments := h.vr == "OB" || h.vr == "OW"
	if !fragments && h.vr != "" && h.vr != "SQ" && h.vr != "UN" {
		return 0, malformed("%s has VR %s and undefined length", name(h.tag), h.vr)
	}
	return w.items(h, end, depth+1, func(p, itemEnd int, delimited bool) (int, error) {
		if fragments || !delimited {
			return itemEnd, nil
		}
		return w.skipItem(p, itemEnd, depth+1, h.implicit)
	})
}

// skipItem returns the offset of the item delimiter that ends the item at p.
func (w *walker) skipItem(p, end, depth int, implicit bool) (int, error) {
	for {
		h, err := w.header(p, end, implicit)
		if err != nil {
			return 0, err
		}
		if h.tag == tag.ItemDelimitationItem {
			return p, nil
		}
		if p, err = w.skip(h, end, depth); err != nil {
			return 0, err
		}
	}
}

// items calls visit for each item of the sequence of header h, with where its
// content begins and must end. A delimited item ends where visit says its
// delimiter is. items returns where the sequence ends.
func (w *walker) items(h header, end, depth int, visit func(p, end int, delimited bool) (int, error)) (int, error) {
	if depth > maxDepth {
		return 0, malformed("sequences nested deeper than %d", maxDepth)
	}
	p := h.value
	if h.length != undefinedLength {
		end = p + int(h.length)
	}
	for {
		if h.length != undefinedLength && p == end {
			return end, nil
		}
		item, err := w.header(p, end, true)
		if err != nil {
			return 0, err
		}
		if item.tag == tag.SequenceDelimitationItem && h.length == undefinedLength {
			return item.value, nil
		}
		if item.tag != tag.Item {
			return 0, malformed("no item at byte %d in %s", p, name(h.tag))
		}
		if p, err = w.item(item, end, visit); err != nil {
			return 0, err
		}
	}
}

func (w *walker) item(item header, end int, visit func(p, end int, delimited bool) (int, error)) (int, error) {
	if item.length != undefinedLength {
		itemEnd := item.value + int(item.length)
		_, err := visit(item.value, itemEnd, false)
		return itemEnd, err
	}
	p, err := visit(item.value, end, true)
	if err != nil {
		return 0, err
	}
	h, err := w.header(p, end, true)
	if err != nil {
		return 0, err
	}
	if h.tag != tag.ItemDelimitationItem {
		return 0, malformed("item does not end at byte %d", p)
	}
	return h.value, nil
}

// copyElement appends the element of header h to the parser's data set, in
// explicit VR with the VR that the attribute has, and returns where it ends. Of
// sequences only the known attributes go along.
func (w *walker) copyElement(h header, vr string, end, depth int) (int, error) {
	if w.copied++; w.copied > maxCopied {
		return 0, fmt.Errorf("%w: more than %d attributes", ErrTooLarge, maxCopied)
	}
	if vr == "SQ" {
		return w.copySequence(h, end, depth)
	}
	if h.length > maxValue {
		return 0, &InvalidAttributeError{Keyword: name(h.tag), Problem: "longer than any such value"}
	}
	vr, ok := accepted(vr, h.vr)
	if !ok {
		return 0, &InvalidAttributeError{Keyword: name(h.tag), Problem: "value representation " + h.vr}
	}
	if isNumber(vr) && h.length%numberSize(vr) != 0 {
		return 0, &InvalidAttributeError{Keyword: name(h.tag), Problem: fmt.Sprintf("length %d", h.length)}
	}
	next := h.value + int(h.length)
	if err := w.fill(next); err != nil {
		return 0, err
	}
	w.appendTag(h.tag)
	w.out = append(w.out, vr...)
	w.out = w.appendUint16(uint16(h.length))
	w.out = append(w.out, w.b[h.value:next]...)
	return next, nil
}

func (w *walker) copySequence(h header, end, depth int) (int, error) {
	if h.vr != "" && h.vr != "SQ" && h.vr != "UN" {
		return 0, &InvalidAttributeError{Keyword: name(h.tag), Problem: "value representation " + h.vr}
	}
	implicit := h.implicit || h.vr == "UN"
	w.appendTag(h.tag)
	w.out = append(w.out, "SQ\x00\x00\xff\xff\xff\xff"...)
	next, err := w.items(h, end, depth+1, func(p, itemEnd int, delimited bool) (int, error) {
		if w.copied++; w.copied > maxCopied {
			return 0, fmt.Errorf("%w: more than %d items", ErrTooLarge, maxCopied)
		}
		w.appendTag(tag.Item)
		w.out = append(w.out, "\xff\xff\xff\xff"...)
		p, err := w.copyItem(p, itemEnd, depth+1, delimited, implicit)
		w.appendTag(tag.ItemDelimitationItem)
		w.out = append(w.out, "\x00\x00\x00\x00"...)
		return p, err
	})
	w.appendTag(tag.SequenceDelimitationItem)
	w.out = append(w.out, "\x00\x00\x00\x00"...)
	return next, err
}

// copyItem copies the known attributes of the item at p, the first of each, and
// returns where it ends: at end, or at its delimiter.
func (w *walker) copyItem(p, end, depth int, delimited, implicit bool) (int, error) {
	seen := make([]tag.Tag, 0, 16)
	for delimited || p < end {
		h, err := w.header(p, end, implicit)
		if err != nil {
			return p, err
		}
		if delimited && h.tag == tag.ItemDelimitationItem {
			return p, nil
		}
		if vr, ok := attributes[h.tag]; ok && !slices.Contains(seen, h.tag) {
			seen = append(seen, h.tag)
			p, err = w.copyElement(h, vr, end, depth)
		} else {
			p, err = w.skip(h, end, depth)
		}
		if err != nil {
			return p, err
		}
	}
	return p, nil
}

func (w *walker) appendTag(t tag.Tag) {
	w.out = w.appendUint16(t.Group)
	w.out = w.appendUint16(t.Element)
}

func (w *walker) appendUint16(v uint16) []byte {
	if w.order == binary.BigEndian {
		return binary.BigEndian.AppendUint16(w.out, v)
	}
	return binary.LittleEndian.AppendUint16(w.out, v)
}

func isVR(a, b byte) bool { return a >= 'A' && a <= 'Z' && b >= 'A' && b <= 'Z' }

// isLongVR reports whether the length of a VR takes four bytes. PS3.5 7.1.2.
func isLongVR(a, b byte) bool {
	switch string([]byte{a, b}) {
	case "OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV":
		return true
	}
	return false
}
