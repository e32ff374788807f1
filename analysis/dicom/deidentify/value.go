// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package deidentify

import (
	"bytes"
	"strings"
	"time"
)

// text returns a text value without its padding.
func text(value []byte) string { return strings.Trim(string(value), " \x00") }

// eachOf applies f to every value of several.
func eachOf(value []byte, f func(string) string) []byte {
	values := strings.Split(string(value), `\`)
	for i, v := range values {
		values[i] = f(strings.Trim(v, " \x00"))
	}
	return []byte(strings.Join(values, `\`))
}

// dummyOf returns a value that says nothing. Numbers become zeros.
func dummyOf(vr string, length uint32) []byte {
	switch vr {
	case "AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT":
		return []byte("ANONYMIZED")
	case "AS":
		return []byte("000Y")
	case "DA":
		return []byte("19000101")
	case "TM":
		return []byte("000000")
	case "DT":
		return []byte("19000101000000")
	case "DS", "IS":
		return []byte("0")
	}
	if numberSize(vr) > 0 {
		return make([]byte, length)
	}
	return nil
}

// wellFormed reports whether every character of a value may stand in its VR, for
// the VRs that hold no words. PS3.5 6.2.
func wellFormed(vr string, value []byte) bool {
	var allowed string
	switch vr {
	case "DS":
		allowed = "0123456789+-.eE"
	case "IS":
		allowed = "0123456789+-"
	case "DA":
		allowed = "0123456789."
	case "TM":
		allowed = "0123456789.:"
	case "DT":
		allowed = "0123456789.+-"
	case "UI":
		allowed = "0123456789."
	case "AS":
		allowed = "0123456789DWMY"
	default:
		return true
	}
	return !bytes.ContainsFunc(value, func(r rune) bool {
		return !strings.ContainsRune(allowed+" \\\x00", r)
	})
}

// shifted returns dates or date times moved back by a number of days. What is no
// whole date becomes empty.
func shifted(value []byte, days int) []byte {
	const day = "20060102"
	return eachOf(value, func(v string) string {
		if len(v) < len(day) {
			return ""
		}
		d, err := time.Parse(day, v[:len(day)])
		if err != nil {
			return ""
		}
		if d = d.AddDate(0, 0, -days); d.Year() < 1 {
			return ""
		}
		return d.Format(day) + v[len(day):]
	})
}

// notWord reports whether r cannot be in a word that may stay.
func notWord(r rune) bool {
	return !(r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z')
}

// cleaned returns the words of a description that may stay.
func (p *Profile) cleaned(value []byte) []byte {
	var words [][]byte
	for word := range bytes.FieldsFuncSeq(value, notWord) {
		if p.words[strings.ToUpper(string(word))] {
			words = append(words, word)
		}
	}
	return bytes.Join(words, []byte(" "))
}
