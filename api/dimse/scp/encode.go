// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package scp

import (
	"encoding/binary"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/api/internal/store"
)

// encoder appends the few elements of a storage commitment report, little endian, with
// or without VRs. PS3.5 section 7.1.
type encoder struct{ implicit bool }

func (e encoder) header(b []byte, t tag.Tag, vr string, length int) []byte {
	b = binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(b, t.Group), t.Element)
	switch {
	case e.implicit || vr == "":
	case vr == "SQ":
		b = append(b, "SQ\x00\x00"...)
	default:
		return binary.LittleEndian.AppendUint16(append(b, vr...), uint16(length))
	}
	return binary.LittleEndian.AppendUint32(b, uint32(length))
}

func (e encoder) element(b []byte, t tag.Tag, vr string, value []byte) []byte {
	return append(e.header(b, t, vr, len(value)), value...)
}

func (e encoder) uid(b []byte, t tag.Tag, uid string) []byte {
	if len(uid)%2 == 1 {
		uid += "\x00"
	}
	return e.element(b, t, "UI", []byte(uid))
}

func (e encoder) reference(b []byte, i store.InstanceReference) []byte {
	b = e.uid(b, tag.ReferencedSOPClassUID, i.SOPClassUID)
	return e.uid(b, tag.ReferencedSOPInstanceUID, i.SOPInstanceUID)
}

// sequence appends a sequence of n items, the content of which item appends.
func (e encoder) sequence(b []byte, t tag.Tag, n int, item func(b []byte, i int) []byte) []byte {
	var content []byte
	for i := range n {
		at := len(content)
		content = item(e.header(content, tag.Item, "", 0), i)
		binary.LittleEndian.PutUint32(content[at+4:], uint32(len(content)-at-8))
	}
	return append(e.header(b, t, "SQ", len(content)), content...)
}
