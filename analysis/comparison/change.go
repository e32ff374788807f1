// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/morphometry"
)

// FamilyError is the probability that, where nothing changed, at least one change
// of a whole comparison is called significant. A comparison holds dozens to
// hundreds of changes: at the usual 5 % for each by itself, several would be
// significant in every patient.
const FamilyError = 0.01

// factor returns the number of standard deviations of a change beyond which one of
// n changes is significant, so that the family of them errs by FamilyError
// (Bonferroni). For a single change at 5 % it would be 1.96, and the least
// significant change 1.96·√2 = 2.77 precision standard deviations.
//
// Reference: the least significant change of densitometry, a convention; the family
// of changes and its error: default.
func factor(n int) float64 {
	return distuv.UnitNormal.Quantile(1 - FamilyError/(2*float64(max(n, 1))))
}

// floor is what a repeated examination adds to the stated standard deviation of
// one reading, which knows of noise, blur and slices but not of another position
// of the patient in them: a fixed part, and one for each mm by which slices stand
// farther apart than thinSlice.
type floor struct{ fixed, perSlice float64 }

// thinSlice, mm, is a distance of slices below which they add nothing.
const thinSlice = 1.0

// of returns the floor for slices of a distance, mm.
func (f floor) of(slice float64) float64 {
	return math.Hypot(f.fixed, f.perSlice*max(slice-thinSlice, 0))
}

// The floors, set on series of 2.5 and 4.25 mm slices that were turned, shifted,
// resampled and read again, and on made spines scanned twice in 1 mm slices.
var (
	heightFloor       = floor{0.15, 0.5} // mm
	angleFloor        = floor{0.7, 1.7}  // degrees
	sacrumFloor       = floor{1.5, 2.5}  // degrees, of an angle to the sacrum
	discFloor         = floor{0.2, 0.25} // mm
	canalFloor        = floor{0.3, 0.25} // mm
	areaFloor         = floor{6, 8}      // mm²
	retropulsionFloor = floor{0.25, 0.2} // mm
	cementFloor       = floor{0.1, 0.1}  // ml
)

// Relative standard deviation of a body's volume, which has no stated one: by
// itself and for each mm of slice distance.
var volumeFloor = floor{0.025, 0.025}

// Standard deviations of a change that was seen in the pictures of the endplates,
// where these correlate by trackedAlike and more; set on the same series, of which
// the endplates were found within 0.1 to 0.3 mm of where they had to be at 2.5 mm.
var (
	trackedHeightFloor = floor{0.20, 0.12} // mm
	trackedAngleFloor  = floor{0.7, 0.4}   // degrees
)

// trackedAlike is the correlation from which a place is as sure as it gets; the
// variance grows with what lacks from 1.
const trackedAlike = 0.97

// tracked returns the standard deviation of what was seen at a correlation.
func (c *changes) tracked(f floor, alike float64) float64 {
	worse := math.Sqrt(max((1-alike)/(1-trackedAlike), 1))
	return f.of(max(c.sliceBefore, c.sliceAfter)) * worse
}

// sighting is a quantity of an examination as the endplates of the other one, found
// in its pictures, tell it.
type sighting struct{ value, sd, alike float64 }

// look joins to the difference of two readings what the pictures show of the change:
// the first's endplates in the second, and the second's in the first; nil where they
// were not found. share of the change is its standard deviation besides.
func (c *Change) look(forth, back *sighting, share float64) {
	if c == nil {
		return
	}
	var ahead, behind *sighting
	if forth != nil {
		ahead = &sighting{forth.value - c.Before.Value, forth.sd, forth.alike}
	}
	if back != nil {
		behind = &sighting{c.After.Value - back.value, back.sd, back.alike}
	}
	s, byLater, agree := agreed(ahead, behind, c.read())
	if s == nil {
		return
	}
	c.ByLater = byLater
	sd := math.Hypot(s.sd, share*s.value)
	if !agree { // nor is the difference of such readings one
		c.Value, c.SD, c.Tracked, c.Misread = s.value, sd, true, true
		return
	}
	c.see(s.value, sd)
}

// read returns the difference of the two readings; nil where one of them is none.
func (c *Change) read() *float64 {
	if c.Unread {
		return nil
	}
	return new(c.After.Value - c.Before.Value)
}

// changedShare is the standard deviation of a change that was seen as a part of it:
// what is compressed no longer looks as it did.
var changedShare = floor{0.05, 0.05}

