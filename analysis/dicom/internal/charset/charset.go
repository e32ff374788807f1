// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package charset decodes text in the character sets of DICOM.
//
// Reference: DICOM PS3.3 C.12.1.1.2, PS3.5 6.1.2.
package charset

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// characterSets are the defined terms of SpecificCharacterSet without code
// extensions, and those with, which begin a text before its first escape sequence.
// PS3.3 C.12.1.1.2.
var characterSets = map[string]encoding.Encoding{
	"ISO_IR 100": charmap.ISO8859_1, "ISO 2022 IR 100": charmap.ISO8859_1,
	"ISO_IR 101": charmap.ISO8859_2, "ISO 2022 IR 101": charmap.ISO8859_2,
	"ISO_IR 109": charmap.ISO8859_3, "ISO 2022 IR 109": charmap.ISO8859_3,
	"ISO_IR 110": charmap.ISO8859_4, "ISO 2022 IR 110": charmap.ISO8859_4,
	"ISO_IR 144": charmap.ISO8859_5, "ISO 2022 IR 144": charmap.ISO8859_5,
	"ISO_IR 127": charmap.ISO8859_6, "ISO 2022 IR 127": charmap.ISO8859_6,
	"ISO_IR 126": charmap.ISO8859_7, "ISO 2022 IR 126": charmap.ISO8859_7,
	"ISO_IR 138": charmap.ISO8859_8, "ISO 2022 IR 138": charmap.ISO8859_8,
	"ISO_IR 148": charmap.ISO8859_9, "ISO 2022 IR 148": charmap.ISO8859_9,
	"ISO_IR 203": charmap.ISO8859_15, "ISO 2022 IR 203": charmap.ISO8859_15,
	"ISO_IR 13": japanese.ShiftJIS, "ISO 2022 IR 13": japanese.ShiftJIS,
	"ISO_IR 166": charmap.Windows874, "ISO 2022 IR 166": charmap.Windows874,
	"GB18030": simplifiedchinese.GB18030, "GBK": simplifiedchinese.GBK,
}

// escapes are the escape sequences that switch to another set, and how what follows
// is read. PS3.3 C.12.1.1.2, tables C.12-3 and C.12-4.
var escapes = []struct {
	sequence string
	decoder  encoding.Encoding // nil for ASCII
	prefix   string            // put before the text, for decoders that want the escape
}{
	{"\x1b(B", nil, ""},
	{"\x1b(J", nil, ""}, // JIS X 0201 romaji: ASCII but for two characters
	{"\x1b)I", japanese.ShiftJIS, ""},
	{"\x1b$B", japanese.ISO2022JP, "\x1b$B"},
	{"\x1b$(D", japanese.ISO2022JP, "\x1b$(D"},
	{"\x1b$)C", korean.EUCKR, ""},
	{"\x1b$)A", simplifiedchinese.GBK, ""},
	{"\x1b-A", charmap.ISO8859_1, ""},
	{"\x1b-B", charmap.ISO8859_2, ""},
	{"\x1b-C", charmap.ISO8859_3, ""},
	{"\x1b-D", charmap.ISO8859_4, ""},
	{"\x1b-L", charmap.ISO8859_5, ""},
	{"\x1b-G", charmap.ISO8859_6, ""},
	{"\x1b-F", charmap.ISO8859_7, ""},
	{"\x1b-H", charmap.ISO8859_8, ""},
	{"\x1b-M", charmap.ISO8859_9, ""},
	{"\x1b-b", charmap.ISO8859_15, ""},
	{"\x1b-T", charmap.Windows874, ""},
}

// Decode returns the text of a value in the sets that SpecificCharacterSet
// names. It never fails: what cannot be decoded becomes U+FFFD. A value without a
// named set that is UTF-8 is taken as such, else as Latin-1, which is what devices
// that say nothing write.
func Decode(sets []string, value []byte) string {
	first := strings.TrimSpace(sets[0])
	if first == "ISO_IR 192" || isASCII(value) {
		return string(value)
	}
	base := characterSets[first]
	if base == nil {
		if utf8.Valid(value) && !bytes.ContainsRune(value, '\x1b') {
			return string(value)
		}
		base = charmap.ISO8859_1
	}
	if !bytes.ContainsRune(value, '\x1b') {
		return decodeWith(base, "", value)
	}
	return decodeExtended(base, value)
}

// isASCII reports whether every set reads value alike.
func isASCII(value []byte) bool {
	return !bytes.ContainsFunc(value, func(r rune) bool { return r >= utf8.RuneSelf || r == '\x1b' })
}

// decodeExtended decodes a text with escape sequences. At each delimiter the text is
// back in its first set. PS3.5 6.1.2.5.3.
func decodeExtended(base encoding.Encoding, value []byte) string {
	var b strings.Builder
	decoder, prefix := base, ""
	for len(value) > 0 {
		if value[0] == '\x1b' {
			n := 1
			decoder, prefix = base, ""
			for _, e := range escapes {
				if bytes.HasPrefix(value, []byte(e.sequence)) {
					decoder, prefix, n = e.decoder, e.prefix, len(e.sequence)
					break
				}
			}
			value = value[n:]
			continue
		}
		end := run(value, prefix != "")
		if decoder == nil {
			b.Write(value[:end])
		} else {
			b.WriteString(decodeWith(decoder, prefix, value[:end]))
		}
		value = value[end:]
		if len(value) > 0 && value[0] != '\x1b' {
			b.WriteByte(value[0])
			value = value[1:]
			decoder, prefix = base, ""
		}
	}
	return b.String()
}

// run returns how many bytes are read alike: to the next escape sequence or
// delimiter. Delimiters are ASCII, and cannot be met in a set of two 7-bit bytes a
// character.
func run(value []byte, wide bool) int {
	delimiters := "\x1b^=\\"
	if wide {
		delimiters = "\x1b"
	}
	if i := bytes.IndexAny(value, delimiters); i >= 0 {
		return i
	}
	return len(value)
}

func decodeWith(e encoding.Encoding, prefix string, value []byte) string {
	decoded, err := e.NewDecoder().Bytes(append([]byte(prefix), value...))
	if err != nil {
		return strings.ToValidUTF8(string(value), "\uFFFD")
	}
	return string(decoded)
}

// Tidy returns a decoded text in valid UTF-8, with a space for each control
// character; line breaks and tabs stay where several lines are allowed.
func Tidy(s string, lines bool) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	return strings.Map(func(r rune) rune {
		switch {
		case lines && (r == '\n' || r == '\r' || r == '\t' || r == '\f'):
			return r
		case r < ' ' || r == 0x7f:
			return ' '
		}
		return r
	}, s)
}
