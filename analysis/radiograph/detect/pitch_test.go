// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package detect

import (
	"cmp"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/spatial/r2"
)

// growing returns a row of n bodies whose distances grow by a factor, the k-th of which is
// crushed: both of its neighbours lie a quarter nearer.
func growing(n, k int, factor float64) (row []spot, usual []float64) {
	at, pitch := r2.Vec{X: 100, Y: 50}, 30.0
	for i := range n {
		row = append(row, spot{at: at, axis: r2.Vec{Y: pitch}, probability: 0.9})
		usual = append(usual, pitch)
		step := pitch
		if i == k || i+1 == k {
			step *= 0.75
		}
		at.Y += step
		pitch *= factor
	}
	return row, usual
}

// What is usual is told by the other distances: a crushed body changes nothing of what is
// expected elsewhere, nor beyond the ends.
func TestUsualDistance(t *testing.T) {
	if short, _ := growing(3, 9, 1); usual(short, 0.5, 0) != 0 {
		t.Error("one distance tells what is usual")
	}
	for k := range 9 {
		row, want := growing(9, k, 1.04)
		for i := range len(row) - 1 {
			if got := usual(row, float64(i)+0.5, i); math.Abs(got/want[i]-1) > 0.03 {
				t.Errorf("%d crushed: %.1f expected after %d, want %.1f", k, got, i, want[i])
			}
		}
		if _, step := endOf(row, false); math.Abs(r2.Norm(step)/want[8]-1) > 0.03 || step.Y < 0 {
			t.Errorf("%d crushed: the row goes on by %v, want %.1f", k, step, want[8])
		}
		if _, step := endOf(row, true); math.Abs(r2.Norm(step)*1.04/want[0]-1) > 0.03 || step.Y > 0 {
			t.Errorf("%d crushed: the row begins %v after, want %.1f", k, step, want[0]/1.04)
		}
	}
}

// Of bodies that were read at one place one is kept, and a crushed one stays.
func TestBodiesWithinOthers(t *testing.T) {
	row, _ := growing(9, 5, 1.03)
	var centers []r2.Vec
	for _, s := range row {
		centers = append(centers, s.at)
	}
	if gone := within(row, centers); len(gone) > 0 {
		t.Errorf("%v are none, of bodies", gone)
	}
	centers[3] = r2.Add(centers[2], r2.Vec{Y: 4})
	row[2].probability, row[8].probability = 0.3, 0.2
	centers[8] = centers[7]
	gone := within(row, centers)
	if got := slices.Collect(func(yield func(int) bool) {
		for i := range row {
			if gone[i] && !yield(i) {
				return
			}
		}
	}); !slices.Equal(got, []int{2, 8}) {
		t.Errorf("%v are none, want 2 and 8", got)
	}
}

// A body that stands in between two stays where they leave a gap, and goes where they lie as
// others do, however little was seen of the row.
func TestStandIns(t *testing.T) {
	for k := 1; k < 8; k++ {
		row, _ := growing(9, 20, 1.03)
		row[k].probability = 0
		if got := thinned(slices.Clone(row)); len(got) != 9 {
			t.Errorf("%d of 9 are left, of a row whose body %d was not seen", len(got), k)
		}
		more := between(&row[k-1], &row[k])
		if got := thinned(slices.Insert(slices.Clone(row), k, more)); len(got) != 9 || got[k].at != row[k].at {
			t.Errorf("%d of 9 are left, of a row where one stands in before body %d", len(got), k)
		}
	}
}

// Bodies that a reader named go on with those of the row that holds one of them.
func TestBodiesJoinedToARow(t *testing.T) {
	row, _ := growing(9, 20, 1.03)
	seeded := slices.Clone(row[1:4])
	seeded[1].at.X += 20 // seen elsewhere than the row has it
	for _, c := range []struct {
		row  []spot
		want int
	}{{row, 9}, {row[2:], 8}, {row[:3], 4}, {row[5:], 3}, {nil, 3}} {
		got := joined(c.row, seeded)
		if len(got) != c.want || !slices.IsSortedFunc(got, func(a, b spot) int { return cmp.Compare(a.at.Y, b.at.Y) }) {
			t.Errorf("%d bodies of a row of %d, want %d in their order", len(got), len(c.row), c.want)
		}
	}
}
