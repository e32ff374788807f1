// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package outline

import (
	"strings"

	"gonum.org/v1/gonum/spatial/r2"

	"github.com/endplate/endplate/analysis/radiograph"
)

// nearerSkin is how many times farther the skin of the belly must lie from the spine than
// that of the back to tell which is which: default.
const nearerSkin = 1.25

// side returns where anterior is, and whether the header says so: by PatientOrientation, or
// else by the back's skin, which lies nearer to the spine than the belly's wherever the film
// shows both.
func (s *search) side() (Side, bool) {
	down := r2.Unit(r2.Sub(s.at[len(s.at)-1], s.at[0]))
	right := r2.Vec{X: down.Y, Y: -down.X}
	if told := SideByHeader(&s.film.image.Header, down); told != UnknownSide {
		return told, true
	}
	var reach [2]float64
	for n, direction := range []r2.Vec{right, r2.Scale(-1, right)} {
		for _, from := range s.at {
			p := from
			for s.film.holds(p, 0) && s.field.Holds(s.film.point(p)) {
				p = r2.Add(p, r2.Scale(s.step, direction))
			}
			if s.film.holds(p, 2*s.step) { // the field ends before the film does
				reach[n] += r2.Norm(r2.Sub(p, from)) / float64(len(s.at))
			} else {
				reach[n] += 2 * r2.Norm(r2.Sub(p, from)) / float64(len(s.at))
			}
		}
	}
	switch {
	case reach[0] > nearerSkin*reach[1]:
		return Right, false
	case reach[1] > nearerSkin*reach[0]:
		return Left, false
	}
	return UnknownSide, false
}

// SideByHeader returns where PatientOrientation says that anterior is, of a film on which
// down is the way to inferior; UnknownSide where it does not.
func SideByHeader(h *radiograph.Header, down r2.Vec) Side {
	down = r2.Unit(down)
	right := r2.Vec{X: down.Y, Y: -down.X}
	for n, axis := range []r2.Vec{{X: 1}, {Y: 1}} {
		for letter, sign := range map[string]float64{"A": 1, "P": -1} {
			along := sign * r2.Dot(axis, right)
			if strings.HasPrefix(h.PatientOrientation[n], letter) && along*along > 0.25 {
				return sideOf(along > 0)
			}
		}
	}
	return UnknownSide
}

func sideOf(right bool) Side {
	if right {
		return Right
	}
	return Left
}
