// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"fmt"
	"math"

	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/segmentation"
)

// What six points read in an image may come to. Beyond it an endplate was taken for
// another edge, and no measurement is better than a wrong one. Defaults of this
// program.
const (
	// leastHeight, mm, is what is left of any crushed body: two endplates of 0.4 to
	// 0.8 mm with some bone between.
	leastHeight = 2.0
	// mostOfNeighbours is how much taller a height may be than the tallest of the
	// three of the bodies beside it: bodies lose height, they gain none. Normal ones
	// stay below 1.15; the space of a missed disc adds 0.2 and more.
	mostOfNeighbours = 1.25
	// neighbours is how many bodies to each side count, of at least leastNeighbours.
	neighbours, leastNeighbours = 3, 2
)

// dropImplausible takes back measured vertebrae whose heights no body can have.
func (r *Result) dropImplausible() {
	tallest := make([]float64, len(r.Vertebrae)) // 0 where not measured
	reasons := make([]string, len(r.Vertebrae))
	for i := range r.Vertebrae {
		v := &r.Vertebrae[i]
		h, ok := morphometry.HeightsOf(v.Landmarks)
		if v.Status != Measured || !ok {
			continue
		}
		if least := min(h.Anterior, h.Middle, h.Posterior); least < leastHeight {
			reasons[i] = fmt.Sprintf("its endplates meet (%.1f mm): one of them was not found", least)
			continue
		}
		tallest[i] = max(h.Anterior, h.Middle, h.Posterior)
	}
	for i := range r.Vertebrae {
		if usual, n := usualTallest(tallest, i); n >= leastNeighbours && tallest[i] > mostOfNeighbours*usual {
			reasons[i] = fmt.Sprintf("a height %.0f %% above those of the bodies beside it: an endplate was not found",
				100*(tallest[i]/usual-1))
		}
	}
	for i, reason := range reasons {
		if reason != "" {
			v := &r.Vertebrae[i]
			v.Status, v.Reason, v.Landmarks, v.Body.Reason = NotMeasurable, reason, nil, reason
		}
	}
}

// usualTallest returns the tallest height of the measured bodies beside i, grown to
// its level, and how many there are.
func usualTallest(tallest []float64, i int) (height float64, n int) {
	for k := max(i-neighbours, 0); k <= min(i+neighbours, len(tallest)-1); k++ {
		if k != i && tallest[k] > 0 {
			height = max(height, tallest[k]*math.Pow(1+segmentation.HeightGrowth, float64(max(i-k, 0))))
			n++
		}
	}
	return height, n
}
