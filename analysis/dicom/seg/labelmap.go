// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package seg

import (
	"context"
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// ErrNoVertebra is returned for a Segmentation of which no segment is a vertebra.
var ErrNoVertebra = errors.New("no segment is a vertebra by its codes or by its label")

// Bounds of a label map, as for one of NIfTI: deflated, 1,032 voxels may come of one
// byte.
const (
	maxVoxels      = 1 << 29
	voxelsPerByte  = 1032
	voxelAllowance = 32 << 20
)

// LabelMap returns the vertebrae as a label map of VerSe numbers. slices are the
// places of the first pixel of the images that the Segmentation is of, nil where they
// are not at hand: frames that hold nothing may have been left out, and where the
// images end is where a vertebra may be cut. Without them the map ends where the list
// of the instances that it is of says so, or with the outermost frame.
//
// A fraction of at least a half counts, and the first of segments that overlap.
// Frames at uneven distances become the nearest slices of an even grid.
//
// The error wraps ErrNoVertebra if there is nothing to label.
func (s *Segmentation) LabelMap(ctx context.Context, slices []r3.Vec) (*volume.LabelMap, error) {
	m, err := s.labelMap(ctx, slices)
	if err != nil {
		return nil, fmt.Errorf("segmentation %s: %w", s.SOPInstanceUID, err)
	}
	return m, nil
}

func (s *Segmentation) labelMap(ctx context.Context, slices []r3.Vec) (*volume.LabelMap, error) {
	levels := s.levels()
	if len(levels) == 0 {
		return nil, fmt.Errorf("%d segments: %w", len(s.Segments), ErrNoVertebra)
	}
	planes, err := s.planes(slices)
	if err != nil {
		return nil, err
	}
	geometry, err := planes.geometry(s)
	if err != nil {
		return nil, err
	}
	m := &volume.LabelMap{Geometry: geometry, Labels: make([]uint16, geometry.Columns*geometry.Rows*geometry.Slices)}
	size := s.Rows * s.Columns
	values := make([]int32, size)
	for i, f := range s.Frames {
		if s.Kind != LabelMap && levels[f.Segment] == spine.Unknown {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := s.pixels.decode(ctx, i, values); err != nil {
			return nil, fmt.Errorf("frame %d: %w", i+1, err)
		}
		at := planes.slices[planes.of[i]]
		for k := at.from; k < at.to; k++ {
			s.label(m.Labels[k*size:(k+1)*size], f.Segment, values, levels)
		}
	}
	return m, nil
}

// levels returns the levels by the numbers of the segments that are vertebrae.
func (s *Segmentation) levels() map[int]spine.Level {
	levels := map[int]spine.Level{}
	for i := range s.Segments {
		if l := s.Segments[i].Level; l != spine.Unknown {
			levels[s.Segments[i].Number] = l
		}
	}
	return levels
}

// label writes the level of what a frame shows into a slice.
func (s *Segmentation) label(slice []uint16, segment int, values []int32, levels map[int]spine.Level) {
	least, level := int32(1), uint16(levels[segment])
	if s.Kind == Fractional {
		least = int32(s.maximum+1) / 2
	}
	for n, x := range values {
		if x < least || slice[n] != 0 {
			continue
		}
		if s.Kind == LabelMap {
			level = uint16(levels[int(x)])
		}
		slice[n] = level
	}
}

// affordable returns an error for a grid of so many slices that the pixels do not
// warrant.
func (s *Segmentation) affordable(slices float64) error {
	voxels := slices * float64(s.Rows) * float64(s.Columns)
	if most := voxelAllowance + voxelsPerByte*float64(s.pixels.size()); !(voxels <= min(most, maxVoxels)) {
		return fmt.Errorf("%w: frames span a grid of %.3g voxels", dicom.ErrTooLarge, voxels)
	}
	return nil
}

// span is slices of a grid, from the first to before the last.
type span struct{ from, to int }

// clampSlice returns the first slice at or above x, within a grid of so many.
func clampSlice(x float64, slices int) int {
	const rounding = 1e-6
	return int(min(max(math.Ceil(x-rounding), 0), float64(slices)))
}
