// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicom

import (
	"math"
	"strconv"
	"strings"

	"github.com/suyashkumar/dicom"
	"github.com/suyashkumar/dicom/pkg/tag"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/dicom/internal/element"
)

// attributes are the attributes that are handed to the parser, with their VR. Of
// those that identify a patient only digests are kept.
var attributes = map[tag.Tag]string{
	tag.ImageType:                  "CS",
	tag.SOPClassUID:                "UI",
	tag.SOPInstanceUID:             "UI",
	tag.AcquisitionDate:            "DA",
	tag.AcquisitionDateTime:        "DT",
	tag.AcquisitionTime:            "TM",
	tag.StudyDate:                  "DA",
	tag.SeriesDate:                 "DA",
	tag.StudyTime:                  "TM",
	tag.SeriesTime:                 "TM",
	tag.Modality:                   "CS",
	tag.Manufacturer:               "LO",
	tag.FrameType:                  "CS",
	tag.ContrastBolusAgent:         "LO",
	tag.BodyPartExamined:           "CS",
	tag.SliceThickness:             "DS",
	tag.KVP:                        "DS",
	tag.ConvolutionKernel:          "SH",
	tag.PatientPosition:            "CS",
	tag.PatientID:                  "LO",
	tag.IssuerOfPatientID:          "LO",
	tag.PatientBirthDate:           "DA",
	tag.PatientSex:                 "CS",
	tag.StudyInstanceUID:           "UI",
	tag.SeriesInstanceUID:          "UI",
	tag.AcquisitionNumber:          "IS",
	tag.ImagePositionPatient:       "DS",
	tag.ImageOrientationPatient:    "DS",
	tag.FrameOfReferenceUID:        "UI",
	tag.TemporalPositionIdentifier: "IS",
	tag.StackID:                    "SH",
	tag.TemporalPositionIndex:      "UL",
	tag.FrameAcquisitionNumber:     "US",
	tag.FrameAcquisitionDateTime:   "DT",
	tag.SamplesPerPixel:            "US",
	tag.PhotometricInterpretation:  "CS",
	tag.PlanarConfiguration:        "US",
	tag.NumberOfFrames:             "IS",
	tag.Rows:                       "US",
	tag.Columns:                    "US",
	tag.PixelSpacing:               "DS",
	tag.BitsAllocated:              "US",
	tag.BitsStored:                 "US",
	tag.HighBit:                    "US",
	tag.PixelRepresentation:        "US",
	tag.PixelPaddingValue:          "US",
	tag.PixelPaddingRangeLimit:     "US",
	tag.RescaleIntercept:           "DS",
	tag.RescaleSlope:               "DS",
	tag.RescaleType:                "LO",

	tag.SharedFunctionalGroupsSequence:   "SQ",
	tag.PerFrameFunctionalGroupsSequence: "SQ",
	tag.FrameContentSequence:             "SQ",
	tag.PlanePositionSequence:            "SQ",
	tag.PlaneOrientationSequence:         "SQ",
	tag.PixelMeasuresSequence:            "SQ",
	tag.PixelValueTransformationSequence: "SQ",
	tag.CTImageFrameTypeSequence:         "SQ",
	tag.CTReconstructionSequence:         "SQ",
	tag.CTXRayDetailsSequence:            "SQ",
}

// maxValue bounds the values above, bytes. The longest real one, a ConvolutionKernel
// of several values, takes some hundred.
const maxValue = 4096

func name(t tag.Tag) string { return element.Name(t) }

func isNumber(vr string) bool { return vr == "US" || vr == "SS" || vr == "UL" }

func numberSize(vr string) uint32 {
	if vr == "UL" {
		return 4
	}
	return 2
}

// accepted returns the VR under which a value of VR found in the file is handed
// on for an attribute of VR want. Text may stand for text, whatever its kind.
func accepted(want, found string) (vr string, ok bool) {
	switch found {
	case "", "UN", want:
		return want, true
	case "US", "SS":
		return found, want == "US"
	case "AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "SH", "ST", "TM", "UI", "UT":
		return want, !isNumber(want) && want != "SQ"
	}
	return "", false
}

