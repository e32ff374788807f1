// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package morphometry_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/num/quat"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// wall draws a body of 24 mm and its posterior wall, concave by 1.5 mm along and
// by 1 mm across; behind(along, left) drives it back, mm. cortex is the thickness
// of its cortical bone.
func wall(f volume.Frame, behind, cortex func(along, left float64) float64) *segmentation.Canal {
	c := &segmentation.Canal{Frame: f, Low: -12, High: 12}
	for l := -10.0; l <= 10; l += 2 {
		c.Wall.L = append(c.Wall.L, l)
	}
	for s := -11.0; s <= 11; s++ {
		row := make([]segmentation.WallCell, len(c.Wall.L))
		for j, l := range c.Wall.L {
			t := c.Along(s)
			row[j] = segmentation.WallCell{
				A:  8 + 6*t*(1-t) + 1 - l*l/100 - behind(t, l),
				SD: 0.2, Cortex: cortex(t, l), Found: true,
			}
		}
		c.Wall.S = append(c.Wall.S, s)
		c.Wall.Cells = append(c.Wall.Cells, row)
	}
	return c
}

func nowhere(float64, float64) float64 { return 0 }
func whole(float64, float64) float64   { return 0.6 }

// column draws T11 to L3 along a circle that turns by degrees a level, with L1's
// wall driven back.
func column(degrees float64, behind func(along, left float64) float64) []morphometry.LevelWall {
	const step = 32.0 // mm from level to level
	levels := []spine.Level{spine.T11, spine.T12, spine.L1, spine.L2, spine.L3}
	var out []morphometry.LevelWall
	for i, l := range levels {
		angle := float64(i-2) * degrees * math.Pi / 180
		radius := step / (degrees*math.Pi/180 + 1e-12)
		sin, cos := math.Sincos(angle)
		// The wall's ends, 8.5 mm before the origin, lie on the circle.
		const before = 8.5
		origin := r3.Vec{Y: (radius-before)*(1-cos) - before*0, Z: -(radius - before) * sin}
		f := volume.NewFrame(origin, r3.Vec{Y: -sin, Z: cos}, r3.Vec{Y: -cos, Z: -sin})
		drive := nowhere
		if l == spine.L1 {
			drive = behind
		}
		out = append(out, morphometry.LevelWall{Level: l, Canal: wall(f, drive, whole)})
	}
	return out
}

// A concave wall of a curved spine is not retropulsed; a fragment is, by as much
// as it was driven back, whether high, in the middle or with the whole wall.
func TestRetropulsion(t *testing.T) {
	upper := func(mm float64) func(along, left float64) float64 {
		return func(along, _ float64) float64 {
			x := min(max((along-0.3)/0.4, 0), 1)
			return mm * x * x * (3 - 2*x)
		}
	}
	middle := func(along, _ float64) float64 {
		x := (along - 0.5) / 0.35
		return 5 * math.Pow(max(1-x*x, 0), 2)
	}
	for _, tt := range []struct {
		name   string
		behind func(along, left float64) float64
		want   float64
	}{
		{"intact", nowhere, 0},
		{"upper 3 mm", upper(3), 3},
		{"upper 8 mm", upper(8), 8},
		{"middle 5 mm", middle, 5},
		{"whole wall 4 mm", func(float64, float64) float64 { return 4 }, 4},
	} {
		for _, degrees := range []float64{1e-6, 6, -8} {
			got, reason := morphometry.MeasureRetropulsion(column(degrees, tt.behind), 2, make([]bool, 5))
			if reason != "" {
				t.Errorf("%s: %s", tt.name, reason)
				continue
			}
			near(t, tt.name, got.Value, tt.want, 0.5)
			if !(got.SD > 0 && got.SD < 1) || got.OwnLine {
				t.Errorf("%s: SD %.2f, own line %v", tt.name, got.SD, got.OwnLine)
			}
		}
	}
}

// A body that has become a wedge, its superior endplate more so than its inferior
// one, leans with its wall between its neighbours: that is no retropulsion, and hides
// none. L1 has lost 20° more than the bodies beside it.
func TestRetropulsionOfAWedge(t *testing.T) {
	const lost, lean = 20.0, 5.0 // degrees
	wedge := 27 * math.Tan(lost*math.Pi/180)
	for _, tt := range []struct {
		name   string
		behind func(along, left float64) float64
		want   float64
	}{
		{"intact", nowhere, 0},
		{"upper 5 mm", func(along, _ float64) float64 {
			x := min(max((along-0.3)/0.5, 0), 1)
			return 5 * x * x * (3 - 2*x)
		}, 5},
		{"middle 2 mm", func(along, _ float64) float64 {
			x := (along - 0.5) / 0.4
			return 2 * math.Pow(max(1-x*x, 0), 2)
		}, 2},
	} {
		levels := column(1e-6, tt.behind)
		for i := range levels {
			anterior := 24.0
			if levels[i].Level == spine.L1 {
				anterior -= wedge
				f := &levels[i].Canal.Frame
				wall := f.Point(0, 8.5, 0)
				sin, cos := math.Sincos(lean * math.Pi / 180)
				*f = volume.NewFrame(wall, r3.Sub(r3.Scale(cos, f.Superior), r3.Scale(sin, f.Anterior)), f.Anterior)
				f.Origin = f.Point(0, -8.5, 0)
			}
			levels[i].Landmarks = vertebra(levels[i].Canal.Frame, anterior, 24)
		}
		got, reason := morphometry.MeasureRetropulsion(levels, 2, make([]bool, 5))
		if reason != "" {
			t.Fatalf("%s: %s", tt.name, reason)
		}
		near(t, tt.name, got.Value, tt.want, 0.5)
	}
}

