// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package phantom

import (
	"math/rand/v2"
	"testing"
)

// The table leaves out edges of the outline that cannot be nearest: its distances are,
// to the last bit, those of looking at each edge.
func TestTableHoldsDistancesToTheOutline(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 0))
	for range 5 {
		b := newBody(Vertebra{
			Depth: 10 + 40*r.Float64(), Width: 10 + 60*r.Float64(), PosteriorConcavity: 6*r.Float64() - 1,
			AnteriorHeight: 25, PosteriorHeight: 25, RimRadius: 2,
		})
		for j := range b.table.nl {
			for i := range b.table.na {
				a, l := b.table.a0+float64(i)*tableStep, b.table.l0+float64(j)*tableStep
				if got, want := b.table.at[j*b.table.na+i].inside, b.outline.inside(a, l); got != want {
					t.Fatalf("at (%g, %g) of a body of %g by %g mm: %g, want %g", a, l, b.Depth, b.Width, got, want)
				}
			}
		}
	}
}
