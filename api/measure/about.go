// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"slices"
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

// gravity holds the postures by the code values of orientations with respect to gravity,
// of SNOMED CT, of SNOMED RT that older devices write, and of the NCI Thesaurus.
//
// Reference: DICOM PS3.16 CID 19 and 20.
var gravity = map[string]comparison.Posture{
	"40199007": comparison.Supine, "F-10340": comparison.Supine,
	"1240000": comparison.Prone, "F-10310": comparison.Prone,
	"102536004": comparison.LeftDecubitus, "F-10319": comparison.LeftDecubitus,
	"102535000": comparison.RightDecubitus, "F-10317": comparison.RightDecubitus,
	"10904000": comparison.Standing, "F-10320": comparison.Standing,
	"33586001": comparison.Sitting,
}

// erect says that a patient stands unless a modifier says that he sits.
const erect = "C86043"

// postureOnFilm returns what a film's header says of the posture.
func postureOnFilm(f *dicom.Radiograph) comparison.Posture {
	for _, value := range f.Gravity {
		if p, ok := gravity[value]; ok {
			return p
		}
	}
	if slices.Contains(f.Gravity, erect) {
		return comparison.Standing
	}
	return postureOf(f.PatientPosition)
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
