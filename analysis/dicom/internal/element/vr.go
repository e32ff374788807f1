// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package element

import (
	"slices"

	"github.com/suyashkumar/dicom/pkg/tag"
)

// The groups that repeat, with what of them the dictionary holds. PS3.5 7.6.
const (
	curveGroups   = 0x5000
	overlayGroups = 0x6000
)

// VROf returns the VR that the dictionary has for an attribute, for content that
// does not say, or "UN". Where it leaves a choice, words are US, or SS where pixels
// are signed, and the rest OW, as PS3.5 A.1 asks of implicit VR.
func VROf(t tag.Tag, signed bool) string {
	const firstCreator, lastCreator = 0x10, 0xFF // PS3.5 7.8.1
	switch {
	case t.Group%2 == 1:
		if t.Element >= firstCreator && t.Element <= lastCreator {
			return "LO"
		}
		return "UN"
	case t.Group&0xFF00 == overlayGroups, t.Group&0xFF00 == curveGroups:
		t.Group &= 0xFF00
	}
	info, err := tag.Find(t)
	if err != nil {
		return "UN"
	}
	switch vrs := info.VRs; {
	case len(vrs) == 1 && vrs[0] == "NA": // items and delimiters
		return "UN"
	case len(vrs) == 1:
		return vrs[0]
	case slices.Contains(vrs, "OW"):
		return "OW"
	case signed:
		return "SS"
	}
	return "US"
}

// IsVR reports whether s is a VR of PS3.5 6.2.
func IsVR(s string) bool {
	switch s {
	case "AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "OB", "OD", "OF", "OL", "OV", "OW", "PN",
		"SH", "SL", "SQ", "SS", "ST", "SV", "TM", "UC", "UI", "UL", "UN", "UR", "US", "UT", "UV":
		return true
	}
	return false
}

// Unit returns the size of the numbers that values of a VR are made of, bytes: what
// is turned round where the byte order changes. It is 1 for text and octets.
func Unit(vr string) int {
	switch vr {
	case "AT", "OW", "SS", "US": // a tag is two numbers
		return 2
	case "FL", "OF", "OL", "SL", "UL":
		return 4
	case "FD", "OD", "OV", "SV", "UV":
		return 8
	}
	return 1
}

// Swap turns the bytes of each number of a value of a VR round, in place.
func Swap(vr string, value []byte) {
	unit := Unit(vr)
	if unit == 1 {
		return
	}
	for ; len(value) >= unit; value = value[unit:] {
		slices.Reverse(value[:unit])
	}
}
