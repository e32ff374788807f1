// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package analysis_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/localization"
	"github.com/endplate/endplate/analysis/localization/naming"
	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// trunk is a CT of 512 × 512 × 300 voxels of a trunk from the lower chest to the
// sacrum.
var trunk = sync.OnceValue(func() *volume.Volume {
	s := phantom.Random(newRand(1), phantom.Options{
		Fractures: map[spine.Level]phantom.Deformity{spine.L1: phantom.Fracture(phantom.Wedge, 35)},
	})
	scan := s.Cover(spine.T10, spine.S1, 0, 360, 0.7, 1)
	scan.Columns, scan.Rows, scan.Slices = 512, 512, 300
	scan.Noise, scan.Seed, scan.Table = 15, 1, true
	return s.CT(scan)
})

// middleSlices returns the middle n slices of v.
func middleSlices(v *volume.Volume, n int) *volume.Volume {
	w := *v
	skip := (v.Slices - n) / 2
	w.Slices = n
	w.Origin = r3.Add(v.Origin, r3.Scale(float64(skip), v.Slice))
	w.Samples = v.Samples[skip*v.Rows*v.Columns:][:n*v.Rows*v.Columns]
	return &w
}

func BenchmarkMeasureCT(b *testing.B) {
	for _, n := range []int{150, 300} {
		b.Run(fmt.Sprintf("%d slices", n), func(b *testing.B) {
			vol := middleSlices(trunk(), n)
			b.ReportAllocs()
			bodies := 0
			for b.Loop() {
				bodies = len(measured(measureCT(b, vol)))
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N)/float64(n), "ms/slice")
			b.ReportMetric(float64(bodies), "vertebrae")
		})
	}
}

// BenchmarkMeasureSeries measures real series, where the development data lies
// beside the checkout.
func BenchmarkMeasureSeries(b *testing.B) {
	for _, name := range []string{"lidc1", "colon", "petct2", "ts3mm"} {
		b.Run(name, func(b *testing.B) {
			vol := readFolder(b, shared(b, "data/ct/"+name))
			for b.Loop() {
				measureCT(b, vol)
			}
		})
	}
}

// BenchmarkStages times the stages of MeasureCT, each given what the ones before
// it made.
func BenchmarkStages(b *testing.B) {
	vol := trunk().Canonical()
	found, err := localization.Find(b.Context(), vol)
	if err != nil {
		b.Fatal(err)
	}
	bodies, err := segmentation.FromImage(b.Context(), vol, found)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("canonical", func(b *testing.B) {
		// Feet first, so that there is something to do.
		turned := stored(vol, "FFP")
		for b.Loop() {
			turned.Canonical()
		}
	})
	b.Run("localization", func(b *testing.B) {
		for b.Loop() {
			if _, err := localization.Find(b.Context(), vol); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("naming", func(b *testing.B) {
		for b.Loop() {
			if _, err := naming.Levels(b.Context(), vol, found, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("segmentation", func(b *testing.B) {
		for b.Loop() {
			if _, err := segmentation.FromImage(b.Context(), vol, found); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("landmarks", func(b *testing.B) {
		for b.Loop() {
			for i := range bodies {
				// A body that cannot be measured costs less, and is no failure.
				_, _ = landmark.FromBody(&bodies[i])
			}
		}
	})
}

// BenchmarkMeasureLabels is the label map of the trunk's middle.
func BenchmarkMeasureLabels(b *testing.B) {
	s := lumbar().spine
	labels := s.Labels(s.Cover(spine.T10, spine.L5, 10, 180, 0.7, 1).Geometry())
	for b.Loop() {
		if _, err := analysis.MeasureLabels(b.Context(), labels, analysis.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

// One point moved in a CT of seventeen vertebrae.
func BenchmarkCorrect(b *testing.B) {
	r := measureCT(b, readFolder(b, shared(b, "data/ct/lidc1")))
	i := slices.IndexFunc(r.Vertebrae, func(v analysis.Vertebra) bool { return v.Status == analysis.Measured })
	v := &r.Vertebrae[i]
	move := analysis.MoveLandmark{Level: v.Level, Position: r3.Add(v.Landmarks.Superior.Anterior.Position, v.Landmarks.SuperiorAxis)}
	for b.Loop() {
		if _, err := analysis.Correct(r, []analysis.Correction{move}); err != nil {
			b.Fatal(err)
		}
	}
}
