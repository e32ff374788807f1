// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison_test

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/cement"
	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/spine"
)

// A new fracture is a reduction of any height by at least 20 % and at least 4 mm.
// Reference: EPOS, eprints.soton 25772.
func TestNewFractureNeedsBothCuts(t *testing.T) {
	intact := column(spine.T10, spine.L4, 21)
	for _, tt := range []struct {
		name string
		left float64 // of L2's anterior height
		want bool
	}{
		{"15 %", 0.85, false},
		{"18 %, over 4 mm", 0.82, false},
		{"23 %", 0.77, true},
		{"40 %", 0.6, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := compare(t, examine(intact, r3.Vec{}), examine(collapsed(intact, spine.L2, tt.left, 1, 1), r3.Vec{}))
			if got := slices.Contains(codes(c, spine.L2), comparison.NewFracture); got != tt.want {
				t.Errorf("new fracture %v, want %v: %v", got, tt.want, codes(c, spine.L2))
			}
		})
	}
	// 22 % of 16 mm is less than 4 mm.
	low := slices.Clone(intact)
	for i := range low {
		low[i].anterior, low[i].middle, low[i].posterior = 0.7*low[i].anterior, 0.7*low[i].middle, 0.7*low[i].posterior
	}
	c := compare(t, examine(low, r3.Vec{}), examine(collapsed(low, spine.L1, 0.78, 1, 1), r3.Vec{}))
	if got := codes(c, spine.L1); slices.Contains(got, comparison.NewFracture) {
		t.Errorf("3.6 mm less: %v", got)
	}
}

func TestNewFractureIsAdjacentOrRemote(t *testing.T) {
	intact := cemented(column(spine.T10, spine.L4, 22), spine.T12, 3)
	for level, want := range map[spine.Level]string{spine.L1: comparison.NewAdjacent, spine.L3: comparison.NewRemote} {
		c := compare(t, examine(intact, r3.Vec{}), examine(collapsed(intact, level, 0.6, 0.7, 0.95), r3.Vec{}))
		if got := codes(c, level); !slices.Contains(got, want) {
			t.Errorf("%s beside the treated T12: %v, want %s", level, got, want)
		}
	}
}

// Recollapse is a loss of height of at least 15 %, or of kyphosis of at least 10°,
// against the first examination after treatment.
// Reference: Yu 2017, PMC5266161.
func TestRecollapse(t *testing.T) {
	treated := cemented(column(spine.T10, spine.L4, 23), spine.L1, 4)
	for _, tt := range []struct {
		name                        string
		anterior, middle, posterior float64
		want                        bool
	}{
		{"10 % of all heights", 0.90, 0.90, 0.90, false},
		{"17 % of the anterior height", 0.83, 0.95, 1, true},
		{"18 % of the middle height", 1, 0.82, 1, true},
		{"14 % in front, more behind: 10° and more", 0.86, 1, 1.3, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := compare(t, examine(treated, r3.Vec{}), examine(collapsed(treated, spine.L1, tt.anterior, tt.middle, tt.posterior), r3.Vec{}))
			if got := slices.Contains(codes(c, spine.L1), comparison.Recollapse); got != tt.want {
				t.Errorf("recollapse %v, want %v: %v", got, tt.want, codes(c, spine.L1))
			}
		})
	}
}

// A fractured level that stays as it was is said to be unchanged, one that loses
// more to lose further.
func TestFracturedLevelsAreFollowed(t *testing.T) {
	intact := column(spine.T10, spine.L4, 24)
	before := collapsed(intact, spine.L1, 0.7, 0.8, 1)
	for want, left := range map[string]float64{comparison.HeightUnchanged: 0.7, comparison.HeightLost: 0.5, comparison.HeightRestored: 0.9} {
		c := compare(t, examine(before, r3.Vec{}), examine(collapsed(intact, spine.L1, left, 0.8, 1), r3.Vec{}))
		if got := codes(c, spine.L1); !slices.Contains(got, want) {
			t.Errorf("%.0f %% left of 70 %%: %v, want %s", 100*left, got, want)
		}
	}
}

