// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicom

import (
	"encoding/binary"
	"io"
	"strconv"
	"strings"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom/internal/charset"
	"github.com/endplate/endplate/analysis/dicom/internal/element"
	"github.com/endplate/endplate/analysis/dicom/pixel"
)

// Header is what an instance of any SOP class says of itself, its series, its study
// and its patient. Texts are in UTF-8, trimmed, and hold no control characters;
// what is absent is empty.
type Header struct {
	SOPClassUID       string
	SOPInstanceUID    string
	SeriesInstanceUID string
	StudyInstanceUID  string
	TransferSyntaxUID string

	// The file meta information, for comparison; empty where there is none.
	MediaStorageSOPClassUID    string
	MediaStorageSOPInstanceUID string

	PatientID         string
	IssuerOfPatientID string
	PatientName       string // component groups separated by "="
	PatientBirthDate  string
	PatientSex        string

	StudyDateTime    string // StudyDate and StudyTime as DICOM DT
	StudyDescription string
	AccessionNumber  string
	StudyID          string

	ReferringPhysicianName string // as PatientName

	Modality            string
	SeriesNumber        *int
	SeriesDescription   string
	FrameOfReferenceUID string
	InstanceNumber      *int

	PerformedProcedureStepStartDateTime string // as StudyDateTime
	// The first of RequestAttributesSequence.
	ScheduledProcedureStepID string
	RequestedProcedureID     string

	Rows, Columns, BitsAllocated *int
	NumberOfFrames               *int

	PixelData bool // whether there is any, of whatever kind
}

// ReadHeader reads an instance to the end of r, keeps what a Header tells of, and
// makes sure that its structure is whole: every element within its bounds, and all
// of the pixel data there. Pixels are not decoded, and no more than 64 MB of a
// sequence, whose parts must be looked at, are held. The UIDs are as they stand;
// [ValidUID] tells whether they can be. On error the header holds what was met before
// it.
//
// The errors are ErrNotDICOM, ErrMalformed, ErrTruncated, ErrTooLarge, ErrUnreadable
// with the error of r, *MissingAttributeError and *InvalidAttributeError.
func ReadHeader(r io.Reader) (*Header, error) {
	h := &Header{}
	w, meta, p, err := element.Begin(r)
	h.TransferSyntaxUID = meta.TransferSyntaxUID
	h.MediaStorageSOPClassUID = meta.MediaStorageSOPClassUID
	h.MediaStorageSOPInstanceUID = meta.MediaStorageSOPInstanceUID
	if err != nil {
		return h, err
	}
	values := map[tag.Tag][]byte{}
	h.PixelData, err = readValues(w, p, values)
	h.fill(values, w.Order)
	if err != nil {
		return h, err
	}
	for _, rest := range []io.Reader{w.Src, r} { // the two differ where r is deflated
		if _, err := io.Copy(io.Discard, rest); err != nil {
			return h, element.CutOff(err)
		}
	}
	return h, nil
}

// headerTags are the elements that a Header is made of.
var headerTags = map[tag.Tag]bool{
	tag.SpecificCharacterSet: true,
	tag.SOPClassUID:          true, tag.SOPInstanceUID: true, tag.SeriesInstanceUID: true, tag.StudyInstanceUID: true,
	tag.PatientID: true, tag.IssuerOfPatientID: true, tag.PatientName: true, tag.PatientBirthDate: true, tag.PatientSex: true,
	tag.StudyDate: true, tag.StudyTime: true, tag.StudyDescription: true, tag.AccessionNumber: true,
	tag.Modality: true, tag.SeriesNumber: true, tag.SeriesDescription: true, tag.FrameOfReferenceUID: true,
	tag.InstanceNumber: true, tag.StudyID: true, tag.ReferringPhysicianName: true,
	tag.PerformedProcedureStepStartDate: true, tag.PerformedProcedureStepStartTime: true,
	tag.Rows: true, tag.Columns: true, tag.BitsAllocated: true, tag.NumberOfFrames: true,
}

// readValues walks a data set to the end of its pixel data, or to its end, takes the
// values that a Header is made of, and tells whether there are pixels.
func readValues(w *element.Walker, p int, values map[tag.Tag][]byte) (pixels bool, err error) {
	for {
		if err := w.Forget(p); err != nil {
			return false, err
		}
		if ended, err := w.AtEnd(); ended || err != nil {
			return false, err
		}
		h, err := w.Header(0, w.Size, w.Implicit)
		if err != nil {
			return false, err
		}
		switch h.Tag {
		case tag.PixelData, tag.FloatPixelData, tag.DoubleFloatPixelData:
			return true, passPixels(w, h)
		}
		if p, err = w.Skip(h, w.Size, 0); err != nil {
			return false, err
		}
		if h.Tag == tag.RequestAttributesSequence {
			if err := readRequest(w, h, p, values); err != nil {
				return false, err
			}
		}
		if _, known := values[h.Tag]; !headerTags[h.Tag] || known || h.Length > maxValue {
			continue
		}
		if err := w.Fill(p); err != nil {
			return false, err
		}
		values[h.Tag] = w.B[h.Value:p]
	}
}

