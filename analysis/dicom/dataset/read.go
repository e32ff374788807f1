// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom/internal/charset"
	"github.com/endplate/endplate/analysis/dicom/internal/element"
)

// The conditions of Read that carry no data of their own. Package dicom has the same.
var (
	ErrNotDICOM   = element.ErrNotDICOM
	ErrMalformed  = element.ErrMalformed
	ErrTruncated  = element.ErrTruncated
	ErrTooLarge   = element.ErrTooLarge
	ErrUnreadable = element.ErrUnreadable
)

// Bounds of what is read, of which what is held in memory is a small multiple.
const (
	// DefaultLimit holds every structured report and every head of an image: those
	// of Enhanced CT of a thousand frames take a few MB.
	DefaultLimit = 64 << 20 // bytes

	// maxHeld bounds the elements and items that are kept, which take some 200 bytes
	// each. A report of a whole spine has 50 thousand.
	maxHeld = 1 << 19
)

// Options say what Read reads.
type Options struct {
	// Want says which elements of the data set are kept, with all that is in them;
	// nil: all. What is not kept takes no memory.
	Want func(tag.Tag) bool

	// Limit is how many bytes may be read; 0 means DefaultLimit.
	Limit int

	// Pixels asks for the pixel data. Otherwise reading ends before it.
	Pixels bool
}

// File is what Read read.
type File struct {
	Dataset
	TransferSyntaxUID string
}

// Read reads a Part 10 file, or a data set alone, of any transfer syntax, one that
// compresses the pixels too. Texts become UTF-8: what cannot be decoded becomes
// U+FFFD, and control characters become spaces. SpecificCharacterSet and group
// lengths are left out. r must deliver no more than size bytes; a negative size
// means that the end of r tells.
//
// The errors are ErrNotDICOM, ErrMalformed, ErrTruncated, ErrTooLarge, and
// ErrUnreadable with the error of r.
func Read(r io.Reader, size int64, opt Options) (*File, error) {
	if size < 0 || size > math.MaxInt {
		size = math.MaxInt
	}
	if opt.Limit == 0 {
		opt.Limit = DefaultLimit
	}
	w := &element.Walker{Src: r, Size: int(size), Limit: opt.Limit, Encoding: element.EncodingOf(element.ExplicitVRLittleEndian)}
	meta, p, err := element.ReadMeta(w)
	if err != nil {
		return nil, err
	}
	if meta.TransferSyntaxUID == element.DeflatedExplicitVRLittleEndian {
		// What it inflates to is bounded by the limit.
		packed := io.MultiReader(strings.NewReader(string(w.B[p:])), r)
		w, p = &element.Walker{Src: flate.NewReader(packed), Size: math.MaxInt, Limit: opt.Limit}, 0
	}
	w.Encoding = element.EncodingOf(meta.TransferSyntaxUID)
	f := &File{TransferSyntaxUID: meta.TransferSyntaxUID}
	rd := &reader{w: w, opt: opt}
	return f, rd.whole(&f.Dataset, p)
}

// reader turns what a walker steps through into data sets.
type reader struct {
	w    *element.Walker
	opt  Options
	held int
}

// scope is where elements are read.
type scope struct {
	end       int
	delimited bool // ends at an item delimiter
	implicit  bool
	depth     int
	sets      []string // of characters
}

// whole reads the data set at p.
func (r *reader) whole(d *Dataset, p int) error {
	in := scope{end: r.w.Size, implicit: r.w.Implicit, sets: []string{""}}
	for {
		if more, err := r.more(p); !more {
			return err
		}
		h, err := r.w.Header(p, in.end, in.implicit)
		if err != nil {
			return err
		}
		if h.Tag.Group == tag.PixelData.Group && !r.opt.Pixels {
			return nil
		}
		want := r.opt.Want == nil || r.opt.Want(h.Tag) || h.Tag == tag.SpecificCharacterSet
		if p, err = r.element(d, h, &in, want); err != nil {
			return err
		}
		in.end = r.w.Size // which is known by now, perhaps
	}
}

// more reports whether anything begins at p.
func (r *reader) more(p int) (bool, error) {
	if p >= r.w.Size {
		return false, nil
	}
	err := r.w.Fill(p + 1)
	if errors.Is(err, element.ErrTruncated) && p == len(r.w.B) {
		return false, nil
	}
	return err == nil, err
}

