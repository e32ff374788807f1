// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package detect

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r2"
)

// What the distances of bodies are like: defaults.
const (
	leastSteps = 3    // that say what is usual
	mostGrowth = 0.08 // of the distance, from one to the next below
)

// within returns which of a row of bodies are none: of two that lie nearer to each other than a
// crushed one does to its neighbour, the less sure was read of the other's points.
func within(row []spot, centers []r2.Vec) map[int]bool {
	gone := map[int]bool{}
	last := 0
	for i := 1; i < len(row); i++ {
		pitch := usual(row, float64(i)-0.5, -1)
		switch {
		case r2.Norm(r2.Sub(centers[i], centers[last])) >= nearestNext*pitch:
			last = i
		case row[i].probability > row[last].probability:
			gone[last] = true
			last = i
		default:
			gone[i] = true
		}
	}
	return gone
}

// usual returns the distance of bodies at a place of a row, counted in bodies, by all of their
// distances but one (none: -1); 0 where there are too few. They grow along the spine: it is the median of the lines through any two
// of them. A crushed body makes two of them small, which bends no median of many.
func usual(row []spot, place float64, but int) float64 {
	var at, steps []float64
	for j := range len(row) - 1 {
		if step := r2.Norm(r2.Sub(row[j+1].at, row[j].at)); j != but && step > 0 {
			at, steps = append(at, float64(j)+0.5-place), append(steps, math.Log(step))
		}
	}
	if len(steps) < leastSteps {
		return 0
	}
	var slopes, here []float64
	for j := range steps {
		for k := range j {
			slopes = append(slopes, (steps[j]-steps[k])/(at[j]-at[k]))
		}
	}
	slope := min(max(median(slopes), 0), mostGrowth)
	for j := range steps {
		here = append(here, steps[j]-slope*at[j])
	}
	return math.Exp(median(here))
}

func median(v []float64) float64 {
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}
