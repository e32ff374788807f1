// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicom

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom/internal/element"
)

// maxCopied bounds the elements handed to the parser, which takes some 200 bytes
// for each.
const maxCopied = 1 << 17

// walker steps through a data set and makes another of it for the parser.
type walker struct {
	element.Walker
	copied int
	out    []byte // the data set for the parser, see copyElement
}

// copyElement appends the element of header h to the parser's data set, in
// explicit VR with the VR that the attribute has, and returns where it ends. Of
// sequences only the known attributes go along.
func (w *walker) copyElement(h element.Header, vr string, end, depth int) (int, error) {
	if w.copied++; w.copied > maxCopied {
		return 0, fmt.Errorf("%w: more than %d attributes", ErrTooLarge, maxCopied)
	}
	if vr == "SQ" {
		return w.copySequence(h, end, depth)
	}
	if h.Length > maxValue {
		return 0, &InvalidAttributeError{Keyword: name(h.Tag), Problem: "longer than any such value"}
	}
	vr, ok := accepted(vr, h.VR)
	if !ok {
		return 0, &InvalidAttributeError{Keyword: name(h.Tag), Problem: "value representation " + h.VR}
	}
	if isNumber(vr) && h.Length%numberSize(vr) != 0 {
		return 0, &InvalidAttributeError{Keyword: name(h.Tag), Problem: fmt.Sprintf("length %d", h.Length)}
	}
	next := h.Value + int(h.Length)
	if err := w.Fill(next); err != nil {
		return 0, err
	}
	w.appendTag(h.Tag)
	w.out = append(w.out, vr...)
	w.out = w.appendUint16(uint16(h.Length))
	w.out = append(w.out, w.B[h.Value:next]...)
	return next, nil
}

func (w *walker) copySequence(h element.Header, end, depth int) (int, error) {
	if h.VR != "" && h.VR != "SQ" && h.VR != "UN" {
		return 0, &InvalidAttributeError{Keyword: name(h.Tag), Problem: "value representation " + h.VR}
	}
	implicit := h.Implicit || h.VR == "UN"
	w.appendTag(h.Tag)
	w.out = append(w.out, "SQ\x00\x00\xff\xff\xff\xff"...)
	next, err := w.Items(h, end, depth+1, func(p, itemEnd int, delimited bool) (int, error) {
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
		h, err := w.Header(p, end, implicit)
		if err != nil {
			return p, err
		}
		if delimited && h.Tag == tag.ItemDelimitationItem {
			return p, nil
		}
		if vr, ok := attributes[h.Tag]; ok && !slices.Contains(seen, h.Tag) {
			seen = append(seen, h.Tag)
			p, err = w.copyElement(h, vr, end, depth)
		} else {
			p, err = w.Skip(h, end, depth)
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
	if w.Order == binary.BigEndian {
		return binary.BigEndian.AppendUint16(w.out, v)
	}
	return binary.LittleEndian.AppendUint16(w.out, v)
}