// Where the spine lies changes nothing.
func TestRetropulsionOfATurnedSpine(t *testing.T) {
	behind := func(along, _ float64) float64 { return 4 * along * along }
	straight := column(5, behind)
	want, _ := morphometry.MeasureRetropulsion(straight, 2, make([]bool, 5))
	turn := r3.Rotation(quat.Number{Real: 0.8, Imag: 0.3, Jmag: -0.4, Kmag: math.Sqrt(1 - 0.64 - 0.25)})
	for i := range straight {
		f := &straight[i].Canal.Frame
		origin := r3.Add(turn.Rotate(f.Origin), r3.Vec{X: 40, Y: -7, Z: 300})
		*f = volume.NewFrame(origin, turn.Rotate(f.Superior), turn.Rotate(f.Anterior))
	}
	got, _ := morphometry.MeasureRetropulsion(straight, 2, make([]bool, 5))
	near(t, "retropulsion", got.Value, want.Value, 1e-6)
}

// Displaced neighbours do not make the line.
func TestRetropulsionLeavesOutExcludedLevels(t *testing.T) {
	c := column(4, nowhere)
	back := wall(c[3].Canal.Frame, func(float64, float64) float64 { return 6 }, whole)
	c[3].Canal = back
	got, reason := morphometry.MeasureRetropulsion(c, 2, []bool{false, false, false, true, false})
	if reason != "" {
		t.Fatal(reason)
	}
	near(t, "retropulsion", got.Value, 0, 0.6)
	if diff := cmp.Diff([]spine.Level{spine.T12, spine.L3}, got.From); diff != "" {
		t.Errorf("from (-want +got):\n%s", diff)
	}
	if _, reason := morphometry.MeasureRetropulsion(c, 2, []bool{true, true, false, true, true}); reason == "" {
		t.Error("a line without intact walls")
	}
	got, _ = morphometry.MeasureRetropulsion(c, 2, []bool{false, false, false, true, true})
	if !got.OwnLine {
		t.Error("one side alone made the line")
	}
}

// The gap is the share of the wall without cortex; the basivertebral foramen and
// a cortex that is thin at all levels are none.
func TestWallGap(t *testing.T) {
	foramen := func(along, left float64) float64 {
		if math.Hypot(left/3, (along-0.5)/0.12) < 1 {
			return 0.05
		}
		return 0.6
	}
	for _, tt := range []struct {
		name   string
		cortex func(along, left float64) float64
		want   float64
	}{
		{"whole", whole, 0},
		{"foramen", foramen, 0},
		{"upper 30 %", func(along, left float64) float64 {
			if along > 0.7 {
				return 0.05
			}
			return 0.6
		}, 0.3},
		{"left half", func(along, left float64) float64 {
			if left > 0 {
				return 0
			}
			return 0.6
		}, 0.5},
	} {
		c := column(5, nowhere)
		c[2].Canal = wall(c[2].Canal.Frame, nowhere, tt.cortex)
		got, reason := morphometry.MeasureWallGap(c, 2, make([]bool, 5))
		if reason != "" {
			t.Errorf("%s: %s", tt.name, reason)
			continue
		}
		near(t, tt.name, got.Share, tt.want, 0.08)
	}
	c := column(5, nowhere)
	for i := range c {
		c[i].Canal = wall(c[i].Canal.Frame, nowhere, nowhere)
	}
	if _, reason := morphometry.MeasureWallGap(c, 2, make([]bool, 5)); reason == "" {
		t.Error("a gap where no level shows cortex")
	}
}

// The angles between the endplates and the wall of a box are 90°; a wedge of w
// degrees about its axis has 90 - w/2 at both.
func TestPosteriorAngles(t *testing.T) {
	for _, tt := range []struct{ anterior, posterior float64 }{{24, 24}, {18, 24}, {24, 20}} {
		f := upright(0, 0)
		v := morphometry.LevelWall{
			Level: spine.L1, Canal: wall(f, nowhere, whole),
			Landmarks: vertebra(f, tt.anterior, tt.posterior),
		}
		got, ok := morphometry.MeasurePosteriorAngles(&v)
		if !ok {
			t.Fatal("not measured")
		}
		want := 90 - math.Atan((tt.posterior-tt.anterior)/2/27)*180/math.Pi
		near(t, "superior angle", got.Superior.Value, want, 0.2)
		near(t, "inferior angle", got.Inferior.Value, want, 0.2)
	}
}

// Reference: O'Neill et al., EVOS: Hp over that of the levels above and below.
func TestPosteriorHeightRatios(t *testing.T) {
	heights := func(p float64) *morphometry.Heights { return &morphometry.Heights{Posterior: p, PosteriorSD: 0.3} }
	column := []morphometry.LevelHeights{
		{Level: spine.T12, Heights: heights(24)}, {Level: spine.L1, Heights: heights(18)}, {Level: spine.L2, Heights: heights(25)},
	}
	got := morphometry.MeasurePosteriorHeights(column, 1, &morphometry.Expected{Posterior: 24.5, From: []spine.Level{spine.T12}})
	near(t, "above", got.Above.Value, 18.0/24, 1e-9)
	near(t, "below", got.Below.Value, 18.0/25, 1e-9)
	near(t, "expected", got.Expected.Value, 18/24.5, 1e-9)
	if last := morphometry.MeasurePosteriorHeights(column, 2, nil); last.Below != nil || last.Expected != nil {
		t.Errorf("ratios without a level: %+v", last)
	}
}
