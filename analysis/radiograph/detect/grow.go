// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package detect

import (
	"context"
	"slices"

	"gonum.org/v1/gonum/spatial/r2"
)

// What the next body beyond the end of a row must be like, of the distance of the last two.
const (
	leastGrown         = 0.35 // probability
	nearest1, farther1 = 0.6, 1.5
	bendsBy            = 35.0 // degrees
	mostGrown          = 20
)

// grow adds to both ends of a row the bodies that the second network sees there: from body
// to body their distance is known better than the spotter tells it.
func (f *film) grow(ctx context.Context, s *survey, row []spot, right bool) ([]spot, error) {
	if len(row) == 0 {
		return nil, nil
	}
	for _, up := range []bool{false, true} {
		for range mostGrown {
			next, err := f.beyond(ctx, s, row, up, right)
			if err != nil {
				return nil, err
			}
			if next == nil {
				break
			}
			if up {
				row = slices.Insert(row, 0, *next)
			} else {
				row = append(row, *next)
			}
		}
	}
	return row, nil
}

// beyond returns the body beyond an end of a row; nil where there is none.
func (f *film) beyond(ctx context.Context, s *survey, row []spot, up, right bool) (*spot, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	last, step := row[len(row)-1], row[len(row)-1].axis
	if len(row) > 1 {
		step = r2.Sub(last.at, row[len(row)-2].at)
	}
	if up {
		last, step = row[0], r2.Scale(-1, row[0].axis)
		if len(row) > 1 {
			step = r2.Sub(last.at, row[1].at)
		}
	}
	down := step
	if up {
		down = r2.Scale(-1, step)
	}
	at := r2.Add(last.at, step)
	var seen sharp
	for range passes {
		if !f.holds(at) {
			return nil, nil
		}
		var err error
		if at, seen, err = f.glance(&pose{at, down, right}); err != nil {
			return nil, err
		}
	}
	way := r2.Sub(at, last.at)
	far := r2.Norm(way) / r2.Norm(step)
	if !f.holds(at) || far < nearest1 || far > farther1 || angle(way, step) > bendsBy || seen.probability() < leastGrown {
		return nil, nil
	}
	next := s.spot(s.cell(at))
	next.at, next.axis, next.probability = at, down, seen.probability()
	return &next, nil
}
