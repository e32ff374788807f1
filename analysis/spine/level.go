// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package spine is the vocabulary of the vertebral column: levels, regions and
// endplates. It knows no image.
package spine

import (
	"fmt"
	"strconv"

	"github.com/endplate/endplate/analysis/phrase"
)

// Level is a vertebral level, numbered as in the VerSe label maps: C1…C7 are
// 1…7, T1…T12 8…19, L1…L6 20…25, S1 26, the coccyx 27 and T13 28.
type Level uint8

// The levels. Unknown is the zero value.
const (
	Unknown Level = 0

	C1 Level = 1
	C2 Level = 2
	C7 Level = 7

	T1  Level = 8
	T4  Level = 11
	T10 Level = 17
	T11 Level = 18
	T12 Level = 19
	T13 Level = 28

	L1 Level = 20
	L2 Level = 21
	L3 Level = 22
	L4 Level = 23
	L5 Level = 24
	L6 Level = 25

	S1     Level = 26
	Coccyx Level = 27
)

// Region is a part of the column.
type Region uint8

// The regions, from superior to inferior.
const (
	UnknownRegion Region = iota
	Cervical
	Thoracic
	Lumbar
	Sacral
)

// Region returns the part of the column that l belongs to.
func (l Level) Region() Region {
	switch {
	case l >= C1 && l <= C7:
		return Cervical
	case l >= T1 && l <= T12, l == T13:
		return Thoracic
	case l >= L1 && l <= L6:
		return Lumbar
	case l == S1, l == Coccyx:
		return Sacral
	}
	return UnknownRegion
}

// String returns the level's usual name, such as "T12"; it is empty for Unknown.
func (l Level) String() string {
	switch {
	case l >= C1 && l <= C7:
		return "C" + strconv.Itoa(int(l))
	case l >= T1 && l <= T12:
		return "T" + strconv.Itoa(int(l-T1)+1)
	case l == T13:
		return "T13"
	case l >= L1 && l <= L6:
		return "L" + strconv.Itoa(int(l-L1)+1)
	case l == S1:
		return "S1"
	case l == Coccyx:
		return "Coccyx"
	}
	return ""
}

// ParseLevel returns the level with the given name, upper case as String
// writes it.
func ParseLevel(name string) (Level, error) {
	for l := C1; l <= T13; l++ {
		if l.String() == name {
			return l, nil
		}
	}
	return Unknown, fmt.Errorf("unknown vertebral level %q", name)
}

// Order returns where l stands in the column, counted from C1 = 1 downwards,
// with T13 between T12 and L1. It sorts; it does not count the vertebrae of a
// patient, who may lack T12 or have an L6.
func (l Level) Order() float64 {
	if l == T13 {
		return float64(T12) + 0.5
	}
	return float64(l)
}

// Endplate is one of a vertebral body's two ends.
type Endplate uint8

// The endplates.
const (
	Superior Endplate = iota
	Inferior
)

// String returns "superior" or "inferior".
func (e Endplate) String() string { return e.Text().String() }

// Text returns the endplate's name in lower case.
func (e Endplate) Text() phrase.Text {
	if e == Inferior {
		return "inferior"
	}
	return "superior"
}
