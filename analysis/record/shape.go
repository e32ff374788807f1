// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package record

import (
	"fmt"
	"reflect"
)

// kind is a kind of value as records tell it.
type kind byte

const (
	boolKind kind = iota + 1
	uintKind
	intKind
	floatKind
	stringKind
	bytesKind // a slice of single bytes
	sliceKind
	arrayKind
	pointerKind
	structKind
)

var kindNames = [...]string{
	boolKind: "a boolean", uintKind: "an unsigned number", intKind: "a number", floatKind: "a float", stringKind: "a string",
	bytesKind: "bytes", sliceKind: "a slice", arrayKind: "an array", pointerKind: "a pointer", structKind: "a struct",
}

func (k kind) String() string { return kindNames[k] }

// shape is a type as a record tells it.
type shape struct {
	kind   kind
	length int // of an array
	elem   *shape
	index  int // of a struct
	depth  int // of what it holds
}

// structShape is a struct as a record tells it.
type structShape struct {
	name   string
	fields []fieldShape
	depth  int // of the deepest field
}

type fieldShape struct {
	name string
	*shape
}

// kindOf returns the kind of a Go type, 0 for one that is not plain.
func kindOf(t reflect.Type) kind {
	switch t.Kind() {
	case reflect.Bool:
		return boolKind
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return uintKind
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return intKind
	case reflect.Float64:
		return floatKind
	case reflect.String:
		return stringKind
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return bytesKind
		}
		return sliceKind
	case reflect.Array:
		return arrayKind
	case reflect.Pointer:
		return pointerKind
	case reflect.Struct:
		return structKind
	}
	return 0
}

// shapes collects the shapes of Go types.
type shapes struct {
	structs []structShape
	index   map[reflect.Type]int // of those in structs; -1 while its fields are read
}

// of returns the shape of a type, whose structs it adds after those they hold.
func (s *shapes) of(t reflect.Type) (*shape, error) {
	out := &shape{kind: kindOf(t)}
	var err error
	switch out.kind {
	case 0:
		return nil, fmt.Errorf("record: %v is no plain value", t)
	case structKind:
		out.index, err = s.structOf(t)
	case arrayKind:
		if out.length = t.Len(); out.length == 0 {
			return nil, fmt.Errorf("record: %v is empty", t)
		}
		out.elem, err = s.of(t.Elem())
	case sliceKind, pointerKind:
		out.elem, err = s.of(t.Elem())
	}
	return out, err
}

func (s *shapes) structOf(t reflect.Type) (int, error) {
	if i, ok := s.index[t]; ok {
		if i < 0 {
			return 0, fmt.Errorf("record: %v contains itself", t)
		}
		return i, nil
	}
	if t.NumField() == 0 {
		return 0, fmt.Errorf("record: %v has no fields", t)
	}
	s.index[t] = -1
	out := structShape{name: t.String()}
	for f := range t.Fields() {
		if !f.IsExported() {
			return 0, fmt.Errorf("record: %v.%s is not exported", t, f.Name)
		}
		shape, err := s.of(f.Type)
		if err != nil {
			return 0, err
		}
		out.fields = append(out.fields, fieldShape{f.Name, shape})
	}
	s.index[t] = len(s.structs)
	s.structs = append(s.structs, out)
	return s.index[t], nil
}
