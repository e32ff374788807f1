// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package morphometry

import (
	"math"

	"github.com/endplate/endplate/analysis/spine"
)

// LevelHeights are the heights of a named vertebra; Heights is nil where it was
// not measured.
type LevelHeights struct {
	Level   spine.Level
	Heights *Heights
}

// maxReach is how many levels away a vertebra may stand that a height is
// expected from. Each level adds to the uncertainty.
const maxReach = 3

// Expect returns the heights of vertebra i of a column, ordered from superior
// to inferior, that its neighbours lead one to expect:
//
//	E = Σ w·H·r / Σ w,   w = 1/variance
//
// where r is the level's usual height relative to the neighbour's. The
// neighbours are the adjacent levels, without those marked in excluded; if
// none is left, the nearest usable level on either side, up to three away. With
// two alike neighbours E is their scaled mean. Where the two disagree about a
// height beyond the repeatability limit (2.77 standard deviations), the one that
// is lower is left out: bodies lose height, they gain none, and two collapsed
// neighbours would otherwise hide each other. The standard deviation combines
// the spread of r in unselected people, which grows with the root of the
// distance in levels, and the neighbours' own errors.
//
// Reference: Buckens et al., PLoS ONE 2013;8:e71204 (nearest unfractured
// vertebra); RadElement RDES230 (nearest normal vertebra). The ratios r are those
// of heightProfile. Scaling by them and taking the mean of two: default.
func Expect(column []LevelHeights, i int, excluded []bool) Expected {
	neighbours := usable(column, i, excluded, 1)
	if len(neighbours) == 0 {
		neighbours = usable(column, i, excluded, maxReach)
	}
	var from []prediction
	for _, j := range neighbours {
		from = append(from, predict(column[j], column[i].Level))
	}
	return combine(withoutLower(from))
}

// prediction is what one neighbour leads one to expect: anterior, middle and
// posterior height with their standard deviations, mm.
type prediction struct {
	from     spine.Level
	mean, sd [3]float64
}

func predict(neighbour LevelHeights, to spine.Level) prediction {
	h := neighbour.Heights
	p := prediction{from: neighbour.Level}
	for n, measured := range [3][2]float64{
		{h.Anterior, h.AnteriorSD}, {h.Middle, h.MiddleSD}, {h.Posterior, h.PosteriorSD},
	} {
		profile := profiles[n]
		ratio := profile.relative(to) / profile.relative(p.from)
		p.mean[n] = measured[0] * ratio
		p.sd[n] = math.Hypot(p.mean[n]*profile.spread(p.from, to), measured[1]*ratio)
	}
	return p
}

// repeatability is the factor of the standard deviation beyond which two values
// of the same differ: 1.96·√2. Here it multiplies the deviation of the
// difference's either part, combined.
//
// Reference: the least significant change of densitometry, a convention; that it
// decides between two neighbours: no published source found, default.
const repeatability = 2.77

// withoutLower leaves out a neighbour of two that contradicts the other by
// being lower; none if each is lower in some height.
func withoutLower(p []prediction) []prediction {
	if len(p) < 2 {
		return p
	}
	var lower [2]bool
	for n := range p[0].mean {
		difference := p[0].mean[n] - p[1].mean[n]
		if math.Abs(difference) <= repeatability*math.Hypot(p[0].sd[n], p[1].sd[n]) {
			continue
		}
		lower[0] = lower[0] || difference < 0
		lower[1] = lower[1] || difference > 0
	}
	switch {
	case lower[0] && !lower[1]:
		return p[1:]
	case lower[1] && !lower[0]:
		return p[:1]
	}
	return p
}

// combine returns the means weighted by inverse variance.
func combine(from []prediction) Expected {
	var e Expected
	var mean, weight [3]float64
	for _, p := range from {
		e.From = append(e.From, p.from)
		for n := range mean {
			w := 1 / (p.sd[n] * p.sd[n])
			mean[n] += w * p.mean[n]
			weight[n] += w
		}
	}
	if len(from) == 0 {
		return e
	}
	e.Anterior, e.AnteriorSD = mean[0]/weight[0], 1/math.Sqrt(weight[0])
	e.Middle, e.MiddleSD = mean[1]/weight[1], 1/math.Sqrt(weight[1])
	e.Posterior, e.PosteriorSD = mean[2]/weight[2], 1/math.Sqrt(weight[2])
	e.SD = math.Sqrt((1/weight[0] + 1/weight[1] + 1/weight[2]) / 3)
	return e
}

// usable returns the nearest usable vertebra on either side of i, at most reach
// levels away, from superior to inferior.
func usable(column []LevelHeights, i int, excluded []bool, reach int) []int {
	var found []int
	for _, step := range []int{-1, 1} {
		for j := i + step; j >= 0 && j < len(column); j += step {
			if levelsBetween(column[i].Level, column[j].Level) > float64(reach) {
				break
			}
			if column[j].Heights != nil && !excluded[j] && profiled(column[j].Level) && profiled(column[i].Level) {
				found = append(found, j)
				break
			}
		}
	}
	return found
}

// levelsBetween returns how many levels lie from one to the other. T13 counts
// as half a level: a patient who has it has one more between T12 and L1.
func levelsBetween(a, b spine.Level) float64 { return math.Abs(a.Order() - b.Order()) }
