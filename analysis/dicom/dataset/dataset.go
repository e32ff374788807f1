// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package dataset builds, writes and reads DICOM data sets that are held whole:
// structured reports, segmentations, presentation states and the heads of images.
// Texts are in UTF-8 throughout: what is read is decoded, what is written says
// ISO_IR 192. What is written is Explicit VR Little Endian.
//
// Reference: DICOM PS3.5 sections 6 and 7, PS3.10 section 7.
package dataset

import (
	"cmp"
	"fmt"
	"iter"
	"slices"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom/internal/element"
)

// Dataset is a data set or an item of a sequence. The zero value is empty and ready
// for use. Its setters note the first value that cannot stand; Err tells of it, and
// writing fails with it. A later value of an attribute replaces an earlier one.
type Dataset struct {
	elements []Element // ascending by tag
	err      error
}

// Element is one data element. What it holds is shared, not copied, and must not be
// changed.
type Element struct {
	Tag tag.Tag
	VR  string

	// Value is the value as Explicit VR Little Endian has it, text in UTF-8 and not
	// padded; nil for a sequence and for encapsulated pixel data.
	Value []byte
	// Items are those of a sequence.
	Items []*Dataset
	// Fragments are those of encapsulated pixel data, the first of them the basic
	// offset table.
	Fragments [][]byte
}

// ValueError tells of a value that an attribute cannot have. It does not hold the
// value, which may be a patient's.
type ValueError struct {
	Keyword string
	Problem string
}

func (e *ValueError) Error() string { return e.Keyword + ": " + e.Problem }

// Err returns the first error of a setter, of the items too; nil if there was none.
func (d *Dataset) Err() error { return d.err }

func (d *Dataset) fail(t tag.Tag, format string, args ...any) {
	if d.err == nil {
		d.err = &ValueError{element.Name(t), fmt.Sprintf(format, args...)}
	}
}

// Put sets an element as it stands, such as one that was read.
func (d *Dataset) Put(e Element) {
	i, found := d.find(e.Tag)
	if found {
		d.elements[i] = e
	} else {
		d.elements = slices.Insert(d.elements, i, e)
	}
}

// PutAll sets all elements of another data set as they stand.
func (d *Dataset) PutAll(from *Dataset) {
	for _, e := range from.elements {
		d.Put(e)
	}
	d.err = cmp.Or(d.err, from.err)
}

// Remove removes an element if it is there.
func (d *Dataset) Remove(t tag.Tag) {
	if i, found := d.find(t); found {
		d.elements = slices.Delete(d.elements, i, i+1)
	}
}

func (d *Dataset) find(t tag.Tag) (int, bool) {
	return slices.BinarySearchFunc(d.elements, t, func(e Element, t tag.Tag) int { return cmp.Compare(e.Tag.Uint32(), t.Uint32()) })
}

// Len returns the number of elements, without those of items.
func (d *Dataset) Len() int { return len(d.elements) }

// All yields the elements in ascending order of their tags.
func (d *Dataset) All() iter.Seq[Element] { return slices.Values(d.elements) }

// Find returns an element, and whether it is there.
func (d *Dataset) Find(t tag.Tag) (Element, bool) {
	if i, found := d.find(t); found {
		return d.elements[i], true
	}
	return Element{Tag: t}, false
}
