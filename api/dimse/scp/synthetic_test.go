// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package scp_test

import (
	"encoding/binary"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/api/dimse"
)

// synthetic returns an instance, explicit little endian, of so many bytes of pixels.
func synthetic(class, uid string, pixels int) instance {
	var b []byte
	text := func(group, element uint16, vr, value string) {
		if len(value)%2 == 1 {
			value += "\x00"
		}
		b = binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(b, group), element)
		b = append(append(b, vr...), byte(len(value)), byte(len(value)>>8))
		b = append(b, value...)
	}
	text(0x0008, 0x0016, "UI", class)
	text(0x0008, 0x0018, "UI", uid)
	text(0x0020, 0x000D, "UI", "1.2.1")
	text(0x0020, 0x000E, "UI", "1.2.2")
	b = append(b, "\xe0\x7f\x10\x00OW\x00\x00"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(pixels))
	return instance{
		dicom.FileMeta{SOPClassUID: class, SOPInstanceUID: uid, TransferSyntaxUID: dimse.ExplicitVRLittleEndian},
		append(b, make([]byte, pixels)...),
	}
}
