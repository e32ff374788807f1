// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package detect

import (
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/spatial/r2"
)

// Between two bodies whose levels are known lie as many as there are levels, whatever is seen
// there: those that are seen where they are, and others in the gaps.
func TestChainBetween(t *testing.T) {
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 3))
		n := 3 + rng.IntN(4)
		bodies, clutter := madeRow(rng, n, 5, 0.3, 1)
		lost := 1 + rng.IntN(n-2)
		seen := ordered(0.3, slices.Delete(slices.Clone(bodies), lost, lost+1)[1:n-2], clutter)
		found := chainBetween(&bodies[0], &bodies[n-1], seen, n-1)
		if len(found) != n {
			t.Fatalf("seed %d: %d bodies, want %d", seed, len(found), n)
		}
		for i := range found {
			if off := r2.Norm(r2.Sub(found[i].at, bodies[i].at)); off > 0.2*r2.Norm(bodies[i].axis) {
				t.Errorf("seed %d: body %d of %d lies %.1f from where it is", seed, i, n, off)
			}
		}
	}
	a, b := spot{}, spot{at: r2.Vec{Y: 90}}
	a.axis, b.axis = r2.Vec{Y: 30}, r2.Vec{Y: 30}
	if found := chainBetween(&a, &b, nil, 3); len(found) != 4 || found[1].at.Y != 30 || found[2].at.Y != 60 {
		t.Errorf("where nothing is seen, bodies lie at %v", found)
	}
}

// A row has no more bodies than there are levels: the less likely end goes.
func TestFitting(t *testing.T) {
	row := make([]spot, orders+1)
	for i := range row {
		row[i].at.Y, row[i].probability = float64(i), 0.9
	}
	row[0].probability = 0.2
	if got := fitting(row); len(got) != orders || got[0].at.Y != 1 {
		t.Errorf("%d bodies from %g on, want %d from the second on", len(got), got[0].at.Y, orders)
	}
	row[0].probability, row[orders].probability = 0.9, 0.2
	if got := fitting(row); len(got) != orders || got[0].at.Y != 0 {
		t.Errorf("%d bodies from %g on, want %d from the first on", len(got), got[0].at.Y, orders)
	}
}
