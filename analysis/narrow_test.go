// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package analysis_test

import (
	"math"
	"testing"

	"github.com/endplate/endplate/analysis/finding"
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
