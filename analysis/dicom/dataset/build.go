// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"encoding/binary"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom/internal/element"
)

// Text sets an attribute of a text VR, a UID, a date or a time. An empty value is
// an element without one, as type 2 asks where nothing is known.
func (d *Dataset) Text(t tag.Tag, vr string, values ...string) {
	for _, v := range values {
		if problem := textProblem(vr, v); problem != "" {
			d.fail(t, "%s", problem)
		}
	}
	d.set(t, vr, []byte(strings.Join(values, `\`)))
}

// Ints sets an attribute of a whole number: US, SS, UL, SL, UV, SV or IS.
func (d *Dataset) Ints(t tag.Tag, vr string, values ...int) {
	if vr == "IS" {
		texts := make([]string, len(values))
		for i, v := range values {
			if v < math.MinInt32 || v > math.MaxInt32 {
				d.fail(t, "%d is no IS", v)
			}
			texts[i] = strconv.Itoa(v)
		}
		d.set(t, vr, []byte(strings.Join(texts, `\`)))
		return
	}
	kind, ok := integers[vr]
	if !ok {
		d.fail(t, "%s holds no whole numbers", vr)
		return
	}
	b := make([]byte, 0, len(values)*kind.size)
	for _, v := range values {
		if v < kind.least || uint64(max(v, 0)) > kind.most {
			d.fail(t, "%d is no %s", v, vr)
		}
		b = binary.LittleEndian.AppendUint64(b, uint64(v))[:len(b)+kind.size]
	}
	d.set(t, vr, b)
}

// integers are the binary VRs of whole numbers, PS3.5 table 6.2-1.
var integers = map[string]struct {
	size  int // bytes
	least int
	most  uint64
}{
	"US": {2, 0, math.MaxUint16}, "SS": {2, math.MinInt16, math.MaxInt16},
	"UL": {4, 0, math.MaxUint32}, "SL": {4, math.MinInt32, math.MaxInt32},
	"UV": {8, 0, math.MaxUint64}, "SV": {8, math.MinInt64, math.MaxInt64},
}

// Floats sets an attribute of finite numbers: DS, FL, FD, OF or OD. A DS is as
// precise as its 16 characters allow.
func (d *Dataset) Floats(t tag.Tag, vr string, values ...float64) {
	var b []byte
	for i, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			d.fail(t, "value %d is not finite", i+1)
		}
		switch vr {
		case "DS":
			if i > 0 {
				b = append(b, '\\')
			}
			b = append(b, Decimal(v)...)
		case "FL", "OF":
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(v)))
		case "FD", "OD":
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		default:
			d.fail(t, "%s holds no numbers", vr)
		}
	}
	d.set(t, vr, b)
}

// Tags sets an attribute that names others.
func (d *Dataset) Tags(t tag.Tag, values ...tag.Tag) {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint16(b, v.Group)
		b = binary.LittleEndian.AppendUint16(b, v.Element)
	}
	d.set(t, "AT", b)
}

// Bytes sets an attribute of bytes or words, little endian: OB, OW, OF, OD, OL, OV
// or UN. The value is not copied.
func (d *Dataset) Bytes(t tag.Tag, vr string, value []byte) {
	word, ok := words[vr]
	if !ok {
		d.fail(t, "%s holds no bytes", vr)
	} else if len(value)%word != 0 {
		d.fail(t, "%d bytes are no %s", len(value), vr)
	}
	d.set(t, vr, value)
}

// words are the sizes of what the VRs of bytes hold, bytes.
var words = map[string]int{"OB": 1, "UN": 1, "OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}

// Sequence sets an attribute of items. The items are not copied; an error in one is
// one of the data set.
func (d *Dataset) Sequence(t tag.Tag, items ...*Dataset) {
	d.check(t, "SQ", 0)
	for _, item := range items {
		if d.err == nil {
			d.err = item.err
		}
	}
	d.Put(Element{Tag: t, VR: "SQ", Items: slices.Clip(items)})
}

func (d *Dataset) set(t tag.Tag, vr string, value []byte) {
	d.check(t, vr, len(value))
	d.Put(Element{Tag: t, VR: vr, Value: value})
}

// check notes where an attribute cannot be of a VR, or a value is longer than the VR
// can be.
func (d *Dataset) check(t tag.Tag, vr string, length int) {
	known := knownVRs(t)
	switch {
	case t.Group <= 0x0002 || t.Group%2 == 0 && known == nil:
		d.fail(t, "no attribute of a data set")
	case known != nil && !slices.Contains(known, vr):
		d.fail(t, "VR %s, not %s", vr, strings.Join(known, " or "))
	case !vrs[vr]:
		d.fail(t, "there is no VR %s", vr)
	case length > longest(vr):
		d.fail(t, "%d bytes, and a value of VR %s has at most %d", length, vr, longest(vr))
	}
}

// longest returns how long a value of a VR can be, bytes.
func longest(vr string) int {
	if element.IsLongVR(vr[0], vr[1]) {
		return math.MaxUint32 - 1
	}
	return math.MaxUint16 - 1
}

// Decimal returns x as a DS of at most 16 characters, as precise as they allow. x
// must be finite.
func Decimal(x float64) string {
	const limit = 16
	if math.Abs(x) < 1e-12 {
		return "0"
	}
	for precision := 15; precision > 0; precision-- {
		if s := strconv.FormatFloat(x, 'g', precision, 64); len(s) <= limit {
			return s
		}
	}
	return strconv.FormatFloat(x, 'g', 1, 64)
}
