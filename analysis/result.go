// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/cement"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/localization"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// Result is what one examination shows.
type Result struct {
	// Canal is the smoothed canal from superior to inferior; empty for a label
	// map without image or where no spine was found.
	Canal     []localization.CanalPoint
	Vertebrae []Vertebra // from superior to inferior
	Angles    []morphometry.Angle
	Findings  []finding.Finding
	Warnings  []Warning

	// Grid is that of the image as it was measured, by which Cement tells its voxels;
	// zero for a label map without image.
	Grid volume.Geometry

	// Film tells of a radiograph; nil for a CT or a label map.
	Film *Film

	// Density is the judgement of the patient's bone; nil without an image.
	Density *finding.Density

	// Reason says why Vertebrae is empty.
	Reason phrase.Text
}

// Status says whether a vertebra was measured.
type Status uint8

// The statuses.
const (
	Measured Status = iota + 1
	Truncated
	NotMeasurable
)

// Vertebra is one vertebra of a Result.
type Vertebra struct {
	Level            spine.Level
	LevelProbability float64     // of Level, 0 to 1
	LevelAlternative spine.Level // the runner-up

	Status   Status
	Reason   phrase.Text // why it was not measured, or what makes it doubtful
	Complete bool        // whole in the field of view

	Center r3.Vec // of the vertebral body, LPS mm

	// The following are nil where they could not be had.
	Body       *segmentation.Body
	Surface    *segmentation.Surface
	Picture    *segmentation.Picture
	Landmarks  *landmark.Vertebra
	Heights    *morphometry.Heights
	Expected   *morphometry.Expected
	WedgeAngle *Measurement // degrees, kyphosis positive
	// DiscHeight is the height of the disc below, mm.
	DiscHeight *Measurement
	Deformity  *finding.Deformity
	Ratios     *Ratios // of a film alone

	Canal  Canal
	Wall   Wall
	Tissue *morphometry.Tissue // nil without an image

	Cement *cement.Treated // nil where there is none
	Metal  *cement.Metal

	Fracture  *finding.Fracture // nil where there is none
	Treatment []finding.TreatmentFact

	// Withdrawn is what was measured and does not count; nil where there is none.
	Withdrawn *Withdrawn
	Reader    Reader
}

// Withdrawn is what was measured of a vertebra that is not measurable: six points that
// no body can have, or a vertebra that a reader says so of. It serves where a reader
// says that it is measurable after all.
type Withdrawn struct {
	Reason    phrase.Text // that the vertebra had before
	Landmarks *landmark.Vertebra
	Tissue    *morphometry.Tissue
}

// Reader tells what a reader did to a vertebra. What the points are that a reader
// placed, they say themselves.
type Reader struct {
	Added  bool // was not found
	Named  bool // gave it its level
	Status bool // said whether it is measurable

	// Measured holds the landmarks as they were before a reader moved one; nil where
	// none was moved.
	Measured *landmark.Vertebra
}

// Canal is the bony canal beside a vertebra.
type Canal struct {
	Outline    *segmentation.Canal // nil where none was looked for
	Size       *morphometry.Canal
	Compromise *morphometry.Compromise // against the adjacent levels
	Assessment finding.Canal
	Reason     phrase.Text // why it was not measured, or what makes it doubtful
}

// Wall is the posterior wall of a body: what was measured of it, and what it
// comes to.
type Wall struct {
	Measures finding.WallMeasures
	finding.PosteriorWall
}

// Measurement is a number with its standard deviation, both in the unit that
// the holder states.
type Measurement struct {
	Value, SD float64
}

// Warning tells of something that makes a result doubtful.
type Warning struct {
	Code    string // upper case, such as LEVELS_GUESSED
	Message phrase.Text
}
