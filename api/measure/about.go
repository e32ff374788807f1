// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"strings"
	"time"

	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/dicom"
)

// aboutOf returns what a stack's headers say of an examination.
func aboutOf(s *dicom.Stack, name string) comparison.About {
	column, _, slice := s.Geometry.Spacing()
	acquired, ok := parseDateTime(s.AcquisitionDateTime)
	if !ok {
		acquired, _ = parseDateTime(s.SeriesDateTime)
	}
	return comparison.About{
		Name:                name,
		Patient:             comparison.Identity{Patient: s.Patient.ID, Issuer: s.Patient.Issuer, Traits: s.Patient.Traits},
		StudyInstanceUID:    s.StudyInstanceUID,
		SeriesInstanceUID:   s.SeriesInstanceUID,
		FrameOfReferenceUID: s.FrameOfReferenceUID,
		Acquired:            acquired,
		Modality:            s.Modality,
		Posture:             postureOf(s.Acquisition.PatientPosition),
		SliceSpacing:        slice,
		PixelSpacing:        column,
	}
}

// dateTimeLayout is the longest DT that is read: YYYYMMDDHHMMSS. Fractions of a
// second and time zones, which one hospital's series share, are left out.
const dateTimeLayout = "20060102150405"

// parseDateTime parses a DICOM DT of at least a date.
func parseDateTime(dt string) (t time.Time, ok bool) {
	digits := strings.TrimSpace(dt)
	if i := strings.IndexAny(digits, ".+-"); i >= 0 {
		digits = digits[:i]
	}
	n := min(len(digits), len(dateTimeLayout)) &^ 1
	if n < len("20060102") {
		return time.Time{}, false
	}
	t, err := time.Parse(dateTimeLayout[:n], digits[:n])
	return t, err == nil
}

// postureOf returns the posture of a PatientPosition: the first two letters say
// which end goes in first.
//
// Reference: DICOM PS3.3 C.7.3.1.1.2.
func postureOf(position string) comparison.Posture {
	switch strings.TrimPrefix(strings.TrimPrefix(strings.ToUpper(position), "HF"), "FF") {
	case "S":
		return comparison.Supine
	case "P":
		return comparison.Prone
	case "DL":
		return comparison.LeftDecubitus
	case "DR":
		return comparison.RightDecubitus
	}
	return ""
}
