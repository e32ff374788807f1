// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package phantom

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// Scan is a CT acquisition and reconstruction.
type Scan struct {
	Columns, Rows, Slices int

	PixelSpacing   float64 // mm
	SliceSpacing   float64 // perpendicular distance of slices, mm
	SliceThickness float64 // width of the slice profile, mm; 0 is SliceSpacing
	Center         r3.Vec  // middle of the volume, LPS mm

	Tilt            float64 // of the gantry, degrees
	PatientPosition string  // HFS if empty, HFP, HFDL, HFDR, FFS, FFP, FFDL, FFDR

	Kernel Kernel
	Noise  float64 // standard deviation, HU
	Seed   uint64  // of the noise
	Table  bool    // show the couch
}

// Kernel is the in-plane point spread function: a Gaussian of the given sigma,
// mm, with (1+Enhancement) of its weight, less Enhancement of a Gaussian twice
// as wide.
type Kernel struct {
	Sigma, Enhancement float64
}

// Kernels between which scanners' own lie.
var (
	Soft     = Kernel{Sigma: 0.75}
	Standard = Kernel{Sigma: 0.55}
	Sharp    = Kernel{Sigma: 0.38, Enhancement: 0.35}
)

// String returns the name written as ConvolutionKernel.
func (k Kernel) String() string {
	switch k {
	case Soft:
		return "SOFT"
	case Standard:
		return "STANDARD"
	case Sharp:
		return "SHARP"
	}
	return "CUSTOM"
}

// patientAxes returns the directions of columns and rows for a patient position,
// for a viewer at the foot end of the table: DICOM PS3.3 C.7.3.1.1.2. ok is
// false for an unknown position.
func patientAxes(position string) (column, row r3.Vec, ok bool) {
	left, posterior := r3.Vec{X: 1}, r3.Vec{Y: 1}
	right, anterior := r3.Vec{X: -1}, r3.Vec{Y: -1}
	switch position {
	case "", "HFS":
		return left, posterior, true
	case "HFP":
		return right, anterior, true
	case "HFDL":
		return anterior, left, true
	case "HFDR":
		return posterior, right, true
	case "FFS":
		return right, posterior, true
	case "FFP":
		return left, anterior, true
	case "FFDL":
		return posterior, left, true
	case "FFDR":
		return anterior, right, true
	}
	return column, row, false
}

// ValidPosition reports whether s names a patient position that Scan knows.
func ValidPosition(s string) bool {
	_, _, ok := patientAxes(s)
	return ok
}

// Geometry returns where the voxels lie. It panics if the patient position is
// unknown.
func (c Scan) Geometry() volume.Geometry {
	column, row, ok := patientAxes(c.PatientPosition)
	if !ok {
		panic("phantom: unknown patient position")
	}
	normal := r3.Cross(column, row)
	sin, cos := math.Sincos(c.Tilt * math.Pi / 180)
	row = r3.Add(r3.Scale(cos, row), r3.Scale(sin, normal))
	g := volume.Geometry{
		Columns: c.Columns, Rows: c.Rows, Slices: c.Slices,
		Column: r3.Scale(c.PixelSpacing, column),
		Row:    r3.Scale(c.PixelSpacing, row),
		Slice:  r3.Scale(c.SliceSpacing/cos, normal),
	}
	half := g.Position(float64(c.Columns-1)/2, float64(c.Rows-1)/2, float64(c.Slices-1)/2)
	g.Origin = r3.Sub(c.Center, half)
	return g
}

func (c Scan) thickness() float64 {
	if c.SliceThickness > 0 {
		return c.SliceThickness
	}
	return c.SliceSpacing
}

// Cover returns a scan of the levels first to last with a margin of mm above
// and below, and of width by width mm around the spine, at the given pixel and
// slice spacing. Both levels must be present.
func (s *Spine) Cover(first, last spine.Level, margin, width, pixel, slice float64) Scan {
	low, high := math.Inf(1), math.Inf(-1)
	var left, back []float64
	for _, b := range s.bodies {
		if b.Level < first || b.Level > last {
			continue
		}
		for _, t := range []float64{-1, 1} {
			z := b.frame.Point(t*(b.AnteriorHeight+b.PosteriorHeight)/4, 0, 0).Z
			low, high = min(low, z), max(high, z)
		}
		left = append(left, b.frame.Origin.X)
		back = append(back, b.frame.Point(0, -b.Depth/2, 0).Y)
	}
	n := int(math.Ceil(width / pixel))
	return Scan{
		Columns: n, Rows: n, Slices: int(math.Ceil((high-low+2*margin)/slice)) + 1,
		PixelSpacing: pixel, SliceSpacing: slice,
		Center: r3.Vec{X: middle(left), Y: middle(back), Z: (low + high) / 2},
		Kernel: Standard,
	}
}

func middle(v []float64) float64 {
	low, high := math.Inf(1), math.Inf(-1)
	for _, x := range v {
		low, high = min(low, x), max(high, x)
	}
	return (low + high) / 2
}
