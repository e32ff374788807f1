// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package deidentify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom/internal/element"
)

// survey is what an instance says before its pixel data. It holds what identifies,
// and stays in here.
type survey struct {
	transferSyntax   string
	start, end       int  // of the data set before the pixel data
	pixels           bool // whether there are any
	pixelData        element.Header
	functionalGroups bool

	sopClass, sopInstance, study, series string
	patientID, issuer                    string
	imageType, burnedIn, visibleFeatures string
	overlayBits                          bool // graphics in unused bits of pixels

	sealed int // offset of the seal's digits in the content; 0 without
}

// UIDs are longer than any value that is noted.
const maxNoted = 256 // bytes

// surveyOf reads the data set at start as far as its pixel data.
func surveyOf(w *element.Walker, start int) (*survey, error) {
	s := &survey{start: start, end: start}
	var last tag.Tag
	for {
		if ended(w.Fill(s.end + 1)) {
			return s, nil
		}
		h, err := w.Header(s.end, w.Size, w.Implicit)
		if err != nil {
			if _, unknown := tag.Find(h.Tag); unknown == nil && h.Length > 0 {
				return s, broken(err, "in", h.Tag)
			}
			return s, broken(err, "after", last)
		}
		if isPixels(h.Tag) {
			s.pixels, s.pixelData = true, h
			return s, nil
		}
		last = h.Tag
		next, err := w.Skip(h, w.Size, 0)
		if err == nil {
			err = w.Fill(next)
		}
		if err != nil {
			return s, broken(err, "in", last)
		}
		s.end = next
		if h.Length != element.UndefinedLength {
			s.note(h, w.B[h.Value:next])
		} else if h.Tag == tag.SharedFunctionalGroupsSequence {
			s.functionalGroups = true
		}
	}
}

// ended reports whether an error of filling says that the content is over, and not
// that it could not be read on.
func ended(err error) bool {
	return errors.Is(err, element.ErrTruncated) && !errors.Is(err, element.ErrUnreadable)
}

// broken returns an error of the walk as it may be told: where the structure is
// broken, tags and lengths can be pieces of text.
func broken(err error, where string, t tag.Tag) error {
	place := "at the beginning"
	if _, unknown := tag.Find(t); unknown == nil {
		place = where + " " + element.Name(t)
	} else if t != (tag.Tag{}) {
		place = where + " an attribute that is not known"
	}
	for _, kind := range []error{element.ErrTooLarge, element.ErrTruncated, element.ErrMalformed} {
		if errors.Is(err, kind) {
			return fmt.Errorf("%w %s", kind, place)
		}
	}
	return err
}

// isPixels reports whether an attribute is pixel data of some kind.
func isPixels(t tag.Tag) bool {
	return t == tag.PixelData || t == tag.FloatPixelData || t == tag.DoubleFloatPixelData
}

// note takes note of an element.
func (s *survey) note(h element.Header, value []byte) {
	if h.Tag == tag.SharedFunctionalGroupsSequence {
		s.functionalGroups = true
	}
	if h.Tag.Group&0xFF00 == overlayGroups && h.Tag.Element == overlayBitPosition {
		s.overlayBits = s.overlayBits || strings.Trim(string(value), "\x00") != ""
	}
	if h.Tag == tag.DeidentificationMethod {
		s.sealed = sealIn(h.Value, value)
	}
	if to := s.field(h.Tag); to != nil && *to == "" && agree(h.VR, h.Tag) {
		*to = noted(value)
	}
}

// noted returns a text as it is noted.
func noted(value []byte) string { return text(value[:min(len(value), maxNoted)]) }

// field returns where the value of an attribute is noted; nil if it is not.
func (s *survey) field(t tag.Tag) *string {
	switch t {
	case tag.SOPClassUID:
		return &s.sopClass
	case tag.SOPInstanceUID:
		return &s.sopInstance
	case tag.StudyInstanceUID:
		return &s.study
	case tag.SeriesInstanceUID:
		return &s.series
	case tag.PatientID:
		return &s.patientID
	case tag.IssuerOfPatientID:
		return &s.issuer
	case tag.ImageType:
		return &s.imageType
	case tag.BurnedInAnnotation:
		return &s.burnedIn
	case tag.RecognizableVisualFeatures:
		return &s.visibleFeatures
	}
	return nil
}

// Outcome tells what an instance became. All UIDs are the new ones.
type Outcome struct {
	SOPClassUID       string
	StudyInstanceUID  string
	SeriesInstanceUID string
	SOPInstanceUID    string
	PatientID         string // the pseudonym; empty if there was no ID
	TransferSyntaxUID string

	// Recognized says that this Profile had made the instance before, and that
	// it was left as it is.
	Recognized bool

	Flags []Flag
}

