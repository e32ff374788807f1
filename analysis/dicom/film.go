// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicom

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"

	"github.com/suyashkumar/dicom/pkg/tag"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/analysis/radiograph/projection"
)

// SyntheticFilm names a rendered radiograph that WriteFilm writes, beyond what the film
// itself tells. The same SyntheticFilm and film give the same bytes.
type SyntheticFilm struct {
	Study       string // names the study; films that share the text share the UID
	PatientID   string // LO; "PHANTOM" if empty
	Description string // LO, of the series
	Number      int    // SeriesNumber
	Date        string // DA, of the study; 20000101 if empty

	Technique projection.Technique
	Isocenter r3.Vec // LPS mm: where DistanceSourceToPatient is told of
}

// The SOP classes of what WriteFilm writes: PS3.6 A-1.
const (
	dxForPresentationUID = "1.2.840.10008.5.1.4.1.1.1.1"
	dxForProcessingUID   = "1.2.840.10008.5.1.4.1.1.1.1.1"
)

// WriteFilm returns f as a Part 10 file, explicit VR little endian: Digital X-Ray Image
// Storage, for presentation or, where f is raw, for processing. PixelSpacing is left out:
// ImagerPixelSpacing is that of the detector, and EstimatedRadiographicMagnificationFactor
// that of the isocentre. There is no patient behind the film.
func WriteFilm(f *projection.Film, s SyntheticFilm) ([]byte, UIDs, error) {
	g := &f.Geometry
	if n := g.Columns * g.Rows; n == 0 || g.Columns > math.MaxUint16 || g.Rows > math.MaxUint16 || len(f.Stored) != n {
		return nil, UIDs{}, fmt.Errorf("film of %d×%d pixels with %d values cannot be written", g.Columns, g.Rows, len(f.Stored))
	}
	if s.PatientID == "" {
		s.PatientID = "PHANTOM"
	}
	if s.Date == "" {
		s.Date = "20000101"
	}
	pixels := make([]byte, 2*len(f.Stored))
	for i, v := range f.Stored {
		binary.LittleEndian.PutUint16(pixels[2*i:], v)
	}
	uids := UIDs{
		StudyInstanceUID:  derivedUID("study " + s.Study),
		SeriesInstanceUID: derivedUID(fmt.Sprintf("film series %+v %+v %d %t %t %s", s, *g, f.Bits, f.Raw, f.Inverted, pixels)),
	}
	d := &dataset.Dataset{}
	filmIdentity(d, f, s, uids)
	filmAcquisition(d, f, s)
	filmPixels(d, f)
	d.Bytes(tag.PixelData, "OW", pixels)
	var b bytes.Buffer
	err := d.WriteFile(&b)
	return b.Bytes(), uids, err
}

// filmIdentity sets the modules Patient, General Study, General and DX Series, General
// Equipment, SOP Common and General Image.
func filmIdentity(d *dataset.Dataset, f *projection.Film, s SyntheticFilm, uids UIDs) {
	const noon = "120000"
	class, intent := dxForPresentationUID, "FOR PRESENTATION"
	if f.Raw {
		class, intent = dxForProcessingUID, "FOR PROCESSING"
	}
	d.Text(tag.SOPClassUID, "UI", class)
	d.Text(tag.SOPInstanceUID, "UI", derivedUID(uids.SeriesInstanceUID+" instance 0"))
	d.Text(tag.StudyInstanceUID, "UI", uids.StudyInstanceUID)
	d.Text(tag.SeriesInstanceUID, "UI", uids.SeriesInstanceUID)
	for _, t := range []tag.Tag{tag.StudyDate, tag.SeriesDate, tag.AcquisitionDate, tag.ContentDate} {
		d.Text(t, "DA", s.Date)
	}
	for _, t := range []tag.Tag{tag.StudyTime, tag.SeriesTime, tag.AcquisitionTime, tag.ContentTime} {
		d.Text(t, "TM", noon)
	}
	for t, vr := range map[tag.Tag]string{tag.AccessionNumber: "SH", tag.ReferringPhysicianName: "PN", tag.PatientBirthDate: "DA", tag.PatientSex: "CS"} {
		d.Text(t, vr, "")
	}
	d.Text(tag.Modality, "CS", "DX")
	d.Text(tag.PresentationIntentType, "CS", intent)
	d.Text(tag.Manufacturer, "LO", "PHANTOM")
	d.Text(tag.ManufacturerModelName, "LO", "endplate film")
	d.Text(tag.StudyDescription, "LO", "Synthetic spine")
	d.Text(tag.SeriesDescription, "LO", s.Description)
	d.Text(tag.PatientName, "PN", "PHANTOM^SPINE")
	d.Text(tag.PatientID, "LO", s.PatientID)
	d.Text(tag.StudyID, "SH", "1")
	d.Ints(tag.SeriesNumber, "IS", s.Number)
	d.Ints(tag.InstanceNumber, "IS", 1)
	d.Text(tag.ImageType, "CS", "DERIVED", "PRIMARY")
	d.Text(tag.PatientOrientation, "CS", bodySide(f.Geometry.Column), bodySide(f.Geometry.Row))
	d.Text(tag.ImageComments, "LT", "Rendered from a volume: no photon was ever here.")
}

