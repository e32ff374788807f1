// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package landmark

import (
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/spine"
)

// Point is a landmark.
type Point struct {
	Position r3.Vec  // LPS mm
	SD       float64 // standard deviation along the body's superior axis, mm

	// ByReader is set where a reader placed the point.
	ByReader bool `json:",omitempty"`
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

// Name names one of the six points.
type Name uint8

// The points, in the order of endplates and in them from anterior to posterior.
const (
	SuperiorAnterior Name = iota
	SuperiorMiddle
	SuperiorPosterior
	InferiorAnterior
	InferiorMiddle
	InferiorPosterior
	NumPoints = iota
)

// Endplate returns the endplate that the point belongs to.
func (n Name) Endplate() spine.Endplate {
	if n < InferiorAnterior {
		return spine.Superior
	}
	return spine.Inferior
}

// Text returns the name in words, such as "superior anterior".
func (n Name) Text() phrase.Text {
	return phrase.Of("%s %s", n.Endplate().Text(), [...]phrase.Text{"anterior", "middle", "posterior"}[n%3])
}

func (n Name) String() string { return n.Text().String() }

// Point returns a point of the vertebra. It panics for a name that is none of the six.
func (v *Vertebra) Point(n Name) *Point {
	e := v.Endplate(n.Endplate())
	return [...]*Point{&e.Anterior, &e.Middle, &e.Posterior, &e.Anterior, &e.Middle, &e.Posterior}[n]
}

// Endplate returns an endplate of the vertebra.
func (v *Vertebra) Endplate(e spine.Endplate) *Endplate {
	if e == spine.Inferior {
		return &v.Inferior
	}
	return &v.Superior
}
