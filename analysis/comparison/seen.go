// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"math"
	"slices"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/landmark"
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

// seen is what the pictures of two examinations show of a pair: the endplates of the
// first found in the second, and those of the second in the first; nil where they
// are not found.
type seen struct{ forth, back *tracked }

// see looks for the endplates of all pairs both ways; of unaffected ones the second
// way only where the first leaves a doubt.
func (c *Comparison) see() []seen {
	reversed := c.reversed()
	out := make([]seen, len(c.Vertebrae))
	for i := range out {
		out[i].forth = c.track(i)
		if f := out[i].forth; f == nil || f.alike < surelyFound || !c.Vertebrae[i].Unaffected {
			out[i].back = reversed.track(i)
		}
	}
	return out
}

// reversed returns the pairs of c and how they lie as the second examination sees the
// first.
func (c *Comparison) reversed() *Comparison {
	out := &Comparison{Before: c.After, After: c.Before, Match: Match{Registration: c.Match.Registration.inverse()}}
	for _, p := range c.Vertebrae {
		out.Vertebrae = append(out.Vertebrae, Pair{
			Level: p.Level, BeforeIndex: p.AfterIndex, AfterIndex: p.BeforeIndex, Unaffected: p.Unaffected,
		})
	}
	return out
}

// track looks for the endplates of pair i's body of the first examination in the
// pictures of the second; nil where they are not found.
func (c *Comparison) track(i int) *tracked {
	p := &c.Vertebrae[i]
	if p.BeforeIndex < 0 || p.AfterIndex < 0 {
		return nil
	}
	before := &c.Before.Vertebrae[p.BeforeIndex]
	if before.Landmarks == nil {
		return nil
	}
	is := c.Match.Registration.Pieces[i].landmarks(before.Landmarks)
	if m := c.After.Vertebrae[p.AfterIndex].Landmarks; m != nil {
		is = *m
	}
	if t, ok := track(before, is, c.sights(i), p.Level == spine.S1); ok {
		return &t
	}
	return nil
}

// landmarks returns where g takes a body's centre and axes.
func (g Rigid) landmarks(v *landmark.Vertebra) landmark.Vertebra {
	return landmark.Vertebra{Center: g.Apply(v.Center), SuperiorAxis: g.Rotate(v.SuperiorAxis), LeftAxis: g.Rotate(v.LeftAxis)}
}

// sights returns the pictures in which the endplates of pair i may be found: that of
// its own body; and, for that may be of a body outlined at a wrong place, the same
// and those of the bodies beside it, where the motion of its neighbours takes each
// endplate: of the nearer one, and of both.
func (c *Comparison) sights(i int) (out sights) {
	r := &c.Match.Registration
	for _, of := range []struct {
		to     *[]sight
		beside int
		motion []Rigid
	}{{&out.superior, i - 1, r.Above}, {&out.inferior, i + 1, r.Below}} {
		if !c.Vertebrae[i].Unaffected && r.Levels > 0 {
			for _, motion := range []*Rigid{&of.motion[i], &r.Pieces[i]} {
				*of.to = append(*of.to, c.sight(i, nearReach, motion)...)
				*of.to = append(*of.to, c.sight(of.beside, nearReach, motion)...)
			}
		}
		*of.to = append(*of.to, c.sight(i, wholeReach, nil)...)
		for _, g := range *of.to {
			g.disc = nearDisc
			*of.to = append(*of.to, g)
		}
	}
	return out
}

// sight returns the picture of pair j in the second examination, if there is one.
func (c *Comparison) sight(j int, within reach, motion *Rigid) []sight {
	if j < 0 || j >= len(c.Vertebrae) || c.Vertebrae[j].AfterIndex < 0 {
		return nil
	}
	v := &c.After.Vertebrae[c.Vertebrae[j].AfterIndex]
	if v.Shape == nil || v.Shape.Picture == nil {
		return nil
	}
	return []sight{{shape: v.Shape, within: within, disc: stripHalf, motion: motion}}
}

// between is what one way of looking tells of the change of what lies between bodies.
type between struct {
	discs  []*sighting // by pair, of the disc below
	angles []*sighting // as Comparison.Angles
}

// seeBetween takes from the pictures what lies between two bodies: discs and
// angles of which both ends were found again.
func (c *Comparison) seeBetween(found []seen, all *changes) {
	forth, back := make([]*tracked, len(found)), make([]*tracked, len(found))
	for i := range found {
		forth[i], back[i] = found[i].forth, found[i].back
	}
	ahead := c.between(forth, c.After, func(p *Pair) int { return p.AfterIndex }, all)
	behind := c.between(back, c.Before, func(p *Pair) int { return p.BeforeIndex }, all)
	for i := range c.Vertebrae {
		c.Vertebrae[i].DiscHeight.look(ahead.discs[i], behind.discs[i], all.share())
	}
	for i := range c.Angles {
		c.Angles[i].look(ahead.angles[i], behind.angles[i], all.share())
	}
	c.leaveAngles()
}

// between measures discs and angles by endplates found in the pictures of an
// examination, in which a pair has the given index.
func (c *Comparison) between(found []*tracked, in *Examination, index func(*Pair) int, all *changes) between {
	out := between{make([]*sighting, len(found)), make([]*sighting, len(c.Angles))}
	column := make([]morphometry.Vertebra, len(found))
	byLevel := make(map[spine.Level]*tracked)
	for i := range c.Vertebrae {
		p := &c.Vertebrae[i]
		column[i].Level = p.Level
		if t := found[i]; t != nil {
			column[i].Landmarks, byLevel[p.Level] = &t.landmarks, t
		} else if n := index(p); n >= 0 {
			column[i].Landmarks = in.Vertebrae[n].Landmarks // for its left axis
		}
		if i == 0 || found[i] == nil || found[i-1] == nil {
			continue
		}
		if mm, sd, ok := morphometry.DiscHeight(&found[i-1].landmarks, &found[i].landmarks); ok {
			alike := min(found[i-1].alike, found[i].alike)
			out.discs[i-1] = &sighting{mm, math.Hypot(sd, all.tracked(trackedHeightFloor, alike)), alike}
		}
	}
	for _, a := range morphometry.Angles(column) {
		from, to := byLevel[a.From.Level], byLevel[a.To.Level]
		i := slices.IndexFunc(c.Angles, func(b AngleChange) bool {
			return b.Name == a.Name && b.Level == a.Level && b.From == a.From && b.To == a.To
		})
		if i >= 0 && from != nil && to != nil {
			alike := min(from.alike, to.alike)
			out.angles[i] = &sighting{a.Degrees, math.Hypot(a.SD, all.tracked(trackedAngleFloor, alike)), alike}
		}
	}
	return out
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
