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

	"github.com/endplate/endplate/analysis/dicom/pixel"
)

// The SOP classes that are read. PS3.4 B.5.
const (
	ctImageStorage                        = "1.2.840.10008.5.1.4.1.1.2"
	enhancedCTImageStorage                = "1.2.840.10008.5.1.4.1.1.2.1"
	legacyConvertedEnhancedCTImageStorage = "1.2.840.10008.5.1.4.1.1.2.2"

	mediaStorageDirectoryStorage = "1.2.840.10008.1.3.10"
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
	w := &walker{src: r, size: int(size), b: head, encoding: encodingOf(explicitVRLittleEndian)}
	p, err := in.readMeta(w)
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
	w.encoding = encodingOf(in.transferSyntaxUID)
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

// readMeta reads the file meta information, if there is any, and returns where
// the data set begins. It settles the transfer syntax.
func (in *instance) readMeta(w *walker) (p int, err error) {
	const preamble = 128
	if w.size < 8 || w.fill(min(w.size, preamble+4)) != nil {
		return 0, ErrNotDICOM
	}
	part10 := len(w.b) >= preamble+4 && string(w.b[preamble:preamble+4]) == "DICM"
	if part10 {
		p = preamble + 4
	}
	var class string
	for p < w.size {
		h, err := w.header(p, w.size, false)
		if err != nil || h.tag.Group != tag.MetadataGroup {
			break
		}
		if p, err = in.metaElement(w, h, &class); err != nil {
			return 0, err
		}
	}
	if err := w.fill(p); err != nil {
		return 0, err
	}
	if class == mediaStorageDirectoryStorage {
		return 0, errDirectory
	}
	if in.transferSyntaxUID != "" {
		return p, nil
	}
	return p, in.inferTransferSyntax(w, p, part10)
}

// metaElement takes note of an element of group 0002, of the SOP class in class,
// and returns where it ends.
func (in *instance) metaElement(w *walker, h header, class *string) (int, error) {
	if h.length == undefinedLength {
		return 0, malformed("undefined length of %s", name(h.tag))
	}
	next := h.value + int(h.length)
	var uid *string
	switch h.tag {
	case tag.TransferSyntaxUID:
		uid = &in.transferSyntaxUID
	case tag.MediaStorageSOPClassUID:
		uid = class
	case tag.MediaStorageSOPInstanceUID:
		uid = &in.sopUID
	default:
		return next, nil
	}
	if h.length > maxValue {
		return 0, malformed("length of %s", name(h.tag))
	}
	if err := w.fill(next); err != nil {
		return 0, err
	}
	*uid = validUID(strings.Trim(string(w.b[h.value:next]), " \x00"))
	return next, nil
}

// inferTransferSyntax settles the transfer syntax of content that does not say.
// Content without the DICM prefix counts as DICOM only if its first elements read
// well and are of group 0008.
func (in *instance) inferTransferSyntax(w *walker, p int, part10 bool) error {
	if err := w.fill(min(p+8, w.size)); err != nil {
		return err
	}
	in.transferSyntaxUID = guessTransferSyntax(w.b[p:], w.size-p)
	if part10 || p > 0 {
		if in.transferSyntaxUID == "" {
			return &MissingAttributeError{Keyword: name(tag.TransferSyntaxUID)}
		}
		return nil
	}
	if in.transferSyntaxUID == "" || !readsWell(w, p, encodingOf(in.transferSyntaxUID)) {
		return ErrNotDICOM
	}
	return nil
}

// readsWell reports whether a few ascending elements of known attributes of
// group 0008 stand at p.
func readsWell(w *walker, p int, e encoding) bool {
	const enough = 3
	var last uint32
	probe := *w
	probe.encoding = e
	for range enough {
		h, err := probe.header(p, probe.size, e.implicit)
		if err != nil || h.tag.Group != 0x0008 || h.tag.Uint32() <= last || h.length > maxValue {
			return false
		}
		if info, err := tag.Find(h.tag); err != nil || info.Keyword == "" {
			return false
		}
		last, p = h.tag.Uint32(), h.value+int(h.length)
	}
	w.b = probe.b
	return true
}

// maxInflation bounds what deflated content and archives may inflate to: a
// multiple of their size, and an allowance for small ones. CT deflates to a half,
// a synthetic one without noise to a hundredth.
const (
	maxInflation       = 100
	inflationAllowance = 32 << 20 // bytes
)

func inflationLimit(size int64) int64 { return inflationAllowance + maxInflation*size }

// inflate returns a walker over the inflated rest of the content at p. It
// inflates all of it once to learn its size, keeping nothing.
func inflate(w *walker, p int) (*walker, error) {
	compressed, err := io.ReadAll(io.MultiReader(bytes.NewReader(w.b[p:]), w.src))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	limit := inflationLimit(int64(w.size))
	n, err := io.Copy(io.Discard, io.LimitReader(flate.NewReader(bytes.NewReader(compressed)), limit+1))
	if n > limit {
		return nil, fmt.Errorf("%w: inflates to more than %d bytes", ErrTooLarge, limit)
	}
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, malformed("deflated data set at byte %d", p)
	}
	return &walker{src: flate.NewReader(bytes.NewReader(compressed)), size: int(n)}, nil
}

