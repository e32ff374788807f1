// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package element

import "encoding/binary"

// FileMeta returns the preamble and the file meta information of an instance that
// endplate writes into a file: the same bytes for the same UIDs. PS3.10 section 7.1.
func FileMeta(sopClassUID, sopInstanceUID, transferSyntaxUID string) []byte {
	// The group length counts what follows it.
	group := appendMeta(nil, 0x0001, "OB", "\x00\x01")
	group = appendMeta(group, 0x0002, "UI", sopClassUID)
	group = appendMeta(group, 0x0003, "UI", sopInstanceUID)
	group = appendMeta(group, 0x0010, "UI", transferSyntaxUID)
	group = appendMeta(group, 0x0012, "UI", ImplementationClassUID())
	group = appendMeta(group, 0x0013, "SH", ImplementationVersionName)
	const preamble = 128
	b := append(make([]byte, preamble, preamble+16+len(group)), "DICM"...)
	length := binary.LittleEndian.AppendUint32(nil, uint32(len(group)))
	return append(appendMeta(b, 0x0000, "UL", string(length)), group...)
}

// appendMeta appends an element of group 0002, in Explicit VR Little Endian, its value
// padded to an even length.
func appendMeta(b []byte, element uint16, vr, value string) []byte {
	if len(value)%2 == 1 {
		pad := " "
		if vr == "UI" {
			pad = "\x00"
		}
		value += pad
	}
	b = binary.LittleEndian.AppendUint16(append(b, 0x02, 0x00), element)
	b = append(b, vr...)
	if IsLongVR(vr[0], vr[1]) {
		b = binary.LittleEndian.AppendUint32(append(b, 0, 0), uint32(len(value)))
	} else {
		b = binary.LittleEndian.AppendUint16(b, uint16(len(value)))
	}
	return append(b, value...)
}
