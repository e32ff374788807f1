// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"

	"github.com/suyashkumar/dicom/pkg/tag"
)

// Values returns the values of a text attribute, trimmed; nil if it is absent or
// empty, or holds no text.
func (d *Dataset) Values(t tag.Tag) []string {
	e, ok := d.Find(t)
	if !ok || len(e.Value) == 0 || !isText(e.VR) {
		return nil
	}
	if singleValued(e.VR) {
		return []string{strings.TrimRight(string(e.Value), " \x00")}
	}
	values := strings.Split(string(e.Value), `\`)
	for i, v := range values {
		values[i] = strings.Trim(v, " \x00")
	}
	return values
}

// Value returns the first value of a text attribute, trimmed; empty if there is none.
func (d *Dataset) Value(t tag.Tag) string {
	if values := d.Values(t); len(values) > 0 {
		return values[0]
	}
	return ""
}

func isText(vr string) bool {
	if _, ok := textVRs[vr]; ok {
		return true
	}
	return patterns[vr] != nil || vr == "AE" || vr == "UR"
}

// Numbers returns the values of an attribute of numbers, binary or decimal; nil if
// it is absent or empty, or if one of them is no number.
func (d *Dataset) Numbers(t tag.Tag) []float64 {
	e, ok := d.Find(t)
	if !ok {
		return nil
	}
	if e.VR == "DS" || e.VR == "IS" {
		return decimals(d.Values(t))
	}
	size := map[string]int{"US": 2, "SS": 2, "UL": 4, "SL": 4, "UV": 8, "SV": 8, "FL": 4, "OF": 4, "FD": 8, "OD": 8}[e.VR]
	if size == 0 || len(e.Value)%size != 0 {
		return nil
	}
	var values []float64
	for b := e.Value; len(b) > 0; b = b[size:] {
		values = append(values, number(e.VR, b))
	}
	return values
}

func decimals(texts []string) []float64 {
	var values []float64
	for _, s := range texts {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
		values = append(values, v)
	}
	return values
}

// number returns the number that b begins with.
func number(vr string, b []byte) float64 {
	order := binary.LittleEndian
	switch vr {
	case "US":
		return float64(order.Uint16(b))
	case "SS":
		return float64(int16(order.Uint16(b)))
	case "UL":
		return float64(order.Uint32(b))
	case "SL":
		return float64(int32(order.Uint32(b)))
	case "UV":
		return float64(order.Uint64(b))
	case "SV":
		return float64(int64(order.Uint64(b)))
	case "FL", "OF":
		return float64(math.Float32frombits(order.Uint32(b)))
	default: // FD, OD
		return math.Float64frombits(order.Uint64(b))
	}
}

// Number returns the first value of an attribute of numbers, and whether there is
// one.
func (d *Dataset) Number(t tag.Tag) (x float64, ok bool) {
	if values := d.Numbers(t); len(values) > 0 {
		return values[0], true
	}
	return 0, false
}

// Int returns the first value of an attribute of whole numbers; otherwise where
// there is none.
func (d *Dataset) Int(t tag.Tag, otherwise int) int {
	if x, ok := d.Number(t); ok && x == math.Trunc(x) && math.Abs(x) <= 1<<53 {
		return int(x)
	}
	return otherwise
}

// Items returns the items of a sequence; nil if it is absent.
func (d *Dataset) Items(t tag.Tag) []*Dataset {
	e, _ := d.Find(t)
	return e.Items
}

// Item returns the first item of a sequence; an empty one if there is none.
func (d *Dataset) Item(t tag.Tag) *Dataset {
	if items := d.Items(t); len(items) > 0 {
		return items[0]
	}
	return &Dataset{}
}
