// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package metadata

import (
	"encoding/binary"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom/internal/element"
)

// ErrNoValue says that an instance has no value at a path.
var ErrNoValue = errors.New("no value at this path")

// Value is a value as it is in an instance, but little endian.
type Value struct {
	Attribute Attribute
	Length    int64 // bytes
	io.Reader
}

// step is one step of a path: an attribute, and the item of it that the next is in.
type step struct {
	tag  tag.Tag
	item int // from 1; 0 for the last step
}

// parsePath reads a path: eight hexadecimal digits for an attribute, and a number for
// the item of a sequence, by turns.
func parsePath(path string) ([]step, error) {
	parts := strings.Split(path, "/")
	if len(parts)%2 == 0 || len(parts) > 2*maxSteps {
		return nil, ErrNoValue
	}
	var steps []step
	for i, part := range parts {
		if i%2 == 1 {
			n, err := strconv.Atoi(part)
			if err != nil || n < 1 {
				return nil, ErrNoValue
			}
			steps[len(steps)-1].item = n
			continue
		}
		n, err := strconv.ParseUint(part, 16, 32)
		if err != nil || len(part) != 8 {
			return nil, ErrNoValue
		}
		steps = append(steps, step{tag: tag.Tag{Group: uint16(n >> 16), Element: uint16(n)}})
	}
	return steps, nil
}

// maxSteps is deeper than sequences may be nested.
const maxSteps = 33

// Find returns the value that a path of [Write] names, to be read before src is read
// on. Values of compressed pixel data are not found: they are frames. The errors are
// those of package dicom, and ErrNoValue.
func Find(src io.Reader, path string) (*Value, error) {
	steps, err := parsePath(path)
	if err != nil {
		return nil, err
	}
	w, _, p, err := element.Begin(src)
	if err != nil {
		return nil, err
	}
	s := &scope{}
	for {
		if err := w.Forget(p); err != nil {
			return nil, err
		}
		ended, err := w.AtEnd()
		if err != nil {
			return nil, err
		}
		if ended {
			return nil, ErrNoValue
		}
		h, err := w.Header(0, w.Size, w.Implicit)
		if err != nil {
			return nil, err
		}
		if h.Tag == steps[0].tag {
			return (&finder{w}).value(h, w.Size, steps, s, 0)
		}
		if IsPixels(h.Tag) {
			return nil, ErrNoValue
		}
		if p, err = w.Skip(h, w.Size, 0); err != nil {
			return nil, err
		}
	}
}

// finder looks for a value in one data set.
type finder struct{ *element.Walker }

// value returns the value of the element of header h, or the one within it to which
// the steps lead.
func (f *finder) value(h element.Header, end int, steps []step, s *scope, depth int) (*Value, error) {
	a := s.attribute(h, f.Order)
	if len(steps) > 1 {
		if a.VR != "SQ" {
			return nil, ErrNoValue
		}
		return f.within(h, end, steps, s, depth)
	}
	if h.Length == element.UndefinedLength {
		return nil, ErrNoValue
	}
	v := &Value{Attribute: a, Length: int64(h.Length), Reader: io.LimitReader(f.Rest(h.Value), int64(h.Length))}
	if f.Order == binary.BigEndian && element.Unit(a.VR) > 1 {
		v.Reader = &swapping{r: v.Reader, vr: a.VR}
	}
	return v, nil
}

// errFound ends a walk.
var errFound = errors.New("found")

// within looks in the item that the first step names.
func (f *finder) within(h element.Header, end int, steps []step, s *scope, depth int) (found *Value, err error) {
	implicit := h.Implicit || h.VR == "UN"
	n := 0
	_, err = f.Items(h, end, depth+1, func(p, itemEnd int, delimited bool) (int, error) {
		if n++; n < steps[0].item && !delimited {
			return itemEnd, nil
		}
		return f.Elements(p, itemEnd, depth+1, delimited, implicit, func(h element.Header, _ int) error {
			if n != steps[0].item || h.Tag != steps[1].tag {
				return nil
			}
			if found, err = f.value(h, itemEnd, steps[1:], s, depth+1); err != nil {
				return err
			}
			return errFound
		})
	})
	switch {
	case found != nil:
		return found, nil
	case err != nil:
		return nil, err
	}
	return nil, ErrNoValue
}

// swapping turns the byte order of what it reads.
type swapping struct {
	r    io.Reader
	vr   string
	rest []byte // swapped, and not yet read
	buf  [4096]byte
}

func (s *swapping) Read(p []byte) (int, error) {
	if len(s.rest) == 0 {
		n, err := io.ReadFull(s.r, s.buf[:])
		if n == 0 {
			return 0, err
		}
		s.rest = s.buf[:n]
		element.Swap(s.vr, s.rest)
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}
