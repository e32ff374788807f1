// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicom

import (
	"fmt"
	"math"
	"slices"

	"github.com/suyashkumar/dicom/pkg/tag"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/dicom/internal/element"
	"github.com/endplate/endplate/analysis/dicom/pixel"
	"github.com/endplate/endplate/analysis/volume"
)

// frame is what the header says of one frame: for a single-frame instance, of
// the instance.
type frame struct {
	position    r3.Vec // of the first pixel's centre, LPS mm
	along       r3.Vec // unit vector along a row, from column to column
	down        r3.Vec // unit vector down a column, from row to row
	columnStep  float64
	rowStep     float64 // mm
	rescale     rescale
	localizer   bool
	acquisition volume.Acquisition

	// What may tell one acquisition of a series from the next.
	acquisitionNumber, imageType, temporalPosition, dateTime string
}

// describe reads the pixels' format and the frames.
func (in *instance) describe(r record) error {
	if in.pixels.offset == 0 {
		return ErrNoPixelData
	}
	if err := in.describePixels(r); err != nil {
		return err
	}
	n, ok, err := r.integer(tag.NumberOfFrames)
	if err != nil {
		return err
	}
	if !ok {
		n = 1
	}
	if err := in.checkFrames(n); err != nil {
		return err
	}
	return in.describeFrames(r, n)
}

func (in *instance) describePixels(r record) error {
	f := &in.format
	for _, a := range [...]struct {
		tag tag.Tag
		v   *int
	}{
		{tag.Rows, &f.Rows}, {tag.Columns, &f.Columns},
		{tag.BitsAllocated, &f.BitsAllocated}, {tag.BitsStored, &f.BitsStored},
	} {
		var err error
		if *a.v, err = r.required(a.tag); err != nil {
			return err
		}
		if *a.v < 1 || *a.v > math.MaxUint16 { // the VR may be another than US
			return &InvalidAttributeError{Keyword: name(a.tag), Problem: "not from 1 to 65535"}
		}
	}
	optional := func(t tag.Tag, assumed int) int {
		if v, ok, err := r.integer(t); ok && err == nil {
			return v
		}
		return assumed
	}
	f.SamplesPerPixel = optional(tag.SamplesPerPixel, 1)
	f.HighBit = optional(tag.HighBit, f.BitsStored-1)
	f.PlanarConfiguration = optional(tag.PlanarConfiguration, 0)
	f.PhotometricInterpretation = r.text(tag.PhotometricInterpretation)
	f.Signed = optional(tag.PixelRepresentation, 0) == 1
	in.rescaleType = codeString(r.text(tag.RescaleType))
	in.padding = readPadding(r, f.Signed)
	if err := checkFormat(*f); err != nil {
		return err
	}
	if in.pixels.encapsulated == element.Native(in.transferSyntaxUID) {
		return element.Malformed("PixelData and TransferSyntaxUID disagree on compression")
	}
	if in.pixels.encapsulated && !pixel.Supported(in.transferSyntaxUID) {
		return &UnsupportedTransferSyntaxError{UID: in.transferSyntaxUID}
	}
	return nil
}

// checkFormat refuses what a CT cannot be. PS3.3 C.8.2.1.1.
func checkFormat(f pixel.Format) error {
	switch {
	case f.SamplesPerPixel != 1:
		return &InvalidAttributeError{Keyword: name(tag.SamplesPerPixel), Problem: fmt.Sprintf("%d, and a CT has 1", f.SamplesPerPixel)}
	case f.BitsAllocated != 8 && f.BitsAllocated != 16:
		return &InvalidAttributeError{Keyword: name(tag.BitsAllocated), Problem: fmt.Sprintf("%d, not 8 or 16", f.BitsAllocated)}
	case f.BitsStored > f.BitsAllocated:
		return &InvalidAttributeError{Keyword: name(tag.BitsStored), Problem: fmt.Sprintf("%d of %d allocated", f.BitsStored, f.BitsAllocated)}
	case f.HighBit >= f.BitsAllocated || f.HighBit < f.BitsStored-1:
		return &InvalidAttributeError{Keyword: name(tag.HighBit), Problem: fmt.Sprintf("%d with %d bits stored", f.HighBit, f.BitsStored)}
	}
	switch f.PhotometricInterpretation {
	case "MONOCHROME1", "MONOCHROME2":
		return nil
	case "":
		return &MissingAttributeError{Keyword: name(tag.PhotometricInterpretation)}
	}
	return &InvalidAttributeError{Keyword: name(tag.PhotometricInterpretation), Problem: codeString(f.PhotometricInterpretation)}
}

