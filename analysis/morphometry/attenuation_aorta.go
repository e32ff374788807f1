// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package morphometry

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/volume"
)

// Aorta is what the image shows of the aorta beside the bodies: whether contrast
// medium was in the blood, and so in the marrow.
type Aorta struct {
	HU     float64 // median over the levels, 0 if it was not found
	SD     float64 // between the levels, HU
	Levels int     // at which it was found with that attenuation
	// Enhanced is set from EnhancedHU on.
	Enhanced bool
	// Sure is set where enough levels agree.
	Sure   bool
	Reason phrase.Text // why it is not sure
}

// EnhancedHU is the attenuation of the aorta from which its blood holds contrast
// medium: half way between unenhanced blood of some 40 HU and the venous phase's
// 150 HU (unverified).
const EnhancedHU = 100

const (
	// The descending and the abdominal aorta run left of the bodies and before
	// them: where their centre is looked for, mm in the body's frame from its
	// anterior wall and its middle, and how far outside the body.
	aortaBehind, aortaBefore = -26.0, 24.0
	aortaRight, aortaLeft    = -14.0, 44.0
	aortaNear, aortaFar      = 6.0, 24.0
	aortaStep                = 2.5

	// aortaCore is the radius that is asked to be uniform, mm: the lumen of an
	// adult's is 8 to 15 (unverified).
	aortaCore = 6.0
	// aortaSlab is how far to both sides of the body's middle it is read, mm.
	aortaSlab = 4.0

	// lumenLeast and lumenMost bound the attenuation of blood, HU.
	lumenLeast, lumenMost = 15, 700

	aortaKept      = 40   // places a level keeps
	lumenNoise     = 20.0 // HU of spread, a unit of the cost
	aortaShift     = 6.0  // mm from a level to the next, likewise
	aortaChange    = 30.0 // HU from a level to the next, likewise
	aortaBright    = 80.0 // HU of enhancement that outweigh one, up to twice
	unenhancedHU   = 45.0
	uniformLumen   = 45.0 // HU, most spread that is believed
	agreeingLumen  = 0.2  // of the attenuation, and agreeingHU, that levels may differ by
	agreeingHU     = 20.0
	sureAortaLevel = 3
)

// lumen is a uniform place beside a body.
type lumen struct {
	a, l     float64 // mm from the anterior wall and the middle
	mean, sd float64 // HU
	cost     float64
}

// FindAorta follows the most uniform and brightest tube of blood beside the
// bodies of a column.
func FindAorta(vol *volume.Volume, column []*segmentation.Region) Aorta {
	levels := make([][]lumen, len(column))
	sampler := vol.Sampler()
	each(len(column), func(i int) {
		if column[i] != nil {
			levels[i] = lumens(sampler, column[i])
		}
	})
	levels = slices.DeleteFunc(levels, func(l []lumen) bool { return len(l) == 0 })
	if len(levels) == 0 {
		return Aorta{Reason: "no vessel was found beside the bodies"}
	}
	return judgeAorta(cheapest(levels))
}

// lumens returns the most uniform places beside a body, cheapest first.
func lumens(sampler volume.Sampler, r *segmentation.Region) []lumen {
	front := r.Radius(0, 0.5)
	top, bottom := r.Heights(0, 0)
	middle := (top + bottom) / 2
	var found []lumen
	for a := aortaBehind; a <= aortaBefore; a += aortaStep {
		for l := aortaRight; l <= aortaLeft; l += aortaStep {
			center := r.Frame.Point(middle, front+a, l)
			if d := -r.Inside(center); d < aortaNear || d > aortaFar {
				continue
			}
			p := lumen{a: a, l: l}
			p.mean, p.sd = uniform(&sampler, r, center)
			if p.mean < lumenLeast || p.mean > lumenMost {
				continue
			}
			noise := p.sd / lumenNoise
			p.cost = noise*noise - min(max(p.mean-unenhancedHU, 0)/aortaBright, 2)
			found = append(found, p)
		}
	}
	slices.SortStableFunc(found, func(p, q lumen) int { return cmp.Compare(p.cost, q.cost) })
	return found[:min(len(found), aortaKept)]
}

// uniform returns the mean and the standard deviation of the attenuation within
// aortaCore of a place.
func uniform(sampler *volume.Sampler, r *segmentation.Region, center r3.Vec) (mean, sd float64) {
	const spokes = 8
	var sum, sum2, n float64
	read := func(s, a, l float64) {
		f := r.Frame
		p := r3.Add(center, r3.Add(r3.Scale(s, f.Superior), r3.Add(r3.Scale(a, f.Anterior), r3.Scale(l, f.Left))))
		hu := sampler.At(p)
		sum += hu
		sum2 += hu * hu
		n++
	}
	for s := -aortaSlab; s <= aortaSlab; s += aortaSlab {
		read(s, 0, 0)
		for _, radius := range []float64{aortaCore / 2, aortaCore} {
			for k := range spokes {
				sin, cos := math.Sincos(2 * math.Pi * float64(k) / spokes)
				read(s, radius*cos, radius*sin)
			}
		}
	}
	mean = sum / n
	return mean, math.Sqrt(max(sum2/n-mean*mean, 0))
}

// cheapest returns one place of each level along the path of least cost.
func cheapest(levels [][]lumen) []lumen {
	type step struct {
		cost float64
		from int
	}
	steps := make([][]step, len(levels))
	for i, places := range levels {
		steps[i] = make([]step, len(places))
		for n, p := range places {
			if i == 0 {
				steps[i][n] = step{p.cost, 0}
				continue
			}
			best := step{math.Inf(1), 0}
			for m, q := range levels[i-1] {
				shift, change := math.Hypot(p.a-q.a, p.l-q.l)/aortaShift, (p.mean-q.mean)/aortaChange
				if c := steps[i-1][m].cost + shift*shift + min(change*change, 4); c < best.cost {
					best = step{c, m}
				}
			}
			steps[i][n] = step{best.cost + p.cost, best.from}
		}
	}
	last := len(levels) - 1
	at := 0
	for n := range steps[last] {
		if steps[last][n].cost < steps[last][at].cost {
			at = n
		}
	}
	path := make([]lumen, len(levels))
	for i := last; i >= 0; i-- {
		path[i] = levels[i][at]
		at = steps[i][at].from
	}
	return path
}

// judgeAorta says what the places along the column have in common.
func judgeAorta(path []lumen) Aorta {
	var hu []float64
	for _, p := range path {
		if p.sd <= uniformLumen {
			hu = append(hu, p.mean)
		}
	}
	if len(hu) == 0 {
		return Aorta{Reason: "no uniform vessel was found beside the bodies"}
	}
	slices.Sort(hu)
	a := Aorta{HU: quantile(hu, 0.5)}
	a.SD = (quantile(hu, 0.841) - quantile(hu, 0.159)) / 2
	a.Enhanced = a.HU >= EnhancedHU
	for _, v := range hu {
		if math.Abs(v-a.HU) <= max(agreeingLumen*a.HU, agreeingHU) {
			a.Levels++
		}
	}
	a.Sure = a.Levels >= sureAortaLevel && 2*a.Levels > len(path)
	if !a.Sure {
		a.Reason = phrase.Of("%d of %d levels agree about the vessel beside the bodies", a.Levels, len(path))
	}
	return a
}