// bodySide returns the value of PatientOrientation for a direction. PS3.3 C.7.6.1.1.1.
func bodySide(v r3.Vec) string {
	letters := [3][2]string{{"R", "L"}, {"A", "P"}, {"F", "H"}}
	x := [3]float64{v.X, v.Y, v.Z}
	best := 0
	for i := range x {
		if math.Abs(x[i]) > math.Abs(x[best]) {
			best = i
		}
	}
	if x[best] > 0 {
		return letters[best][1]
	}
	return letters[best][0]
}

// filmAcquisition sets the modules DX Anatomy Imaged, DX Detector, DX Positioning, X-Ray
// Acquisition and Acquisition Context.
func filmAcquisition(d *dataset.Dataset, f *projection.Film, s SyntheticFilm) {
	coded := func(value, meaning string) *dataset.Dataset {
		item := &dataset.Dataset{}
		item.Text(tag.CodeValue, "SH", value)
		item.Text(tag.CodingSchemeDesignator, "SH", "SCT")
		item.Text(tag.CodeMeaning, "LO", meaning)
		return item
	}
	g := &f.Geometry
	d.Sequence(tag.AnatomicRegionSequence, coded("421060004", "Spine"))
	d.Text(tag.ImageLaterality, "CS", "U")
	d.Text(tag.BodyPartExamined, "CS", "SPINE")
	d.Sequence(tag.AcquisitionContextSequence)
	d.Text(tag.DetectorType, "CS", "SCINTILLATOR")
	rows, columns := g.ImagerPixelSpacing()
	d.Floats(tag.ImagerPixelSpacing, "DS", rows, columns)
	d.Floats(tag.DistanceSourceToDetector, "DS", g.SourceToDetector())
	d.Floats(tag.DistanceSourceToPatient, "DS", g.Depth(s.Isocenter))
	d.Floats(tag.EstimatedRadiographicMagnificationFactor, "DS", g.Magnification(s.Isocenter))
	if s.Technique.FocalSpot > 0 {
		d.Floats(tag.FocalSpots, "DS", s.Technique.FocalSpot)
	}
	d.Text(tag.PositionerType, "CS", "NONE")
	if view := lateralView(f.Geometry); view != "" {
		d.Text(tag.ViewPosition, "CS", view)
	}
}

// lateralView returns ViewPosition of a lateral film; empty for another.
func lateralView(g projection.Geometry) string {
	toward := r3.Unit(r3.Cross(g.Column, g.Row))
	const lateral = 0.8 // cosine to the patient's side
	switch {
	case toward.X > lateral:
		return "LL"
	case toward.X < -lateral:
		return "RL"
	}
	return ""
}

// filmPixels sets the modules Image Pixel, DX Image and VOI LUT.
func filmPixels(d *dataset.Dataset, f *projection.Film) {
	d.Ints(tag.SamplesPerPixel, "US", 1)
	photometric, shape, sign := "MONOCHROME2", "IDENTITY", -1
	if f.Inverted || f.Raw { // more exposure, a greater value: to be shown dark
		photometric, shape, sign = "MONOCHROME1", "INVERSE", 1
	}
	d.Text(tag.PhotometricInterpretation, "CS", photometric)
	d.Ints(tag.Rows, "US", f.Geometry.Rows)
	d.Ints(tag.Columns, "US", f.Geometry.Columns)
	d.Ints(tag.BitsAllocated, "US", 16)
	d.Ints(tag.BitsStored, "US", f.Bits)
	d.Ints(tag.HighBit, "US", f.Bits-1)
	d.Ints(tag.PixelRepresentation, "US", 0)
	d.Text(tag.BurnedInAnnotation, "CS", "NO")
	d.Text(tag.PixelIntensityRelationship, "CS", "LOG")
	d.Ints(tag.PixelIntensityRelationshipSign, "SS", sign)
	d.Floats(tag.RescaleIntercept, "DS", 0)
	d.Floats(tag.RescaleSlope, "DS", 1)
	d.Text(tag.RescaleType, "LO", "US")
	d.Text(tag.PresentationLUTShape, "CS", shape)
	d.Text(tag.LossyImageCompression, "CS", "00")
	if !f.Raw {
		full := math.Pow(2, float64(f.Bits))
		d.Floats(tag.WindowCenter, "DS", full/2)
		d.Floats(tag.WindowWidth, "DS", full)
		d.Text(tag.WindowCenterWidthExplanation, "LO", "all "+strconv.Itoa(f.Bits)+" bits")
	}
}
