// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package landmark

import "gonum.org/v1/gonum/spatial/r3"

// Point is a landmark.
type Point struct {
	Position r3.Vec  // LPS mm
	SD       float64 // standard deviation along the body's superior axis, mm
}

// Endplate is one endplate in the body's mid-sagittal plane.
type Endplate struct {
	Anterior, Middle, Posterior Point

	// Direction is the unit direction of the least-squares line through the
	// endplate, from posterior to anterior; DirectionSD its standard deviation
	// in degrees.
	Direction   r3.Vec
	DirectionSD float64

	// Depth is the depth of the concavity: the largest distance of the endplate
	// towards the body's centre from the chord of its corners, mm; negative if
	// the endplate bulges.
	Depth float64
}

// Vertebra holds the six morphometry points of a vertebra and its endplates.
type Vertebra struct {
	Superior, Inferior Endplate

	// Center is the body's centre, LPS mm.
	Center r3.Vec
	// SuperiorAxis and LeftAxis are unit axes of the body; the mid-sagittal
	// plane is perpendicular to LeftAxis.
	SuperiorAxis, LeftAxis r3.Vec
}
