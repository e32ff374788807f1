// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package element

import (
	"crypto/sha256"
	"math/big"
	"strings"

	"github.com/suyashkumar/dicom/pkg/tag"
)

// ImplementationVersionName is what endplate writes into (0002,0013).
const ImplementationVersionName = "ENDPLATE"

// ImplementationClassUID returns what endplate writes into (0002,0012).
func ImplementationClassUID() string {
	sum := sha256.Sum256([]byte("endplate implementation"))
	return UIDOf([16]byte(sum[:16]))
}

// UIDOf returns the UID of a hash: 2.25 and a UUID of version 8, as PS3.5 B.2 and
// RFC 9562 section 5.8 say.
func UIDOf(hash [16]byte) string {
	hash[6] = hash[6]&0x0f | 0x80
	hash[8] = hash[8]&0x3f | 0x80
	return "2.25." + new(big.Int).SetBytes(hash[:]).String()
}

// ValidUID returns s, or "" if it cannot be a UID.
func ValidUID(s string) string {
	const maxUID = 64 // PS3.5 9.1
	if len(s) > maxUID || strings.Trim(s, "0123456789.") != "" {
		return ""
	}
	return s
}

// Name returns the keyword of t if it has one, and the tag otherwise.
func Name(t tag.Tag) string {
	if info, err := tag.Find(t); err == nil && info.Keyword != "" {
		return info.Keyword
	}
	return t.String()
}
