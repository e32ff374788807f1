// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package radiograph

import (
	"errors"
	"math"

	"github.com/endplate/endplate/analysis/phrase"
)

// Spacing is the distance of rows and that of columns, mm; zero where it is not known.
type Spacing struct{ Rows, Columns float64 }

// Known reports whether both distances can be used.
func (s Spacing) Known() bool {
	return s.Rows > 0 && s.Columns > 0 && !math.IsInf(s.Rows, 0) && !math.IsInf(s.Columns, 0)
}

// Scale is what an image's header says of lengths, under the names of the attributes. What
// is not said is zero or empty.
type Scale struct {
	PixelSpacing                             Spacing
	PixelSpacingCalibrationType              string
	ImagerPixelSpacing                       Spacing
	EstimatedRadiographicMagnificationFactor float64
	DistanceSourceToDetector                 float64 // mm
	DistanceSourceToPatient                  float64 // mm
	// NominalScannedPixelSpacing is that of a digitized film: on the film.
	NominalScannedPixelSpacing Spacing
	// PixelAspectRatio is the vertical to the horizontal size of a pixel.
	PixelAspectRatio float64
}

// Basis says what millimetres rest on.
type Basis uint8

// The bases, in the order in which they are preferred.
const (
	Uncalibrated  Basis = iota
	Fiducial            // PixelSpacing, by an object of known size
	GeometryOf          // PixelSpacing, by the geometry of the examination
	Corrected           // PixelSpacing, in a way that is not told
	Magnification       // ImagerPixelSpacing over EstimatedRadiographicMagnificationFactor
	Distances           // ImagerPixelSpacing by the distances of the source
	ByReader            // two points of known distance
)

// String returns the name of a basis on the wire.
func (b Basis) String() string {
	return [...]string{
		"UNCALIBRATED", "PIXEL_SPACING_FIDUCIAL", "PIXEL_SPACING_GEOMETRY", "PIXEL_SPACING_CORRECTED",
		"MAGNIFICATION_FACTOR", "SOURCE_DISTANCES", "READER",
	}[b]
}

// Calibration turns lengths on a film into lengths in the patient.
type Calibration struct {
	Basis Basis
	// Spacing is that of the pixels in the patient, at the depth of the spine, mm. Where
	// Basis is Uncalibrated only the ratio of its two distances means anything.
	Spacing Spacing
	// RelativeSD is the standard deviation of a length in mm by the calibration alone, as
	// a fraction. Ratios, percentages and angles do not have it.
	RelativeSD float64
	// Reason says what the basis is, or why there are no millimetres.
	Reason phrase.Text
}

// Millimetres reports whether lengths in the patient can be told.
func (c *Calibration) Millimetres() bool { return c.Basis != Uncalibrated }

// Standard deviations of the magnification that a basis leaves, as fractions: defaults, no
// published source found. A fiducial or a table is known to some 20 mm of the spine's
// depth, at about 1 m from the source; a geometry that is assumed, to some 35 mm. What
// DistanceSourceToPatient goes to (PS3.3 C.8.11.5 has the support, where other modules have
// the patient or the isocentre) leaves half a patient's width.
const (
	fiducialSD  = 0.02
	geometrySD  = 0.03
	correctedSD = 0.05
	factorSD    = 0.03
	distancesSD = 0.07
)

// sameSpacing is the relative difference up to which two spacings are the same.
const sameSpacing = 1e-3

// magnificationRange is what an examination of a trunk can have: a detector is never
// before the patient, and seldom as far behind him as the source before. Lateral spines of
// patients had 1.00 to 1.32 (Shigematsu 2013, cervical).
const largestMagnification = 2.5

