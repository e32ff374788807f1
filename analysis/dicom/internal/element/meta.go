// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package element

import (
	"encoding/binary"
	"errors"
	"strings"

	"github.com/suyashkumar/dicom/pkg/tag"
)

// Meta is what the file meta information says, as far as it was there.
type Meta struct {
	MediaStorageSOPClassUID    string
	MediaStorageSOPInstanceUID string
	TransferSyntaxUID          string
}

// maxMetaUID bounds the values of UIDs in the file meta information, bytes.
const maxMetaUID = 4096

// ReadMeta reads the file meta information, if there is any, and returns where the
// data set begins. It settles the transfer syntax, and fails with ErrNotDICOM if the
// content does not begin as DICOM does. On error m holds what was met before.
func ReadMeta(w *Walker) (m Meta, p int, err error) {
	const preamble, elementHeader = 128, 8
	if err := w.Fill(min(w.Size, preamble+4)); errors.Is(err, ErrUnreadable) {
		return m, 0, err
	}
	if len(w.B) < elementHeader {
		return m, 0, ErrNotDICOM
	}
	part10 := len(w.B) >= preamble+4 && string(w.B[preamble:preamble+4]) == "DICM"
	if part10 {
		p = preamble + 4
	}
	for p < w.Size {
		h, err := w.Header(p, w.Size, false)
		if err != nil || h.Tag.Group != tag.MetadataGroup {
			break
		}
		if p, err = m.element(w, h); err != nil {
			return m, 0, err
		}
	}
	if err := w.Fill(p); err != nil {
		return m, 0, err
	}
	if m.TransferSyntaxUID == "" {
		err = m.inferTransferSyntax(w, p, part10)
	}
	return m, p, err
}

// element takes note of an element of group 0002 and returns where it ends.
func (m *Meta) element(w *Walker, h Header) (int, error) {
	if h.Length == UndefinedLength {
		return 0, Malformed("undefined length of %s", Name(h.Tag))
	}
	next := h.Value + int(h.Length)
	var uid *string
	switch h.Tag {
	case tag.TransferSyntaxUID:
		uid = &m.TransferSyntaxUID
	case tag.MediaStorageSOPClassUID:
		uid = &m.MediaStorageSOPClassUID
	case tag.MediaStorageSOPInstanceUID:
		uid = &m.MediaStorageSOPInstanceUID
	default:
		return next, nil
	}
	if h.Length > maxMetaUID {
		return 0, Malformed("length of %s", Name(h.Tag))
	}
	if err := w.Fill(next); err != nil {
		return 0, err
	}
	*uid = ValidUID(strings.Trim(string(w.B[h.Value:next]), " \x00"))
	return next, nil
}

// inferTransferSyntax settles the transfer syntax of content that does not say.
// Content without the DICM prefix counts as DICOM only if its first elements read
// well and are of group 0008.
func (m *Meta) inferTransferSyntax(w *Walker, p int, part10 bool) error {
	if err := w.Fill(min(p+8, w.Size)); err != nil {
		return err
	}
	m.TransferSyntaxUID = guessTransferSyntax(w.B[p:], w.Size-p)
	if part10 || p > 0 {
		if m.TransferSyntaxUID == "" {
			return &MissingAttributeError{Keyword: Name(tag.TransferSyntaxUID)}
		}
		return nil
	}
	if m.TransferSyntaxUID == "" || !readsWell(w, p, EncodingOf(m.TransferSyntaxUID)) {
		return ErrNotDICOM
	}
	return nil
}

// readsWell reports whether a few ascending elements of known attributes of
// group 0008 stand at p.
func readsWell(w *Walker, p int, e Encoding) bool {
	const enough = 3
	var last uint32
	probe := *w
	probe.Encoding = e
	for range enough {
		h, err := probe.Header(p, probe.Size, e.Implicit)
		if err != nil || h.Tag.Group != 0x0008 || h.Tag.Uint32() <= last || h.Length > maxMetaUID {
			return false
		}
		if info, err := tag.Find(h.Tag); err != nil || info.Keyword == "" {
			return false
		}
		last, p = h.Tag.Uint32(), h.Value+int(h.Length)
	}
	w.B = probe.B
	return true
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
			return ExplicitVRLittleEndian
		case binary.BigEndian.Uint16(b) <= firstGroups:
			return ExplicitVRBigEndian
		}
		return ""
	}
	length := binary.LittleEndian.Uint32(b[4:])
	if little && (length == UndefinedLength || int64(length) <= int64(size)) {
		return ImplicitVRLittleEndian
	}
	return ""
}
