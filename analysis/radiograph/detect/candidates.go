// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package detect

import (
	"cmp"
	"context"
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r2"
)

// The second network is shown squares along the ridge. Each moves to the body that it sees
// nearest to its middle, and what several come to is one.
const (
	apart    = 1.0 / 3 // of the pitch, from square to square
	farthest = 0.7     // of the pitch, to which a body may lie from the middle
	oneBody  = 0.35    // of the pitch, within which two are the same
)

// sharp is how far the points of a body scatter by the network's own word, of the pitch, in
// the geometric mean.
type sharp float64

// How the odds of a body follow from what both networks tell of a place: defaults, by the
// logistic regression of bodies, and of what is none, along the lines of rendered films of 40
// made spines and two CTs. Films of CTs, which show less, count three times.
const (
	oddsAtEven  = -9.26
	oddsBySpot  = 1.64  // by the logarithm of the first network's odds
	oddsBySharp = -5.65 // by that of the second one's scatter
)

// likelyCentre is what the first network says of nearly all centres.
const likelyCentre = 0.2

// likely returns the probability that a body's centre lies at a place of the film, which the
// second network sees so sharply.
func (s *survey) likely(at r2.Vec, how sharp) float64 {
	p := min(max(s.probability(s.cell(at)), 1e-4), 1-1e-4)
	return logistic(oddsAtEven + oddsBySpot*math.Log(p/(1-p)) + oddsBySharp*math.Log(float64(how)))
}

// candidate is a body that the second network sees.
type candidate struct {
	at    r2.Vec
	sharp sharp
	along float64 // of the ridge, pitches
	votes int
}

// glance reads a body at a pose for where it lies and how sharply.
func (f *film) glance(p *pose) (r2.Vec, sharp, error) {
	read, err := f.read(p)
	if err != nil {
		return r2.Vec{}, 0, err
	}
	var log float64
	for _, r := range read {
		log += math.Log(r.sd / r2.Norm(p.down))
	}
	return middleOf(read), sharp(math.Exp(log / float64(len(read)))), nil
}

// candidates returns the bodies along a ridge, from its first end, if their distances are
// its axes' times scale.
func (f *film) candidates(ctx context.Context, ridge []spot, scale float64, right bool) ([]candidate, error) {
	var all []candidate
	along, next := 0.0, 0.0
	for i := range ridge {
		s := &ridge[i]
		if i > 0 {
			along += r2.Norm(r2.Sub(s.at, ridge[i-1].at)) / (scale * r2.Norm(s.axis))
		}
		if along < next {
			continue
		}
		next = along + apart
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		axis := r2.Scale(scale, s.axis)
		at, sharp, err := f.glance(&pose{s.at, axis, right})
		if err != nil {
			return nil, err
		}
		off := r2.Dot(r2.Sub(at, s.at), axis) / r2.Norm2(axis)
		if r2.Norm(r2.Sub(at, s.at)) > farthest*r2.Norm(axis) {
			continue
		}
		all = append(all, candidate{at, sharp, along + off, 1})
	}
	return merged(all), nil
}

// merged makes one of those that lie at the same place: the sharpest.
func merged(all []candidate) []candidate {
	var out []candidate
	for {
		best := -1
		for i := range all {
			if all[i].votes > 0 && (best < 0 || all[i].sharp < all[best].sharp) {
				best = i
			}
		}
		if best < 0 {
			return out
		}
		one := all[best]
		all[best].votes = 0
		for i := range all {
			if all[i].votes > 0 && math.Abs(all[i].along-one.along) < oneBody {
				one.votes += all[i].votes
				all[i].votes = 0
			}
		}
		out = append(out, one)
	}
}

// spots returns candidates with what the spotter tells of where they lie, in their order
// along a ridge.
func (s *survey) spots(ridge []spot, all []candidate, scale float64) []spot {
	slices.SortFunc(all, func(a, b candidate) int { return cmp.Compare(a.along, b.along) })
	out := make([]spot, len(all))
	for i, c := range all {
		n := nearest(ridge, c.at)
		out[i] = s.spot(s.cell(c.at))
		out[i].at, out[i].axis, out[i].probability = c.at, r2.Scale(scale, ridge[n].axis), s.likely(c.at, c.sharp)
	}
	return out
}
