// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package detect

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/spatial/r2"
)

// madeRow draws a bent row of bodies whose levels look like those from first on, and what lies
// beside it: ribs' crossings and markers that look a little like bodies.
func madeRow(rng *rand.Rand, n, first int, turn, right float64) (bodies, clutter []spot) {
	at, bend := r2.Vec{X: 300, Y: 200}, 0.0
	for i := range n {
		direction := turn + bend
		down := r2.Vec{X: -math.Sin(direction), Y: math.Cos(direction)}
		fore := r2.Scale(right, r2.Vec{X: down.Y, Y: -down.X})
		pitch := 30 + 0.8*float64(i)
		s := spot{at: at, axis: r2.Scale(pitch, down), down: r2.Scale(pitch, down), fore: r2.Scale(0.5*pitch, fore), probability: 0.9 + 0.1*rng.Float64()}
		s.at = r2.Add(s.at, r2.Vec{X: rng.NormFloat64(), Y: rng.NormFloat64()})
		for o := range s.level {
			s.level[o] = -1.5*math.Abs(float64(o-first-i)) + 0.5*rng.NormFloat64()
		}
		bodies = append(bodies, s)
		at = r2.Add(at, s.down)
		bend += 0.08 * rng.Float64()
		if rng.IntN(2) == 0 {
			c := s
			c.at = r2.Add(s.at, r2.Scale(1.5+rng.Float64(), s.fore))
			c.probability = 0.1 + 0.3*rng.Float64()
			clutter = append(clutter, c)
		}
	}
	return bodies, clutter
}

// ordered returns spots in their order along a direction.
func ordered(turn float64, all ...[]spot) []spot {
	out := slices.Concat(all...)
	down := r2.Vec{X: -math.Sin(turn), Y: math.Cos(turn)}
	slices.SortFunc(out, func(a, b spot) int { return cmp.Compare(r2.Dot(a.at, down), r2.Dot(b.at, down)) })
	return out
}

func same(a, b []spot) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].at != b[i].at {
			return false
		}
	}
	return true
}

// A row of bodies is found among what is none, however the film lies.
func TestChain(t *testing.T) {
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 1))
		turn, right := 2*math.Pi*rng.Float64(), 1-2*float64(rng.IntN(2))
		first := rng.IntN(8)
		bodies, clutter := madeRow(rng, 4+rng.IntN(7), first, turn, right)
		found := chain(ordered(turn, bodies, clutter))
		if !same(found, bodies) {
			t.Errorf("seed %d: %d bodies found of %d, among %d that are none", seed, len(found), len(bodies), len(clutter))
			continue
		}
		if got, n := name(found); got != first || !(n.Probability > 0.5 && n.Probability <= 1) {
			t.Errorf("seed %d: the first is %d with %.2f, want %d", seed, got, n.Probability, first)
		}
	}
}

// A body that no spot shows is not left out of the row, nor do the levels below move up.
func TestChainWithAGap(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	bodies, _ := madeRow(rng, 8, 5, 0.2, 1)
	gone := 4
	found := chain(ordered(0.2, bodies[:gone], bodies[gone+1:]))
	if len(found) != len(bodies) {
		t.Fatalf("%d bodies, want %d", len(found), len(bodies))
	}
	if d := r2.Norm(r2.Sub(found[gone].at, bodies[gone].at)); d > 6 || found[gone].probability != 0 {
		t.Errorf("the body in the gap lies %.1f from where it is, with %.2f", d, found[gone].probability)
	}
	if first, _ := name(found); first != 5 {
		t.Errorf("the first is %d, want 5", first)
	}
}

// Two rows do not become one, and nothing is no row.
func TestChainOfTwoRows(t *testing.T) {
	if chain(nil) != nil {
		t.Error("nothing is a row")
	}
	rng := rand.New(rand.NewPCG(8, 8))
	long, _ := madeRow(rng, 7, 3, 0, 1)
	short, _ := madeRow(rng, 4, 3, 0, 1)
	for i := range short {
		short[i].at.X += 200
	}
	if found := chain(ordered(0, long, short)); !same(found, long) {
		t.Errorf("%d bodies, want those of the longer row", len(found))
	}
}

// Levels that look like nothing are a guess.
func TestNameOfWhatTellsNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	bodies, _ := madeRow(rng, 6, 3, 0, 1)
	for i := range bodies {
		for o := range bodies[i].level {
			bodies[i].level[o] = -math.Log(orders)
		}
	}
	if _, n := name(bodies); n.Probability > 0.1 {
		t.Errorf("sure by %.2f", n.Probability)
	}
}
