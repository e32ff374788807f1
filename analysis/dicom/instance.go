// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicom

import (
	"bytes"
	"cmp"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/suyashkumar/dicom"
	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom/internal/element"
	"github.com/endplate/endplate/analysis/dicom/pixel"
)

// The SOP classes that are read. PS3.4 B.5.
const (
	ctImageStorage                        = "1.2.840.10008.5.1.4.1.1.2"
	enhancedCTImageStorage                = "1.2.840.10008.5.1.4.1.1.2.1"
	legacyConvertedEnhancedCTImageStorage = "1.2.840.10008.5.1.4.1.1.2.2"

	mediaStorageDirectoryStorage = "1.2.840.10008.1.3.10"
)

// The transfer syntaxes that are told apart here.
const (
	explicitVRLittleEndian         = element.ExplicitVRLittleEndian
	deflatedExplicitVRLittleEndian = element.DeflatedExplicitVRLittleEndian
	explicitVRBigEndian            = element.ExplicitVRBigEndian
)

// instance is what the header of one CT instance says.
type instance struct {
	content content

	studyUID, seriesUID, frameOfReferenceUID string
	sopClassUID, sopUID                      string
	modality                                 string
	transferSyntaxUID                        string
	patient                                  Patient
	dateTime                                 string // of the series or study, where frames have none

	pixels      pixelData
	format      pixel.Format
	padding     paddingRange
	frames      []frame
	assumedHU   bool // no rescale, values taken as HU
	rescaleType string
}

// pixelData says where the value of PixelData lies in the content, deflated
// content counted as inflated.
type pixelData struct {
	offset       int64
	length       int64 // to the end of the content if encapsulated
	encapsulated bool
	vr           string

	// The extended offset table, PS3.3 C.7.6.3.1.8, empty if absent.
	offsets, lengths []uint64
}

// frameBytes returns the size of one native frame.
func (in *instance) frameBytes() int64 {
	f := in.format
	return int64(f.Rows) * int64(f.Columns) * int64(f.SamplesPerPixel) * int64(f.BitsAllocated/8)
}

// readInstance reads the header of content of the given size that begins with
// head and goes on in r. On error the instance still holds the UIDs that were met
// before it. It keeps no reference to head.
func readInstance(head []byte, r io.Reader, size int64) (*instance, error) {
	in := &instance{}
	w := &walker{Walker: element.Walker{Src: r, Size: int(size), B: head, Encoding: element.EncodingOf(explicitVRLittleEndian)}}
	meta, p, err := element.ReadMeta(&w.Walker)
	in.transferSyntaxUID, in.sopUID = meta.TransferSyntaxUID, meta.MediaStorageSOPInstanceUID
	if meta.MediaStorageSOPClassUID == mediaStorageDirectoryStorage {
		err = errDirectory
	}
	if err != nil {
		return in, err
	}
	if in.transferSyntaxUID == deflatedExplicitVRLittleEndian {
		in.content.inflateFrom = p
		if w, err = inflate(w, p); err != nil {
			return in, err
		}
		p = 0
	}
	w.Encoding = element.EncodingOf(in.transferSyntaxUID)
	w.startOutput()
	walkErr := in.walk(w, p)
	elements, err := parse(w.out)
	if err != nil {
		return in, errors.Join(walkErr, err)
	}
	in.identify(elements)
	err = in.supported()
	if _, missing := errors.AsType[*MissingAttributeError](err); missing || err == nil {
		err = cmp.Or(walkErr, err)
	}
	if err != nil {
		return in, err
	}
	return in, in.describe(elements)
}

// inflate returns a walker over the inflated rest of the content at p. It
// inflates all of it once to learn its size, keeping nothing.
func inflate(w *walker, p int) (*walker, error) {
	compressed, err := io.ReadAll(io.MultiReader(bytes.NewReader(w.B[p:]), w.Src))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	limit := element.InflationLimit(int64(w.Size))
	n, err := io.Copy(io.Discard, io.LimitReader(flate.NewReader(bytes.NewReader(compressed)), limit+1))
	if n > limit {
		return nil, fmt.Errorf("%w: inflates to more than %d bytes", ErrTooLarge, limit)
	}
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, element.Malformed("deflated data set at byte %d", p)
	}
	return &walker{Walker: element.Walker{Src: flate.NewReader(bytes.NewReader(compressed)), Size: int(n)}}, nil
}

// startOutput begins the data set for the parser: a Part 10 head that leaves it
// nothing to guess.
func (w *walker) startOutput() {
	uid := explicitVRLittleEndian + "\x00"
	if w.Order == binary.BigEndian {
		uid = explicitVRBigEndian + "\x00"
	}
	w.out = make([]byte, 128, 2048)
	w.out = append(w.out, "DICM\x02\x00\x00\x00UL\x04\x00"...)
	w.out = binary.LittleEndian.AppendUint32(w.out, uint32(8+len(uid)))
	w.out = append(w.out, "\x02\x00\x10\x00UI"...)
	w.out = binary.LittleEndian.AppendUint16(w.out, uint16(len(uid)))
	w.out = append(w.out, uid...)
}