// readRequest takes what is wanted of the items of RequestAttributesSequence, the first
// of each, of header h and ending at end. One whose items are broken says nothing, and breaks
// nothing either: its own length is in bounds.
func readRequest(w *element.Walker, h element.Header, end int, values map[tag.Tag][]byte) error {
	if end > maxRequest {
		return nil
	}
	if err := w.Fill(end); err != nil {
		return err
	}
	probe, implicit := *w, h.Implicit || h.VR == "UN"
	_, _ = probe.Items(h, end, 1, func(p, itemEnd int, delimited bool) (int, error) {
		return probe.Elements(p, itemEnd, 1, delimited, implicit, func(e element.Header, next int) error {
			_, known := values[e.Tag]
			if requestTags[e.Tag] && !known && e.Length <= maxValue {
				values[e.Tag] = probe.B[e.Value:next]
			}
			return nil
		})
	})
	return nil
}

// requestTags are those of the items of RequestAttributesSequence.
var requestTags = map[tag.Tag]bool{tag.ScheduledProcedureStepID: true, tag.RequestedProcedureID: true}

// maxRequest is longer than any request that is looked at, bytes.
const maxRequest = 64 << 10

// passPixels reads over the value of pixel data, keeping nothing of it.
func passPixels(w *element.Walker, h element.Header) error {
	rest := w.Rest(h.Value)
	if h.Length != element.UndefinedLength {
		return element.Pass(rest, int64(h.Length))
	}
	var head [8]byte
	for {
		if _, err := io.ReadFull(rest, head[:]); err != nil {
			return element.CutOff(err)
		}
		t := tag.Tag{Group: w.Order.Uint16(head[:]), Element: w.Order.Uint16(head[2:])}
		length := w.Order.Uint32(head[4:])
		switch {
		case t == tag.SequenceDelimitationItem:
			return nil
		case t != tag.Item || length == element.UndefinedLength:
			return element.Malformed("no fragment where one belongs in %s", element.Name(h.Tag))
		}
		if err := element.Pass(rest, int64(length)); err != nil {
			return err
		}
	}
}

// fill fills in the header from the values of elements.
func (h *Header) fill(values map[tag.Tag][]byte, order binary.ByteOrder) {
	plain := func(t tag.Tag) string { return tidy(string(values[t])) }
	sets := strings.Split(plain(tag.SpecificCharacterSet), `\`)
	decoded := func(t tag.Tag) string { return tidy(charset.Decode(sets, values[t])) }

	h.SOPClassUID, h.SOPInstanceUID = plain(tag.SOPClassUID), plain(tag.SOPInstanceUID)
	h.SeriesInstanceUID, h.StudyInstanceUID = plain(tag.SeriesInstanceUID), plain(tag.StudyInstanceUID)
	h.FrameOfReferenceUID = ValidUID(plain(tag.FrameOfReferenceUID))
	h.PatientID, h.IssuerOfPatientID = decoded(tag.PatientID), decoded(tag.IssuerOfPatientID)
	h.PatientName = decoded(tag.PatientName)
	h.PatientBirthDate, h.PatientSex = plain(tag.PatientBirthDate), plain(tag.PatientSex)
	dated := func(date, time tag.Tag) string {
		if plain(date) == "" {
			return ""
		}
		return plain(date) + plain(time)
	}
	word := func(t tag.Tag) *int {
		if len(values[t]) != 2 {
			return nil
		}
		n := int(order.Uint16(values[t]))
		return &n
	}
	h.StudyDateTime = dated(tag.StudyDate, tag.StudyTime)
	h.StudyID, h.ReferringPhysicianName = decoded(tag.StudyID), decoded(tag.ReferringPhysicianName)
	h.PerformedProcedureStepStartDateTime = dated(tag.PerformedProcedureStepStartDate, tag.PerformedProcedureStepStartTime)
	h.ScheduledProcedureStepID, h.RequestedProcedureID = decoded(tag.ScheduledProcedureStepID), decoded(tag.RequestedProcedureID)
	h.Rows, h.Columns, h.BitsAllocated = word(tag.Rows), word(tag.Columns), word(tag.BitsAllocated)
	h.NumberOfFrames = wholeNumber(plain(tag.NumberOfFrames))
	h.StudyDescription, h.AccessionNumber = decoded(tag.StudyDescription), decoded(tag.AccessionNumber)
	h.Modality, h.SeriesDescription = plain(tag.Modality), decoded(tag.SeriesDescription)
	h.SeriesNumber, h.InstanceNumber = wholeNumber(plain(tag.SeriesNumber)), wholeNumber(plain(tag.InstanceNumber))
}

// wholeNumber reads an IS; nil if it is none.
func wholeNumber(s string) *int {
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil {
		return nil
	}
	i := int(n)
	return &i
}

// tidy returns a text in valid UTF-8 without control characters, trimmed.
func tidy(s string) string { return strings.Trim(charset.Tidy(s, false), " ") }

// ValidUID returns s, or "" if it cannot be a UID: at most 64 characters, numbers
// separated by dots. Numbers with leading zeros, which PS3.5 9.1 forbids and some
// devices write, are let pass.
func ValidUID(s string) string {
	const maxUID = 64
	if len(s) > maxUID || strings.Trim(s, "0123456789.") != "" || strings.Contains("."+s+".", "..") {
		return ""
	}
	return s
}

// TransferSyntaxReadable tells whether instances of a transfer syntax can be read:
// their pixels are native, or compressed in a way that is decoded.
func TransferSyntaxReadable(uid string) bool { return element.Native(uid) || pixel.Supported(uid) }
