// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package morphometry

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/spine"
)

// Names of angles.
const (
	Gardner          = "GARDNER"
	BisegmentalCobb  = "BISEGMENTAL_COBB"
	ThoracicKyphosis = "THORACIC_KYPHOSIS"
	LumbarLordosis   = "LUMBAR_LORDOSIS"
)

// Angles returns the angles that the column, ordered from superior to inferior,
// covers: for each vertebra Gardner's angle (superior endplate of the level
// above to inferior endplate of the level) and the bisegmental Cobb angle
// (… to inferior endplate of the level below), then T4–T12 kyphosis and L1–S1
// lordosis. An angle of which an endplate is missing is left out.
//
// Angles are taken in the local sagittal plane: that perpendicular to the mean
// left axis of the vertebrae from the first to the last. So neither the
// patient's position nor the axial rotation of a scoliotic segment turns them.
//
// Reference: Curfs 2016 (Gardner's angle); Ulmar, Eur Spine J 2010;19:558
// (bisegmental Cobb angle); Zappalá 2021 (kyphosis from T4 or T5 to T12); the
// lordosis from L1 to S1 is that of TPTBox. Kyphosis positive: a convention.
func Angles(column []Vertebra) []Angle {
	var angles []Angle
	add := func(name string, level spine.Level, i, j int, end spine.Endplate) {
		if a, ok := angleBetween(column[i:j+1], end); ok {
			a.Name, a.Level = name, level
			angles = append(angles, a)
		}
	}
	for i := 1; i < len(column); i++ {
		if !Adjacent(column[i-1].Level, column[i].Level) {
			continue
		}
		add(Gardner, column[i].Level, i-1, i, spine.Inferior)
		if i+1 < len(column) && Adjacent(column[i].Level, column[i+1].Level) {
			add(BisegmentalCobb, column[i].Level, i-1, i+1, spine.Inferior)
		}
	}
	if i, j := indexOf(column, spine.T4), indexOf(column, spine.T12); i >= 0 && j > i {
		add(ThoracicKyphosis, spine.Unknown, i, j, spine.Inferior)
	}
	if i, j := indexOf(column, spine.L1), indexOf(column, spine.S1); i >= 0 && j > i {
		add(LumbarLordosis, spine.Unknown, i, j, spine.Superior)
	}
	return angles
}

func indexOf(column []Vertebra, l spine.Level) int {
	for i := range column {
		if column[i].Level == l {
			return i
		}
	}
	return -1
}

// Adjacent tells whether lower is the level next below upper. L5 or L6 and T12
// or T13 may be the last of their region; the names alone cannot tell a patient
// without T12 from a gap, so T11 and L1 are not adjacent.
func Adjacent(upper, lower spine.Level) bool {
	if upper == spine.L5 && lower == spine.S1 {
		return true
	}
	step := lower.Order() - upper.Order()
	return step > 0 && step <= 1
}

// angleBetween returns the angle from the superior endplate of the first to the
// given endplate of the last vertebra of a part of the column.
func angleBetween(part []Vertebra, end spine.Endplate) (Angle, bool) {
	first, last := part[0], part[len(part)-1]
	if first.Landmarks == nil || last.Landmarks == nil {
		return Angle{}, false
	}
	upper, lower := &first.Landmarks.Superior, endplate(last.Landmarks, end)
	if !upper.Found() || !lower.Found() {
		return Angle{}, false
	}
	var left r3.Vec
	for _, v := range part {
		if v.Landmarks != nil {
			left = r3.Add(left, v.Landmarks.LeftAxis)
		}
	}
	return Angle{
		From:    EndplateOf{first.Level, spine.Superior},
		To:      EndplateOf{last.Level, end},
		Degrees: kyphosis(upper.Direction, lower.Direction, r3.Unit(left)),
		SD:      math.Hypot(upper.DirectionSD, lower.DirectionSD),
	}, true
}

func endplate(v *landmark.Vertebra, e spine.Endplate) *landmark.Endplate {
	if e == spine.Inferior {
		return &v.Inferior
	}
	return &v.Superior
}
