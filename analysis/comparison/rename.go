// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"slices"

	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/spine"
)

// regular are the levels of a column without supernumerary ones.
var regular = func() []spine.Level {
	var all []spine.Level
	for l := spine.C1; l <= spine.L5; l++ {
		all = append(all, l)
	}
	return append(all, spine.S1)
}()

// lowered returns the level so many below l, or Unknown beyond the column.
func lowered(l spine.Level, by int) spine.Level {
	i, ok := slices.BinarySearchFunc(regular, l, func(r, l spine.Level) int {
		switch {
		case r.Order() < l.Order():
			return -1
		case r.Order() > l.Order():
			return 1
		}
		return 0
	})
	if !ok && l == spine.T13 && by < 0 {
		by++ // i is already that of L1, the next below
	}
	if i += by; i < 0 || i >= len(regular) {
		return spine.Unknown
	}
	return regular[i]
}

// rename gives both examinations the names of the one that is kept, and judges
// the other's vertebrae anew by them: expected heights and grades go by level. What
// would lie beyond the column is left out.
func (c *chains) rename(shift int, keptBefore bool) {
	kept, other, slotKept, slotOther := &c.before, &c.after, c.slotBefore, &c.slotAfter
	if !keptBefore {
		kept, other, slotKept, slotOther = other, kept, c.slotAfter, &c.slotBefore
		shift = -shift
	}
	renamed := **other
	renamed.Vertebrae = nil
	var slotRenamed []int
	for i, slot := range *slotOther {
		v := (*other).Vertebrae[i]
		if v.Level = nameAt((*kept).Vertebrae, slotKept, slot-shift); v.Level != spine.Unknown {
			renamed.Vertebrae, slotRenamed = append(renamed.Vertebrae, v), append(slotRenamed, slot)
		}
	}
	renamed.assess()
	*other, *slotOther = &renamed, slotRenamed
}

// nameAt returns the name of a slot of a chain: that of its vertebra, or the one
// that follows from the nearest.
func nameAt(vertebrae []Vertebra, slot []int, at int) spine.Level {
	i, ok := slices.BinarySearch(slot, at)
	if ok {
		return vertebrae[i].Level
	}
	i = min(i, len(slot)-1)
	if i > 0 && at-slot[i-1] < slot[i]-at {
		i--
	}
	return lowered(vertebrae[i].Level, at-slot[i])
}

// assess measures and grades the vertebrae anew.
func (e *Examination) assess() {
	column := make([]morphometry.Vertebra, len(e.Vertebrae))
	for i := range e.Vertebrae {
		v := &e.Vertebrae[i]
		column[i] = morphometry.Vertebra{Level: v.Level, Landmarks: v.Landmarks, Treated: v.treated()}
	}
	a := finding.Assess(column)
	for i, assessed := range a.Vertebrae {
		v := &e.Vertebrae[i]
		v.Heights, v.Expected, v.Deformity = assessed.Heights, assessed.Expected, assessed.Deformity
		v.Wedge, v.DiscHeight = (*morphometry.Estimate)(assessed.WedgeAngle), (*morphometry.Estimate)(assessed.DiscHeight)
	}
	e.Angles = a.Angles
	e.Film.withhold(e.Vertebrae)
}
