// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package analysis_test

import (
	"math"
	"slices"
	"testing"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/morphometry"
)

// In a canal of 5 mm the laminae stand where a posterior wall is looked for, and
// localization's path passes behind them. They are no wall: nothing is displaced,
// and the canal is as narrow as it is.
func TestLaminaIsNoPosteriorWall(t *testing.T) {
	t.Parallel()
	c := drawCanal(31)
	truth, result, err := c.measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pairs, _ := matched(truth, result)
	for i := range pairs {
		p := &pairs[i]
		if p.truth.Level != c.level {
			continue
		}
		if p.got == nil || p.got.Canal.Size == nil || p.got.Wall.Measures.Retropulsion == nil {
			t.Fatalf("%v: not measured: %s", c.level, p.reason)
		}
		if r := p.got.Wall.Measures.Retropulsion; r.Value > finding.WallRetropulsion/2 {
			t.Errorf("%v: retropulsion %.1f ± %.1f mm, want none", c.level, r.Value, r.SD)
		}
		want, _ := c.spine.Canal(c.level)
		if d := p.got.Canal.Size.NarrowestAP.Value - want.NarrowestAP; math.Abs(d) > 1 {
			t.Errorf("%v: narrowest diameter %.1f mm, want %.1f", c.level, p.got.Canal.Size.NarrowestAP.Value, want.NarrowestAP)
		}
		return
	}
	t.Fatalf("%v not found", c.level)
}

// A thin fragment that stands 9 mm behind a crushed body is neither near the body's
// outline nor of a slope that a wall has: it is met from the free canal behind it.
func TestThinFragmentIsMet(t *testing.T) {
	t.Parallel()
	c := drawCanal(91)
	truth, result, err := c.measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pairs, _ := matched(truth, result)
	for i := range pairs {
		p := &pairs[i]
		if p.truth.Margin < c.border() {
			continue
		}
		if p.got == nil || p.got.Canal.Size == nil || p.got.Wall.Measures.Retropulsion == nil {
			t.Errorf("%v: not measured: %s", p.truth.Level, p.reason)
			continue
		}
		if r := p.got.Wall.Measures.Retropulsion; math.Abs(r.Value-p.truth.Retropulsion) > 1 {
			t.Errorf("%v: retropulsion %.1f ± %.1f mm, want %.1f", p.truth.Level, r.Value, r.SD, p.truth.Retropulsion)
		}
		want, _ := c.spine.Canal(p.truth.Level)
		if d := p.got.Canal.Size.NarrowestAP.Value - want.NarrowestAP; math.Abs(d) > 1 {
			t.Errorf("%v: narrowest diameter %.1f mm, want %.1f", p.truth.Level, p.got.Canal.Size.NarrowestAP.Value, want.NarrowestAP)
		}
	}
}

// A fragment that is driven back between the endplates of a crushed body does not carry
// them with it: their posterior ends stand where the wall beside them does.
func TestEndplatesEndBeforeAFragment(t *testing.T) {
	t.Parallel()
	c := drawCanal(1240)
	truth, result, err := c.measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pairs, _ := matched(truth, result)
	for i := range pairs {
		p := &pairs[i]
		if p.truth.Level != c.level {
			continue
		}
		if p.got == nil {
			t.Fatalf("%v: not measured: %s", c.level, p.reason)
		}
		h, _ := morphometry.HeightsOf(p.got.Landmarks)
		if d := h.Posterior - p.truth.PosteriorHeight; math.Abs(d) > 1.5 {
			t.Errorf("%v: posterior height %.1f mm, want %.1f", c.level, h.Posterior, p.truth.PosteriorHeight)
		}
		return
	}
	t.Fatalf("%v not found", c.level)
}

// In a canal of 7 mm localization's path may stay behind the laminae down to the end of
// the volume, and then reads discs where there are none. Nothing is measured of the
// vertebra then, least of all a fracture; that its canal may be narrow is said.
func TestLostCanalIsSuspectedNarrow(t *testing.T) {
	t.Parallel()
	c := drawCanal(54)
	_, result, err := c.measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	suspected := false
	for _, f := range result.Findings {
		if f.Code != finding.CanalCompromise || !slices.Contains(f.Levels, c.level) {
			t.Errorf("finding %q", f.Statement)
			continue
		}
		suspected = f.Borderline
	}
	if !suspected {
		t.Errorf("%v: no narrowing suspected", c.level)
	}
	for i := range result.Vertebrae {
		if v := &result.Vertebrae[i]; v.Level == c.level && (v.Status != analysis.NotMeasurable || v.Reason == "" || v.Canal.Reason == "") {
			t.Errorf("%v: status %v, reason %q, of the canal %q", v.Level, v.Status, v.Reason, v.Canal.Reason)
		}
	}
}
