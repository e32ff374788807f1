// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package detect

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r2"
)

// The costs of a chain, in units of the logarithm of odds: defaults, tried on the rendered
// films that the networks learnt from.
const (
	// even is the probability of a centre that is worth nothing.
	even    = 0.85
	astray  = 0.22 // of the pitch: standard deviation of where a neighbour is expected
	turnsBy = 16.0 // degrees, of the spine's direction from body to body
	missing = 1.2  // for a body that no spot shows
	most    = 9.0  // that one link may cost
)

// chain returns the row of bodies among spots that are ordered along the spine. Where one is
// missing between two, one without a probability stands in.
func chain(spots []spot) []spot {
	if len(spots) == 0 {
		return nil
	}
	score, from := make([]float64, len(spots)), make([]int, len(spots))
	best := 0
	for i := range spots {
		score[i], from[i] = worth(&spots[i]), -1
		for j := range i {
			if c, _ := link(&spots[j], &spots[i]); c < most && score[j]-c > 0 && score[j]-c+worth(&spots[i]) > score[i] {
				score[i], from[i] = score[j]-c+worth(&spots[i]), j
			}
		}
		if score[i] > score[best] {
			best = i
		}
	}
	var found []spot
	for i := best; i >= 0; i = from[i] {
		found = append(found, spots[i])
		if j := from[i]; j >= 0 {
			if _, steps := link(&spots[j], &spots[i]); steps == 2 {
				found = append(found, between(&spots[j], &spots[i]))
			}
		}
	}
	slices.Reverse(found)
	return found
}

// worth is what a spot adds to a chain.
func worth(s *spot) float64 {
	odds := func(p float64) float64 { return math.Log(p / (1 - p)) }
	return min(max(odds(min(s.probability, 0.999))-odds(even), -3), 4)
}

// link returns what it costs that b is the body beside a, or the one beyond that, and which.
func link(a, b *spot) (cost float64, steps int) {
	cost, steps = math.Inf(1), 1
	for n := 1; n <= 2; n++ {
		if c := linkBy(a, b, n); c < cost {
			cost, steps = c, n
		}
	}
	return cost, steps
}

// linkBy returns what it costs that b is n bodies beyond a.
func linkBy(a, b *spot, n int) float64 {
	each := r2.Scale(1/float64(n), r2.Sub(b.at, a.at))
	pitch := (r2.Norm(a.axis) + r2.Norm(b.axis)) / 2
	off := (r2.Norm2(r2.Sub(each, a.axis)) + r2.Norm2(r2.Sub(each, b.axis))) / (pitch * pitch * astray * astray) / 4
	turn := angle(a.axis, b.axis) / turnsBy / float64(n)
	return off + turn*turn/2 + float64(n-1)*missing
}

// angle returns the angle between two directions, degrees.
func angle(a, b r2.Vec) float64 {
	return math.Abs(math.Atan2(r2.Cross(a, b), r2.Dot(a, b))) * 180 / math.Pi
}

// between returns the spot halfway, which the network does not show.
func between(a, b *spot) spot { return partWay(a, b, 1, 2) }

// partWay returns the k-th of the spots that divide the way from one to another into n steps.
func partWay(a, b *spot, k, n int) spot {
	part := float64(k) / float64(n)
	mean := func(p, q r2.Vec) r2.Vec { return r2.Add(r2.Scale(1-part, p), r2.Scale(part, q)) }
	s := spot{at: mean(a.at, b.at), axis: r2.Scale(1/float64(n), r2.Sub(b.at, a.at)), down: mean(a.down, b.down), fore: mean(a.fore, b.fore)}
	even := -math.Log(orders)
	for n := range s.level {
		s.level[n] = even
	}
	return s
}
