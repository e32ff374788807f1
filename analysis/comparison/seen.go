// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"math"
	"slices"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/spine"
)

// angleChanges returns the changes of the angles that both examinations have.
func angleChanges(before, after *Examination, c *changes) []AngleChange {
	var out []AngleChange
	for _, b := range before.Angles {
		i := slices.IndexFunc(after.Angles, func(a morphometry.Angle) bool {
			return a.Name == b.Name && a.Level == b.Level && a.From == b.From && a.To == b.To
		})
		if i < 0 {
			continue
		}
		f := angleFloor
		if b.To.Level == spine.S1 {
			f = sacrumFloor
		}
		a := after.Angles[i]
		change := c.of(&morphometry.Estimate{Value: b.Degrees, SD: b.SD}, &morphometry.Estimate{Value: a.Degrees, SD: a.SD}, f)
		out = append(out, AngleChange{b.Name, b.Level, b.From, b.To, change})
	}
	return out
}

// track looks for the endplates of each pair's body of the first examination in the
// pictures of the second; nil where they are not found.
func (c *Comparison) track() []*tracked {
	out := make([]*tracked, len(c.Vertebrae))
	for i, p := range c.Vertebrae {
		if p.BeforeIndex < 0 || p.AfterIndex < 0 {
			continue
		}
		before, after := &c.Before.Vertebrae[p.BeforeIndex], &c.After.Vertebrae[p.AfterIndex]
		if t, ok := track(before, after, c.sights(i), p.Level == spine.S1); ok {
			out[i] = &t
		}
	}
	return out
}

// sights returns the pictures in which the endplates of pair i may be found: that of
// its own body; and, for that may be of a body outlined at a wrong place, the same
// and those of the bodies beside it, where its neighbours' motion takes it.
func (c *Comparison) sights(i int) []sight {
	var out []sight
	add := func(j int, within reach, motion *Rigid) {
		if j < 0 || j >= len(c.Vertebrae) || c.Vertebrae[j].AfterIndex < 0 {
			return
		}
		if v := &c.After.Vertebrae[c.Vertebrae[j].AfterIndex]; v.Shape != nil && v.Shape.Picture != nil {
			out = append(out, sight{v.Shape, within, motion})
		}
	}
	add(i, wholeReach, nil)
	if !c.Vertebrae[i].Unaffected && c.Match.Registration.Levels > 0 {
		motion := &c.Match.Registration.Pieces[i]
		add(i, nearReach, motion)
		add(i-1, nearReach, motion)
		add(i+1, nearReach, motion)
	}
	return out
}

// seeBetween takes from the pictures what lies between two bodies: discs and
// angles of which both ends were found again.
func (c *Comparison) seeBetween(found []*tracked, all *changes) {
	column := make([]morphometry.Vertebra, len(found))
	byLevel := make(map[spine.Level]*tracked)
	for i, p := range c.Vertebrae {
		column[i].Level = p.Level
		if t := found[i]; t != nil {
			column[i].Landmarks, byLevel[p.Level] = &t.landmarks, t
		} else if p.AfterIndex >= 0 {
			column[i].Landmarks = c.After.Vertebrae[p.AfterIndex].Landmarks // for its left axis
		}
		if i == 0 || found[i] == nil || found[i-1] == nil {
			continue
		}
		above := &c.Vertebrae[i-1]
		mm, sd, ok := morphometry.DiscHeight(&found[i-1].landmarks, &found[i].landmarks)
		if ok && above.DiscHeight != nil {
			sd = math.Hypot(sd, all.tracked(trackedHeightFloor, min(found[i-1].alike, found[i].alike)))
			above.DiscHeight.see(mm-above.DiscHeight.Before.Value, sd)
		}
	}
	for _, a := range morphometry.Angles(column) {
		from, to := byLevel[a.From.Level], byLevel[a.To.Level]
		i := slices.IndexFunc(c.Angles, func(b AngleChange) bool {
			return b.Name == a.Name && b.Level == a.Level && b.From == a.From && b.To == a.To
		})
		if i < 0 || from == nil || to == nil {
			continue
		}
		sd := math.Hypot(a.SD, all.tracked(trackedAngleFloor, min(from.alike, to.alike)))
		c.Angles[i].see(a.Degrees-c.Angles[i].Before.Value, sd)
	}
	c.leaveAngles()
}

// leaveAngles leaves angles unjudged that end at a vertebra which is not judged, or
// at a sacrum whose endplate was not found again: readings of it go wrong by tens of
// degrees.
func (c *Comparison) leaveAngles() {
	for j := range c.Angles {
		if a := &c.Angles[j]; a.To.Level == spine.S1 && !a.Tracked {
			a.Reason = "the sacrum's endplate was not found again in the second examination's picture"
		}
	}
	for i := range c.Vertebrae {
		p := &c.Vertebrae[i]
		if p.Wedge == nil || p.Wedge.Reason == "" {
			continue
		}
		for j := range c.Angles {
			if a := &c.Angles[j]; a.From.Level == p.Level || a.To.Level == p.Level {
				a.Reason = p.Wedge.Reason
			}
		}
	}
}

// holdVolumes takes back what readings say of the volume of a body whose endplates
// were found where they were: one of the readings is then wrong.
func (c *Comparison) holdVolumes() {
	for i := range c.Vertebrae {
		p := &c.Vertebrae[i]
		moved := slices.ContainsFunc(p.Heights[:], func(h *Change) bool { return h != nil && h.Significant })
		if p.Alike > 0 && !moved && p.Volume != nil {
			p.Volume.Significant = false
		}
	}
}

// ReadingsDiffer is the code of a warning of readings that differ where the
// pictures show that nothing moved.
const ReadingsDiffer = "READINGS_DIFFER"

// misread tells of levels where the readings differ by more than they should from
// what the pictures show.
func (c *Comparison) misread() []analysis.Warning {
	var levels []spine.Level
	for i := range c.Vertebrae {
		p := &c.Vertebrae[i]
		if slices.ContainsFunc(p.Heights[:], func(h *Change) bool {
			return h != nil && h.Misread
		}) {
			levels = append(levels, p.Level)
		}
	}
	if len(levels) == 0 {
		return nil
	}
	return []analysis.Warning{{Code: ReadingsDiffer, Message: phrase.Of(
		"%s: the heights read in the two examinations differ from the change that their pictures show; one of the readings is off, the change is that of the pictures", phrase.Names(", ", levels))}}
}
