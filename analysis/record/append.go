// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package record

import (
	"encoding/binary"
	"math"
	"reflect"
)

// Append appends the record of what v points to. It returns an error for a value
// that is not plain.
func Append[T any](b []byte, v *T) ([]byte, error) {
	t := reflect.TypeFor[T]()
	s := shapes{index: map[reflect.Type]int{}}
	root, err := s.of(t)
	if err != nil {
		return b, err
	}
	b = binary.AppendUvarint(b, uint64(len(s.structs)))
	for _, shape := range s.structs {
		b = appendString(b, shape.name)
		b = binary.AppendUvarint(b, uint64(len(shape.fields)))
		for _, f := range shape.fields {
			b = appendShape(appendString(b, f.name), f.shape)
		}
	}
	return appendValue(appendShape(b, root), reflect.ValueOf(v).Elem()), nil
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendShape(b []byte, s *shape) []byte {
	b = append(b, byte(s.kind))
	switch s.kind {
	case structKind:
		return binary.AppendUvarint(b, uint64(s.index))
	case arrayKind:
		return appendShape(binary.AppendUvarint(b, uint64(s.length)), s.elem)
	case sliceKind, pointerKind:
		return appendShape(b, s.elem)
	}
	return b
}

func appendValue(b []byte, v reflect.Value) []byte {
	switch kindOf(v.Type()) {
	case boolKind:
		return append(b, oneIf(v.Bool()))
	case uintKind:
		return binary.AppendUvarint(b, v.Uint())
	case intKind:
		return binary.AppendVarint(b, v.Int())
	case floatKind:
		return binary.LittleEndian.AppendUint64(b, math.Float64bits(v.Float()))
	case stringKind:
		return appendString(b, v.String())
	case bytesKind:
		if b = appendLength(b, v); !v.IsNil() {
			b = append(b, v.Bytes()...)
		}
	case sliceKind:
		b = appendElements(appendLength(b, v), v)
	case arrayKind:
		b = appendElements(b, v)
	case pointerKind:
		if b = append(b, oneIf(!v.IsNil())); !v.IsNil() {
			b = appendValue(b, v.Elem())
		}
	case structKind:
		for _, field := range v.Fields() {
			b = appendValue(b, field)
		}
	}
	return b
}

// appendLength appends 1 + the length of a slice, 0 for nil.
func appendLength(b []byte, v reflect.Value) []byte {
	if v.IsNil() {
		return append(b, 0)
	}
	return binary.AppendUvarint(b, uint64(v.Len())+1)
}

func appendElements(b []byte, v reflect.Value) []byte {
	for i := range v.Len() {
		b = appendValue(b, v.Index(i))
	}
	return b
}

func oneIf(x bool) byte {
	if x {
		return 1
	}
	return 0
}