// Of the outermost body, whose endplates were not found again, it is neither said that it
// changed nor that it did not.
func TestWhatIsNotJudgedIsNotSaidToBeUnchanged(t *testing.T) {
	intact := column(spine.T10, spine.L1, 24)
	c := compare(t, examine(collapsed(intact, spine.L1, 0.7, 0.8, 1), r3.Vec{}), examine(collapsed(intact, spine.L1, 0.9, 0.8, 1), r3.Vec{}))
	if change := pairOf(t, c, spine.L1).Heights[0]; change.Reason == "" || math.Abs(change.Value) < change.LSC {
		t.Fatalf("a change of %+.1f mm (LSC %.1f) is judged: the test tells nothing", change.Value, change.LSC)
	}
	for _, code := range []string{comparison.HeightUnchanged, comparison.HeightRestored} {
		if got := codes(c, spine.L1); slices.Contains(got, code) {
			t.Errorf("findings %v, want no %s", got, code)
		}
	}
}

// Kyphosis that grew, a wall that moved and a leak to a new place are told apart from
// those that did not, each by its least significant change.
//
// Reference: Curfs 2016 for the Gardner angle; 2 mm for a wall that is displaced, and what
// a new leak is: defaults of this program.
func TestWhatElseChangedIsTold(t *testing.T) {
	intact := column(spine.T10, spine.L4, 25)
	treated := cemented(collapsed(intact, spine.L1, 0.7, 0.8, 1), spine.L1, 4)
	at := func(e *comparison.Examination) *comparison.Vertebra {
		i := slices.IndexFunc(e.Vertebrae, func(v comparison.Vertebra) bool { return v.Level == spine.L1 })
		return &e.Vertebrae[i]
	}
	behind := func(mm float64) func(*comparison.Examination) {
		return func(e *comparison.Examination) { at(e).Retropulsion = &morphometry.Estimate{Value: mm, SD: 0.3} }
	}
	leaking := func(places ...cement.Place) func(*comparison.Examination) {
		return func(e *comparison.Examination) {
			for _, p := range places {
				at(e).Cement.Leaks = append(at(e).Cement.Leaks, comparison.Leak{Place: p.Text(), Volume: 0.2, Distance: 4})
			}
		}
	}
	same := func(*comparison.Examination) {}
	for _, tt := range []struct {
		name          string
		before, after func(*comparison.Examination)
		code          string
		want          bool
	}{
		{"a wall driven back", behind(0.5), behind(6), comparison.RetropulsionChange, true},
		{"a wall that stays", behind(5.8), behind(6), comparison.RetropulsionChange, false},
		{"within what a normal wall does", behind(-1), behind(1.5), comparison.RetropulsionChange, false},
		{"a leak", same, leaking(cement.Canal), comparison.NewCementLeak, true},
		{"the same leak", leaking(cement.Canal), leaking(cement.Canal), comparison.NewCementLeak, false},
		{"a second leak", leaking(cement.Canal), leaking(cement.Canal, cement.SuperiorDisc), comparison.NewCementLeak, true},
	} {
		before, after := examine(treated, r3.Vec{}), examine(treated, r3.Vec{})
		tt.before(before)
		tt.after(after)
		if got := slices.Contains(codes(compare(t, before, after), spine.L1), tt.code); got != tt.want {
			t.Errorf("%s: %s %t, want %t", tt.name, tt.code, got, tt.want)
		}
	}
	c := compare(t, examine(treated, r3.Vec{}), examine(collapsed(treated, spine.L1, 0.6, 1, 1), r3.Vec{}))
	if !slices.Contains(codes(c, spine.L1), comparison.KyphosisIncreased) {
		t.Errorf("the wedge grew: findings %v, want %s among them", codes(c, spine.L1), comparison.KyphosisIncreased)
	}
}
