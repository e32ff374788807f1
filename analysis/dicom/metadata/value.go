// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package metadata

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/endplate/endplate/analysis/dicom/internal/element"
)

// kind is how values of a VR are written.
type kind int

const (
	octets kind = iota
	text
	decimal // numbers that are text in DICOM
	words   // numbers that are not
)

func kindOf(vr string) kind {
	switch vr {
	case "AE", "AS", "CS", "DA", "DT", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR", "UT":
		return text
	case "DS", "IS":
		return decimal
	case "AT", "FD", "FL", "SL", "SS", "SV", "UL", "US", "UV":
		return words
	}
	return octets
}

// number returns a DS or IS as JSON writes numbers, and what is none as it is.
func number(s string) string {
	if s == "" || json.Valid([]byte(s)) && s[0] <= '9' {
		return s
	}
	bare := strings.TrimPrefix(s, "+")
	if n, err := strconv.ParseInt(bare, 10, 64); err == nil {
		return strconv.FormatInt(n, 10)
	}
	v, err := strconv.ParseFloat(bare, 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) || strings.ContainsAny(bare, "xXpP_") {
		return s
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// numbers returns the values of a VR of binary numbers. What is left of an odd
// length is no number.
func numbers(vr string, order binary.ByteOrder, value []byte) []string {
	size := element.Unit(vr)
	if vr == "AT" {
		size = 4
	}
	values := make([]string, 0, len(value)/size)
	for ; len(value) >= size; value = value[size:] {
		values = append(values, numeral(vr, order, value))
	}
	return values
}

// numeral returns the first number of b.
func numeral(vr string, order binary.ByteOrder, b []byte) string {
	switch vr {
	case "AT":
		return fmt.Sprintf("%04X%04X", order.Uint16(b), order.Uint16(b[2:]))
	case "US":
		return strconv.FormatUint(uint64(order.Uint16(b)), 10)
	case "SS":
		return strconv.FormatInt(int64(int16(order.Uint16(b))), 10)
	case "UL":
		return strconv.FormatUint(uint64(order.Uint32(b)), 10)
	case "SL":
		return strconv.FormatInt(int64(int32(order.Uint32(b))), 10)
	case "UV":
		return strconv.FormatUint(order.Uint64(b), 10)
	case "SV":
		return strconv.FormatInt(int64(order.Uint64(b)), 10)
	case "FL":
		return float(float64(math.Float32frombits(order.Uint32(b))), 32)
	}
	return float(math.Float64frombits(order.Uint64(b)), 64)
}

// float returns a number with as many digits as tell it from its neighbours. JSON has
// no others than finite ones; the rest are named as JavaScript's Number reads them.
func float(v float64, bits int) string {
	switch {
	case math.IsNaN(v):
		return "NaN"
	case math.IsInf(v, 0):
		return strings.TrimPrefix(strconv.FormatFloat(v, 'g', -1, 64)[:1]+"Infinity", "+")
	}
	return strconv.FormatFloat(v, 'g', -1, bits)
}