// Calibrate returns the calibration that a header gives: PixelSpacing if it is at the
// patient, else ImagerPixelSpacing by the magnification factor, else by the distances of
// the source, else none.
//
// Reference: DICOM PS3.3 10.7.1.3 (PixelSpacing of projections), C.8.11.5.
func (s *Scale) Calibrate() Calibration {
	imager, pixel := s.ImagerPixelSpacing, s.PixelSpacing
	switch kind := s.PixelSpacingCalibrationType; {
	case pixel.Known() && kind == "FIDUCIAL":
		return Calibration{Fiducial, pixel, fiducialSD, "PixelSpacing calibrated by an object of known size"}
	case pixel.Known() && kind == "GEOMETRY":
		return Calibration{GeometryOf, pixel, geometrySD, "PixelSpacing corrected for the geometry of the examination"}
	case pixel.Known() && imager.Known() && !pixel.like(imager):
		return Calibration{Corrected, pixel, correctedSD, "PixelSpacing differs from ImagerPixelSpacing, in a way that PixelSpacingCalibrationType does not tell"}
	}
	if !imager.Known() {
		return s.uncalibrated("no ImagerPixelSpacing, and no PixelSpacing that says it is at the patient")
	}
	factor, distances := s.EstimatedRadiographicMagnificationFactor, s.DistanceSourceToDetector/s.DistanceSourceToPatient
	switch {
	case plausible(factor):
		return Calibration{Magnification, imager.over(factor), factorSD, phrase.Of("ImagerPixelSpacing and a magnification factor of %.3g", factor)}
	case s.DistanceSourceToPatient > 0 && plausible(distances):
		return Calibration{Distances, imager.over(distances), distancesSD, phrase.Of("ImagerPixelSpacing and source distances of %.0f and %.0f mm", s.DistanceSourceToDetector, s.DistanceSourceToPatient)}
	case factor != 0 || s.DistanceSourceToPatient != 0:
		return s.uncalibrated("ImagerPixelSpacing is at the detector, and the magnification that the header has is none of a patient")
	}
	return s.uncalibrated("ImagerPixelSpacing is at the detector, and nothing tells the magnification")
}

func plausible(factor float64) bool { return factor >= 1 && factor <= largestMagnification }

// like reports whether two spacings are the same but for rounding.
func (s Spacing) like(o Spacing) bool {
	return math.Abs(s.Rows-o.Rows) <= sameSpacing*o.Rows && math.Abs(s.Columns-o.Columns) <= sameSpacing*o.Columns
}

func (s Spacing) over(factor float64) Spacing { return Spacing{s.Rows / factor, s.Columns / factor} }

// uncalibrated keeps the shape of a pixel.
func (s *Scale) uncalibrated(reason phrase.Text) Calibration {
	c := Calibration{Spacing: Spacing{1, 1}, Reason: reason}
	for _, known := range []Spacing{s.ImagerPixelSpacing, s.PixelSpacing, s.NominalScannedPixelSpacing, {s.PixelAspectRatio, 1}} {
		if known.Known() {
			c.Spacing = Spacing{known.Rows / known.Columns, 1}
			break
		}
	}
	return c
}

// readerPlacesWithin is the standard deviation of a point that a reader places on a film,
// pixels: default.
const readerPlacesWithin = 1.5

// WithReader returns the calibration by two points that a reader says are mm apart in the
// patient, at the depth of the spine.
func (c Calibration) WithReader(p, q ImagePoint, mm float64) (Calibration, error) {
	length := math.Hypot((p.Col-q.Col)*c.Spacing.Columns, (p.Row-q.Row)*c.Spacing.Rows)
	const least = 20 // pixels
	if !(mm > 0) || math.IsInf(mm, 0) || !(p.Distance(q) >= least) || math.IsInf(length, 0) {
		return c, errors.New("calibration: two points at least 20 pixels apart and a positive distance are needed")
	}
	k := mm / length
	return Calibration{
		Basis: ByReader, Spacing: Spacing{k * c.Spacing.Rows, k * c.Spacing.Columns},
		RelativeSD: math.Hypot(fiducialSD, math.Sqrt2*readerPlacesWithin/p.Distance(q)),
		Reason:     phrase.Of("a reader's two points %.4g mm apart", mm),
	}, nil
}

// Length returns the distance of two points in the units of c.Spacing: mm in the patient if
// c has millimetres.
func (c *Calibration) Length(p, q ImagePoint) float64 {
	return math.Hypot((p.Col-q.Col)*c.Spacing.Columns, (p.Row-q.Row)*c.Spacing.Rows)
}
