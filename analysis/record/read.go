// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"reflect"
)

// Errors of Read.
var (
	ErrMalformed = errors.New("malformed record")
	ErrTooLarge  = errors.New("record larger than allowed")
)

// What the shape of a record may hold.
const (
	mostStructs = 1 << 10
	mostFields  = 1 << 10
	mostDepth   = 1 << 6 // of types within types: a byte costs no more steps than that
)

// Read reads the record b into v. It returns an error that wraps ErrMalformed if b
// is no record of such a value and nothing more, and ErrTooLarge if the value would
// take more than most bytes of memory; v then holds nothing of use.
func Read[T any](b []byte, v *T, most int) error {
	d := &decoder{b: b, most: most}
	structs, err := d.structs()
	if err != nil {
		return err
	}
	root, err := d.shape(structs, 0)
	if err != nil {
		return err
	}
	p := planner{structs: structs, plans: map[planKey]plan{}}
	read, err := p.plan(root, reflect.TypeFor[T]())
	if err != nil {
		return err
	}
	if err := read(d, reflect.ValueOf(v).Elem()); err != nil {
		return err
	}
	if len(d.b) > 0 {
		return fmt.Errorf("%w: %d bytes too many", ErrMalformed, len(d.b))
	}
	return nil
}

// decoder takes values off b.
type decoder struct {
	b    []byte
	most int // bytes that may still be allocated
}

var errShort = fmt.Errorf("%w: it ends too early", ErrMalformed)

func (d *decoder) bytes(n uint64) ([]byte, error) {
	if n > uint64(len(d.b)) {
		return nil, errShort
	}
	out := d.b[:n]
	d.b = d.b[n:]
	return out, nil
}

func (d *decoder) uint() (uint64, error) {
	x, n := binary.Uvarint(d.b)
	if n <= 0 {
		return 0, errShort
	}
	d.b = d.b[n:]
	return x, nil
}

func (d *decoder) int() (int64, error) {
	x, n := binary.Varint(d.b)
	if n <= 0 {
		return 0, errShort
	}
	d.b = d.b[n:]
	return x, nil
}

func (d *decoder) float() (float64, error) {
	b, err := d.bytes(8)
	if err != nil {
		return 0, err
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b)), nil
}

// flag takes off a 0 or a 1.
func (d *decoder) flag() (bool, error) {
	b, err := d.bytes(1)
	if err != nil {
		return false, err
	}
	if b[0] > 1 {
		return false, fmt.Errorf("%w: %d where 0 or 1 belongs", ErrMalformed, b[0])
	}
	return b[0] == 1, nil
}

// allocate accounts for n values of so many bytes each. There are at least as many
// bytes to come as values: every value takes one.
func (d *decoder) allocate(n uint64, size uintptr) error {
	if n > uint64(len(d.b)) {
		return errShort
	}
	if n*uint64(size) > uint64(d.most) {
		return ErrTooLarge
	}
	d.most -= int(n * uint64(size))
	return nil
}

// string takes off a string.
func (d *decoder) string() (string, error) {
	n, err := d.uint()
	if err != nil {
		return "", err
	}
	if err := d.allocate(n, 1); err != nil {
		return "", err
	}
	b, err := d.bytes(n)
	return string(b), err
}

// count takes off a number from 1 to most.
func (d *decoder) count(most uint64) (int, error) {
	n, err := d.uint()
	if err == nil && (n == 0 || n > most) {
		err = fmt.Errorf("%w: a count of %d", ErrMalformed, n)
	}
	return int(n), err
}

// structs takes off the shapes of the structs.
func (d *decoder) structs() ([]structShape, error) {
	n, err := d.uint()
	if err != nil {
		return nil, err
	}
	if n > mostStructs {
		return nil, fmt.Errorf("%w: %d structs", ErrMalformed, n)
	}
	out := make([]structShape, n)
	for i := range out {
		if out[i], err = d.structShape(out[:i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// structShape takes off the shape of a struct that may hold those before it.
func (d *decoder) structShape(before []structShape) (structShape, error) {
	var s structShape
	var err error
	if s.name, err = d.string(); err != nil {
		return s, err
	}
	// A struct without fields would be a value without bytes.
	n, err := d.count(mostFields)
	if err != nil {
		return s, err
	}
	for range n {
		var f fieldShape
		if f.name, err = d.string(); err != nil {
			return s, err
		}
		if f.shape, err = d.shape(before, 0); err != nil {
			return s, err
		}
		s.depth = max(s.depth, f.depth)
		s.fields = append(s.fields, f)
	}
	return s, nil
}

// shape takes off a shape that stands so deep in another and may hold structs.
func (d *decoder) shape(structs []structShape, nesting int) (*shape, error) {
	b, err := d.bytes(1)
	if err != nil {
		return nil, err
	}
	s := &shape{kind: kind(b[0]), depth: nesting}
	switch s.kind {
	case boolKind, uintKind, intKind, floatKind, stringKind, bytesKind:
		return s, nil
	case structKind:
		i, err := d.uint()
		if err != nil {
			return nil, err
		}
		if i >= uint64(len(structs)) {
			return nil, fmt.Errorf("%w: struct %d of %d", ErrMalformed, i, len(structs))
		}
		s.index = int(i)
		s.depth += structs[i].depth + 1
	case arrayKind, sliceKind, pointerKind:
		if s.kind == arrayKind {
			if s.length, err = d.count(math.MaxInt32); err != nil {
				return nil, err
			}
		}
		if nesting < mostDepth {
			if s.elem, err = d.shape(structs, nesting+1); err != nil {
				return nil, err
			}
			s.depth = s.elem.depth
		} else {
			s.depth++
		}
	default:
		return nil, fmt.Errorf("%w: kind %d", ErrMalformed, s.kind)
	}
	if s.depth > mostDepth {
		return nil, fmt.Errorf("%w: types nested too deep", ErrMalformed)
	}
	return s, nil
}
