// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/volume"
)

// Body is the outline of one vertebral body in its mid-sagittal plane, the
// plane through the centres of canal and body. Coordinates are those of Frame:
// s superior and a anterior of the body's centre, mm. A plate or wall that
// could not be found has no points, and Reason says why.
type Body struct {
	Frame volume.Frame

	Superior, Inferior  Plate
	Anterior, Posterior Wall

	Depth float64 // between the wall lines at mid-height, mm
	Width float64 // between the lateral walls at mid-height, mm; 0 if not known

	// Truncated is set where the volume does not hold both endplates from wall to
	// wall; Reason says on which side it ends.
	Truncated bool
	Reason    phrase.Text

	// Behind, mm, is how far behind the posterior wall bone stands where localization's
	// path has left the canal, of which no more is then known; 0 elsewhere.
	Behind float64
}

// Plate is the outer face of an endplate in the mid-sagittal plane: the mean
// over ±5 mm across it.
type Plate struct {
	A  []float64 // ascending, mm
	S  []float64 // mm
	SD []float64 // standard deviation of S, mm
}

// Wall is the outer face of the anterior or posterior wall in the mid-sagittal
// plane.
type Wall struct {
	S  []float64 // ascending, mm
	A  []float64 // mm
	SD []float64 // standard deviation of A, mm
}
