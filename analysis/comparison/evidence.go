// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"
)

// trait is one thing that tells bodies apart: how it differs between two readings
// of one body beyond their stated errors, and between two bodies of one person
// up to three levels apart.
type trait struct {
	same, other float64 // standard deviations; relative ones are of the mean of the two
	relative    bool
	read        func(v *Vertebra) (value, sd float64, ok bool)
}

// traits are those of one body. What differs between readings was set on real
// series read again after repositioning (2.5 mm and 4.25 mm slices), what differs
// between bodies on their own neighbours; heights scatter by 2.5 to 4 % about
// what their neighbours lead one to expect and grow by 1 to 7 % from level to level
// (computed from CTSpinoPelvic1K, level_gradients.csv at a9d12ed, 802 people).
var traits = []trait{
	{same: 0.02, other: 0.07, relative: true, read: func(v *Vertebra) (float64, float64, bool) {
		return v.Heights.Anterior, v.Heights.AnteriorSD, true
	}},
	{same: 0.02, other: 0.07, relative: true, read: func(v *Vertebra) (float64, float64, bool) {
		return v.Heights.Middle, v.Heights.MiddleSD, true
	}},
	{same: 0.02, other: 0.07, relative: true, read: func(v *Vertebra) (float64, float64, bool) {
		return v.Heights.Posterior, v.Heights.PosteriorSD, true
	}},
	{same: 0.4, other: 1.5, read: func(v *Vertebra) (float64, float64, bool) {
		return depthOf(v), 0, depthOf(v) > 0
	}},
	{same: 0.6, other: 2.0, read: func(v *Vertebra) (float64, float64, bool) {
		return widthOf(v), 0, widthOf(v) > 0
	}},
	{same: 0.025, other: 0.04, relative: true, read: func(v *Vertebra) (float64, float64, bool) {
		if v.Shape == nil || v.Shape.Volume <= 0 {
			return 0, 0, false
		}
		return math.Cbrt(v.Shape.Volume), 0, true
	}},
	{same: 0.3, other: 0.5, read: func(v *Vertebra) (float64, float64, bool) {
		return v.Landmarks.Superior.Depth, v.Landmarks.Superior.Middle.SD, true
	}},
	{same: 0.3, other: 0.5, read: func(v *Vertebra) (float64, float64, bool) {
		return v.Landmarks.Inferior.Depth, v.Landmarks.Inferior.Middle.SD, true
	}},
}

func depthOf(v *Vertebra) float64 {
	if v.Shape == nil {
		return 0
	}
	return v.Shape.Depth
}

func widthOf(v *Vertebra) float64 {
	if v.Shape == nil {
		return 0
	}
	return v.Shape.Width
}

// Traits of two neighbours together: the distance of their centres, mm, which
// posture changes by the disc alone, and the height of the disc between.
const (
	spacingSame, spacingOther = 0.5, 2.5
	discSame, discOther       = 0.5, 1.5
)

// Traits of the surfaces laid on each other: the logarithm of what remains of
// their distance, mm.
const (
	residualSame, residualOther = -0.9, -0.4 // 0.4 and 0.67 mm
	residualSD                  = 0.35
)

const (
	// outlier is the share of readings of which a trait is wrong altogether.
	outlier = 0.03
	// independence is the share of the sum of evidence that counts: heights share
	// their endplates, and distances the heights beside them.
	independence = 0.5
)

// evidence returns the logarithm of how much better the shapes agree than those
// of different bodies of one person would, if a shift is right, and the number of
// vertebrae that it rests on.
func (c *chains) evidence(shift int) (sum float64, levels int) {
	pairs := c.pairs(shift)
	for n, p := range pairs {
		b, a := &c.before.Vertebrae[p[0]], &c.after.Vertebrae[p[1]]
		if !b.fit() || !a.fit() {
			continue
		}
		levels++
		sum += bodyEvidence(b, a)
		if n+1 == len(pairs) || pairs[n+1][0] != p[0]+1 || pairs[n+1][1] != p[1]+1 {
			continue
		}
		sum += spacingEvidence(b, &c.before.Vertebrae[p[0]+1], a, &c.after.Vertebrae[p[1]+1])
	}
	return independence * sum, levels
}

// bodyEvidence is that of two bodies by themselves.
func bodyEvidence(b, a *Vertebra) float64 {
	sum := 0.0
	for _, t := range traits {
		x, sx, okX := t.read(b)
		y, sy, okY := t.read(a)
		if !okX || !okY {
			continue
		}
		scale := 1.0
		if t.relative {
			scale = (x + y) / 2
		}
		sum += weigh(y-x, math.Sqrt(sx*sx+sy*sy+t.same*t.same*scale*scale), t.other*scale)
	}
	if on, ok := align(b, a); ok && on.surface {
		x := math.Log(max(on.residual, 0.05))
		sum += normalLog(x, residualSame, residualSD) - normalLog(x, residualOther, residualSD)
	}
	return sum
}

// spacingEvidence is that of two neighbours: the first examination's b and below,
// and the second's a and under.
func spacingEvidence(b, below, a, under *Vertebra) float64 {
	if !below.fit() || !under.fit() {
		return 0
	}
	d := r3.Norm(r3.Sub(a.Center, under.Center)) - r3.Norm(r3.Sub(b.Center, below.Center))
	sum := weigh(d, spacingSame, spacingOther)
	if b.DiscHeight != nil && a.DiscHeight != nil {
		sd := math.Hypot(b.DiscHeight.SD, a.DiscHeight.SD)
		sum += weigh(a.DiscHeight.Value-b.DiscHeight.Value, math.Hypot(sd, discSame), discOther)
	}
	return sum
}

// weigh returns the logarithm of how much better a difference goes with one body,
// of which two readings differ by the standard deviation same, than with two
// that differ by other besides. Readings may be wrong altogether.
func weigh(d, same, other float64) float64 {
	wide := math.Hypot(same, other)
	ratio := math.Exp(normalLog(d, 0, same) - normalLog(d, 0, wide))
	return math.Log((1-outlier)*ratio + outlier)
}

// normalLog returns the logarithm of the normal density.
func normalLog(x, mean, sd float64) float64 {
	z := (x - mean) / sd
	return -z*z/2 - math.Log(sd*math.Sqrt(2*math.Pi))
}
