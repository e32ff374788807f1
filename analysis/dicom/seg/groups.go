// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package seg

import (
	"fmt"
	"math"

	"github.com/suyashkumar/dicom/pkg/tag"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/dataset"
)

// Tolerances within which frames are of one grid, as for CT slices.
const (
	orientationTolerance = 2e-3 // of direction cosines
	spacingTolerance     = 1e-3 // relative
	maxCoordinate        = 1e6  // mm; no patient is as large
)

// groups are the functional groups of one frame: its own before the shared ones.
// PS3.3 C.7.6.16.
type groups struct{ own, shared *dataset.Dataset }

// item returns the first item of a functional group, an empty one if there is none.
func (g groups) item(t tag.Tag) *dataset.Dataset {
	if len(g.own.Items(t)) > 0 {
		return g.own.Item(t)
	}
	return g.shared.Item(t)
}

// readFrames reads what the functional groups say of each frame, of which there must
// be as many as NumberOfFrames says.
func (s *Segmentation) readFrames(d *dataset.Dataset, frames int) error {
	own := d.Items(tag.PerFrameFunctionalGroupsSequence)
	if len(own) != frames {
		return invalid("PerFrameFunctionalGroupsSequence", "%d items for %d frames", len(own), frames)
	}
	shared := d.Item(tag.SharedFunctionalGroupsSequence)
	s.Frames = make([]Frame, frames)
	for i := range s.Frames {
		if err := s.readFrame(i, groups{own[i], shared}); err != nil {
			return fmt.Errorf("frame %d: %w", i+1, err)
		}
	}
	return nil
}

func (s *Segmentation) readFrame(i int, g groups) error {
	f := &s.Frames[i]
	position := g.item(tag.PlanePositionSequence).Numbers(tag.ImagePositionPatient)
	if len(position) != 3 {
		return &dicom.MissingAttributeError{Keyword: "ImagePositionPatient"}
	}
	for _, x := range position {
		if !(math.Abs(x) <= maxCoordinate) {
			return invalid("ImagePositionPatient", "no place in a patient")
		}
	}
	f.Position = r3.Vec{X: position[0], Y: position[1], Z: position[2]}
	if s.Kind != LabelMap {
		f.Segment = g.item(tag.SegmentIdentificationSequence).Int(tag.ReferencedSegmentNumber, 0)
		if s.segment(f.Segment) == nil {
			return invalid("ReferencedSegmentNumber", "%d is no segment", f.Segment)
		}
	}
	f.Source = g.item(tag.DerivationImageSequence).Item(tag.SourceImageSequence).Value(tag.ReferencedSOPInstanceUID)
	return s.readPlane(i, g)
}

// readPlane reads how the pixels of a frame lie: as those of the first.
func (s *Segmentation) readPlane(i int, g groups) error {
	cosines := g.item(tag.PlaneOrientationSequence).Numbers(tag.ImageOrientationPatient)
	if len(cosines) != 6 {
		return &dicom.MissingAttributeError{Keyword: "ImageOrientationPatient"}
	}
	along, down := r3.Vec{X: cosines[0], Y: cosines[1], Z: cosines[2]}, r3.Vec{X: cosines[3], Y: cosines[4], Z: cosines[5]}
	const notUnit = 0.01
	if math.Abs(r3.Norm(along)-1) > notUnit || math.Abs(r3.Norm(down)-1) > notUnit || math.Abs(r3.Dot(along, down)) > notUnit {
		return invalid("ImageOrientationPatient", "no two directions at right angles")
	}
	measures := g.item(tag.PixelMeasuresSequence)
	spacing := measures.Numbers(tag.PixelSpacing)
	if len(spacing) != 2 {
		return &dicom.MissingAttributeError{Keyword: "PixelSpacing"}
	}
	const least, most = 1e-3, 1e3 // mm
	if !(min(spacing[0], spacing[1]) >= least && max(spacing[0], spacing[1]) <= most) {
		return invalid("PixelSpacing", "no distance of pixels")
	}
	// PixelSpacing is the distance of rows, then that of columns. PS3.3 10.7.1.3.
	column, row := r3.Scale(spacing[1], r3.Unit(along)), r3.Scale(spacing[0], r3.Unit(down))
	if i == 0 {
		s.Column, s.Row = column, row
		for _, t := range []tag.Tag{tag.SpacingBetweenSlices, tag.SliceThickness} {
			if x, ok := measures.Number(t); ok && x >= least && x <= most {
				s.spacings = append(s.spacings, x)
			}
		}
		return nil
	}
	for _, pair := range [2][2]r3.Vec{{column, s.Column}, {row, s.Row}} {
		a, b := r3.Norm(pair[0]), r3.Norm(pair[1])
		if math.Abs(a-b) > spacingTolerance*b {
			return invalid("PixelSpacing", "not that of the first frame")
		}
		if r3.Norm(r3.Sub(r3.Scale(1/a, pair[0]), r3.Scale(1/b, pair[1]))) > orientationTolerance {
			return invalid("ImageOrientationPatient", "not that of the first frame")
		}
	}
	return nil
}