// startOutput begins the data set for the parser: a Part 10 head that leaves it
// nothing to guess.
func (w *walker) startOutput() {
	uid := explicitVRLittleEndian + "\x00"
	if w.order == binary.BigEndian {
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
	for p < w.size {
		h, err := w.header(p, w.size, w.implicit)
		if err != nil {
			return err
		}
		if h.tag.Group == tag.PixelData.Group {
			done, next, err := in.pixelElement(w, h)
			if done || err != nil {
				return err
			}
			p = next
			continue
		}
		if foreign && h.tag.Uint32() > lastIdentifier {
			return nil
		}
		vr, known := attributes[h.tag]
		start := len(w.out)
		if known && !slices.Contains(seen, h.tag) {
			seen = append(seen, h.tag)
			p, err = w.copyElement(h, vr, w.size, 0)
		} else {
			p, err = w.skip(h, w.size, 0)
		}
		if err != nil {
			w.out = w.out[:start]
			return err
		}
		if h.tag == tag.Modality {
			foreign = isForeign(w.b[h.value:p])
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
func (in *instance) pixelElement(w *walker, h header) (done bool, next int, err error) {
	switch h.tag {
	case tag.PixelData:
		in.pixels.vr = h.vr
		in.pixels.offset = int64(h.value)
		in.pixels.encapsulated = h.length == undefinedLength
		in.pixels.length = int64(h.length)
		if in.pixels.encapsulated {
			in.pixels.length = int64(w.size - h.value)
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
	next, err = w.skip(h, w.size, 0)
	return false, next, err
}

// offsetTable reads the 64-bit numbers of an element of VR OV.
func (w *walker) offsetTable(h header) ([]uint64, error) {
	if h.length == undefinedLength || h.length%8 != 0 {
		return nil, &InvalidAttributeError{Keyword: name(h.tag), Problem: fmt.Sprintf("length %d", h.length)}
	}
	if err := w.fill(h.value + int(h.length)); err != nil {
		return nil, err
	}
	table := make([]uint64, h.length/8)
	for i := range table {
		table[i] = w.order.Uint64(w.b[h.value+8*i:])
	}
	return table, nil
}

// parse hands a data set made by a walker to the parser. The parser has been seen
// to panic; what it gets here should not make it, and must not end the process.
func parse(b []byte) (elements record, err error) {
	defer func() {
		if r := recover(); r != nil {
			elements, err = nil, malformed("parser gave up")
		}
	}()
	d, err := dicom.Parse(bytes.NewReader(b), int64(len(b)), nil)
	if err != nil {
		return nil, malformed("parser refused the data set")
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