// checkFrames makes sure that n frames can be in the pixel data.
func (in *instance) checkFrames(n int) error {
	most := in.pixels.length / 8 // an item header a frame
	if !in.pixels.encapsulated {
		most = in.pixels.length / in.frameBytes()
	}
	if n < 1 {
		return &InvalidAttributeError{Keyword: name(tag.NumberOfFrames), Problem: "less than 1"}
	}
	if int64(n) > most {
		return element.Truncated("PixelData of %d bytes for %d frames of %d×%d pixels", in.pixels.length, n, in.format.Rows, in.format.Columns)
	}
	return nil
}

// describeFrames reads the frames from the attributes of the instance and, for
// Enhanced CT, from the functional groups, of which those of the frame go before the
// shared ones. PS3.3 C.7.6.16.
func (in *instance) describeFrames(r record, n int) error {
	perFrame := r.items(tag.PerFrameFunctionalGroupsSequence)
	if n > 1 && len(perFrame) != n {
		return &InvalidAttributeError{
			Keyword: name(tag.PerFrameFunctionalGroupsSequence),
			Problem: fmt.Sprintf("%d items for %d frames", len(perFrame), n),
		}
	}
	shared := append(record{}, r...)
	for _, item := range r.items(tag.SharedFunctionalGroupsSequence) {
		shared = append(item.flat(), shared...)
	}
	if len(perFrame) == 0 {
		perFrame = []record{nil}
	}
	in.frames = make([]frame, n)
	for i := range in.frames {
		if err := in.describeFrame(append(perFrame[i].flat(), shared...), &in.frames[i]); err != nil {
			if n > 1 {
				return fmt.Errorf("frame %d: %w", i+1, err)
			}
			return err
		}
	}
	return nil
}

// flat returns the attributes of the first item of each functional group.
func (r record) flat() record {
	var all record
	for _, e := range r {
		if items := r.items(e.Tag); len(items) > 0 {
			all = append(all, items[0]...)
		}
	}
	return all
}

func (in *instance) describeFrame(r record, f *frame) error {
	if f.localizer = isLocalizer(r); f.localizer {
		return nil
	}
	if err := f.place(r); err != nil {
		return err
	}
	if err := in.describeRescale(r, f); err != nil {
		return err
	}
	f.acquisition = acquisition(r)
	f.imageType = r.text(tag.ImageType) + r.text(tag.FrameType)
	f.temporalPosition = r.text(tag.TemporalPositionIdentifier)
	f.acquisitionNumber = r.text(tag.AcquisitionNumber)
	if v, ok, _ := r.integer(tag.FrameAcquisitionNumber); ok {
		f.acquisitionNumber = fmt.Sprint(v)
	}
	if v, ok, _ := r.integer(tag.TemporalPositionIndex); ok {
		f.temporalPosition = fmt.Sprint(v)
	}
	f.dateTime = r.text(tag.FrameAcquisitionDateTime)
	if f.dateTime == "" {
		f.dateTime = r.text(tag.AcquisitionDateTime)
	}
	if f.dateTime == "" {
		f.dateTime = r.text(tag.AcquisitionDate) + r.text(tag.AcquisitionTime)
	}
	return nil
}

