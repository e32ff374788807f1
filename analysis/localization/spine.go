// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package localization

import (
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/phrase"
)

// Spine is what localization finds in a CT: the canal and the chain of
// vertebrae along it, from superior to inferior, without their names.
type Spine struct {
	Canal     []CanalPoint
	Vertebrae []Vertebra

	// Reason says why no vertebra was found; it is empty if any was.
	Reason phrase.Text
}

// CanalPoint is one point of the smoothed canal, about a millimetre from the
// next, ordered from superior to inferior.
type CanalPoint struct {
	Position r3.Vec // LPS mm
	Superior r3.Vec // unit tangent, towards the head
	Anterior r3.Vec // unit, perpendicular to Superior, from the canal towards the bodies
}

// Vertebra is one link of the chain. Its positions are rough (within some 3 mm)
// and are refined by segmentation.
type Vertebra struct {
	Center r3.Vec // centre of the vertebral body
	Canal  r3.Vec // centre of the canal at the height of Center

	Superior r3.Vec // unit axis of the body, towards the head
	Anterior r3.Vec // unit, perpendicular to Superior

	SuperiorEndplate r3.Vec // centre of the superior endplate
	InferiorEndplate r3.Vec // centre of the inferior endplate

	Depth, Width float64 // of the body at mid-height, mm; 0 if not known

	// Truncated is set where the field of view cuts the body; Reason says how.
	Truncated bool
	Reason    phrase.Text

	// Sacral marks the first sacral segment, of which only the superior
	// endplate counts.
	Sacral bool
}
