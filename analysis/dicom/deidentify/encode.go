// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package deidentify

import (
	"encoding/binary"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom/internal/element"
)

// text writes a text, in the encoding of the data set.
func (r *rewriter) text(t tag.Tag, vr, value string) { r.put(t, vr, r.w.Implicit, []byte(value)) }

// put writes an element, padded to an even length.
func (r *rewriter) put(t tag.Tag, vr string, implicit bool, value []byte) {
	odd := len(value) % 2
	r.head(t, vr, implicit, uint32(len(value)+odd))
	r.out = append(r.out, value...)
	if odd == 0 {
		return
	}
	if vr == "UI" || vr == "OB" || vr == "UN" || implicit && isUID(t) {
		r.out = append(r.out, 0)
	} else {
		r.out = append(r.out, ' ')
	}
}

// isUID reports whether an attribute holds UIDs.
func isUID(t tag.Tag) bool {
	known := knownVRs(t)
	return len(known) > 0 && known[0] == "UI" || table()[t].action == "U"
}

// head writes the header of an element.
func (r *rewriter) head(t tag.Tag, vr string, implicit bool, length uint32) {
	r.tag(t)
	switch {
	case implicit:
		r.out = r.order().AppendUint32(r.out, length)
	case isShort(vr):
		r.out = append(r.out, vr...)
		r.out = r.order().AppendUint16(r.out, uint16(length))
	default:
		r.out = append(r.out, vr...)
		r.out = append(r.out, 0, 0)
		r.out = r.order().AppendUint32(r.out, length)
	}
}

// isShort reports whether the length of a VR takes two bytes.
func isShort(vr string) bool { return len(vr) == 2 && !element.IsLongVR(vr[0], vr[1]) }

func (r *rewriter) tag(t tag.Tag) {
	r.out = r.order().AppendUint16(r.out, t.Group)
	r.out = r.order().AppendUint16(r.out, t.Element)
}

func (r *rewriter) order() binary.AppendByteOrder {
	if r.w.Order == binary.BigEndian {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// sequence writes a sequence of the items that write writes.
func (r *rewriter) sequence(t tag.Tag, write func()) {
	r.head(t, "SQ", r.w.Implicit, 0)
	r.measured(write)
}

// item writes an item of the elements that write writes.
func (r *rewriter) item(write func()) {
	r.head(tag.Item, "", true, 0)
	r.measured(write)
}

// measured enters the length of what write writes before it.
func (r *rewriter) measured(write func()) {
	start := len(r.out)
	write()
	const field = 4 // bytes
	length := uint32(len(r.out) - start)
	r.w.Order.PutUint32(r.out[start-field:start], length)
}

// copySequence writes the sequence of header h, with defined lengths where it had
// such, and returns where it ends.
func (r *rewriter) copySequence(h element.Header, in scope) (int, error) {
	implicit := h.Implicit || h.VR == "UN" // PS3.5 6.2.2
	r.head(h.Tag, h.VR, in.implicit, element.UndefinedLength)
	var next int
	var err error
	write := func() {
		next, err = r.w.Items(h, in.end, in.depth+1, func(p, end int, delimited bool) (int, error) {
			return r.copyItem(p, scope{end: end, delimited: delimited, implicit: implicit, depth: in.depth + 1})
		})
	}
	if h.Length != element.UndefinedLength {
		r.measured(write)
		return next, err
	}
	write()
	r.head(tag.SequenceDelimitationItem, "", true, 0)
	return next, err
}

// copyItem writes the item whose content begins at p and returns where that ends.
func (r *rewriter) copyItem(p int, in scope) (next int, err error) {
	write := func() { next, err = r.elements(p, in, nil) }
	r.head(tag.Item, "", true, element.UndefinedLength)
	if !in.delimited {
		r.measured(write)
		return next, err
	}
	write()
	r.head(tag.ItemDelimitationItem, "", true, 0)
	return next, err
}
