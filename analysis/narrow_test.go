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
	p := measuredAt(t, c)
	c.judge(t, p, finding.WallRetropulsion/2)
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
		c.judge(t, p, 1)
	}
}

// A fragment that is driven back between the endplates of a crushed body does not carry
// them with it: their posterior ends stand where the wall beside them does.
func TestEndplatesEndBeforeAFragment(t *testing.T) {
	t.Parallel()
	p := measuredAt(t, drawCanal(1240))
	if p.got == nil {
		t.Fatalf("%v: not measured: %s", p.truth.Level, p.reason)
	}
	h, _ := morphometry.HeightsOf(p.got.Landmarks)
	if d := h.Posterior - p.truth.PosteriorHeight; math.Abs(d) > 1.5 {
		t.Errorf("%v: posterior height %.1f mm, want %.1f", p.truth.Level, h.Posterior, p.truth.PosteriorHeight)
	}
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

// measuredAt measures a case and returns its level.
func measuredAt(t *testing.T, c canalCase) *pair {
	t.Helper()
	truth, result, err := c.measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pairs, _ := matched(truth, result)
	i := slices.IndexFunc(pairs, func(p pair) bool { return p.truth.Level == c.level })
	if i < 0 {
		t.Fatalf("%v not found", c.level)
	}
	return &pairs[i]
}

// judge holds a level's retropulsion and narrowest diameter against the truth; within is how
// far the first may be off, mm.
func (c *canalCase) judge(t *testing.T, p *pair, within float64) {
	t.Helper()
	level := p.truth.Level
	if p.got == nil || p.got.Canal.Size == nil || p.got.Wall.Measures.Retropulsion == nil {
		t.Errorf("%v: not measured: %s", level, p.reason)
		return
	}
	if r := p.got.Wall.Measures.Retropulsion; math.Abs(r.Value-p.truth.Retropulsion) > within {
		t.Errorf("%v: retropulsion %.1f ± %.1f mm, want %.1f", level, r.Value, r.SD, p.truth.Retropulsion)
	}
	want, _ := c.spine.Canal(level)
	if got := p.got.Canal.Size.NarrowestAP.Value; math.Abs(got-want.NarrowestAP) > 1 {
		t.Errorf("%v: narrowest diameter %.1f mm, want %.1f", level, got, want.NarrowestAP)
	}
}
