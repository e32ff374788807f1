// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"math"
	"slices"

	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/spine"
)

// Pair is one vertebra in both examinations.
type Pair struct {
	Level spine.Level
	// BeforeIndex and AfterIndex are those in the examinations' Vertebrae, -1
	// where one does not show it; LevelBefore and LevelAfter are the names that
	// each gave it, Unknown there.
	BeforeIndex, AfterIndex int
	LevelBefore, LevelAfter spine.Level
	// Reason is why nothing, or not all, could be compared. Where one examination did not
	// measure the body, heights and wedge angle may yet be those of the other's
	// endplates, found in its picture.
	Reason phrase.Text

	TreatedBefore bool // cement or metal in the first examination
	Treated       bool // the same, or the caller's word, in the second
	Unaffected    bool // measured, unfractured and untreated in both

	// Heights and Restored are by finding.Height. nil where not measured in both.
	Heights  [3]*Change // mm
	Expected *morphometry.Expected
	Restored [3]Quotient // percent of the lost height

	// Alike is the least correlation of the pictures of its endplates, found of one
	// examination in the other, the surer way; 0 where they were not found again.
	Alike float64

	// Of a pair of which one is on a film: ratios of its own heights, and heights relative
	// to those that the levels of RelativeTo, unaffected in both, lead one to expect, percent.
	Ratios     [numRatios]*Change
	OfExpected [3]*Change // by finding.Height
	RelativeTo []spine.Level
	usual      [3]float64 // expected heights, mm, as far as one examination has millimetres
	usualKnown bool       // whether one has

	Wedge        *Change // degrees
	DiscHeight   *Change // mm, of the disc below
	Volume       *Change // ml
	CanalAP      *Change // mm, at the narrowest
	CanalArea    *Change // mm², at the narrowest
	Retropulsion *Change // mm

	GradeBefore, GradeAfter *int // Genant
	Cement                  *CementChange
}

// AngleChange is the change of an angle between endplates, degrees, kyphosis
// positive.
type AngleChange struct {
	Name     string      // as morphometry.Angle has it
	Level    spine.Level // the vertebra it is told of, Unknown for a regional angle
	From, To morphometry.EndplateOf
	*Change
}

// CementChange is what became of a level's cement.
type CementChange struct {
	Volume   *Change // ml
	NewLeaks []Leak  // of places without a leak in the first examination
}

// pair puts the vertebrae of two examinations together, from superior to
// inferior; those in one only too.
func (c *chains) pair(shift int, treated []spine.Level) []Pair {
	var out []Pair
	first := min(firstOf(c.slotBefore), firstOf(c.slotAfter)-shift)
	last := max(lastOf(c.slotBefore), lastOf(c.slotAfter)-shift)
	for s := first; s <= last; s++ {
		i, inBefore := slices.BinarySearch(c.slotBefore, s)
		j, inAfter := slices.BinarySearch(c.slotAfter, s+shift)
		if !inBefore && !inAfter {
			continue
		}
		p := Pair{BeforeIndex: -1, AfterIndex: -1}
		if inAfter {
			p.AfterIndex, p.LevelAfter = j, c.after.Vertebrae[j].Level
			p.Level = p.LevelAfter
			p.Treated = c.after.Vertebrae[j].treated()
		}
		if inBefore {
			p.BeforeIndex, p.LevelBefore = i, c.before.Vertebrae[i].Level
			p.Level = p.LevelBefore
			p.TreatedBefore = c.before.Vertebrae[i].treated()
		}
		out = append(out, p)
	}
	for n := range out {
		out[n].Treated = out[n].Treated || slices.Contains(treated, out[n].Level)
	}
	return out
}

func firstOf(s []int) int { return s[0] }
func lastOf(s []int) int  { return s[len(s)-1] }

