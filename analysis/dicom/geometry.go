// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicom

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/volume"
)

// Distances between slices.
const (
	// gapRatio is the multiple of the median distance above which slices are
	// missing.
	gapRatio = 1.5

	// A gap that is wide both in slices and in millimetres parts a stack in two:
	// a third of a vertebra cannot be made up by interpolation.
	cutRatio    = 3
	cutDistance = 10 // mm

	// evenTolerance is how far slices may stand from an even grid, mm: positions
	// are often written to a tenth of a millimetre. On thick slices it is
	// evenFraction of their distance.
	evenTolerance = 0.06
	evenFraction  = 0.02

	// tiltDrift is how far the slices may drift sideways over the whole stack, mm,
	// before the grid counts as sheared.
	tiltDrift = 0.1
)

// arrange makes runs of slices that lie on one line without wide gaps, out of
// sorted images of one orientation. It fails if they lie on no line.
func arrange(images []image) (runs [][]image, warnings []Warning, err error) {
	images, repeated := dropRepeated(images)
	if len(repeated) > 0 {
		warnings = append(warnings, Warning{CodeDuplicatePosition, phrase.Of(
			"%d slices at the position of another left out, the first is instance %s", len(repeated), repeated[0].in.sopUID)})
	}
	images, strays, err := dropStrays(images)
	if err != nil {
		return nil, nil, err
	}
	for _, m := range strays {
		warnings = append(warnings, Warning{CodeBadSlice, phrase.Of(
			"instance %s left out: its ImagePositionPatient is off the line of the others", m.in.sopUID)})
	}
	return cutAtGaps(images), warnings, nil
}

// dropRepeated keeps the first of the images at each position.
func dropRepeated(images []image) (kept, dropped []image) {
	for _, m := range images {
		if len(kept) > 0 && m.depth-kept[len(kept)-1].depth < samePosition {
			dropped = append(dropped, m)
			continue
		}
		kept = append(kept, m)
	}
	return kept, dropped
}

// dropStrays leaves out a few slices that lie off the line of the others.
func dropStrays(images []image) (kept, dropped []image, err error) {
	const maxStrays = 0.05 // of the slices; more are not an accident
	if len(images) < 3 {
		return images, nil, nil
	}
	across := images[0].frame().along
	down := images[0].frame().down
	u := lineResiduals(images, across)
	v := lineResiduals(images, down)
	for i, m := range images {
		if math.Hypot(u[i], v[i]) > strayTolerance {
			dropped = append(dropped, m)
			continue
		}
		kept = append(kept, m)
	}
	if len(dropped) > max(1, int(maxStrays*float64(len(images)))) {
		return nil, nil, fmt.Errorf("%d of %d slices are not on one line: ImagePositionPatient", len(dropped), len(images))
	}
	return kept, dropped, nil
}

// lineResiduals returns how far each image lies along axis from the line of the
// others, mm. The line has the median slope between neighbours and the median
// offset, so that a few strays do not bend it.
func lineResiduals(images []image, axis r3.Vec) []float64 {
	at := make([]float64, len(images))
	slopes := make([]float64, len(images)-1)
	for i, m := range images {
		at[i] = r3.Dot(m.frame().position, axis)
		if i > 0 {
			slopes[i-1] = (at[i] - at[i-1]) / (m.depth - images[i-1].depth)
		}
	}
	slope := median(slopes)
	for i, m := range images {
		at[i] -= slope * (m.depth - images[0].depth)
	}
	offset := median(at)
	for i := range at {
		at[i] -= offset
	}
	return at
}

// median returns the upper median of v, which must not be empty.
func median(v []float64) float64 {
	sorted := slices.Sorted(slices.Values(v))
	return sorted[len(sorted)/2]
}

// steps returns the distances between neighbours.
func steps(images []image) []float64 {
	d := make([]float64, len(images)-1)
	for i := range d {
		d[i] = images[i+1].depth - images[i].depth
	}
	return d
}

// cutAtGaps parts images at wide gaps.
func cutAtGaps(images []image) [][]image {
	if len(images) < 3 {
		return [][]image{images}
	}
	d := steps(images)
	wide := max(cutDistance, cutRatio*median(d))
	var runs [][]image
	start := 0
	for i, step := range d {
		if step > wide {
			runs = append(runs, images[start:i+1])
			start = i + 1
		}
	}
	return append(runs, images[start:])
}

// geometry places sorted images on one line.
func geometry(images []image) (volume.Geometry, []Warning) {
	first := images[0]
	f := first.frame()
	g := volume.Geometry{
		Columns: first.in.format.Columns,
		Rows:    first.in.format.Rows,
		Slices:  len(images),
		Origin:  f.position,
		Column:  r3.Scale(f.columnStep, f.along),
		Row:     r3.Scale(f.rowStep, f.down),
	}
	if len(images) == 1 {
		thickness := f.acquisition.SliceThickness
		if thickness == 0 {
			thickness = 1
		}
		g.Slice = r3.Scale(thickness, f.normal())
		return g, nil
	}
	var warnings []Warning
	last := images[len(images)-1]
	n := float64(len(images) - 1)
	span := r3.Sub(last.frame().position, f.position)
	upright := r3.Scale(last.depth-first.depth, f.normal())
	drift := r3.Norm(r3.Sub(span, upright))
	if drift > tiltDrift {
		g.Slice = r3.Scale(1/n, span)
		warnings = append(warnings, Warning{CodeGantryTilt, phrase.Of(
			"slices are sheared by %.1f°", math.Atan2(drift, last.depth-first.depth)*180/math.Pi)})
	} else {
		g.Slice = r3.Scale(1/n, upright)
	}
	offsets, more := spread(images)
	g.SliceOffsets = offsets
	return g, append(warnings, more...)
}

// spread returns where images stand in units of their mean distance, nil if that
// is on an even grid.
func spread(images []image) (offsets []float64, warnings []Warning) {
	n := len(images) - 1
	first := images[0].depth
	mean := (images[n].depth - first) / float64(n)
	tolerance := max(evenTolerance, evenFraction*mean)
	offsets = make([]float64, n+1)
	even := true
	for i, m := range images {
		offsets[i] = (m.depth - first) / mean
		even = even && math.Abs(offsets[i]-float64(i))*mean <= tolerance
	}
	if even {
		return nil, nil
	}
	d := steps(images)
	warnings = append(warnings, Warning{CodeUnevenSlices, phrase.Of(
		"slices are %.4g to %.4g mm apart", slices.Min(d), slices.Max(d))})
	return offsets, append(warnings, gapWarnings(images, d)...)
}

// gapWarnings tells of missing slices.
func gapWarnings(images []image, d []float64) []Warning {
	typical := median(d)
	gaps, widest := 0, 0
	for i, step := range d {
		if step > gapRatio*typical {
			gaps++
		}
		if step > d[widest] {
			widest = i
		}
	}
	if gaps == 0 {
		return nil
	}
	return []Warning{{CodeSliceGap, phrase.Of("gaps over %.4g mm: %d; the widest, %.4g mm, follows instance %s",
		gapRatio*typical, gaps, d[widest], images[widest].in.sopUID)}}
}
