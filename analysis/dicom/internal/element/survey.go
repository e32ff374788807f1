// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package element

import (
	"strings"

	"github.com/suyashkumar/dicom/pkg/tag"
)

// Set holds elements of a data set or of an item, the first of each attribute.
type Set map[tag.Tag]Value

// Value is the value of an element, as it is encoded, or its items.
type Value struct {
	VR    string // that of the dictionary where the content does not know it
	Bytes []byte
	Items []Set
}

// Text returns a value of text without its padding, "" where there is none.
func (s Set) Text(t tag.Tag) string { return strings.Trim(string(s[t].Bytes), " \x00") }

// Item returns the first item of a sequence, nil where there is none.
func (s Set) Item(t tag.Tag) Set {
	if items := s[t].Items; len(items) > 0 {
		return items[0]
	}
	return nil
}

// Survey is what was wanted of a data set, and where its pixel data begins.
type Survey struct {
	Set
	Pixels    Header // of the pixel data
	HasPixels bool
	Offset    int64 // of the pixel data's value, in the content or the inflated data set
}

// longestWanted bounds a wanted value, bytes: a lookup table of 16 bits and more.
const longestWanted = 1 << 20

// IsPixelData reports whether an attribute is pixel data of some kind.
func IsPixelData(t tag.Tag) bool {
	return t == tag.PixelData || t == tag.FloatPixelData || t == tag.DoubleFloatPixelData
}

// Survey reads the data set from p on, to its pixel data or its end, and keeps the
// elements that are wanted, and those within wanted sequences. Longer values than a
// megabyte are not kept.
func (w *Walker) Survey(p int, wanted func(tag.Tag) bool) (*Survey, error) {
	s := &Survey{Set: Set{}}
	for {
		if err := w.Forget(p); err != nil {
			return s, err
		}
		s.Offset += int64(p)
		if ended, err := w.AtEnd(); ended || err != nil {
			return s, err
		}
		h, err := w.Header(0, w.Size, w.Implicit)
		if err != nil {
			return s, err
		}
		if IsPixelData(h.Tag) {
			s.Pixels, s.HasPixels = h, true
			s.Offset += int64(h.Value)
			return s, nil
		}
		if p, err = w.Skip(h, w.Size, 0); err != nil {
			return s, err
		}
		if err := w.keep(s.Set, h, p, wanted, 0); err != nil {
			return s, err
		}
	}
}

// keep keeps the element of header h that ends at next if it is wanted.
func (w *Walker) keep(s Set, h Header, next int, wanted func(tag.Tag) bool, depth int) error {
	if _, known := s[h.Tag]; known || !wanted(h.Tag) {
		return nil
	}
	v := Value{VR: h.VR}
	if v.VR == "" || v.VR == "UN" {
		v.VR = VROf(h.Tag, false)
	}
	if v.VR == "SQ" {
		implicit := h.Implicit || h.VR == "UN"
		_, err := w.Items(h, next, depth+1, func(p, end int, delimited bool) (int, error) {
			item := Set{}
			v.Items = append(v.Items, item)
			return w.keepItem(item, p, end, delimited, implicit, wanted, depth+1)
		})
		s[h.Tag] = v
		return err
	}
	if h.Length > longestWanted { // or undefined
		return nil
	}
	if err := w.Fill(next); err != nil {
		return err
	}
	v.Bytes = w.B[h.Value:next:next]
	s[h.Tag] = v
	return nil
}

func (w *Walker) keepItem(s Set, p, end int, delimited, implicit bool, wanted func(tag.Tag) bool, depth int) (int, error) {
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
		if err := w.keep(s, h, p, wanted, depth); err != nil {
			return p, err
		}
	}
	return p, nil
}
