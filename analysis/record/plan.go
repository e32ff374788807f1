// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package record

import (
	"fmt"
	"reflect"
)

// plan reads one value. The value is the zero Value where it is to be skipped.
type plan func(*decoder, reflect.Value) error

// planKey is a struct of a record and the Go type to read it into, nil to skip it.
type planKey struct {
	index int
	into  reflect.Type
}

// planner makes plans from the shapes of a record.
type planner struct {
	structs []structShape
	plans   map[planKey]plan
}

// plan returns the plan to read a shape into a Go type, nil to skip it.
func (p *planner) plan(s *shape, into reflect.Type) (plan, error) {
	if into != nil && s.kind != kindOf(into) {
		return nil, fmt.Errorf("%w: %v where %v is read", ErrMalformed, s.kind, into)
	}
	switch s.kind {
	case structKind:
		return p.structPlan(s.index, into)
	case arrayKind, sliceKind, pointerKind:
		return p.elementsPlan(s, into)
	}
	return leafPlans[s.kind], nil
}

// elementsPlan is plan for what holds values of one shape.
func (p *planner) elementsPlan(s *shape, into reflect.Type) (plan, error) {
	var elem reflect.Type
	var size uintptr
	if into != nil {
		elem, size = into.Elem(), into.Elem().Size()
	}
	if into != nil && s.kind == arrayKind && s.length != into.Len() {
		return nil, fmt.Errorf("%w: an array of %d where %v is read", ErrMalformed, s.length, into)
	}
	read, err := p.plan(s.elem, elem)
	if err != nil {
		return nil, err
	}
	switch s.kind {
	case arrayKind:
		return func(d *decoder, v reflect.Value) error { return each(d, v, s.length, read) }, nil
	case pointerKind:
		return func(d *decoder, v reflect.Value) error { return pointer(d, v, size, read) }, nil
	}
	return func(d *decoder, v reflect.Value) error { return slice(d, v, size, read) }, nil
}

// structPlan is plan for the struct of an index.
func (p *planner) structPlan(index int, into reflect.Type) (plan, error) {
	key := planKey{index, into}
	if known, ok := p.plans[key]; ok {
		return known, nil
	}
	type step struct {
		field int // of the Go type, -1 to skip
		read  plan
	}
	var steps []step
	taken := map[string]bool{}
	for _, f := range p.structs[index].fields {
		if taken[f.name] {
			return nil, fmt.Errorf("%w: field %q stands twice", ErrMalformed, f.name)
		}
		taken[f.name] = true
		field, t := -1, reflect.Type(nil)
		if into != nil {
			if own, ok := into.FieldByName(f.name); ok && len(own.Index) == 1 {
				field, t = own.Index[0], own.Type
			}
		}
		read, err := p.plan(f.shape, t)
		if err != nil {
			return nil, err
		}
		steps = append(steps, step{field, read})
	}
	p.plans[key] = func(d *decoder, v reflect.Value) error {
		for _, s := range steps {
			var own reflect.Value
			if s.field >= 0 {
				own = v.Field(s.field)
			}
			if err := s.read(d, own); err != nil {
				return err
			}
		}
		return nil
	}
	return p.plans[key], nil
}

// each reads n elements.
func each(d *decoder, v reflect.Value, n int, read plan) error {
	for i := range n {
		var elem reflect.Value
		if v.IsValid() {
			elem = v.Index(i)
		}
		if err := read(d, elem); err != nil {
			return err
		}
	}
	return nil
}

func slice(d *decoder, v reflect.Value, size uintptr, read plan) error {
	n, err := d.uint()
	if err != nil || n == 0 {
		return err
	}
	if err := d.allocate(n-1, size); err != nil {
		return err
	}
	if v.IsValid() {
		v.Set(reflect.MakeSlice(v.Type(), int(n-1), int(n-1)))
	}
	return each(d, v, int(n-1), read)
}

func pointer(d *decoder, v reflect.Value, size uintptr, read plan) error {
	is, err := d.flag()
	if err != nil || !is {
		return err
	}
	if err := d.allocate(1, size); err != nil {
		return err
	}
	if !v.IsValid() {
		return read(d, v)
	}
	v.Set(reflect.New(v.Type().Elem()))
	return read(d, v.Elem())
}

// leafPlans are the plans of the kinds that hold no others.
var leafPlans = [...]plan{
	boolKind: func(d *decoder, v reflect.Value) error {
		x, err := d.flag()
		if err == nil && v.IsValid() {
			v.SetBool(x)
		}
		return err
	},
	uintKind: func(d *decoder, v reflect.Value) error {
		x, err := d.uint()
		switch {
		case err != nil || !v.IsValid():
			return err
		case v.OverflowUint(x):
			return fmt.Errorf("%w: %d overflows %v", ErrMalformed, x, v.Type())
		}
		v.SetUint(x)
		return nil
	},
	intKind: func(d *decoder, v reflect.Value) error {
		x, err := d.int()
		switch {
		case err != nil || !v.IsValid():
			return err
		case v.OverflowInt(x):
			return fmt.Errorf("%w: %d overflows %v", ErrMalformed, x, v.Type())
		}
		v.SetInt(x)
		return nil
	},
	floatKind: func(d *decoder, v reflect.Value) error {
		x, err := d.float()
		if err == nil && v.IsValid() {
			v.SetFloat(x)
		}
		return err
	},
	stringKind: func(d *decoder, v reflect.Value) error {
		x, err := d.string()
		if err == nil && v.IsValid() {
			v.SetString(x)
		}
		return err
	},
	bytesKind: func(d *decoder, v reflect.Value) error {
		n, err := d.uint()
		if err != nil || n == 0 {
			return err
		}
		if err := d.allocate(n-1, 1); err != nil {
			return err
		}
		b, err := d.bytes(n - 1)
		if err == nil && v.IsValid() {
			own := reflect.MakeSlice(v.Type(), len(b), len(b))
			copy(own.Bytes(), b)
			v.Set(own)
		}
		return err
	},
}
