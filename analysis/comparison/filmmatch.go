// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"
	"gonum.org/v1/gonum/stat"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/radiograph/detect"
	"github.com/endplate/endplate/analysis/spine"
)

// LevelsGuessed is the code of a warning that a matching rests on the guessed names of a
// film.
const LevelsGuessed = "LEVELS_GUESSED"

// guessed returns the least probability of a film's names, and whether they are a guess:
// no reader gave them, and nothing on the film tells them surely.
func (e *Examination) guessed() (probability float64, is bool) {
	probability = 1
	for i := range e.Vertebrae {
		if e.Vertebrae[i].Level != spine.Unknown {
			probability = min(probability, e.Vertebrae[i].Probability)
		}
	}
	return probability, e.Film != nil && probability < detect.SureNames
}

// GuessesLevels reports whether e is a film whose names of levels are a guess.
func (e *Examination) GuessesLevels() bool {
	_, is := e.guessed()
	return is
}

// sure is the probability from which shapes overrule names: a guess gives way to less.
func (c *chains) sure() float64 {
	if c.before.GuessesLevels() || c.after.GuessesLevels() {
		return likely
	}
	return certain
}

// warnOfGuesses says that the matching rests on the names of a film that nobody gave.
func (c *Comparison) warnOfGuesses() {
	for _, e := range []*Examination{c.Before, c.After} {
		probability, guessed := e.guessed()
		if !guessed {
			continue
		}
		which := phrase.Text("second")
		if e == c.Before {
			which = "first"
		}
		what := phrase.Of("the names of the levels of the %s examination, a film, are a guess (probability %.2f)", which, probability)
		switch c.Match.State {
		case NamesAgree:
			what = phrase.Of("%s; the shape of %d vertebrae agrees", what, c.Match.Levels)
		case NamesCorrected:
			continue // they are those of the other now
		default:
			what = phrase.Of("%s, and which vertebra is compared with which rests on it: fix one level", what)
		}
		c.Warnings = append(c.Warnings, analysis.Warning{Code: LevelsGuessed, Message: what})
	}
}

// profile is what tells a body apart whatever the scale of its image: logarithms of
// lengths, and its wedge angle.
type profile struct {
	lengths [5]morphometry.Estimate // heights, depth, distance of centres to the next; SD 0 where there is none
	wedge   *morphometry.Estimate
}

// Standard deviations by which the profiles of one body differ in two images beyond their
// stated errors, and those of two bodies of one person up to three levels apart once the
// mean of all their lengths is the same. Defaults; the first as filmHeight, the second as
// the traits of CTs.
const (
	lengthSame, lengthOther = 0.03, 0.05
	wedgeSame, wedgeOther   = 1.5, 3.0 // degrees
)

// How often a body that is fractured in the first examination is so in the second, and any
// other body is; whatever was given back to it by a treatment. Default of this program.
const (
	staysFractured = 0.8
	anyFractured   = 0.15
)

// filmEvidence is evidence where one of the two is a film. No distance in mm is compared:
// the heights, depths and distances of all bodies together, relative to each other, and
// their wedge angles.
func (c *chains) filmEvidence(shift int) (sum float64, levels int) {
	pairs := c.pairs(shift)
	type seen struct{ before, after profile }
	var all []seen
	var differences, weights []float64
	for n, p := range pairs {
		b, a := &c.before.Vertebrae[p[0]], &c.after.Vertebrae[p[1]]
		if b.Measured() && a.Measured() && b.fractured() {
			sum += fractureEvidence(a)
		}
		if !b.fit() || !a.fit() {
			continue
		}
		s := seen{c.before.profileOf(p[0]), c.after.profileOf(p[1])}
		if n+1 == len(pairs) || pairs[n+1] != [2]int{p[0] + 1, p[1] + 1} {
			s.before.lengths[4].SD, s.after.lengths[4].SD = 0, 0 // the next is another
		}
		all = append(all, s)
		for k, x := range s.before.lengths {
			if y := s.after.lengths[k]; x.SD > 0 && y.SD > 0 {
				differences = append(differences, y.Value-x.Value)
				weights = append(weights, 1/(x.SD*x.SD+y.SD*y.SD+lengthSame*lengthSame))
			}
		}
	}
	scale := stat.Mean(differences, weights)
	for _, s := range all {
		for k, x := range s.before.lengths {
			if y := s.after.lengths[k]; x.SD > 0 && y.SD > 0 {
				sum += independence * weigh(y.Value-x.Value-scale, math.Sqrt(x.SD*x.SD+y.SD*y.SD+lengthSame*lengthSame), lengthOther)
			}
		}
		if b, a := s.before.wedge, s.after.wedge; b != nil && a != nil {
			sum += independence * weigh(a.Value-b.Value, math.Sqrt(b.SD*b.SD+a.SD*a.SD+wedgeSame*wedgeSame), wedgeOther)
		}
	}
	return sum, len(all)
}

// fractureEvidence is that of a body of which the other examination shows the fracture.
func fractureEvidence(after *Vertebra) float64 {
	if after.fractured() || after.treated() {
		return math.Log(staysFractured / anyFractured)
	}
	return math.Log((1 - staysFractured) / (1 - anyFractured))
}

// profileOf returns the profile of vertebra i, which is measured.
func (e *Examination) profileOf(i int) profile {
	v := &e.Vertebrae[i]
	p := profile{wedge: v.Wedge}
	set := func(k int, length, sd float64) {
		if length > 0 {
			p.lengths[k] = morphometry.Estimate{Value: math.Log(length), SD: max(sd/length, leastSD)}
		}
	}
	h, _ := morphometry.HeightsOf(v.Landmarks)
	set(0, h.Anterior, h.AnteriorSD)
	set(1, h.Middle, h.MiddleSD)
	set(2, h.Posterior, h.PosteriorSD)
	if at := corners(v.Landmarks); at != nil {
		set(3, (r3.Norm(r3.Sub(at[0], at[2]))+r3.Norm(r3.Sub(at[3], at[5])))/2, 0)
	}
	if i+1 < len(e.Vertebrae) {
		set(4, r3.Norm(r3.Sub(v.Center, e.Vertebrae[i+1].Center)), 0)
	}
	return p
}