// isLocalizer reports whether value 3 of ImageType or FrameType says so.
// PS3.3 C.8.2.1.1.1.
func isLocalizer(r record) bool {
	return slices.Contains(r.texts(tag.ImageType), "LOCALIZER") || slices.Contains(r.texts(tag.FrameType), "LOCALIZER")
}

// place reads where the frame lies. PS3.3 C.7.6.2.1.1.
func (f *frame) place(r record) (err error) {
	spacing, ok, err := r.floats(tag.PixelSpacing, 2)
	if err := need(tag.PixelSpacing, ok, err); err != nil {
		return err
	}
	f.rowStep, f.columnStep = spacing[0], spacing[1]
	if f.rowStep <= 0 || f.columnStep <= 0 {
		return &InvalidAttributeError{Keyword: name(tag.PixelSpacing), Problem: "not positive"}
	}
	f.position, ok, err = r.vec(tag.ImagePositionPatient)
	if err := need(tag.ImagePositionPatient, ok, err); err != nil {
		return err
	}
	cosines, ok, err := r.floats(tag.ImageOrientationPatient, 6)
	if err := need(tag.ImageOrientationPatient, ok, err); err != nil {
		return err
	}
	f.along, f.down, err = orientation(cosines)
	return err
}

func need(t tag.Tag, ok bool, err error) error {
	if err == nil && !ok {
		return &MissingAttributeError{Keyword: name(t)}
	}
	return err
}

// cosineTolerance is how far direction cosines may be from unit length and from
// right angles: they are often written with three digits.
const cosineTolerance = 2e-3

// orientation returns the row and the column direction of six direction cosines,
// made orthonormal.
func orientation(c []float64) (along, down r3.Vec, err error) {
	along, down = r3.Vec{X: c[0], Y: c[1], Z: c[2]}, r3.Vec{X: c[3], Y: c[4], Z: c[5]}
	off := max(math.Abs(r3.Norm(along)-1), math.Abs(r3.Norm(down)-1), math.Abs(r3.Dot(along, down)))
	if off > cosineTolerance {
		return along, down, &InvalidAttributeError{Keyword: name(tag.ImageOrientationPatient), Problem: "not a pair of orthogonal unit vectors"}
	}
	along = r3.Unit(along)
	down = r3.Unit(r3.Sub(down, r3.Scale(r3.Dot(along, down), along)))
	return along, down, nil
}

func (in *instance) describeRescale(r record, f *frame) error {
	slope, hasSlope, err := r.float(tag.RescaleSlope)
	if err != nil {
		return err
	}
	intercept, hasIntercept, err := r.float(tag.RescaleIntercept)
	if err != nil {
		return err
	}
	switch {
	case hasSlope && slope == 0:
		return &InvalidAttributeError{Keyword: name(tag.RescaleSlope), Problem: "zero"}
	case hasSlope && hasIntercept:
		f.rescale = rescale{slope: slope, intercept: intercept}
	case in.format.Signed && !hasSlope && !hasIntercept:
		// Signed values without rescale are HU as a rule; unsigned ones lack an
		// offset that cannot be known.
		f.rescale = rescale{slope: 1}
		in.assumedHU = true
	case hasSlope:
		return &MissingAttributeError{Keyword: name(tag.RescaleIntercept)}
	default:
		return &MissingAttributeError{Keyword: name(tag.RescaleSlope)}
	}
	return nil
}

// acquisition reads what is known of the acquisition; what cannot be read is left
// unknown.
func acquisition(r record) volume.Acquisition {
	thickness, _, _ := r.float(tag.SliceThickness)
	kvp, _, _ := r.float(tag.KVP)
	return volume.Acquisition{
		SliceThickness:    max(thickness, 0),
		KVP:               max(kvp, 0),
		ConvolutionKernel: r.text(tag.ConvolutionKernel),
		ContrastAgent:     r.text(tag.ContrastBolusAgent),
		PatientPosition:   r.text(tag.PatientPosition),
		BodyPart:          r.text(tag.BodyPartExamined),
		Manufacturer:      r.text(tag.Manufacturer),
	}
}
