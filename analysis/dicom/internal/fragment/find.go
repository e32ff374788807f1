// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package fragment

import (
	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom/internal/element"
)

// Pixels says where the pixel data of an image is.
type Pixels struct {
	element.Header
	Offset int64 // of the value, in the content or in the inflated data set

	Offsets, Lengths []uint64 // the extended offset table, empty if absent
}

// Find passes over the data set from p on to its pixel data. It returns nil where
// there is none.
func Find(w *element.Walker, p int) (*Pixels, error) {
	found := &Pixels{}
	for {
		if err := w.Forget(p); err != nil {
			return nil, err
		}
		found.Offset += int64(p)
		if ended, err := w.AtEnd(); ended || err != nil {
			return nil, err
		}
		h, err := w.Header(0, w.Size, w.Implicit)
		if err != nil {
			return nil, err
		}
		switch h.Tag {
		case tag.PixelData:
			found.Header = h
			found.Offset += int64(h.Value)
			return found, nil
		case tag.ExtendedOffsetTable:
			found.Offsets, err = numbers(w, h)
		case tag.ExtendedOffsetTableLengths:
			found.Lengths, err = numbers(w, h)
		}
		if err != nil {
			return nil, err
		}
		if p, err = w.Skip(h, w.Size, 0); err != nil {
			return nil, err
		}
	}
}

// numbers reads the 64-bit numbers of an element of VR OV.
func numbers(w *element.Walker, h element.Header) ([]uint64, error) {
	if h.Length == element.UndefinedLength || h.Length%8 != 0 {
		return nil, &element.InvalidAttributeError{Keyword: element.Name(h.Tag), Problem: "its length"}
	}
	if err := w.Fill(h.Value + int(h.Length)); err != nil {
		return nil, err
	}
	table := make([]uint64, h.Length/8)
	for i := range table {
		table[i] = w.Order.Uint64(w.B[h.Value+8*i:])
	}
	return table, nil
}
