// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicom

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/dicom/internal/element"
	"github.com/endplate/endplate/analysis/volume"
)

// SyntheticCT names a synthetic series that WriteCT writes, beyond what its
// volume tells. The same SyntheticCT and volume give the same bytes.
type SyntheticCT struct {
	// Study and FrameOfReference name the two; series that share the text share
	// the UID.
	Study, FrameOfReference string

	PatientID   string // LO; "PHANTOM" if empty
	Description string // LO, of the series
	Number      int    // SeriesNumber
	Date        string // DA, of the study; 20000101 if empty
}

// UIDs are the names of one written series.
type UIDs struct {
	StudyInstanceUID, SeriesInstanceUID, FrameOfReferenceUID string
}

// WriteCT writes v as a CT Image Storage series, explicit VR little endian, one
// instance a slice. It calls emit with each instance's place in the series, from
// 0, and its Part 10 bytes, which are valid only during the call; emit's error
// ends the writing. Attenuation is stored unsigned with a rescale intercept of
// volume.OutsideHU. UIDs derive from the content, under 2.25. There is no
// patient behind the series: its name is PHANTOM^SPINE.
func WriteCT(v *volume.Volume, s SyntheticCT, emit func(k int, instance []byte) error) (UIDs, error) {
	n := v.Columns * v.Rows
	if n == 0 || v.Columns > math.MaxUint16 || v.Rows > math.MaxUint16 || len(v.Samples) != n*v.Slices {
		return UIDs{}, fmt.Errorf("volume of %d×%d×%d voxels with %d samples cannot be written", v.Columns, v.Rows, v.Slices, len(v.Samples))
	}
	w := newCTWriter(v, s)
	for k := range v.Slices {
		if err := emit(k, w.instance(k)); err != nil {
			return w.uids, err
		}
	}
	return w.uids, nil
}

// The UIDs of what WriteCT writes: PS3.6 A-1.
const (
	ctImageStorageUID = "1.2.840.10008.5.1.4.1.1.2"
	explicitLittleUID = "1.2.840.10008.1.2.1"
)

// ctWriter writes the instances of one series.
type ctWriter struct {
	v    *volume.Volume
	s    SyntheticCT
	uids UIDs
	buf  []byte
}

func newCTWriter(v *volume.Volume, s SyntheticCT) *ctWriter {
	if s.PatientID == "" {
		s.PatientID = "PHANTOM"
	}
	if s.Date == "" {
		s.Date = "20000101"
	}
	h := sha256.New()
	fmt.Fprintf(h, "%+v %+v %+v", s, v.Geometry, v.Acquisition)
	hashSamples(h, v.Samples)
	return &ctWriter{v: v, s: s, uids: UIDs{
		StudyInstanceUID:    derivedUID("study " + s.Study),
		SeriesInstanceUID:   derivedUID("series " + string(h.Sum(nil))),
		FrameOfReferenceUID: derivedUID("frame of reference " + s.FrameOfReference),
	}}
}

func hashSamples(h hash.Hash, samples []int16) {
	var block [4096]byte
	for chunk := range slices.Chunk(samples, len(block)/2) {
		for i, x := range chunk {
			binary.LittleEndian.PutUint16(block[2*i:], uint16(x))
		}
		h.Write(block[:2*len(chunk)])
	}
}

// derivedUID returns the UID that stands for a text.
func derivedUID(text string) string {
	sum := sha256.Sum256([]byte(text))
	return element.UIDOf([16]byte(sum[:16]))
}

// instance returns the Part 10 bytes of slice k.
func (w *ctWriter) instance(k int) []byte {
	sop := derivedUID(w.uids.SeriesInstanceUID + " instance " + strconv.Itoa(k))
	b := append(w.buf[:0], element.FileMeta(ctImageStorageUID, sop, explicitLittleUID)...)
	b = w.identity(b, sop)
	b = w.acquisition(b)
	b = w.relationship(b, k)
	b = w.pixels(b, k)
	w.buf = b
	return b
}

