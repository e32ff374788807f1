// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package element

import "encoding/binary"

// The transfer syntaxes with native pixels. PS3.5 annex A.
const (
	ImplicitVRLittleEndian         = "1.2.840.10008.1.2"
	ExplicitVRLittleEndian         = "1.2.840.10008.1.2.1"
	DeflatedExplicitVRLittleEndian = "1.2.840.10008.1.2.1.99"
	ExplicitVRBigEndian            = "1.2.840.10008.1.2.2"
)

// Encoding is how the elements of a data set are written.
type Encoding struct {
	Order    binary.ByteOrder
	Implicit bool
}

// EncodingOf returns the encoding of a transfer syntax. All compressed ones, and
// private ones, are taken to be explicit little endian as PS3.5 A.4 asks.
func EncodingOf(transferSyntaxUID string) Encoding {
	switch transferSyntaxUID {
	case ImplicitVRLittleEndian:
		return Encoding{Order: binary.LittleEndian, Implicit: true}
	case ExplicitVRBigEndian:
		return Encoding{Order: binary.BigEndian}
	}
	return Encoding{Order: binary.LittleEndian}
}

// Native reports whether the pixels of a transfer syntax are not compressed.
func Native(transferSyntaxUID string) bool {
	switch transferSyntaxUID {
	case ImplicitVRLittleEndian, ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian:
		return true
	}
	return false
}
