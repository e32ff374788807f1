// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package detect

import (
	"context"
	"slices"

	"gonum.org/v1/gonum/spatial/r2"
)

// What the next body beyond the end of a row must be like. One that is not sharp is passed
// over if the one beyond it is; nearer than twoApart it must be seen to be there at all.
const (
	leastGrown  = 0.7  // probability
	leastBeyond = 0.95 // of one beyond another
	// Of the distance of the last two.
	nearestNext, farthestNext, twoApart, farthestBeyond = 0.55, 1.35, 1.6, 2.45

	bendsBy    = 35.0 // degrees
	mostGrown  = 20
	mostHidden = 1 // bodies at each end that the first network alone sees
)

// grow adds to both ends of a row the bodies that the second network sees there: from body
// to body their distance is known better than the spotter tells it.
func (f *film) grow(ctx context.Context, s *survey, row []spot, right bool) ([]spot, error) {
	if len(row) == 0 {
		return nil, nil
	}
	for _, up := range []bool{false, true} {
		hidden := 0
		for range mostGrown {
			next, clear, err := f.beyond(ctx, s, row, up, right)
			if err != nil {
				return nil, err
			}
			if !clear {
				hidden++
			}
			if len(next) == 0 || hidden > mostHidden {
				break
			}
			if up {
				slices.Reverse(next)
				row = slices.Insert(row, 0, next...)
			} else {
				row = append(row, next...)
			}
		}
	}
	return row, nil
}

// beyond returns the body beyond an end of a row, or two where the nearer is faint; none
// where there is none. It is clear if the second network sees it too.
func (f *film) beyond(ctx context.Context, s *survey, row []spot, up, right bool) (next []spot, clear bool, err error) {
	last, step := endOf(row, up)
	for n := 1.0; n <= 2; n++ {
		if err := ctx.Err(); err != nil {
			return nil, false, err
		}
		at, seen, err := f.settle(r2.Add(last, r2.Scale(n, step)), step, up, right)
		if err != nil {
			return nil, false, err
		}
		way := r2.Sub(at, last)
		far := r2.Norm(way) / r2.Norm(step)
		least, bodies := leastGrown, 1.0
		if far > farthestNext { // with a crushed one between, less than twice as far
			least, bodies = leastBeyond, 2
		}
		if !f.holds(at) || far < nearestNext || far > farthestBeyond || angle(way, step) > bendsBy {
			continue
		}
		probability, likely := s.likely(at, seen), s.probability(s.cell(at))
		switch clear = probability >= least; {
		case clear:
		case far >= nearestFaint && far <= farthestFaint && likely >= likelyCentre: // its walls may be hidden, as L5's by the pelvis
			probability = likely
		default:
			continue
		}
		next = []spot{s.seen(at, r2.Scale(1/bodies, way), up, probability)}
		if bodies > 1 {
			between, faint, err := f.settle(r2.Add(last, r2.Scale(0.5, way)), r2.Scale(0.5, way), up, right)
			if err != nil {
				return nil, false, err
			}
			if off := r2.Norm(r2.Sub(between, r2.Add(last, r2.Scale(0.5, way)))); off > 0.25*r2.Norm(way) {
				between = r2.Add(last, r2.Scale(0.5, way))
			}
			if far < twoApart && s.likely(between, faint) < leastGrown { // a wide disc
				return []spot{s.seen(at, way, up, probability)}, clear, nil
			}
			next = append([]spot{s.seen(between, r2.Scale(0.5, way), up, s.likely(between, faint))}, next...)
		}
		return next, clear, nil
	}
	return nil, false, nil
}

// endOf returns the last body at an end of a row, and the way on from there: that from the one
// before, as long as the others lead one to expect, as one of the two may be crushed.
func endOf(row []spot, up bool) (at, step r2.Vec) {
	end, before, next, sign := len(row)-1, len(row)-2, float64(len(row))-0.5, 1.0
	if up {
		end, before, next, sign = 0, 1, -0.5, -1
	}
	if len(row) == 1 {
		return row[end].at, r2.Scale(sign, row[end].axis)
	}
	step = r2.Sub(row[end].at, row[before].at)
	if length := usual(row, next, -1); length > 0 {
		step = r2.Scale(length, r2.Unit(step))
	}
	return row[end].at, step
}

// settle looks at a body about a place, and once more about where it was seen.
func (f *film) settle(at, step r2.Vec, up, right bool) (r2.Vec, sharp, error) {
	if up {
		step = r2.Scale(-1, step)
	}
	var seen sharp
	for range passes {
		var err error
		if at, seen, err = f.glance(&pose{at, step, right}); err != nil {
			return at, seen, err
		}
	}
	return at, seen, nil
}

// seen returns the spot of a body that the second network saw.
func (s *survey) seen(at, step r2.Vec, up bool, probability float64) spot {
	if up {
		step = r2.Scale(-1, step)
	}
	out := s.spot(s.cell(at))
	out.at, out.axis, out.probability = at, step, probability
	return out
}
