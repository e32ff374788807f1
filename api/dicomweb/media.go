// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicomweb

import "strings"

// parseMedia reads a media type with its parameters, whose names and the type itself
// become small. Package mime refuses a value with a "/" that is not quoted; many
// clients of DICOMweb send type=application/dicom.
func parseMedia(s string) (mediaType string, parameters map[string]string, ok bool) {
	pieces := splitOutsideQuotes(s, ';')
	mediaType = strings.ToLower(strings.TrimSpace(pieces[0]))
	kind, subtype, _ := strings.Cut(mediaType, "/")
	if !isToken(kind) || !isToken(subtype) {
		return "", nil, false
	}
	parameters = make(map[string]string, len(pieces)-1)
	for _, piece := range pieces[1:] {
		name, value, found := strings.Cut(piece, "=")
		name = strings.ToLower(strings.TrimSpace(name))
		if !found && name == "" {
			continue // a trailing ";"
		}
		value, ok = unquoted(strings.TrimSpace(value))
		if _, twice := parameters[name]; !found || !ok || twice || !isToken(name) {
			return "", nil, false
		}
		parameters[name] = value
	}
	return mediaType, parameters, true
}

// splitOutsideQuotes splits at a separator that does not stand in a quoted string.
func splitOutsideQuotes(s string, separator byte) (pieces []string) {
	quoted, start := false, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case c == separator && !quoted:
			pieces = append(pieces, s[start:i])
			start = i + 1
		}
	}
	return append(pieces, s[start:])
}

// isToken reports whether s is a token. RFC 9110 section 5.6.2.
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`()<>@,;:\"/[]?={}`, r)
	})
}

// unquoted returns what a value means, quoted or not.
func unquoted(s string) (string, bool) {
	if !strings.HasPrefix(s, `"`) {
		return s, s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '"' })
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; c {
		case '"':
			return b.String(), i == len(s)-1
		case '\\':
			if i++; i == len(s) {
				return "", false
			}
			b.WriteByte(s[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", false
}
