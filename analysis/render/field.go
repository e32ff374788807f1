// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"errors"
	"fmt"
	"image"
	"math"

	"gonum.org/v1/gonum/spatial/r3"
)

// Field says how much a picture shows, and how finely. The zero value is what
// lies around the spine, in pixels of the size of the volume's finest voxels.
type Field struct {
	// Whole shows all of the volume that a plane passes through, and not only what
	// lies around the spine.
	Whole bool

	// PixelSize is the size of pixels, mm. If it is 0 it is that of the volume's
	// finest voxels, at most 0.8 mm.
	PixelSize float64

	// MaxColumns and MaxRows limit the picture: pixels are made larger until it
	// fits. 0 is no limit.
	MaxColumns, MaxRows int

	// Crop is the part that is wanted of the picture that the other fields
	// describe, in its pixels; all of it if empty.
	Crop image.Rectangle
}

// MaxPixels is the largest number of pixels of a picture: the largest detectors
// have some 4000 × 4000.
const MaxPixels = 1 << 24

// defaultPixel is the size of pixels where there is no volume, mm.
const defaultPixel = 0.5

// The errors of views, wrapped.
var (
	// ErrOutside is returned where nothing of the examination lies in a picture.
	ErrOutside = errors.New("outside of the examination")
	// ErrNoImage is returned for a view of a volume where there is none.
	ErrNoImage = errors.New("no image")
	// ErrNoSpine is returned for a view along a spine where none was found.
	ErrNoSpine = errors.New("no spine was found")
	// ErrTooLarge is returned for a picture of too many pixels, or one of too much
	// work.
	ErrTooLarge = errors.New("picture too large")
	// ErrInvalid is returned for a number that makes no sense.
	ErrInvalid = errors.New("invalid")
)

// sheet is a surface in the patient, unrolled: what a picture is of, before it is
// cut into pixels. Lengths are mm.
type sheet struct {
	width, height float64
	planar        bool
	axis          float64 // from the left
	native        *int

	// line returns where the line y below the upper border lies: Origin at the left
	// border, Step of unit length.
	line func(y float64) Line
}

// tolerance, of a pixel, is what rounding may add to a width.
const tolerance = 1e-6

// geometry cuts the sheet into pixels, of the given size where the field leaves it
// open, mm.
func (s *sheet) geometry(f Field, pixel float64) (Geometry, error) {
	size, err := f.pixelSize(s, pixel)
	if err != nil {
		return Geometry{}, err
	}
	if !(s.width > 0 && s.height > 0) || math.IsInf(s.width, 0) || math.IsInf(s.height, 0) {
		return Geometry{}, fmt.Errorf("picture of %.4g × %.4g mm: %w", s.width, s.height, ErrOutside)
	}
	columns, rows := math.Ceil(s.width/size-tolerance), math.Ceil(s.height/size-tolerance)
	const most = math.MaxInt32 // beyond which the products below would not hold
	if columns > most || rows > most {
		return Geometry{}, fmt.Errorf("%.0f × %.0f pixels: %w", columns, rows, ErrTooLarge)
	}
	part := image.Rect(0, 0, max(int(columns), 1), max(int(rows), 1))
	if f.Crop != (image.Rectangle{}) {
		part = part.Intersect(f.Crop)
	}
	if part.Empty() {
		return Geometry{}, fmt.Errorf("crop %v of %.0f × %.0f pixels: %w", f.Crop, columns, rows, ErrOutside)
	}
	if part.Dx()*part.Dy() > MaxPixels {
		return Geometry{}, fmt.Errorf("%d × %d pixels, at most %d: %w", part.Dx(), part.Dy(), MaxPixels, ErrTooLarge)
	}
	g := Geometry{
		Columns: part.Dx(), Rows: part.Dy(), PixelSize: size,
		planar: s.planar, native: s.native, axis: s.axis/size - float64(part.Min.X),
		lines: make([]Line, part.Dy()),
	}
	for i := range g.lines {
		l := s.line((float64(part.Min.Y+i) + 0.5) * size)
		l.Origin = r3.Add(l.Origin, r3.Scale((float64(part.Min.X)+0.5)*size, l.Step))
		l.Step = r3.Scale(size, l.Step)
		g.lines[i] = l
	}
	return g, nil
}

// pixelSize returns the size of pixels at which the sheet fits, mm.
func (f Field) pixelSize(s *sheet, pixel float64) (float64, error) {
	size := f.PixelSize
	if size == 0 {
		size = pixel
	}
	if !(size > 0) || math.IsInf(size, 0) {
		return 0, fmt.Errorf("pixel size %g mm: %w", f.PixelSize, ErrInvalid)
	}
	if f.MaxColumns < 0 || f.MaxRows < 0 {
		return 0, fmt.Errorf("at most %d × %d pixels: %w", f.MaxColumns, f.MaxRows, ErrInvalid)
	}
	if f.MaxColumns > 0 {
		size = max(size, s.width/float64(f.MaxColumns))
	}
	if f.MaxRows > 0 {
		size = max(size, s.height/float64(f.MaxRows))
	}
	return size, nil
}
