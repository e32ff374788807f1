// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package detect

import (
	"context"
	"slices"

	"gonum.org/v1/gonum/spatial/r2"
)

// A crushed body is easily passed over, and its neighbours lie nearer to each other than to
// have one more between them. What tells is how far their neighbours lie apart. Defaults,
// tried on the rendered films that the networks learnt from.
const (
	passedOver = 1.35 // of the usual distance
	nearBy     = 2    // distances to each side that say what is usual
	astrayFill = 0.25 // of the gap, from its middle
)

// filled returns a row with the bodies that it passes over.
func (f *film) filled(ctx context.Context, s *survey, row []spot, right bool) ([]spot, error) {
	for i := 0; i+1 < len(row); i++ {
		way := r2.Sub(row[i+1].at, row[i].at)
		usual := usualStep(row, i)
		if usual == 0 || r2.Norm(way) < passedOver*usual {
			continue
		}
		middle := r2.Add(row[i].at, r2.Scale(0.5, way))
		at, seen, err := f.settle(middle, r2.Scale(0.5, way), false, right)
		if err != nil {
			return nil, err
		}
		if r2.Norm(r2.Sub(at, middle)) > astrayFill*r2.Norm(way) {
			at = middle
		}
		likely := s.probability(s.cell(at))
		if likely < leastSpot {
			continue
		}
		row = slices.Insert(row, i+1, s.seen(at, r2.Scale(0.5, way), false, max(seen.probability(), likely)))
		i++
	}
	return row, nil
}

// usualStep returns the median distance of the bodies about the i-th and the next; 0 where
// there are too few.
func usualStep(row []spot, i int) float64 {
	var steps []float64
	for j := max(i-nearBy, 0); j <= min(i+nearBy, len(row)-2); j++ {
		if j != i {
			steps = append(steps, r2.Norm(r2.Sub(row[j+1].at, row[j].at)))
		}
	}
	if len(steps) < 2 {
		return 0
	}
	slices.Sort(steps)
	return (steps[(len(steps)-1)/2] + steps[len(steps)/2]) / 2
}
