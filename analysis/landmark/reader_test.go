// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package landmark_test

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/spine"
)

// slab is a body 24 mm high and 30 mm deep at the patient's origin, both endplates 1 mm
// deep in the middle. Anterior is -Y.
func slab() [landmark.NumPoints]r3.Vec {
	return [...]r3.Vec{
		{Y: -15, Z: 12}, {Z: 11}, {Y: 15, Z: 12},
		{Y: -15, Z: -12}, {Z: -11}, {Y: 15, Z: -12},
	}
}

func TestAVertebraOfSixPoints(t *testing.T) {
	v := landmark.FromPoints(slab())
	for _, tt := range []struct {
		name      string
		got, want r3.Vec
	}{
		{"center", v.Center, r3.Vec{}},
		{"superior", v.SuperiorAxis, r3.Vec{Z: 1}},
		{"left", v.LeftAxis, r3.Vec{X: 1}},
		{"superior endplate", v.Superior.Direction, r3.Vec{Y: -1}},
		{"inferior endplate", v.Inferior.Direction, r3.Vec{Y: -1}},
	} {
		if r3.Norm(r3.Sub(tt.got, tt.want)) > 1e-12 {
			t.Errorf("%s: %v, want %v", tt.name, tt.got, tt.want)
		}
	}
	// Two corners 30 mm apart, each to 0.5 mm; the middle point turns nothing.
	sd := landmark.ReaderSD * math.Sqrt2 / 30 * 180 / math.Pi
	for _, e := range []landmark.Endplate{v.Superior, v.Inferior} {
		if math.Abs(e.Depth-1) > 1e-12 || math.Abs(e.DirectionSD-sd) > 1e-9 {
			t.Errorf("depth %g, direction to %g°, want 1 and %g", e.Depth, e.DirectionSD, sd)
		}
	}
}

// measured is slab as if it had been measured: the line and the depth of the superior
// endplate are those of a curve, not of its three points.
func measured() *landmark.Vertebra {
	v := landmark.FromPoints(slab())
	for n := range landmark.Name(landmark.NumPoints) {
		v.Point(n).ByReader, v.Point(n).SD = false, 0.2
	}
	sin, cos := math.Sincos(2 * math.Pi / 180)
	v.Superior.Direction, v.Superior.DirectionSD, v.Superior.Depth = r3.Vec{Y: -cos, Z: sin}, 0.4, 1.3
	return v
}

func rise(e *landmark.Endplate) float64 {
	return math.Atan2(e.Direction.Z, -e.Direction.Y) * 180 / math.Pi
}

func TestALineFollowsThePointsThatMove(t *testing.T) {
	before := measured()
	p := slab()
	up := func(v *landmark.Vertebra, n landmark.Name, mm float64) *landmark.Vertebra {
		return v.Moved(before, n, r3.Add(p[n], r3.Vec{Z: mm}))
	}
	middle := up(before, landmark.SuperiorMiddle, -0.5)
	if got := rise(&middle.Superior); math.Abs(got-2) > 1e-9 || math.Abs(middle.Superior.Depth-1.8) > 1e-9 {
		t.Errorf("middle lowered: rises by %g°, depth %g, want 2 and 1.8", got, middle.Superior.Depth)
	}
	front := up(before, landmark.SuperiorAnterior, 3)
	turned := math.Atan(3./30) * 180 / math.Pi
	if got := rise(&front.Superior); math.Abs(got-2-turned) > 1e-9 {
		t.Errorf("anterior lifted: rises by %g°, want %g", got, 2+turned)
	}
	if front.Superior.DirectionSD <= before.Superior.DirectionSD {
		t.Errorf("anterior lifted: known to %g°", front.Superior.DirectionSD)
	}
	if front.Inferior != before.Inferior {
		t.Error("the inferior endplate changed")
	}
	both := up(front, landmark.SuperiorPosterior, 3)
	if got := rise(&both.Superior); math.Abs(got-2) > 1e-9 {
		t.Errorf("both corners lifted: rises by %g°, want 2", got)
	}
	other := up(up(before, landmark.SuperiorPosterior, 3), landmark.SuperiorAnterior, 3)
	if *other != *both {
		t.Errorf("in another order %+v, want %+v", other.Superior, both.Superior)
	}
	// All three are a reader's: the curve as it was measured says nothing any more.
	all := up(both, landmark.SuperiorMiddle, 3)
	if got := rise(&all.Superior); math.Abs(got) > 1e-9 || math.Abs(all.Superior.Depth-1) > 1e-9 {
		t.Errorf("all lifted: rises by %g°, depth %g, want 0 and 1", got, all.Superior.Depth)
	}
	if before.Superior.Anterior.ByReader || before.Endplate(spine.Superior).Depth != 1.3 {
		t.Error("the vertebra itself changed")
	}
}