// agreed returns the change by both ways of looking: their mean where they agree; else
// that of the surer one, for the reading that the other starts from is then of
// another edge; or, where neither is sure, the larger change if the difference of the
// readings is nearer to that: one that overlooks that an endplate has broken in, and the
// way that starts from it, err together, but towards no change. Half of what they differ
// by stays open. byLater tells that what is taken starts from the second examination.
func agreed(ahead, behind *sighting, read *float64) (s *sighting, byLater, agree bool) {
	switch {
	case behind == nil:
		return ahead, false, true
	case ahead == nil:
		return behind, true, true
	}
	byLater = behind.alike > ahead.alike
	apart := math.Abs(ahead.value - behind.value)
	if apart <= finding.RepeatabilityLimit*math.Hypot(ahead.sd, behind.sd) {
		value, _ := weighted(ahead.value, ahead.sd, behind.value, behind.sd)
		// Both look at the same two pictures: together they are no surer than one.
		return &sighting{value, min(ahead.sd, behind.sd), max(ahead.alike, behind.alike)}, byLater, true
	}
	if read != nil && min(ahead.alike, behind.alike) > 0 && max(ahead.alike, behind.alike) < surelyFound {
		larger, smaller := behind, ahead
		if math.Abs(ahead.value) > math.Abs(behind.value) {
			larger, smaller = ahead, behind
		}
		if math.Abs(*read-larger.value) < math.Abs(*read-smaller.value) {
			byLater = larger == behind
		}
	}
	surer := *ahead
	if byLater {
		surer = *behind
	}
	surer.sd = math.Hypot(surer.sd, apart/2)
	return &surer, byLater, false
}

// share returns changedShare of the thicker slices.
func (c *changes) share() float64 { return changedShare.of(max(c.sliceBefore, c.sliceAfter)) }

// see joins a change that was seen to the difference of the two readings: the mean
// weighted by inverse variance; or, where the two differ by more than the
// repeatability limit, the pictures alone, for a reading may be of a wrong edge.
func (c *Change) see(value, sd float64) {
	c.Tracked = true
	if c.Unread {
		c.Value, c.SD = value, sd
		return
	}
	if math.Abs(value-c.Value) > finding.RepeatabilityLimit*math.Hypot(sd, c.SD) {
		c.Value, c.SD, c.Misread = value, sd, true
		return
	}
	c.Value, c.SD = weighted(value, sd, c.Value, c.SD)
}

// with returns the estimate with the floor of a series of the given slice
// distance, mm.
func (f floor) with(e morphometry.Estimate, slice float64) morphometry.Estimate {
	e.SD = math.Hypot(e.SD, f.of(slice))
	return e
}

// changes collects a comparison's changes, to judge them as a family.
type changes struct {
	sliceBefore, sliceAfter float64
	all                     []*Change
}

// usualSlice, mm, stands for a distance of slices that is not known.
const usualSlice = 2.5

func newChanges(before, after *Examination) *changes {
	known := func(mm float64) float64 {
		if mm > 0 {
			return mm
		}
		return usualSlice
	}
	return &changes{sliceBefore: known(before.SliceSpacing), sliceAfter: known(after.SliceSpacing)}
}

// of returns the change from one estimate to another; nil where one is nil.
func (c *changes) of(before, after *morphometry.Estimate, f floor) *Change {
	if before == nil || after == nil {
		return nil
	}
	out := &Change{Before: f.with(*before, c.sliceBefore), After: f.with(*after, c.sliceAfter)}
	out.Value = after.Value - before.Value
	out.SD = math.Hypot(out.Before.SD, out.After.SD)
	c.all = append(c.all, out)
	return out
}

// told is of where both examinations tell an estimate. Where one does not, what the
// endplates of the other, found in its pictures, tell stands for it.
func (c *changes) told(before, after *morphometry.Estimate, forth, back *sighting, f floor) *Change {
	switch {
	case before == nil && after != nil && back != nil:
		before = &morphometry.Estimate{Value: back.value, SD: back.sd}
	case after == nil && before != nil && forth != nil:
		after = &morphometry.Estimate{Value: forth.value, SD: forth.sd}
	default:
		return c.of(before, after, f)
	}
	out := c.of(before, after, f)
	out.Unread = true
	return out
}

// judge fills in the least significant changes and returns the factor.
func (c *changes) judge() float64 {
	k := factor(len(c.all))
	for _, x := range c.all {
		x.LSC = k * x.SD
		x.Significant = math.Abs(x.Value) > x.LSC && x.Reason == ""
	}
	return k
}
