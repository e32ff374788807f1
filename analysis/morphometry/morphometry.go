// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package morphometry

import (
	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/spine"
)

// Vertebra is a named vertebra to be measured. Landmarks is nil where it could
// not be measured; S1 has only its superior endplate.
type Vertebra struct {
	Level     spine.Level
	Landmarks *landmark.Vertebra

	// Treated is set for a vertebra with cement or metal: others' heights are not
	// expected from it.
	Treated bool
}

// Heights are the distances between a body's endplates, mm.
type Heights struct {
	Anterior, Middle, Posterior       float64
	AnteriorSD, MiddleSD, PosteriorSD float64
}

// Expected are the heights that the patient's own unfractured neighbours lead
// one to expect, mm. From lists the levels used; it is empty, and the heights
// are 0, where there was none.
type Expected struct {
	Anterior, Middle, Posterior       float64
	AnteriorSD, MiddleSD, PosteriorSD float64

	SD   float64 // root mean square of the three, mm
	From []spine.Level
}

// Angle is an angle between two endplates in the sagittal plane, degrees,
// kyphosis positive.
type Angle struct {
	Name     string      // THORACIC_KYPHOSIS, LUMBAR_LORDOSIS, GARDNER, BISEGMENTAL_COBB
	Level    spine.Level // the vertebra it is told of, Unknown for a regional angle
	From, To EndplateOf
	Degrees  float64
	SD       float64
}

// EndplateOf names one endplate, such as "T4 superior".
type EndplateOf struct {
	Level    spine.Level
	Endplate spine.Endplate
}

// String returns the name, such as "T4 superior".
func (e EndplateOf) String() string { return e.Level.String() + " " + e.Endplate.String() }
