// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package record_test

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"testing"

	"github.com/endplate/endplate/analysis/record"
)

type inner struct {
	X     float64
	Flags [3]bool
}

type level uint8

// Embedded is exported, as records ask for.
type Embedded struct{ Reason string }

type value struct {
	Embedded
	Name   string
	N      int
	Level  level
	Levels []level
	Share  *float64
	In     *inner
	Ins    []inner
	Rows   [][]inner
	Pixels []byte
	Floats []float64
}

func full() value {
	return value{
		Embedded: Embedded{"ä"}, Name: "n", N: -7, Level: 28, Levels: []level{1, 2}, Share: new(0.0), In: &inner{},
		Ins: []inner{{X: math.Inf(1), Flags: [3]bool{true, false, true}}}, Rows: [][]inner{nil, {}, {{X: 1}}},
		Pixels: []byte{0, 255}, Floats: []float64{math.Copysign(0, -1), math.MaxFloat64, math.SmallestNonzeroFloat64},
	}
}

func TestValuesComeBack(t *testing.T) {
	for name, v := range map[string]value{"zero": {}, "full": full(), "empty, not nil": {Levels: []level{}, Ins: []inner{}, Pixels: []byte{}}} {
		b, err := record.Append(nil, &v)
		if err != nil {
			t.Fatal(err)
		}
		var got value
		if err := record.Read(b, &got, 1<<20); err != nil || !reflect.DeepEqual(got, v) {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, v)
		}
	}
}

func TestEveryBitOfAFloatComesBack(t *testing.T) {
	for _, bits := range []uint64{0x7ff8000000000001, 0xfff0000000000000, 1 << 63, 0x7ff0000000000001} {
		v, got := math.Float64frombits(bits), 0.0
		b, err := record.Append(nil, &v)
		if err != nil {
			t.Fatal(err)
		}
		if err := record.Read(b, &got, 1<<20); err != nil || math.Float64bits(got) != bits {
			t.Errorf("%x comes back as %x, %v", bits, math.Float64bits(got), err)
		}
	}
}

// A later version of a type has other fields.
func TestFieldsAreMatchedByName(t *testing.T) {
	type before struct {
		Gone struct {
			Rows  [][]inner
			Share *float64
		}
		Kept string
	}
	type after struct {
		New  []int
		Kept string
	}
	old := before{Kept: "k"}
	old.Gone.Rows, old.Gone.Share = [][]inner{{{X: 1}}, nil}, new(2.0)
	b, err := record.Append(nil, &old)
	if err != nil {
		t.Fatal(err)
	}
	var got after
	if err := record.Read(b, &got, 1<<20); err != nil || !reflect.DeepEqual(got, after{Kept: "k"}) {
		t.Errorf("%+v, %v", got, err)
	}
	var other struct{ Kept []string }
	if err := record.Read(b, &other, 1<<20); !errors.Is(err, record.ErrMalformed) {
		t.Errorf("a field of another kind: %v", err)
	}
}

func TestWhatIsNoPlainValueIsRefused(t *testing.T) {
	type loop struct{ Next *loop }
	for name, err := range map[string]error{
		"unexported": refusal[struct{ hidden int }](),
		"map":        refusal[struct{ M map[string]int }](),
		"interface":  refusal[[]any](),
		"recursive":  refusal[loop](),
		"no fields":  refusal[struct{}](),
	} {
		if err == nil {
			t.Errorf("%s: written", name)
		}
	}
}

func refusal[T any]() error {
	var v T
	_, err := record.Append(nil, &v)
	return err
}

func TestDamageIsToldApart(t *testing.T) {
	v := full()
	b, err := record.Append(nil, &v)
	if err != nil {
		t.Fatal(err)
	}
	var got value
	for n := range b {
		if err := record.Read(b[:n], &got, 1<<20); !errors.Is(err, record.ErrMalformed) {
			t.Fatalf("the first %d bytes of %d: %v", n, len(b), err)
		}
	}
	if err := record.Read(append(bytes.Clone(b), 0), &got, 1<<20); !errors.Is(err, record.ErrMalformed) {
		t.Errorf("a byte too many: %v", err)
	}
	if err := record.Read(b, &got, 100); !errors.Is(err, record.ErrTooLarge) {
		t.Errorf("100 bytes of memory: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	for _, v := range []value{{}, full()} {
		b, err := record.Append(nil, &v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var v, again value
		if record.Read(b, &v, 1<<20) != nil {
			return
		}
		first, err := record.Append(nil, &v)
		if err != nil {
			t.Fatal(err)
		}
		if err := record.Read(first, &again, 1<<21); err != nil {
			t.Fatal(err)
		}
		second, err := record.Append(nil, &again)
		if err != nil || !bytes.Equal(first, second) {
			t.Errorf("not the same when written again: %v", err)
		}
	})
}
