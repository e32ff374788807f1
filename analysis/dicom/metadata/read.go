// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package metadata

import (
	"encoding/binary"
	"io"
	"strconv"
	"strings"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom/internal/charset"
	"github.com/endplate/endplate/analysis/dicom/internal/element"
)

// Options say what of an instance is written by reference.
type Options struct {
	// BulkData returns the URI of the value at a path, which [Find] finds.
	BulkData func(path string) string
}

// The longest values that are written themselves, bytes: octets, and what people or
// programs read.
const (
	inlineOctets = 1 << 10
	inlineValues = 64 << 10
)

func inline(vr string) int {
	if kindOf(vr) == octets {
		return inlineOctets
	}
	return inlineValues
}

// Write reads an instance from src, to its pixel data and no further, and writes
// what it says of itself. The errors are those of package dicom, and the writer's.
func Write(to Writer, src io.Reader, opt Options) error {
	w, _, p, err := element.Begin(src)
	if err != nil {
		return err
	}
	r := &reader{Walker: w, to: to, opt: opt}
	to.Begin()
	if err := r.dataset(p); err != nil {
		return err
	}
	return to.End()
}

// reader writes the elements of one data set.
type reader struct {
	*element.Walker
	to  Writer
	opt Options
}

// scope is what holds in a data set or an item.
type scope struct {
	path     string // of the item, with a "/" behind it
	sets     []string
	signed   bool // pixels
	creators map[uint32]string
}

// inner returns the scope of an item of a sequence. A character set and the sign of
// pixels hold in items too; private blocks are reserved anew. PS3.5 7.8.1.
func (s *scope) inner(path string) *scope {
	return &scope{path: path, sets: s.sets, signed: s.signed}
}

// attribute returns the attribute of an element, with the VR by which its value is
// read: that of the dictionary where the content does not know it.
func (s *scope) attribute(h element.Header, order binary.ByteOrder) Attribute {
	a := Attribute{Tag: h.Tag, VR: h.VR}
	switch {
	case h.VR == "":
		a.VR = element.VROf(h.Tag, s.signed)
	case h.VR == "UN" && order != binary.BigEndian: // PS3.5 6.2.2 note 2
		a.VR = element.VROf(h.Tag, s.signed)
	case !element.IsVR(h.VR):
		a.VR = "UN"
	}
	if h.Length == element.UndefinedLength && a.VR == "UN" {
		a.VR = "SQ"
	}
	if h.Tag.Group%2 == 1 {
		a.Creator = s.creators[block(h.Tag)]
	}
	return a
}

// block names the block that a private attribute is of, or that its creator reserves.
func block(t tag.Tag) uint32 {
	if t.Element > 0xFF {
		return uint32(t.Group)<<16 | uint32(t.Element>>8)
	}
	return t.Uint32()
}

// dataset writes the elements from p on, to the pixel data or the end.
func (r *reader) dataset(p int) error {
	s := &scope{sets: []string{""}}
	for {
		if err := r.Forget(p); err != nil {
			return err
		}
		if ended, err := r.AtEnd(); ended || err != nil {
			return err
		}
		h, err := r.Header(0, r.Size, r.Implicit)
		if err != nil {
			return err
		}
		if IsPixels(h.Tag) {
			r.to.Bulk(s.attribute(h, r.Order), r.opt.BulkData(pathOf(h.Tag)))
			return nil
		}
		if p, err = r.Skip(h, r.Size, 0); err != nil {
			return err
		}
		if err := r.element(h, p, s, 0); err != nil {
			return err
		}
	}
}

// IsPixels reports whether an attribute is pixel data, after which a data set is not
// read on.
func IsPixels(t tag.Tag) bool {
	return t == tag.PixelData || t == tag.FloatPixelData || t == tag.DoubleFloatPixelData
}

func pathOf(t tag.Tag) string {
	const digits = "0123456789ABCDEF"
	b := make([]byte, 0, 8)
	for shift := 28; shift >= 0; shift -= 4 {
		b = append(b, digits[t.Uint32()>>shift&0xF])
	}
	return string(b)
}

// element writes the element of header h that ends at next.
func (r *reader) element(h element.Header, next int, s *scope, depth int) error {
	if h.Tag.Element == 0 || h.Tag == tag.DataSetTrailingPadding || h.Tag.Group == tag.MetadataGroup {
		return nil
	}
	a := s.attribute(h, r.Order)
	if a.VR == "SQ" && h.Length != element.UndefinedLength && !r.holds(h, next, depth) {
		a.VR = "UN"
	}
	switch {
	case a.VR == "SQ":
		return r.sequence(h, next, a, s, depth)
	case h.Length == element.UndefinedLength || int64(h.Length) > int64(inline(a.VR)):
		r.to.Bulk(a, r.opt.BulkData(s.path+pathOf(h.Tag)))
		return nil
	}
	if err := r.Fill(next); err != nil {
		return err
	}
	s.note(a, writeValue(r.to, a, r.B[h.Value:next], r.Order, s.sets))
	return nil
}

