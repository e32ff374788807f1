// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package warp_test

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/phantom/warp"
)

// The endplates of a column whose one body is wedged by 9.6 mm over 28.5 mm turn as
// what they belong to does.
func TestAnglesOfAColumn(t *testing.T) {
	b, f := made()
	at := func(up float64) warp.Vertebra {
		v := warp.Vertebra{Left: f.Left, Width: 42, Center: f.Point(up, 0, 0), SuperiorDirection: f.Anterior, InferiorDirection: f.Anterior}
		for i := range 3 {
			v.Superior[i] = r3.Add(b.Superior[i], r3.Scale(up, f.Superior))
			v.Inferior[i] = r3.Add(b.Inferior[i], r3.Scale(up, f.Superior))
		}
		return v
	}
	column := []warp.Vertebra{at(31), at(0), at(-32)}
	body := warp.BodyOf(column, 1)
	if math.Abs(body.DiscAbove-5) > 1 || math.Abs(body.DiscBelow-6) > 1 {
		t.Errorf("discs of %.1f and %.1f mm", body.DiscAbove, body.DiscBelow)
	}
	loss := percent(b, 40, 22, 4)
	d, err := warp.New(body, warp.Change{Loss: loss, SuperiorShare: 1})
	if err != nil {
		t.Fatal(err)
	}
	above, own, below := column[0].Deformed(d), column[1].Deformed(d), column[2].Deformed(d)
	if math.Abs(own.Wedge()-d.Turn()) > 0.3 {
		t.Errorf("wedge %.2f°, want near %.2f", own.Wedge(), d.Turn())
	}
	if math.Abs(above.Wedge()) > 1e-6 || math.Abs(below.Wedge()) > 1e-6 {
		t.Errorf("neighbours are wedged by %g and %g°", above.Wedge(), below.Wedge())
	}
	if got := above.Angle(&below); math.Abs(got-d.Turn()) > 1e-6 {
		t.Errorf("angle over both neighbours %.3f°, want %.3f", got, d.Turn())
	}
	moved := own.Moved(tilted)
	if math.Abs(moved.Wedge()-own.Wedge()) > 1e-9 {
		t.Errorf("wedge %.6f° changes to %.6f when moved", own.Wedge(), moved.Wedge())
	}
	was, is := own.Heights(), moved.Heights()
	for i := range 3 {
		if math.Abs(was[i]-is[i]) > 1e-9 {
			t.Errorf("height %d changes when moved", i)
		}
	}
}