// describe says what can be compared of a pair.
func (p *Pair) describe(before, after *Examination) {
	switch {
	case p.BeforeIndex < 0:
		p.Reason = "not shown by the first examination"
		return
	case p.AfterIndex < 0:
		p.Reason = "not shown by the second examination"
		return
	}
	b, a := &before.Vertebrae[p.BeforeIndex], &after.Vertebrae[p.AfterIndex]
	switch {
	case !b.Measured():
		p.Reason = because("not measured in the first examination", b.Reason)
	case !a.Measured():
		p.Reason = because("not measured in the second examination", a.Reason)
	}
	p.Unaffected = b.fit() && a.fit() && !p.Treated
	p.GradeBefore, p.GradeAfter = grade(b), grade(a)
}

// because adds to a statement why it holds, where that is known.
func because(what, reason phrase.Text) phrase.Text {
	if reason == "" {
		return what
	}
	return phrase.Of("%s: %s", what, reason)
}

func grade(v *Vertebra) *int {
	if v.Deformity == nil || !v.Deformity.Assessed {
		return nil
	}
	return &v.Deformity.Grade
}

// compare fills in the changes of a pair that both examinations show. found is what
// their pictures show of it.
func (p *Pair) compare(before, after *Examination, found seen, c *changes) {
	if p.BeforeIndex < 0 || p.AfterIndex < 0 {
		return
	}
	b, a := &before.Vertebrae[p.BeforeIndex], &after.Vertebrae[p.AfterIndex]
	unread := found // what may stand for a reading
	if b.Level == spine.S1 || a.Level == spine.S1 {
		unread = seen{} // a sacrum has no heights
	}
	for h := range p.Heights {
		which := finding.Height(h)
		p.Heights[h] = c.told(heightOf(b.Heights, which), heightOf(a.Heights, which), c.heightIn(unread.forth, which), c.heightIn(unread.back, which), heightFloor)
	}
	if h := p.Heights[0]; h != nil && h.Unread {
		p.Reason = phrase.Of("%s; heights and wedge angle are those of the other examination's endplates, found in its picture", p.Reason)
	}
	p.Wedge = c.told(b.Wedge, a.Wedge, c.wedgeIn(unread.forth), c.wedgeIn(unread.back), angleFloor)
	p.DiscHeight = c.of(b.DiscHeight, a.DiscHeight, discFloor)
	p.Volume = c.of(volumeOf(b, c.sliceBefore), volumeOf(a, c.sliceAfter), floor{})
	if b.Canal != nil && a.Canal != nil {
		p.CanalAP = c.of(&b.Canal.NarrowestAP, &a.Canal.NarrowestAP, canalFloor)
		p.CanalArea = c.of(&b.Canal.NarrowestArea, &a.Canal.NarrowestArea, areaFloor)
	}
	p.Retropulsion = c.of(b.Retropulsion, a.Retropulsion, retropulsionFloor)
	p.Cement = cementChange(b.Cement, a.Cement, c)
	p.see(found, c)
	p.leaveUnjudged(before, after)
}

// own returns the changes of the vertebra itself, without its cement.
func (p *Pair) own() []*Change {
	return append(p.Heights[:], p.Wedge, p.DiscHeight, p.Volume, p.CanalAP, p.CanalArea, p.Retropulsion)
}

// outermostAlike is the correlation from which the endplates of the outermost body
// count as found: default of this program.
const outermostAlike = 0.95

// leaveUnjudged leaves changes unjudged, and says why: readings of necks were checked on
// few images, and the outermost body in view rests on a disc that is partly out of
// view, where another edge is taken for an endplate. Its endplates may have been found
// again; that says nothing of its canal.
func (p *Pair) leaveUnjudged(before, after *Examination) {
	leave := func(reason phrase.Text, changes ...*Change) {
		for _, x := range changes {
			if x != nil {
				x.Reason = reason
			}
		}
	}
	if p.Level.Region() == spine.Cervical {
		leave("changes are judged from T1 to L5", p.own()...)
		return
	}
	if !before.outermost(p.BeforeIndex) && !after.outermost(p.AfterIndex) {
		return
	}
	if p.Alike < outermostAlike {
		leave("the outermost body in view, and its endplates were not found again beyond doubt in the second examination's picture", p.own()...)
		return
	}
	leave("the outermost body in view", p.CanalAP, p.CanalArea, p.Retropulsion)
}

