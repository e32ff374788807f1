// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package naming_test

import (
	"strings"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/localization"
	"github.com/endplate/endplate/analysis/localization/naming"
	"github.com/endplate/endplate/analysis/spine"
)

// evenly returns a chain of vertebrae 30 mm apart, or twice as far where a name is
// left out by a "-".
func evenly(t *testing.T, names string) ([]localization.Vertebra, []spine.Level) {
	t.Helper()
	var chain []localization.Vertebra
	var levels []spine.Level
	z := 0.0
	for name := range strings.FieldsSeq(names) {
		z -= 30
		if name == "-" {
			continue
		}
		l, err := spine.ParseLevel(name)
		if err != nil {
			t.Fatal(err)
		}
		chain = append(chain, localization.Vertebra{Center: r3.Vec{Z: z}, Sacral: l == spine.S1})
		levels = append(levels, l)
	}
	return chain, levels
}

func TestNamesFollowOne(t *testing.T) {
	for _, tt := range []struct {
		names, from, to string
		want            string // "" if no spine has it
	}{
		{"T10 T11 T12 L1 L2", "L1", "T12", "T9 T10 T11 T12 L1"},
		{"T10 T11 T12 L1 L2", "T12", "T12", "T10 T11 T12 L1 L2"},
		{"C6 C7 T1 T2", "T1", "T2", "C7 T1 T2 T3"},
		{"C1 C2 C3", "C2", "C1", ""},                                            // one would stand above the first
		{"T11 T12 - L2 L3", "L2", "L1", "T10 T11 - L1 L2"},                      // the gap stays
		{"T11 T12 L1 L2 L3 L4 L5 S1", "L5", "L4", "T11 T12 T13 L1 L2 L3 L4 S1"}, // the sacrum stays: four lumbar
		{"L1 L2 L3 L4 L5 S1", "L5", "L6", "L2 L3 L4 L5 L6 S1"},                  // six
		{"T11 T12 L1 L2 L3 L4 L5 L6 S1", "L6", "L5", "T10 T11 T12 L1 L2 L3 L4 L5 S1"},
		{"T11 T12 L1 L2", "L1", "T13", "T11 T12 T13 L1"},
		{"T10 T11 L1 L2", "L1", "L2", "T12 L1 L2 L3"}, // evenly spaced: there was no T12 so far
		{"L3 L4 L5 S1", "L5", "T12", ""},              // no spine has S1 below T12
		{"L3 L4 L5 S1", "S1", "L5", "L2 L3 L4 L5"},    // it was no sacrum
		{"L3 L4 L5", "L5", "S1", "L4 L5 S1"},          // and it is one
	} {
		chain, levels := evenly(t, tt.names)
		from, _ := spine.ParseLevel(tt.from)
		to, _ := spine.ParseLevel(tt.to)
		at := 0
		for levels[at] != from {
			at++
		}
		names, err := naming.Follow(chain, levels, at, to)
		if err != nil {
			if tt.want != "" {
				t.Errorf("%s, %s is %s: %v", tt.names, tt.from, tt.to, err)
			}
			continue
		}
		var got []string
		for i, n := range names {
			got = append(got, n.Level.String())
			if !(n.Probability > 0 && n.Probability <= 1) || i == at && n.Probability != 1 {
				t.Errorf("%s, %s is %s: %v has probability %g", tt.names, tt.from, tt.to, n.Level, n.Probability)
			}
		}
		if want := strings.ReplaceAll(tt.want, "- ", ""); strings.Join(got, " ") != want {
			t.Errorf("%s, %s is %s: %s, want %s", tt.names, tt.from, tt.to, strings.Join(got, " "), want)
		}
	}
}

// Where the last rib and the sacrum leave it open how many lie between, the names
// that follow say so.
func TestNamesThatFollowAreAsSureAsAnatomyAllows(t *testing.T) {
	chain, levels := evenly(t, "T11 T12 L1 L2 L3 L4 L5")
	names, err := naming.Follow(chain, levels, 2, spine.L1)
	if err != nil {
		t.Fatal(err)
	}
	// Of the columns with a T12 above L1 and five lumbar vertebrae: those with 13
	// ribs, 11 ribs or four lumbar ones speak against.
	for i, l := range []spine.Level{spine.T11, spine.T12, spine.L1} {
		if n := names[i]; n.Level != l || n.Probability < 0.9 || l != spine.L1 && n.Probability > 0.99 {
			t.Errorf("%+v, want %v of 0.9 to 0.99", n, l)
		}
	}
	if names[1].Alternative != spine.T13 && names[1].Alternative != spine.T11 {
		t.Errorf("T12 may be %v", names[1].Alternative)
	}
}

func TestMissedOfAnEvenChain(t *testing.T) {
	if w := naming.Missed(evenly(t, "T10 T11 T12 L1 L2 L3")); len(w) != 0 {
		t.Errorf("an even chain: %v", w)
	}
	chain, levels := evenly(t, "T10 T11 - T12 L1 L2")
	if w := naming.Missed(chain, levels); len(w) != 1 || w[0].Code != "VERTEBRA_MISSED" {
		t.Errorf("a long step: %v", w)
	}
}