// Instance reads an instance from src, to the end of its pixel data and no
// further, and writes what it becomes to dst. Apart from the pixel data, which is
// copied through, it holds about three times the data set in memory. On error what
// was written is worthless; nothing is written of an instance that is refused. The
// errors are those of package dicom, RefusedError, and those of src and dst; their
// texts name the SOPInstanceUID and the attribute and quote no other value.
func (p *Profile) Instance(dst io.Writer, src io.Reader) (*Outcome, error) {
	w := &element.Walker{Src: src, Size: math.MaxInt, Encoding: element.EncodingOf(element.ExplicitVRLittleEndian)}
	meta, start, err := element.ReadMeta(w)
	if err != nil {
		return nil, named(meta.MediaStorageSOPInstanceUID, err)
	}
	deflated := meta.TransferSyntaxUID == element.DeflatedExplicitVRLittleEndian
	if deflated {
		w, start = inflated(w, start), 0
	}
	w.Encoding = element.EncodingOf(meta.TransferSyntaxUID)
	s, err := surveyOf(w, start)
	s.transferSyntax = meta.TransferSyntaxUID
	if err == nil {
		err = s.refused(meta.MediaStorageSOPClassUID)
	}
	if err == nil {
		err = s.complete()
	}
	if err != nil {
		return nil, named(s.sopInstance, err)
	}
	out, err := p.write(dst, w, s, deflated)
	return out, named(s.sopInstance, err)
}

// named says which instance an error is about.
func named(sopInstance string, err error) error {
	if uid := element.ValidUID(sopInstance); err != nil && uid != "" {
		return fmt.Errorf("instance %s: %w", uid, err)
	}
	return err
}

// complete makes sure that the instance says what it is.
func (s *survey) complete() error {
	switch {
	case s.sopInstance == "":
		return &element.MissingAttributeError{Keyword: element.Name(tag.SOPInstanceUID)}
	case element.ValidUID(s.sopInstance) == "":
		return &element.InvalidAttributeError{Keyword: element.Name(tag.SOPInstanceUID), Problem: "no UID"}
	case s.sopClass == "":
		return &element.MissingAttributeError{Keyword: element.Name(tag.SOPClassUID)}
	case element.ValidUID(s.sopClass) == "":
		return &element.InvalidAttributeError{Keyword: element.Name(tag.SOPClassUID), Problem: "no UID"}
	}
	return nil
}

// write writes the instance anew.
func (p *Profile) write(dst io.Writer, w *element.Walker, s *survey, deflated bool) (*Outcome, error) {
	header, out, err := p.header(w, s)
	if err != nil {
		return nil, err
	}
	if _, err := dst.Write(element.FileMeta(out.SOPClassUID, out.SOPInstanceUID, out.TransferSyntaxUID)); err != nil {
		return nil, err
	}
	finish := func() error { return nil }
	if deflated {
		z := newDeflater(dst)
		dst, finish = z, z.Close
	}
	if _, err := dst.Write(header); err != nil {
		return nil, err
	}
	if s.pixels {
		if err := copyPixels(dst, w, s); err != nil {
			return nil, fmt.Errorf("%s: %w", element.Name(s.pixelData.Tag), err)
		}
	}
	return out, finish()
}

// header returns the data set before the pixel data, written anew.
func (p *Profile) header(w *element.Walker, s *survey) ([]byte, *Outcome, error) {
	out := &Outcome{SOPClassUID: s.sopClass, TransferSyntaxUID: s.transferSyntax, Flags: s.flags()}
	old := w.B[s.start:s.end]
	if s.sealed > 0 && p.sealedBy(s.transferSyntax, old, s.sealed-s.start) {
		out.StudyInstanceUID, out.SeriesInstanceUID, out.SOPInstanceUID = s.study, s.series, s.sopInstance
		out.PatientID, out.Recognized = s.patientID, true
		return old, out, nil
	}
	k := p.keyed()
	out.StudyInstanceUID, out.SeriesInstanceUID, out.SOPInstanceUID = k.uid(s.study), k.uid(s.series), k.uid(s.sopInstance)
	out.PatientID = k.patientID(s.patientID, s.issuer)
	r := &rewriter{
		Profile: p, survey: s, key: k,
		w:    &element.Walker{Encoding: w.Encoding, B: w.B[:s.end], Size: s.end},
		days: k.shift(s.patientID, s.issuer, s.study),
		out:  make([]byte, 0, len(old)+extra),
	}
	if err := r.dataset(); err != nil {
		return nil, nil, err
	}
	copy(r.out[r.seal:], p.sealOf(s.transferSyntax, r.out, r.seal))
	return r.out, out, nil
}

// sealLength is that of a seal in hexadecimal digits.
const sealLength = 32

// sealOf returns the seal of a data set, in which its digits stand at the offset
// at: nobody without the secret can change the data set and keep the seal valid.
func (p *Profile) sealOf(transferSyntax string, dataset []byte, at int) []byte {
	content := sha256.New()
	content.Write(dataset[:at])
	content.Write(dataset[at+sealLength:])
	sum := p.keyed().derive("seal", p.policy(), transferSyntax, fmt.Sprint(at), string(content.Sum(nil)))
	return hex.AppendEncode(nil, sum[:sealLength/2])
}

// sealedBy reports whether a data set carries this profile's seal.
func (p *Profile) sealedBy(transferSyntax string, dataset []byte, at int) bool {
	if at < 0 || at+sealLength > len(dataset) {
		return false
	}
	return hmac.Equal(p.sealOf(transferSyntax, dataset, at), dataset[at:at+sealLength])
}

// sealIn returns the offset of the seal in a value of DeidentificationMethod at an
// offset; 0 if there is none.
func sealIn(offset int, value []byte) int {
	if len(value) < len(methodText) || string(value[:len(methodText)]) != methodText {
		return 0
	}
	return offset + len(methodText)
}

// methodText begins DeidentificationMethod; the seal follows.
const methodText = "endplate, " + edition + ` basic profile\`