// record gives access to the attributes of a data set or an item.
type record []*dicom.Element

func (r record) find(t tag.Tag) *dicom.Element {
	for _, e := range r {
		if e.Tag == t {
			return e
		}
	}
	return nil
}

// texts returns the values of a text attribute, trimmed; nil if it is absent.
func (r record) texts(t tag.Tag) []string {
	e := r.find(t)
	if e == nil {
		return nil
	}
	values, _ := e.Value.GetValue().([]string)
	for i, v := range values {
		values[i] = strings.ToValidUTF8(strings.Trim(v, " \x00"), "?")
	}
	return values
}

// text returns all values of a text attribute, separated by backslashes.
func (r record) text(t tag.Tag) string { return strings.Join(r.texts(t), `\`) }

// uid returns a UID, or "" if it is absent or cannot be one.
func (r record) uid(t tag.Tag) string { return element.ValidUID(r.text(t)) }

// floats returns the n values of a decimal attribute. ok is false if it is absent or
// empty; a value that is no number, or the wrong count, is an error.
func (r record) floats(t tag.Tag, n int) (values []float64, ok bool, err error) {
	texts := r.texts(t)
	if len(texts) == 0 || len(texts) == 1 && texts[0] == "" {
		return nil, false, nil
	}
	if len(texts) != n {
		return nil, false, &InvalidAttributeError{Keyword: name(t), Problem: "has " + strconv.Itoa(len(texts)) + " values, not " + strconv.Itoa(n)}
	}
	values = make([]float64, n)
	for i, s := range texts {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil || math.IsNaN(v) || math.Abs(v) > maxNumber {
			return nil, false, &InvalidAttributeError{Keyword: name(t), Problem: "not a number"}
		}
		values[i] = v
	}
	return values, true, nil
}

// maxNumber bounds decimal values: no length, attenuation or voltage comes near.
const maxNumber = 1e9

// float returns a decimal attribute of one value, and whether it is there.
func (r record) float(t tag.Tag) (v float64, ok bool, err error) {
	values, ok, err := r.floats(t, 1)
	if !ok {
		return 0, false, err
	}
	return values[0], true, nil
}

// integer returns the first value of a binary or text integer attribute, and
// whether it is there.
func (r record) integer(t tag.Tag) (v int, ok bool, err error) {
	e := r.find(t)
	if e == nil {
		return 0, false, nil
	}
	switch values := e.Value.GetValue().(type) {
	case []int:
		if len(values) > 0 {
			return values[0], true, nil
		}
	case []string:
		s := r.texts(t)[0]
		if s == "" {
			return 0, false, nil
		}
		if v, err := strconv.Atoi(s); err == nil {
			return v, true, nil
		}
		return 0, false, &InvalidAttributeError{Keyword: name(t), Problem: "not a whole number"}
	}
	return 0, false, nil
}

// required is integer for an attribute that must be there.
func (r record) required(t tag.Tag) (int, error) {
	v, ok, err := r.integer(t)
	if err == nil && !ok {
		err = &MissingAttributeError{Keyword: name(t)}
	}
	return v, err
}

// vec returns a decimal attribute of three values.
func (r record) vec(t tag.Tag) (v r3.Vec, ok bool, err error) {
	f, ok, err := r.floats(t, 3)
	if !ok {
		return r3.Vec{}, false, err
	}
	return r3.Vec{X: f[0], Y: f[1], Z: f[2]}, true, nil
}

// items returns the items of a sequence; none if it is absent.
func (r record) items(t tag.Tag) []record {
	e := r.find(t)
	if e == nil {
		return nil
	}
	values, _ := e.Value.GetValue().([]*dicom.SequenceItemValue)
	items := make([]record, 0, len(values))
	for _, v := range values {
		elements, _ := v.GetValue().([]*dicom.Element)
		items = append(items, record(elements))
	}
	return items
}