// holds reports whether the sequence of header h, whose length nobody has looked
// behind, is made of items. What is not is written as the octets that it is.
func (r *reader) holds(h element.Header, next, depth int) bool {
	if r.Fill(next) != nil {
		return false
	}
	probe := *r.Walker
	_, err := probe.Items(h, next, depth+1, func(p, end int, delimited bool) (int, error) {
		return probe.SkipItem(p, end, depth+1, delimited, h.Implicit || h.VR == "UN")
	})
	return err == nil
}

// sequence writes the sequence of header h. In what has VR UN or none, items are in
// implicit VR; so are those of a sequence that only the dictionary knows.
func (r *reader) sequence(h element.Header, next int, a Attribute, s *scope, depth int) error {
	implicit := h.Implicit || h.VR == "UN"
	r.to.BeginSequence(a)
	n := 0
	_, err := r.Items(h, next, depth+1, func(p, end int, delimited bool) (int, error) {
		n++
		r.to.BeginItem()
		inner := s.inner(s.path + pathOf(h.Tag) + "/" + strconv.Itoa(n) + "/")
		p, err := r.Elements(p, end, depth+1, delimited, implicit, func(h element.Header, next int) error {
			return r.element(h, next, inner, depth+1)
		})
		r.to.EndItem()
		return p, err
	})
	r.to.EndSequence()
	return err
}

// note takes note of what the reading of later values depends on.
func (s *scope) note(a Attribute, values []string) {
	switch {
	case len(values) == 0:
	case a.Tag == tag.SpecificCharacterSet:
		s.sets = values
	case a.Tag == tag.PixelRepresentation:
		s.signed = values[0] == "1"
	case a.Tag.Group%2 == 1 && a.Tag.Element <= 0xFF:
		if s.creators == nil {
			s.creators = map[uint32]string{}
		}
		s.creators[a.Tag.Uint32()] = values[0]
	}
}

// writeValue writes a value, and returns it where it is text or numbers.
func writeValue(to Writer, a Attribute, value []byte, order binary.ByteOrder, sets []string) (values []string) {
	switch kindOf(a.VR) {
	case text:
		values = texts(a.VR, value, sets)
		if a.Tag == tag.SpecificCharacterSet {
			to.Text(a, utf8) // what comes out
			return values
		}
		to.Text(a, values...)
	case decimal:
		values = texts(a.VR, value, sets)
		for i, v := range values {
			values[i] = number(v)
		}
		to.Numbers(a, values...)
	case words:
		values = numbers(a.VR, order, value)
		if a.VR == "AT" {
			to.Text(a, values...)
		} else {
			to.Numbers(a, values...)
		}
	default:
		to.Binary(a, littleEndian(a.VR, order, value))
	}
	return values
}

// utf8 is the character set of both models. PS3.3 C.12.1.1.2.
const utf8 = "ISO_IR 192"

// littleEndian returns octets as both models have them.
func littleEndian(vr string, order binary.ByteOrder, value []byte) []byte {
	if order != binary.BigEndian || element.Unit(vr) == 1 {
		return value
	}
	swapped := append([]byte(nil), value...)
	element.Swap(vr, swapped)
	return swapped
}

// texts returns the values of a text.
func texts(vr string, value []byte, sets []string) []string {
	lines := vr == "LT" || vr == "ST" || vr == "UT"
	whole := strings.ToValidUTF8(charset.Decode(sets, value), "\uFFFD")
	whole = strings.TrimRight(whole, " \x00")
	switch {
	case whole == "":
		return nil
	case lines, vr == "UR":
		return []string{whole}
	}
	values := strings.Split(whole, `\`)
	for i, v := range values {
		values[i] = strings.Trim(v, " \x00")
		if vr == "PN" {
			values[i] = name(values[i])
		}
	}
	if len(values) == 1 && values[0] == "" {
		return nil
	}
	return values
}

// name returns a name without the delimiters behind which nothing stands. PS3.5
// 6.2.1.2.
func name(s string) string {
	groups := strings.Split(s, "=")
	for i, g := range groups {
		groups[i] = strings.TrimRight(g, "^ ")
	}
	return strings.TrimRight(strings.Join(groups, "="), "=")
}
