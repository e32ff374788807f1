// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package morphometry_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/spine"
)

// ellipse returns a canal whose sections are ellipses with the given half axes.
func ellipse(half func(along float64) (anterior, left float64)) *segmentation.Canal {
	c := &segmentation.Canal{Low: -10, High: 10}
	for s := -9.0; s <= 9; s++ {
		section := segmentation.CanalSection{S: s}
		a, b := half(c.Along(s))
		for i := range section.Radius {
			sin, cos := math.Sincos(2 * math.Pi * float64(i) / segmentation.CanalRays)
			section.Radius[i] = 1 / math.Hypot(cos/a, sin/b)
			section.SD[i] = 0.2
		}
		c.Sections = append(c.Sections, section)
	}
	return c
}

// An ellipse with half axes a and b has the diameter 2a and the area πab.
func TestCanalOfAnEllipse(t *testing.T) {
	const a, b = 8.0, 12.0
	got, ok := morphometry.MeasureCanal(ellipse(func(float64) (float64, float64) { return a, b }))
	if !ok {
		t.Fatal("not measured")
	}
	for _, e := range []struct {
		name        string
		got         morphometry.Estimate
		want, share float64
	}{
		{"AP", got.AP, 2 * a, 1e-9}, {"narrowest AP", got.NarrowestAP, 2 * a, 1e-9},
		{"area", got.Area, math.Pi * a * b, 0.005}, {"narrowest area", got.NarrowestArea, math.Pi * a * b, 0.005},
	} {
		near(t, e.name, e.got.Value, e.want, e.share*e.want)
		if !(e.got.SD > 0 && e.got.SD < 0.1*e.want) {
			t.Errorf("%s: SD = %g", e.name, e.got.SD)
		}
	}
}

// The narrowest place need not lie at the pedicles.
func TestNarrowestPlaceOfACanal(t *testing.T) {
	got, ok := morphometry.MeasureCanal(ellipse(func(along float64) (float64, float64) {
		return 8 - 4*math.Exp(-math.Pow((along-0.15)/0.2, 2)), 12
	}))
	if !ok {
		t.Fatal("not measured")
	}
	near(t, "AP", got.AP.Value, 16, 0.1)
	near(t, "narrowest AP", got.NarrowestAP.Value, 8, 0.7)
	near(t, "place", got.NarrowestAt, 0.15, 0.03)
}

func TestCanalWithoutSections(t *testing.T) {
	if _, ok := morphometry.MeasureCanal(&segmentation.Canal{}); ok {
		t.Error("measured a canal without sections")
	}
}

// canalOf returns a canal of a narrowest diameter and area.
func canalOf(ap, area float64) *morphometry.Canal {
	return &morphometry.Canal{
		NarrowestAP: morphometry.Estimate{Value: ap, SD: 0.3}, NarrowestArea: morphometry.Estimate{Value: area, SD: 3},
	}
}

// CC = ((C1 + C2) - 2·C0)/(C1 + C2)·100.
//
// Reference: PLoS ONE 2015;10:e0135735, figs 1 and 2.
func TestCompromiseAgainstTheAdjacentLevels(t *testing.T) {
	column := []morphometry.LevelCanal{
		{Level: spine.T12, Canal: canalOf(16, 240)},
		{Level: spine.L1, Canal: canalOf(9, 125)},
		{Level: spine.L2, Canal: canalOf(14, 260)},
		{Level: spine.L3},
		{Level: spine.L4, Canal: canalOf(15, 300)},
	}
	for _, tt := range []struct {
		name     string
		i        int
		excluded []bool
		ap, area float64
		from     []spine.Level
	}{
		{"both sides", 1, make([]bool, 5), 100 * (1 - 9/15.0), 100 * (1 - 125/250.0), []spine.Level{spine.T12, spine.L2}},
		{"an excluded level is passed over", 4, []bool{false, false, true, false, false}, 0, 0, nil},
		{"one side", 0, make([]bool, 5), 100 * (1 - 16/9.0), 100 * (1 - 240/125.0), []spine.Level{spine.L1}},
		{"two levels away", 2, make([]bool, 5), 100 * (1 - 14/12.0), 100 * (1 - 260/212.5), []spine.Level{spine.L1, spine.L4}},
	} {
		c, reason := morphometry.MeasureCompromise(column, tt.i, tt.excluded)
		if diff := cmp.Diff(tt.from, c.From); diff != "" {
			t.Errorf("%s: from (-want +got):\n%s", tt.name, diff)
		}
		if tt.from == nil {
			if reason == "" {
				t.Errorf("%s: no reason", tt.name)
			}
			continue
		}
		near(t, tt.name+": diameter", c.AP.Value, tt.ap, 1e-9)
		near(t, tt.name+": area", c.Area.Value, tt.area, 1e-9)
	}
	if _, reason := morphometry.MeasureCompromise(column, 3, make([]bool, 5)); reason == "" {
		t.Error("a level without canal has a compromise")
	}
}

// One neighbour tells more where canals are all of one size, from T3 to T10, than
// where they widen.
func TestOneNeighbourTellsMoreInTheThorax(t *testing.T) {
	canal := &morphometry.Canal{NarrowestAP: morphometry.Estimate{Value: 15}, NarrowestArea: morphometry.Estimate{Value: 200}}
	sd := func(upper, lower spine.Level) float64 {
		column := []morphometry.LevelCanal{{Level: upper, Canal: canal}, {Level: lower, Canal: canal}}
		c, reason := morphometry.MeasureCompromise(column, 0, make([]bool, 2))
		if reason != "" {
			t.Fatal(reason)
		}
		return c.Area.SD
	}
	for _, tt := range []struct {
		upper, lower spine.Level
		want         float64 // percent
	}{
		{spine.T4, spine.T4 + 1, 10},
		{spine.T4, spine.T4 + 2, 20}, // two levels away
		{spine.T10, spine.T11, 20},
		{spine.T11, spine.T12, 20},
		{spine.L4, spine.L5, 20},
	} {
		if got := sd(tt.upper, tt.lower); math.Abs(got-tt.want) > 1e-9 {
			t.Errorf("%v beside %v: ± %.1f %%, want %.1f", tt.upper, tt.lower, got, tt.want)
		}
	}
}