// walk copies the known attributes for the parser and stops at PixelData, or
// where it is clear that this is no CT.
func (in *instance) walk(w *walker, p int) error {
	var lastIdentifier = tag.FrameOfReferenceUID.Uint32()
	foreign := false
	seen := make([]tag.Tag, 0, 64)
	for p < w.Size {
		h, err := w.Header(p, w.Size, w.Implicit)
		if err != nil {
			return err
		}
		if h.Tag.Group == tag.PixelData.Group {
			done, next, err := in.pixelElement(w, h)
			if done || err != nil {
				return err
			}
			p = next
			continue
		}
		if foreign && h.Tag.Uint32() > lastIdentifier {
			return nil
		}
		vr, known := attributes[h.Tag]
		start := len(w.out)
		if known && !slices.Contains(seen, h.Tag) {
			seen = append(seen, h.Tag)
			p, err = w.copyElement(h, vr, w.Size, 0)
		} else {
			p, err = w.Skip(h, w.Size, 0)
		}
		if err != nil {
			w.out = w.out[:start]
			return err
		}
		if h.Tag == tag.Modality {
			foreign = isForeign(w.B[h.Value:p])
		}
	}
	return nil
}

// isForeign reports whether a value of Modality is not CT.
func isForeign(value []byte) bool {
	s := bytes.Trim(value, " \x00")
	return len(s) > 0 && string(s) != "CT"
}

// pixelElement takes note of an element of group 7FE0. It is done when it has met
// PixelData.
func (in *instance) pixelElement(w *walker, h element.Header) (done bool, next int, err error) {
	switch h.Tag {
	case tag.PixelData:
		in.pixels.vr = h.VR
		in.pixels.offset = int64(h.Value)
		in.pixels.encapsulated = h.Length == element.UndefinedLength
		in.pixels.length = int64(h.Length)
		if in.pixels.encapsulated {
			in.pixels.length = int64(w.Size - h.Value)
		}
		return true, 0, nil
	case tag.ExtendedOffsetTable:
		in.pixels.offsets, err = w.offsetTable(h)
	case tag.ExtendedOffsetTableLengths:
		in.pixels.lengths, err = w.offsetTable(h)
	}
	if err != nil {
		return false, 0, err
	}
	next, err = w.Skip(h, w.Size, 0)
	return false, next, err
}

// offsetTable reads the 64-bit numbers of an element of VR OV.
func (w *walker) offsetTable(h element.Header) ([]uint64, error) {
	if h.Length == element.UndefinedLength || h.Length%8 != 0 {
		return nil, &InvalidAttributeError{Keyword: name(h.Tag), Problem: fmt.Sprintf("length %d", h.Length)}
	}
	if err := w.Fill(h.Value + int(h.Length)); err != nil {
		return nil, err
	}
	table := make([]uint64, h.Length/8)
	for i := range table {
		table[i] = w.Order.Uint64(w.B[h.Value+8*i:])
	}
	return table, nil
}

// parse hands a data set made by a Walker to the parser. The parser has been seen
// to panic; what it gets here should not make it, and must not end the process.
func parse(b []byte) (elements record, err error) {
	defer func() {
		if r := recover(); r != nil {
			elements, err = nil, element.Malformed("parser gave up")
		}
	}()
	d, err := dicom.Parse(bytes.NewReader(b), int64(len(b)), nil)
	if err != nil {
		return nil, element.Malformed("parser refused the data set")
	}
	return record(d.Elements), nil
}

// identify reads the attributes that say which instance this is.
func (in *instance) identify(r record) {
	in.sopClassUID = r.uid(tag.SOPClassUID)
	if uid := r.uid(tag.SOPInstanceUID); uid != "" {
		in.sopUID = uid
	}
	in.studyUID = r.uid(tag.StudyInstanceUID)
	in.seriesUID = r.uid(tag.SeriesInstanceUID)
	in.frameOfReferenceUID = r.uid(tag.FrameOfReferenceUID)
	in.modality = r.text(tag.Modality)
	in.patient = patientOf(r)
	in.dateTime = cmp.Or(dateTimeOf(r, tag.SeriesDate, tag.SeriesTime), dateTimeOf(r, tag.StudyDate, tag.StudyTime))
}

// supported returns an error if this is no CT image.
func (in *instance) supported() error {
	foreign := &UnsupportedObjectError{Modality: codeString(in.modality), SOPClassUID: in.sopClassUID}
	switch in.sopClassUID {
	case ctImageStorage, enhancedCTImageStorage, legacyConvertedEnhancedCTImageStorage:
	case "":
		if in.modality == "" {
			return &MissingAttributeError{Keyword: name(tag.SOPClassUID)}
		}
	default:
		return foreign
	}
	if in.modality != "" && in.modality != "CT" {
		return foreign
	}
	return nil
}

// codeString returns s if it can be a CS, and "?" otherwise, so that nothing else
// gets into messages.
func codeString(s string) string {
	const maxCS = 16 // PS3.5 6.2
	if len(s) > maxCS || strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_ ") != "" {
		return "?"
	}
	return s
}
