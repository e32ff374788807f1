// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"math"

	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/phrase"
)

// NotOnFilms names what two CTs tell of a change and a comparison with a film cannot: it is
// not assessable, which is not the same as unchanged. A lateral film misses 93 % of leaks
// into the canal (Yeom 2003).
var NotOnFilms = []string{"volume", "canal", "retropulsion", "cement", "cement leaks"}

// ofFilm reports whether one of the two is a radiograph.
func (c *Comparison) ofFilm() bool { return c.Before.Film != nil || c.After.Film != nil }

// keepTreated takes what was treated in the first examination as treated in the second one
// where that is a film, which is not searched for cement: it goes nowhere.
func (c *Comparison) keepTreated() {
	for i := range c.Vertebrae {
		if p := &c.Vertebrae[i]; c.After.Film != nil && p.AfterIndex >= 0 {
			p.Treated = p.Treated || p.TreatedBefore
		}
	}
}

// compareFilm is the part of Compare behind the matching where one of the two is a
// radiograph. What needs no millimetres is compared always: ratios of heights, heights
// relative to those of the levels that are unaffected in both, and angles; millimetres only
// where both have them.
func (c *Comparison) compareFilm() {
	c.NotAssessable = NotOnFilms
	c.Match.Registration.Plane = layFilm(c)
	all := newChanges(c.Before, c.After)
	before, after := c.lengthsOf(c.Before), c.lengthsOf(c.After)
	for i := range c.Vertebrae {
		p := &c.Vertebrae[i]
		if p.BeforeIndex < 0 || p.AfterIndex < 0 {
			continue
		}
		b, a := &c.Before.Vertebrae[p.BeforeIndex], &c.After.Vertebrae[p.AfterIndex]
		if p.Reason == "" {
			p.compareRatios(before.heights[i], after.heights[i], all)
			p.compareRelative(before.relative(c.Vertebrae, i), after.relative(c.Vertebrae, i), all)
		}
		p.Wedge = all.between(c, b.Wedge, a.Wedge, angleNoise)
		if c.millimetres() {
			for h := range p.Heights {
				p.Heights[h] = c.heightChange(b, a, finding.Height(h), all)
			}
			p.DiscHeight = all.between(c, b.DiscHeight, a.DiscHeight, discNoise)
		}
		if c.biconcave(b, a) {
			p.leaveMiddle()
		}
	}
	if c.millimetres() {
		for i, e := range expectedHeights(c.Vertebrae, c.Before, c.After) {
			c.Vertebrae[i].Expected = e
		}
	}
	c.Angles = c.filmAngles(all)
	c.Factor = all.judge()
	c.Findings = filmFindings(c)
}

// biconcavity is the middle height by the lesser of the other two, below which a CT shows a
// body as biconcave beyond what films were found to show: on those that were rendered of made
// spines, bodies of 0.5 to 0.75 were read as 0.85 to 0.95, the rims taken for the endplates.
const biconcavity = 0.85

const biconcaveOnFilm phrase.Text = "biconcave in the CT: how deep its endplates are is not read surely on a film"

// biconcave reports whether one of the two is a CT that shows a body as biconcave.
func (c *Comparison) biconcave(before, after *Vertebra) bool {
	deep := func(e *Examination, v *Vertebra) bool {
		return e.Film == nil && v.Heights != nil && v.Heights.Middle < biconcavity*min(v.Heights.Anterior, v.Heights.Posterior)
	}
	return deep(c.Before, before) || deep(c.After, after)
}

// leaveMiddle leaves the changes of the middle height unjudged.
func (p *Pair) leaveMiddle() {
	for _, x := range []*Change{p.Ratios[MiddleToPosterior], p.OfExpected[finding.MiddleHeight], p.Heights[finding.MiddleHeight]} {
		if x != nil {
			x.Reason = biconcaveOnFilm
		}
	}
	p.Restored[finding.MiddleHeight] = Quotient{Reason: biconcaveOnFilm}
}

// noise is what a repeated examination adds to the standard deviation of one reading.
type noise struct {
	ct   floor
	film float64 // of a reading of a film, in the reading's unit
}

// What a repeated film adds to the stated deviation of one reading, which knows of the
// edges' noise and blur but not of another position of the patient before the detector.
// Set on rendered films of made spines, each taken twice from other distances, heights and
// angles, and against the CT that they were rendered from.
const (
	filmHeight = 0.01 // of the height
	filmAngle  = 1.0  // degrees
)

