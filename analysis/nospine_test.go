// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package analysis_test

import (
	"math"
	"testing"
	"time"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/volume"
)

// Attenuation, HU.
const (
	airHU    = -1000
	waterHU  = 0
	fatHU    = -100
	muscleHU = 55
	brainHU  = 35
	marrowHU = -40
	boneHU   = 1100
)

// filled returns a volume of 256 × 256 × 100 voxels of 1.5 × 1.5 × 2 mm, centred at
// the origin, that holds what tissue says of each position.
func filled(tissue func(p r3.Vec) int16) *volume.Volume {
	g := volume.Geometry{
		Columns: 256, Rows: 256, Slices: 100,
		Column: r3.Vec{X: 1.5}, Row: r3.Vec{Y: 1.5}, Slice: r3.Vec{Z: 2},
	}
	g.Origin = r3.Scale(-1, g.Position(float64(g.Columns-1)/2, float64(g.Rows-1)/2, float64(g.Slices-1)/2))
	v := volume.New(g)
	n := 0
	for k := range g.Slices {
		for j := range g.Rows {
			for i := range g.Columns {
				v.Samples[n] = tissue(g.Position(float64(i), float64(j), float64(k)))
				n++
			}
		}
	}
	return v
}

// leg returns the tissue at a distance from a thigh's axis: a shaft of cortical
// bone around marrow in muscle and fat.
func leg(distance float64) int16 {
	switch {
	case distance < 6:
		return marrowHU
	case distance < 14:
		return boneHU
	case distance < 70:
		return muscleHU
	case distance < 80:
		return fatHU
	}
	return airHU
}

// head returns the tissue at a distance from the middle of a spherical head.
func head(distance float64) int16 {
	switch {
	case distance < 72:
		return brainHU
	case distance < 79:
		return boneHU
	case distance < 85:
		return muscleHU
	}
	return airHU
}

func TestNoSpine(t *testing.T) {
	for _, tt := range []struct {
		name   string
		tissue func(p r3.Vec) int16
	}{
		{"air", func(r3.Vec) int16 { return airHU }},
		{"water cylinder", func(p r3.Vec) int16 {
			if math.Hypot(p.X, p.Y) < 100 {
				return waterHU
			}
			return airHU
		}},
		{"legs", func(p r3.Vec) int16 { return leg(math.Hypot(math.Abs(p.X)-85, p.Y)) }},
		{"head", func(p r3.Vec) int16 { return head(r3.Norm(p)) }},
	} {
		t.Run(tt.name, func(t *testing.T) { measuresNothing(t, filled(tt.tissue)) })
	}
}

// A head scan shows the uppermost cervical vertebrae at most, and those cut.
func TestHeadSeries(t *testing.T) {
	for _, name := range []string{"tilt-philips-18.5", "tilt-ge-variable"} {
		t.Run(name, func(t *testing.T) { measuresNothing(t, readFolder(t, shared(t, "data/dicom/"+name))) })
	}
}

// measuresNothing asks for an empty result with a reason.
func measuresNothing(t *testing.T, vol *volume.Volume) {
	t.Helper()
	start := time.Now()
	result := measureCT(t, vol)
	t.Logf("%v: %s", time.Since(start).Round(time.Millisecond), result.Reason)
	if len(result.Vertebrae) != 0 {
		for _, v := range result.Vertebrae {
			t.Errorf("%v at %.0f, status %v", v.Level, v.Center, v.Status)
		}
	}
	if result.Reason == "" || len(result.Findings) > 0 || len(result.Angles) > 0 {
		t.Errorf("reason %q, %d findings, %d angles; want a reason and nothing else", result.Reason, len(result.Findings), len(result.Angles))
	}
}

// One slice, or none, is no volume, and no reason to fail.
func TestVolumesTooSmall(t *testing.T) {
	for _, size := range [][3]int{{1, 1, 1}, {64, 64, 1}, {2, 2, 200}, {200, 1, 200}} {
		g := volume.Geometry{
			Columns: size[0], Rows: size[1], Slices: size[2],
			Column: r3.Vec{X: 1}, Row: r3.Vec{Y: 1}, Slice: r3.Vec{Z: 1},
		}
		result, err := analysis.MeasureCT(t.Context(), volume.New(g), analysis.Options{})
		if err != nil || len(result.Vertebrae) > 0 || result.Reason == "" {
			t.Errorf("%v voxels: %+v, %v; want an empty result with a reason", size, result, err)
		}
	}
}
