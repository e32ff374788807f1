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
	gap        = 1.7  // of the usual distance: no disc is as wide
	astrayFill = 0.25 // of the gap, from its middle

	leastFilled = 0.3 // probability of one where the gap is narrower
)

// thinned returns a row without the bodies that stand in where it leaves no gap.
func thinned(row []spot) []spot {
	for i := 1; i+1 < len(row); i++ {
		if row[i].probability > 0 {
			continue
		}
		without := slices.Delete(slices.Clone(row), i, i+1)
		pitch := usual(without, float64(i)-0.5, i-1)
		if r2.Norm(r2.Sub(row[i+1].at, row[i-1].at)) < gap*pitch {
			row = without
			i--
		}
	}
	return row
}

// filled returns a row with the bodies that it passes over.
func (f *film) filled(ctx context.Context, s *survey, row []spot, right bool) ([]spot, error) {
	for i := 0; i+1 < len(row); i++ {
		way := r2.Sub(row[i+1].at, row[i].at)
		pitch := usual(row, float64(i)+0.5, i)
		if pitch == 0 || r2.Norm(way) < passedOver*pitch {
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
		spotted, likely := s.probability(s.cell(at)), s.likely(at, seen)
		if spotted < leastSpot || likely < leastFilled && r2.Norm(way) < gap*pitch {
			continue
		}
		row = slices.Insert(row, i+1, s.seen(at, r2.Scale(0.5, way), false, max(likely, spotted)))
		i++
	}
	return row, nil
}
