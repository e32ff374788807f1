// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicom

import "encoding/binary"

// The transfer syntaxes with native pixels. PS3.5 annex A.
const (
	implicitVRLittleEndian         = "1.2.840.10008.1.2"
	explicitVRLittleEndian         = "1.2.840.10008.1.2.1"
	deflatedExplicitVRLittleEndian = "1.2.840.10008.1.2.1.99"
	explicitVRBigEndian            = "1.2.840.10008.1.2.2"
)

// encoding is how the elements of a data set are written.
type encoding struct {
	order    binary.ByteOrder
	implicit bool
}

// encodingOf returns the encoding of a transfer syntax. All compressed ones, and
// private ones, are taken to be explicit little endian as PS3.5 A.4 asks.
func encodingOf(transferSyntaxUID string) encoding {
	switch transferSyntaxUID {
	case implicitVRLittleEndian:
		return encoding{order: binary.LittleEndian, implicit: true}
	case explicitVRBigEndian:
		return encoding{order: binary.BigEndian}
	}
	return encoding{order: binary.LittleEndian}
}

// native reports whether the pixels of a transfer syntax are not compressed.
func native(transferSyntaxUID string) bool {
	switch transferSyntaxUID {
	case implicitVRLittleEndian, explicitVRLittleEndian, deflatedExplicitVRLittleEndian, explicitVRBigEndian:
		return true
	}
	return false
}

// guessTransferSyntax names the transfer syntax in which b reads as the start of
// a data set, for files that do not say. It returns "" if there is none.
//
// A data set begins in group 0002 or 0008 or, for the oddest, in a private group
// below; its first length cannot exceed size.
func guessTransferSyntax(b []byte, size int) string {
	if len(b) < 8 {
		return ""
	}
	const firstGroups = 0x0008
	little := binary.LittleEndian.Uint16(b) <= firstGroups
	if isVR(b[4], b[5]) {
		switch {
		case little:
			return explicitVRLittleEndian
		case binary.BigEndian.Uint16(b) <= firstGroups:
			return explicitVRBigEndian
		}
		return ""
	}
	length := binary.LittleEndian.Uint32(b[4:])
	if little && (length == undefinedLength || int64(length) <= int64(size)) {
		return implicitVRLittleEndian
	}
	return ""
}