var (
	angleNoise = noise{angleFloor, filmAngle}
	discNoise  = noise{discFloor, 0.5} // mm
)

// millimetres reports whether both examinations have them.
func (c *Comparison) millimetres() bool { return c.Before.Millimetres() && c.After.Millimetres() }

// heightChange returns the change of a height in mm, with what the scales leave uncertain.
func (c *Comparison) heightChange(before, after *Vertebra, h finding.Height, all *changes) *Change {
	b, a := heightOf(before.Heights, h), heightOf(after.Heights, h)
	if b == nil || a == nil {
		return nil
	}
	return all.between(c, b, a, noise{heightFloor, filmHeight * (b.Value + a.Value) / 2})
}

// between returns the change from one estimate to another; nil where one is nil.
func (all *changes) between(c *Comparison, before, after *morphometry.Estimate, n noise) *Change {
	if before == nil || after == nil {
		return nil
	}
	noisy := func(e morphometry.Estimate, of *Examination, slice float64) *morphometry.Estimate {
		f := n.ct
		if of.Film != nil {
			f, slice = floor{fixed: n.film}, thinSlice
		}
		e = f.with(e, slice)
		return &e
	}
	return all.of(noisy(*before, c.Before, all.sliceBefore), noisy(*after, c.After, all.sliceAfter), floor{})
}

// lengths are the heights of an examination's vertebrae by pair, with what a repeated
// examination adds to their deviations; nil where they were not measured. On a film without
// a calibration they are those of an average adult's body: only their ratios tell anything.
type lengths struct {
	heights     []*morphometry.Heights
	millimetres bool
}

func (c *Comparison) lengthsOf(e *Examination) *lengths {
	l := &lengths{make([]*morphometry.Heights, len(c.Vertebrae)), e.Millimetres()}
	slice := newChanges(e, e).sliceBefore
	for i, p := range c.Vertebrae {
		n := p.BeforeIndex
		if e == c.After {
			n = p.AfterIndex
		}
		if n < 0 || !e.Vertebrae[n].Measured() {
			continue
		}
		l.heights[i] = noisyHeights(e, &e.Vertebrae[n], slice)
	}
	return l
}

// noisyHeights returns the heights of a vertebra as lengths holds them. Of a film they are
// those without the error of its scale, which ratios do not have.
func noisyHeights(e *Examination, v *Vertebra, slice float64) *morphometry.Heights {
	h, ok := morphometry.HeightsOf(v.Landmarks)
	if !ok {
		return nil
	}
	if e.Film == nil && v.Heights != nil {
		h = *v.Heights
	}
	for _, one := range []struct {
		value float64
		sd    *float64
	}{{h.Anterior, &h.AnteriorSD}, {h.Middle, &h.MiddleSD}, {h.Posterior, &h.PosteriorSD}} {
		f := heightFloor
		if e.Film != nil {
			f, slice = floor{fixed: filmHeight * one.value}, thinSlice
		}
		*one.sd = f.with(morphometry.Estimate{SD: *one.sd}, slice).SD
	}
	return &h
}

// withhold takes back the lengths that a film without a calibration does not tell, and adds
// to the others what the calibration leaves uncertain.
func (f *Film) withhold(vertebrae []Vertebra) {
	if f == nil {
		return
	}
	for i := range vertebrae {
		v := &vertebrae[i]
		if !f.Calibration.Millimetres() {
			v.Heights, v.Expected, v.DiscHeight = nil, nil, nil
			continue
		}
		scaled := func(mm, sd float64) float64 { return math.Hypot(sd, f.Calibration.RelativeSD*mm) }
		if h := v.Heights; h != nil {
			h.AnteriorSD, h.MiddleSD, h.PosteriorSD = scaled(h.Anterior, h.AnteriorSD), scaled(h.Middle, h.MiddleSD), scaled(h.Posterior, h.PosteriorSD)
		}
		if e := v.Expected; e != nil {
			e.AnteriorSD, e.MiddleSD, e.PosteriorSD = scaled(e.Anterior, e.AnteriorSD), scaled(e.Middle, e.MiddleSD), scaled(e.Posterior, e.PosteriorSD)
		}
		if d := v.DiscHeight; d != nil {
			d.SD = scaled(d.Value, d.SD)
		}
	}
}
