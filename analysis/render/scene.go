// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"math"

	"golang.org/x/image/font/opentype"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/localization"
	"github.com/endplate/endplate/analysis/volume"
)

// Orientation is the direction in which a picture is looked at.
type Orientation uint8

// The orientations.
const (
	Sagittal Orientation = iota
	Axial
	Coronal
)

// String returns "sagittal", "axial" or "coronal".
func (o Orientation) String() string {
	if o > Coronal {
		return fmt.Sprintf("orientation %d", uint8(o))
	}
	return [...]string{"sagittal", "axial", "coronal"}[o]
}

// The axes of LPS that run across a picture, to its right and down it, by
// orientation; the sign of down.
var (
	normalAxis = [...]int{Sagittal: 0, Axial: 2, Coronal: 1}
	rightAxis  = [...]int{Sagittal: 1, Axial: 0, Coronal: 0}
	downAxis   = [...]int{Sagittal: 2, Axial: 1, Coronal: 2}
	downSign   = [...]float64{Sagittal: -1, Axial: 1, Coronal: -1}
)

// Scene is an examination that pictures are made of. It is not changed by that,
// and is safe for concurrent use.
type Scene struct {
	acquired  *volume.Volume // nil where there is no image
	canonical *volume.Volume
	result    *analysis.Result // never nil
	canal     []localization.CanalPoint
	path      []r3.Vec // of the spine, from superior to inferior
	cement    []lump
	font      *opentype.Font
}

// New returns the scene of a volume and of what was measured in it; either may be
// nil, and the scene then has the views that need the other. Both must stay as
// they are. A volume on another grid than a canonical one is resampled once.
func New(vol *volume.Volume, result *analysis.Result) (*Scene, error) {
	if result == nil {
		result = &analysis.Result{}
	}
	font, err := newFont()
	if err != nil {
		return nil, fmt.Errorf("font: %w", err)
	}
	s := &Scene{acquired: vol, result: result, font: font}
	for _, c := range result.Canal {
		if finite(c.Position) && finite(c.Superior) && finite(c.Anterior) {
			s.canal = append(s.canal, c)
		}
	}
	s.path = SpinePath(result)
	if vol == nil {
		return s, nil
	}
	if err := check(vol); err != nil {
		return nil, err
	}
	s.canonical = vol.Canonical()
	s.cement = lumps(result, s.canonical.Geometry)
	return s, nil
}

// check returns an error if nothing can be sampled from vol.
func check(vol *volume.Volume) error {
	det := r3.Dot(vol.Column, r3.Cross(vol.Row, vol.Slice))
	if !finite(vol.Origin) || det == 0 || math.IsNaN(det) || math.IsInf(det, 0) {
		return fmt.Errorf("steps of the volume span no space: %w", ErrInvalid)
	}
	if min(vol.Columns, vol.Rows, vol.Slices) <= 0 || len(vol.Samples) < vol.Columns*vol.Rows*vol.Slices {
		return fmt.Errorf("volume of %d × %d × %d voxels with %d samples: %w", vol.Columns, vol.Rows, vol.Slices, len(vol.Samples), ErrInvalid)
	}
	return nil
}

// SpinePath returns points along the spine from superior to inferior: the canal,
// else the bodies' centres.
func SpinePath(result *analysis.Result) []r3.Vec {
	var path []r3.Vec
	for _, p := range result.Canal {
		if finite(p.Position) {
			path = append(path, p.Position)
		}
	}
	if len(path) > 0 {
		return path
	}
	for i := range result.Vertebrae {
		if c := result.Vertebrae[i].Center; finite(c) {
			path = append(path, c)
		}
	}
	return path
}

func finite(p r3.Vec) bool {
	sum := p.X + p.Y + p.Z
	return !math.IsNaN(sum) && !math.IsInf(sum, 0)
}

// Extent returns two corners of the box along the axes of LPS that holds the volume,
// and the distances of its voxels along the axes that are nearest to x, y and z, mm;
// false where there is no image.
func (s *Scene) Extent() (low, high, spacing r3.Vec, ok bool) {
	if s.canonical == nil {
		return low, high, spacing, false
	}
	g := s.canonical.Geometry
	low, high = g.Position(-0.5, -0.5, -0.5), g.Position(-0.5, -0.5, -0.5)
	for n := range 8 {
		p := g.Position(float64(n&1*g.Columns)-0.5, float64(n>>1&1*g.Rows)-0.5, float64(n>>2*g.Slices)-0.5)
		low = r3.Vec{X: min(low.X, p.X), Y: min(low.Y, p.Y), Z: min(low.Z, p.Z)}
		high = r3.Vec{X: max(high.X, p.X), Y: max(high.Y, p.Y), Z: max(high.Z, p.Z)}
	}
	spacing.X, spacing.Y, spacing.Z = g.Spacing()
	return low, high, spacing, true
}

// coarsest, mm, is the largest size of pixels where none is asked for: the names of
// neighbours then stand apart, however large the voxels.
const coarsest = 0.8

// pixel returns the size of pixels where none is asked for, mm: that of the finest
// voxels within the slices.
func (s *Scene) pixel() float64 {
	if s.acquired == nil {
		return defaultPixel
	}
	column, row, _ := s.acquired.Spacing()
	return min(column, row, coarsest)
}

// Straightened returns a picture along the canal: sagittal at offset mm to the
// left of it, or coronal at offset mm anterior of it.
func (s *Scene) Straightened(o Orientation, offset float64, f Field) (Geometry, error) {
	return AlongCanal(s.canal, o, offset, AroundSpine(), s.defaults(f))
}

// Following returns the sagittal picture that follows the spine from side to
// side, at offset mm to the left of it.
func (s *Scene) Following(offset float64, f Field) (Geometry, error) {
	m := AroundSpine()
	if len(s.canal) == 0 {
		m.Ends *= 3 // the path ends at the centres of the outermost bodies
	}
	return AlongPath(s.path, offset, m, s.defaults(f))
}

// defaults returns f with the size of pixels that it leaves open.
func (s *Scene) defaults(f Field) Field {
	if f.PixelSize == 0 {
		f.PixelSize = s.pixel()
	}
	return f
}