// identity puts the groups 0008 and 0010.
func (w *ctWriter) identity(b []byte, sop string) []byte {
	const noon = "120000"
	b = putText(b, 0x00080008, "CS", `ORIGINAL\PRIMARY\AXIAL`)
	b = putText(b, 0x00080016, "UI", ctImageStorageUID)
	b = putText(b, 0x00080018, "UI", sop)
	b = putText(b, 0x00080020, "DA", w.s.Date)
	b = putText(b, 0x00080021, "DA", w.s.Date)
	b = putText(b, 0x00080022, "DA", w.s.Date)
	b = putText(b, 0x00080023, "DA", w.s.Date)
	for _, t := range []uint32{0x00080030, 0x00080031, 0x00080032, 0x00080033} {
		b = putText(b, t, "TM", noon)
	}
	b = putText(b, 0x00080050, "SH", "")
	b = putText(b, 0x00080060, "CS", "CT")
	b = putText(b, 0x00080070, "LO", w.v.Acquisition.Manufacturer)
	b = putText(b, 0x00080090, "PN", "")
	b = putText(b, 0x00081030, "LO", "Synthetic spine")
	b = putText(b, 0x0008103E, "LO", w.s.Description)
	b = putText(b, 0x00081090, "LO", "endplate phantom")
	b = putText(b, 0x00100010, "PN", "PHANTOM^SPINE")
	b = putText(b, 0x00100020, "LO", w.s.PatientID)
	b = putText(b, 0x00100030, "DA", "")
	return putText(b, 0x00100040, "CS", "")
}

// acquisition puts the group 0018.
func (w *ctWriter) acquisition(b []byte) []byte {
	a := &w.v.Acquisition
	if a.ContrastAgent != "" {
		b = putText(b, 0x00180010, "LO", a.ContrastAgent)
	}
	if a.BodyPart != "" {
		b = putText(b, 0x00180015, "CS", a.BodyPart)
	}
	b = putNumbers(b, 0x00180050, thicknessOf(w.v))
	if a.KVP > 0 {
		b = putNumbers(b, 0x00180060, a.KVP)
	} else {
		b = putText(b, 0x00180060, "DS", "")
	}
	b = putNumbers(b, 0x00180088, sliceDistance(w.v.Geometry))
	b = putNumbers(b, 0x00181120, gantryTilt(w.v.Geometry))
	if a.ConvolutionKernel != "" {
		b = putText(b, 0x00181210, "SH", a.ConvolutionKernel)
	}
	position := a.PatientPosition
	if position == "" {
		position = "HFS"
	}
	return putText(b, 0x00185100, "CS", position)
}

func thicknessOf(v *volume.Volume) float64 {
	if v.Acquisition.SliceThickness > 0 {
		return v.Acquisition.SliceThickness
	}
	return sliceDistance(v.Geometry)
}

// sliceDistance returns the perpendicular distance of slices, mm.
func sliceDistance(g volume.Geometry) float64 {
	return math.Abs(r3.Dot(r3.Unit(r3.Cross(g.Column, g.Row)), g.Slice))
}

// gantryTilt returns GantryDetectorTilt, degrees, of a sheared grid: positive
// where the lower rows lean towards the last slice.
func gantryTilt(g volume.Geometry) float64 {
	sin := r3.Dot(r3.Unit(g.Row), r3.Unit(g.Slice))
	return math.Asin(min(max(sin, -1), 1)) * 180 / math.Pi
}

