// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"time"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// Identity tells patients apart without saying who they are. Its values are
// opaque; an empty one is not known. Two examinations are of different patients
// where both know a value and it differs.
type Identity struct {
	Patient string // of the patient's identifier
	Issuer  string // of who issued it
	Traits  string // of date of birth and sex
}

// Posture is how the patient lay or stood.
type Posture string

// The postures; an empty one is not known.
const (
	Supine         Posture = "SUPINE"
	Prone          Posture = "PRONE"
	LeftDecubitus  Posture = "LEFT_DECUBITUS"
	RightDecubitus Posture = "RIGHT_DECUBITUS"
	Standing       Posture = "STANDING"
	Sitting        Posture = "SITTING"
)

// Text returns the posture in words.
func (p Posture) Text() phrase.Text {
	switch p {
	case Supine:
		return "supine"
	case Prone:
		return "prone"
	case LeftDecubitus:
		return "on the left side"
	case RightDecubitus:
		return "on the right side"
	case Standing:
		return "standing"
	case Sitting:
		return "sitting"
	}
	return phrase.Of("%s", string(p))
}

// About is what is known of an examination beside its result.
type About struct {
	Name                string // what the caller calls it, such as a path
	Patient             Identity
	StudyInstanceUID    string
	SeriesInstanceUID   string
	FrameOfReferenceUID string
	Acquired            time.Time // zero if not known
	Modality            string
	Posture             Posture
	SliceSpacing        float64 // mm; 0 if not known
	PixelSpacing        float64 // mm; 0 if not known
	Given               int     // place in the order in which the caller gives the examinations, from 0
}

// Examination is what a comparison needs of one examination. It is plain data:
// encoding/json writes it and reads it back without loss.
type Examination struct {
	About
	Vertebrae []Vertebra // from superior to inferior
	Angles    []morphometry.Angle
	Reason    phrase.Text // why no vertebra was found
	Film      *Film       // of a radiograph; nil for a CT
}

// Film is what a comparison needs of a radiograph beside its vertebrae, whose positions lie
// in its own plane. Without millimetres those are of an average adult's bodies, and no height
// is told.
type Film struct{ Calibration radiograph.Calibration }

// Millimetres reports whether lengths of the examination are in millimetres.
func (e *Examination) Millimetres() bool { return e.Film == nil || e.Film.Calibration.Millimetres() }

// Vertebra is one vertebra of an Examination. What is nil was not measured.
type Vertebra struct {
	Level       spine.Level
	Probability float64 // of Level, 0 to 1
	Alternative spine.Level

	Status   analysis.Status
	Complete bool
	Reason   phrase.Text
	Center   r3.Vec // of the body, LPS mm

	Landmarks  *landmark.Vertebra
	Heights    *morphometry.Heights
	Expected   *morphometry.Expected // from this examination alone
	Wedge      *morphometry.Estimate // degrees
	DiscHeight *morphometry.Estimate // of the disc below, mm
	Deformity  *finding.Deformity

	Canal        *morphometry.Canal
	Retropulsion *morphometry.Estimate // mm

	Shape  *Shape
	Cement *Cement // nil where there is none
	Metal  bool
}

// Shape is the outline of a body, in its own frame. Of a body that was found and not
// measured there are frame and picture alone.
type Shape struct {
	Frame        volume.Frame
	Depth, Width float64 // mm; 0 if not known
	// Outline is the closed outline in the mid-sagittal plane: superior and
	// anterior of the frame's origin, mm.
	Outline [][2]float64
	// Surface holds the points of segmentation.Surface: superior, anterior and left
	// of the frame's origin, mm; empty without an image.
	Surface [][3]float64
	Volume  float64 // mm³; 0 if not known

	Picture *segmentation.Picture // nil without an image
}

// Cement is the cement of one vertebra.
type Cement struct {
	Volume, VolumeSD float64 // of all of it, ml
	Inside           float64 // of what did not leak, ml
	Leaks            []Leak
}

// Leak is cement beyond the body.
type Leak struct {
	Place            phrase.Text // as cement.Place says it
	Volume, Distance float64     // ml, mm
}