// outermost reports whether vertebra i is the first or the last that was measured,
// with no sacrum below.
func (e *Examination) outermost(i int) bool {
	isMeasured := func(v Vertebra) bool { return v.Measured() }
	below := e.Vertebrae[i+1:]
	return !slices.ContainsFunc(e.Vertebrae[:i], isMeasured) ||
		!slices.ContainsFunc(below, isMeasured) && !slices.ContainsFunc(below, func(v Vertebra) bool { return v.Level == spine.S1 && v.Landmarks != nil })
}

// see takes heights and wedge angle from the pictures.
func (p *Pair) see(found seen, c *changes) {
	for _, t := range []*tracked{found.forth, found.back} {
		if t != nil {
			p.Alike = max(p.Alike, t.alike)
		}
	}
	share := c.share()
	for n := range p.Heights {
		forth, back := c.heightIn(found.forth, finding.Height(n)), c.heightIn(found.back, finding.Height(n))
		p.believe(forth, back)
		p.Heights[n].look(forth, back, share)
	}
	forth, back := c.wedgeIn(found.forth), c.wedgeIn(found.back)
	p.believe(forth, back)
	p.Wedge.look(forth, back, share)
}

// tooTall is the share of the expected height from which a reading is of another edge:
// bodies lose height and gain none. Default of this program.
const tooTall = 1.15

// believe takes the likeness from the way of looking that starts from a reading taller
// than bodies are, if the other does not.
func (p *Pair) believe(forth, back *sighting) {
	if p.Expected == nil || forth == nil || back == nil {
		return
	}
	var tall [2]bool
	for h, c := range p.Heights {
		if c != nil {
			most := tooTall * expectedOf(p.Expected, finding.Height(h)).Value
			tall[0], tall[1] = tall[0] || c.Before.Value > most, tall[1] || c.After.Value > most
		}
	}
	switch {
	case tall[0] && !tall[1]:
		forth.alike = 0
	case tall[1] && !tall[0]:
		back.alike = 0
	}
}

// heightIn returns a height of a body by its endplates where they were found.
func (c *changes) heightIn(t *tracked, which finding.Height) *sighting {
	if t == nil {
		return nil
	}
	h, ok := morphometry.HeightsOf(&t.landmarks)
	if !ok {
		return nil
	}
	e := heightOf(&h, which)
	return &sighting{e.Value, math.Hypot(e.SD, c.tracked(trackedHeightFloor, t.alike)), t.alike}
}

// wedgeIn returns the wedge angle by the same.
func (c *changes) wedgeIn(t *tracked) *sighting {
	if t == nil {
		return nil
	}
	angle, sd, ok := morphometry.WedgeAngle(&t.landmarks)
	if !ok {
		return nil
	}
	return &sighting{angle, math.Hypot(sd, c.tracked(trackedAngleFloor, t.alike)), t.alike}
}

const mm3PerMl = 1000

// volumeOf returns the volume of a body, ml, with its standard deviation in a
// series of the given slice distance, mm.
func volumeOf(v *Vertebra, slice float64) *morphometry.Estimate {
	if v.Shape == nil || v.Shape.Volume <= 0 || !v.Measured() {
		return nil
	}
	ml := v.Shape.Volume / mm3PerMl
	e := volumeFloor.with(morphometry.Estimate{}, slice)
	return &morphometry.Estimate{Value: ml, SD: ml * e.SD}
}

// cementChange returns what became of a level's cement; nil where neither
// examination shows any.
func cementChange(before, after *Cement, c *changes) *CementChange {
	if before == nil && after == nil {
		return nil
	}
	out := &CementChange{Volume: c.of(cementVolume(before), cementVolume(after), cementFloor)}
	if after == nil {
		return out
	}
	for _, l := range after.Leaks {
		if before == nil || !slices.ContainsFunc(before.Leaks, func(o Leak) bool { return o.Place == l.Place }) {
			out.NewLeaks = append(out.NewLeaks, l)
		}
	}
	return out
}

func cementVolume(c *Cement) *morphometry.Estimate {
	if c == nil {
		return &morphometry.Estimate{}
	}
	return &morphometry.Estimate{Value: c.Volume, SD: c.VolumeSD}
}