// element reads or skips the element of header h and returns where it ends.
func (r *reader) element(d *Dataset, h element.Header, in *scope, want bool) (int, error) {
	// Group lengths say nothing new; groups up to 0002 and FFFE have no place here.
	if !want || h.Tag.Element == 0 || h.Tag.Group <= tag.MetadataGroup || h.Tag.Group == tag.GroupSeqItem {
		return r.w.Skip(h, in.end, in.depth)
	}
	if r.held++; r.held > maxHeld {
		return 0, fmt.Errorf("%w: more than %d elements", ErrTooLarge, maxHeld)
	}
	vr := vrOf(h)
	switch {
	case vr == "SQ":
		return r.sequence(d, h, in)
	case h.Length == element.UndefinedLength:
		return r.fragments(d, h, in)
	}
	next := h.Value + int(h.Length)
	if err := r.w.Fill(next); err != nil {
		return 0, err
	}
	value := r.value(h.Tag, vr, r.w.B[h.Value:next], in.sets)
	if h.Tag == tag.SpecificCharacterSet {
		in.sets = strings.Split(strings.TrimSpace(string(value)), `\`)
		return next, nil
	}
	if _, again := d.Find(h.Tag); !again {
		d.Put(Element{Tag: h.Tag, VR: vr, Value: value})
	}
	return next, nil
}

// vrOf returns the VR under which an element is read: its own, or that of the
// attribute where it does not say or says UN. PS3.5 6.2.2.
func vrOf(h element.Header) string {
	if h.VR != "" && h.VR != "UN" && vrs[h.VR] {
		return h.VR
	}
	known := knownVRs(h.Tag)
	switch {
	case len(known) > 0 && vrs[known[0]]:
		return known[0]
	case h.Length == element.UndefinedLength:
		return "SQ"
	}
	return "UN"
}

// value returns a copy of a value as a Dataset holds it.
func (r *reader) value(t tag.Tag, vr string, raw []byte, sets []string) []byte {
	lines, free := textVRs[vr]
	switch {
	case free && t != tag.SpecificCharacterSet:
		return []byte(strings.TrimRight(charset.Tidy(charset.Decode(sets, raw), lines), " \x00"))
	case isText(vr):
		return []byte(strings.TrimRight(charset.Tidy(string(raw), false), " \x00"))
	}
	value := slices.Clone(raw)
	if r.w.Order == binary.BigEndian {
		swap(value, width(vr))
	}
	return value
}

// width returns how many bytes of a value belong together.
func width(vr string) int {
	if n := words[vr]; n > 0 {
		return n
	}
	switch vr {
	case "US", "SS", "AT":
		return 2
	case "UL", "SL", "FL":
		return 4
	case "UV", "SV", "FD":
		return 8
	}
	return 1
}

// swap turns each n bytes around.
func swap(b []byte, n int) {
	for ; len(b) >= n && n > 1; b = b[n:] {
		slices.Reverse(b[:n])
	}
}

func (r *reader) sequence(d *Dataset, h element.Header, in *scope) (int, error) {
	implicit := h.Implicit || h.VR == "UN"
	var items []*Dataset
	next, err := r.w.Items(h, in.end, in.depth+1, func(p, end int, delimited bool) (int, error) {
		if r.held++; r.held > maxHeld {
			return 0, fmt.Errorf("%w: more than %d items", ErrTooLarge, maxHeld)
		}
		item := &Dataset{}
		items = append(items, item)
		return r.item(item, p, scope{end: end, delimited: delimited, implicit: implicit, depth: in.depth + 1, sets: in.sets})
	})
	if err != nil {
		return 0, err
	}
	d.Put(Element{Tag: h.Tag, VR: "SQ", Items: items})
	return next, nil
}

// item reads the item whose content begins at p, and returns where that ends.
func (r *reader) item(d *Dataset, p int, in scope) (int, error) {
	for in.delimited || p < in.end {
		h, err := r.w.Header(p, in.end, in.implicit)
		if err != nil {
			return 0, err
		}
		if in.delimited && h.Tag == tag.ItemDelimitationItem {
			return p, nil
		}
		if p, err = r.element(d, h, &in, true); err != nil {
			return 0, err
		}
	}
	return p, nil
}

// fragments reads encapsulated pixel data.
func (r *reader) fragments(d *Dataset, h element.Header, in *scope) (int, error) {
	if h.VR != "OB" && h.VR != "OW" {
		return 0, element.Malformed("%s has VR %s and undefined length", element.Name(h.Tag), h.VR)
	}
	fragments := [][]byte{}
	next, err := r.w.Items(h, in.end, in.depth+1, func(p, end int, delimited bool) (int, error) {
		if delimited {
			return 0, element.Malformed("fragment of undefined length in %s", element.Name(h.Tag))
		}
		if r.held++; r.held > maxHeld {
			return 0, fmt.Errorf("%w: more than %d fragments", ErrTooLarge, maxHeld)
		}
		if err := r.w.Fill(end); err != nil {
			return 0, err
		}
		fragments = append(fragments, slices.Clone(r.w.B[p:end]))
		return end, nil
	})
	if err != nil {
		return 0, err
	}
	d.Put(Element{Tag: h.Tag, VR: h.VR, Fragments: fragments})
	return next, nil
}