// relationship puts the group 0020.
func (w *ctWriter) relationship(b []byte, k int) []byte {
	g := w.v.Geometry
	p := g.Position(0, 0, float64(k))
	c, r := r3.Unit(g.Column), r3.Unit(g.Row)
	b = putText(b, 0x0020000D, "UI", w.uids.StudyInstanceUID)
	b = putText(b, 0x0020000E, "UI", w.uids.SeriesInstanceUID)
	b = putText(b, 0x00200010, "SH", "1")
	b = putText(b, 0x00200011, "IS", strconv.Itoa(w.s.Number))
	b = putText(b, 0x00200012, "IS", "1")
	b = putText(b, 0x00200013, "IS", strconv.Itoa(k+1))
	b = putNumbers(b, 0x00200032, p.X, p.Y, p.Z)
	b = putNumbers(b, 0x00200037, c.X, c.Y, c.Z, r.X, r.Y, r.Z)
	b = putText(b, 0x00200052, "UI", w.uids.FrameOfReferenceUID)
	return putText(b, 0x00201040, "LO", "")
}

// pixels puts the groups 0028 and 7FE0.
func (w *ctWriter) pixels(b []byte, k int) []byte {
	g := w.v.Geometry
	column, row, _ := g.Spacing()
	short := func(tag uint32, x int) {
		b = putBytes(b, tag, "US", binary.LittleEndian.AppendUint16(nil, uint16(x)))
	}
	short(0x00280002, 1)
	b = putText(b, 0x00280004, "CS", "MONOCHROME2")
	short(0x00280010, g.Rows)
	short(0x00280011, g.Columns)
	b = putNumbers(b, 0x00280030, row, column)
	short(0x00280100, 16)
	short(0x00280101, 16)
	short(0x00280102, 15)
	short(0x00280103, 0)
	b = putNumbers(b, 0x00281050, 300)
	b = putNumbers(b, 0x00281051, 1500)
	b = putNumbers(b, 0x00281052, volume.OutsideHU)
	b = putNumbers(b, 0x00281053, 1)
	b = putText(b, 0x00281054, "LO", "HU")
	n := g.Columns * g.Rows
	b = putHeader(b, 0x7FE00010, "OW", 2*n)
	for _, hu := range w.v.Samples[k*n : (k+1)*n] {
		b = binary.LittleEndian.AppendUint16(b, uint16(max(int(hu)-volume.OutsideHU, 0)))
	}
	return b
}

// putHeader appends an element's tag, VR and length.
func putHeader(b []byte, tag uint32, vr string, length int) []byte {
	b = binary.LittleEndian.AppendUint16(b, uint16(tag>>16))
	b = binary.LittleEndian.AppendUint16(b, uint16(tag))
	b = append(b, vr...)
	if vr == "OB" || vr == "OW" {
		b = append(b, 0, 0)
		return binary.LittleEndian.AppendUint32(b, uint32(length))
	}
	return binary.LittleEndian.AppendUint16(b, uint16(length))
}

func putBytes(b []byte, tag uint32, vr string, value []byte) []byte {
	return append(putHeader(b, tag, vr, len(value)), value...)
}

// putText appends a text, padded to an even length as its VR asks.
func putText(b []byte, tag uint32, vr, text string) []byte {
	if len(text)%2 != 0 {
		if vr == "UI" {
			text += "\x00"
		} else {
			text += " "
		}
	}
	return putBytes(b, tag, vr, []byte(text))
}

// putNumbers appends decimal strings.
func putNumbers(b []byte, tag uint32, numbers ...float64) []byte {
	text := make([]string, len(numbers))
	for i, x := range numbers {
		text[i] = decimal(x)
	}
	return putText(b, tag, "DS", strings.Join(text, `\`))
}

// decimal returns x as a DS of at most 16 characters, as precise as they allow.
func decimal(x float64) string {
	const limit = 16
	if math.Abs(x) < 1e-12 {
		return "0"
	}
	for precision := 15; precision > 0; precision-- {
		if s := strconv.FormatFloat(x, 'g', precision, 64); len(s) <= limit {
			return s
		}
	}
	return strconv.FormatFloat(x, 'g', 1, 64)
}
