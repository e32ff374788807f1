// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/segmentation"
)

// box is a measured vertebra with the given anterior, middle and posterior heights.
func box(heights [3]float64) Vertebra {
	plate := func(sign float64) landmark.Endplate {
		at := func(i int) landmark.Point {
			return landmark.Point{Position: r3.Vec{Y: 15 * float64(i-1), Z: sign * heights[i] / 2}}
		}
		return landmark.Endplate{Anterior: at(0), Middle: at(1), Posterior: at(2), Direction: r3.Vec{Y: -1}}
	}
	return Vertebra{
		Status: Measured, Body: &segmentation.Body{},
		Landmarks: &landmark.Vertebra{Superior: plate(1), Inferior: plate(-1)},
	}
}

func TestHeightsThatNoBodyHasAreNotMeasured(t *testing.T) {
	intact := [3]float64{22, 21, 23}
	for _, tt := range []struct {
		name  string
		third [3]float64 // of five, the others intact
		want  bool       // that it is measured
	}{
		{"intact", intact, true},
		{"vertebra plana", [3]float64{4, 3, 6}, true},
		{"severe wedge", [3]float64{5, 11, 22}, true},
		{"endplates that meet at the front", [3]float64{1.3, 12, 23}, false},
		{"a crushed body lower behind", [3]float64{12, 9, 9}, true},
		{"posterior points in a dent", [3]float64{18, 11.5, 8}, false},
		{"an endplate of the next body at the front", [3]float64{37, 25, 23}, false},
	} {
		r := &Result{Vertebrae: []Vertebra{box(intact), box(intact), box(tt.third), box(intact), box(intact)}}
		r.dropImplausible()
		for i, v := range r.Vertebrae {
			want := tt.want || i != 2
			if got := v.Status == Measured; got != want || (v.Reason == "") != want || (v.Body.Reason == "") != want {
				t.Errorf("%s: vertebra %d measured %t, %q", tt.name, i, got, v.Reason)
			}
		}
	}
}

// Two fractured bodies beside an intact one keep a height by which it is told to
// be one.
func TestIntactBodyBetweenWedgesIsMeasured(t *testing.T) {
	wedge := [3]float64{11, 16, 22}
	r := &Result{Vertebrae: []Vertebra{box(wedge), box(wedge), box([3]float64{23, 22, 24}), box(wedge), box(wedge)}}
	r.dropImplausible()
	if v := r.Vertebrae[2]; v.Status != Measured {
		t.Errorf("not measured: %s", v.Reason)
	}
}
