// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package radiograph_test

import (
	"math"
	"testing"

	"github.com/endplate/endplate/analysis/radiograph"
)

func square(mm float64) radiograph.Spacing { return radiograph.Spacing{Rows: mm, Columns: mm} }

// The order of what millimetres rest on, and what gives none.
func TestCalibration(t *testing.T) {
	for name, tt := range map[string]struct {
		scale radiograph.Scale
		basis radiograph.Basis
		mm    float64 // of a pixel; 0 without millimetres
	}{
		"nothing":                              {radiograph.Scale{}, radiograph.Uncalibrated, 0},
		"PixelSpacing alone":                   {radiograph.Scale{PixelSpacing: square(0.15)}, radiograph.Uncalibrated, 0},
		"PixelSpacing fiducial":                {radiograph.Scale{PixelSpacing: square(0.12), PixelSpacingCalibrationType: "FIDUCIAL", ImagerPixelSpacing: square(0.15), EstimatedRadiographicMagnificationFactor: 2}, radiograph.Fiducial, 0.12},
		"PixelSpacing geometry":                {radiograph.Scale{PixelSpacing: square(0.12), PixelSpacingCalibrationType: "GEOMETRY"}, radiograph.GeometryOf, 0.12},
		"PixelSpacing corrected":               {radiograph.Scale{PixelSpacing: square(0.12), ImagerPixelSpacing: square(0.15)}, radiograph.Corrected, 0.12},
		"PixelSpacing that is the detector's":  {radiograph.Scale{PixelSpacing: square(0.15), ImagerPixelSpacing: square(0.15)}, radiograph.Uncalibrated, 0},
		"the detector's and a factor":          {radiograph.Scale{PixelSpacing: square(0.15), ImagerPixelSpacing: square(0.15), EstimatedRadiographicMagnificationFactor: 1.25}, radiograph.Magnification, 0.12},
		"factor before distances":              {radiograph.Scale{ImagerPixelSpacing: square(0.15), EstimatedRadiographicMagnificationFactor: 1.25, DistanceSourceToDetector: 1500, DistanceSourceToPatient: 1000}, radiograph.Magnification, 0.12},
		"distances":                            {radiograph.Scale{ImagerPixelSpacing: square(0.15), DistanceSourceToDetector: 1500, DistanceSourceToPatient: 1250}, radiograph.Distances, 0.125},
		"a factor that none can have":          {radiograph.Scale{ImagerPixelSpacing: square(0.15), EstimatedRadiographicMagnificationFactor: 0.8}, radiograph.Uncalibrated, 0},
		"a factor beyond belief and distances": {radiograph.Scale{ImagerPixelSpacing: square(0.15), EstimatedRadiographicMagnificationFactor: 30, DistanceSourceToDetector: 1500, DistanceSourceToPatient: 1250}, radiograph.Distances, 0.125},
		"a patient behind the detector":        {radiograph.Scale{ImagerPixelSpacing: square(0.15), DistanceSourceToDetector: 1000, DistanceSourceToPatient: 1250}, radiograph.Uncalibrated, 0},
		"a detector alone":                     {radiograph.Scale{ImagerPixelSpacing: square(0.15), DistanceSourceToDetector: 1500}, radiograph.Uncalibrated, 0},
		"a scanned film":                       {radiograph.Scale{NominalScannedPixelSpacing: square(0.17)}, radiograph.Uncalibrated, 0},
	} {
		c := tt.scale.Calibrate()
		if c.Basis != tt.basis || c.Millimetres() != (tt.mm > 0) || c.Reason == "" {
			t.Errorf("%s: %+v, want %v", name, c, tt.basis)
		}
		if tt.mm > 0 && (math.Abs(c.Spacing.Rows-tt.mm) > 1e-12 || !(c.RelativeSD > 0)) {
			t.Errorf("%s: %+v, want %g mm", name, c, tt.mm)
		}
	}
}

// Pixels that are not square keep their shape where there is no scale, and a reader's
// distance gives both.
func TestCalibrationByAReader(t *testing.T) {
	c := (&radiograph.Scale{PixelAspectRatio: 1.2}).Calibrate()
	if c.Spacing != (radiograph.Spacing{Rows: 1.2, Columns: 1}) {
		t.Fatalf("spacing %v", c.Spacing)
	}
	// 300 columns and 250 rows of 1.2 are 300 by 300.
	p, q := radiograph.ImagePoint{Col: 10, Row: 20}, radiograph.ImagePoint{Col: 310, Row: 270}
	got, err := c.WithReader(p, q, 60)
	if err != nil || got.Basis != radiograph.ByReader || math.Abs(got.Length(p, q)-60) > 1e-9 || math.Abs(got.Spacing.Rows/got.Spacing.Columns-1.2) > 1e-12 {
		t.Errorf("%+v, %v", got, err)
	}
	for _, mm := range []float64{0, -3, math.NaN(), math.Inf(1)} {
		if _, err := c.WithReader(p, q, mm); err == nil {
			t.Errorf("%g mm is a distance", mm)
		}
	}
	if _, err := c.WithReader(p, p, 60); err == nil {
		t.Error("one point is two")
	}
}
