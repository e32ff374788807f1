// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package seg

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/suyashkumar/dicom/pkg/tag"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/code"
	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/analysis/dicom/pixel"
	"github.com/endplate/endplate/analysis/spine"
)

// The SOP classes that are read. PS3.4 B.5.
const (
	segmentationStorage         = "1.2.840.10008.5.1.4.1.1.66.4"
	labelMapSegmentationStorage = "1.2.840.10008.5.1.4.1.1.66.7"
)

// ErrNotSegmentation is returned for an instance of another SOP class.
var ErrNotSegmentation = errors.New("no Segmentation")

// Kind is how pixels tell what belongs to a segment: SegmentationType, PS3.3 C.8.20.2.
type Kind string

// The kinds.
const (
	Binary     Kind = "BINARY"     // a bit
	Fractional Kind = "FRACTIONAL" // a part of MaximumFractionalValue
	LabelMap   Kind = "LABELMAP"   // the number of the segment
)

// Segmentation is what a Segmentation instance holds.
type Segmentation struct {
	SOPInstanceUID      string
	SeriesInstanceUID   string // of the Segmentation
	StudyInstanceUID    string
	FrameOfReferenceUID string // empty if it has none
	Kind                Kind
	Segments            []Segment // ascending by number
	Frames              []Frame

	Columns, Rows int
	// Column and Row are the steps from one pixel to the next of all frames, LPS mm.
	Column, Row r3.Vec

	maximum  int      // MaximumFractionalValue
	sources  []string // instances that it is of, in the order in which they are listed
	spacings []float64
	pixels   pixels
}

// Segment is one of the things that a Segmentation shows.
type Segment struct {
	Number             int
	Label, Description string
	Category, Type     code.Code
	Region             code.Code // that the anatomy is told by, beside Type; zero if none is
	TrackingID         string
	TrackingUID        string

	// Level is the vertebra of which the segment is all or the body; Unknown for
	// every other segment.
	Level spine.Level
}

// Frame is one plane of pixels.
type Frame struct {
	Segment  int    // its number; 0 if the pixels tell
	Position r3.Vec // of the first pixel's centre, LPS mm
	Source   string // SOPInstanceUID of the image that it is of; empty if it does not say
}

// Bounds of what is read. A Segmentation of a whole body with a hundred segments, one
// bit a pixel and frames without any left out, has some 300 MB.
const (
	maxSize     = 512 << 20 // bytes
	maxFrames   = 1 << 17
	maxSegments = 1<<16 - 1 // SegmentNumber is a US
)

// wanted are the attributes that are read; all that is in a sequence goes along.
var wanted = []tag.Tag{
	tag.SOPClassUID, tag.SOPInstanceUID, tag.SeriesInstanceUID, tag.StudyInstanceUID, tag.FrameOfReferenceUID,
	tag.ReferencedSeriesSequence,
	tag.SamplesPerPixel, tag.PhotometricInterpretation, tag.NumberOfFrames, tag.Rows, tag.Columns,
	tag.BitsAllocated, tag.BitsStored, tag.HighBit, tag.PixelRepresentation,
	tag.SegmentationType, tag.SegmentSequence, tag.MaximumFractionalValue,
	tag.SharedFunctionalGroupsSequence, tag.PerFrameFunctionalGroupsSequence, tag.PixelData,
}

// Read reads a Segmentation of one bit, of fractions or as a label map, native or
// compressed in a way that package pixel decodes. r must deliver no more than size
// bytes; a negative size means that the end of r tells. Pixels are held as they are
// stored, and decoded frame by frame.
//
// The errors are those of package dicom, and one that wraps ErrNotSegmentation.
func Read(r io.Reader, size int64) (*Segmentation, error) {
	f, err := dataset.Read(r, size, dataset.Options{
		Want:   func(t tag.Tag) bool { return slices.Contains(wanted, t) },
		Limit:  maxSize,
		Pixels: true,
	})
	if err != nil {
		return nil, err
	}
	if class := f.Value(tag.SOPClassUID); class != segmentationStorage && class != labelMapSegmentationStorage {
		return nil, fmt.Errorf("SOP class %q: %w", dicom.ValidUID(class), ErrNotSegmentation)
	}
	s := &Segmentation{
		SOPInstanceUID:      dicom.ValidUID(f.Value(tag.SOPInstanceUID)),
		SeriesInstanceUID:   dicom.ValidUID(f.Value(tag.SeriesInstanceUID)),
		StudyInstanceUID:    dicom.ValidUID(f.Value(tag.StudyInstanceUID)),
		FrameOfReferenceUID: dicom.ValidUID(f.Value(tag.FrameOfReferenceUID)),
	}
	if err := s.describe(f); err != nil {
		return nil, fmt.Errorf("segmentation %s: %w", s.SOPInstanceUID, err)
	}
	return s, nil
}

// describe reads what a data set says, and leaves the pixels.
func (s *Segmentation) describe(f *dataset.File) error {
	frames, err := s.format(f)
	if err != nil {
		return err
	}
	if err := s.readSegments(&f.Dataset); err != nil {
		return err
	}
	if err := s.readFrames(&f.Dataset, frames); err != nil {
		return err
	}
	for _, series := range f.Items(tag.ReferencedSeriesSequence) {
		for _, instance := range series.Items(tag.ReferencedInstanceSequence) {
			s.sources = append(s.sources, instance.Value(tag.ReferencedSOPInstanceUID))
		}
	}
	return s.pixels.locate(f, frames)
}

// format reads how pixels are stored, and how many frames there are.
func (s *Segmentation) format(f *dataset.File) (frames int, err error) {
	s.Kind = Kind(f.Value(tag.SegmentationType))
	if f.Value(tag.SOPClassUID) == labelMapSegmentationStorage {
		s.Kind = cmp.Or(s.Kind, LabelMap)
	}
	s.Rows, s.Columns = f.Int(tag.Rows, 0), f.Int(tag.Columns, 0)
	frames = f.Int(tag.NumberOfFrames, 1)
	allocated := f.Int(tag.BitsAllocated, 0)
	s.pixels.format = pixel.Format{
		Rows: s.Rows, Columns: s.Columns, SamplesPerPixel: f.Int(tag.SamplesPerPixel, 1),
		BitsAllocated: allocated, BitsStored: f.Int(tag.BitsStored, allocated), HighBit: f.Int(tag.HighBit, allocated-1),
		PhotometricInterpretation: f.Value(tag.PhotometricInterpretation),
	}
	s.maximum = f.Int(tag.MaximumFractionalValue, 0)
	switch {
	case s.Rows < 1:
		return 0, &dicom.MissingAttributeError{Keyword: "Rows"}
	case s.Columns < 1:
		return 0, &dicom.MissingAttributeError{Keyword: "Columns"}
	case s.Rows*s.Columns > maxPixels:
		return 0, fmt.Errorf("%w: frames of %d × %d pixels", dicom.ErrTooLarge, s.Columns, s.Rows)
	case frames < 1 || frames > maxFrames:
		return 0, invalid("NumberOfFrames", "%d", frames)
	case s.pixels.format.SamplesPerPixel != 1:
		return 0, invalid("SamplesPerPixel", "%d, not 1", s.pixels.format.SamplesPerPixel)
	case f.Int(tag.PixelRepresentation, 0) != 0:
		return 0, invalid("PixelRepresentation", "signed")
	}
	return frames, s.checkKind(allocated)
}

// checkKind returns an error where a kind cannot have pixels of so many bits.
func (s *Segmentation) checkKind(allocated int) error {
	allowed := map[Kind][]int{Binary: {1, 8}, Fractional: {8}, LabelMap: {8, 16}}[s.Kind]
	switch {
	case s.Kind == "":
		return &dicom.MissingAttributeError{Keyword: "SegmentationType"}
	case allowed == nil:
		return invalid("SegmentationType", "none that is known")
	case !slices.Contains(allowed, allocated):
		return invalid("BitsAllocated", "%d where SegmentationType is %s", allocated, s.Kind)
	case s.Kind == Fractional && (s.maximum < 1 || s.maximum > 255):
		return invalid("MaximumFractionalValue", "%d", s.maximum)
	}
	return nil
}

func invalid(keyword, format string, args ...any) error {
	return &dicom.InvalidAttributeError{Keyword: keyword, Problem: fmt.Sprintf(format, args...)}
}

// readSegments reads what the segments are.
func (s *Segmentation) readSegments(d *dataset.Dataset) error {
	items := d.Items(tag.SegmentSequence)
	switch {
	case len(items) == 0:
		return &dicom.MissingAttributeError{Keyword: "SegmentSequence"}
	case len(items) > maxSegments:
		return invalid("SegmentSequence", "%d items", len(items))
	}
	for i, item := range items {
		g := Segment{
			Number:      item.Int(tag.SegmentNumber, 0),
			Label:       item.Value(tag.SegmentLabel),
			Description: item.Value(tag.SegmentDescription),
			Category:    code.Of(item, tag.SegmentedPropertyCategoryCodeSequence),
			Type:        code.Of(item, tag.SegmentedPropertyTypeCodeSequence),
			Region:      cmp.Or(code.Of(item, tag.AnatomicRegionSequence), code.Of(item, tag.PrimaryAnatomicStructureSequence)),
			TrackingID:  item.Value(tag.TrackingID),
			TrackingUID: item.Value(tag.TrackingUID),
		}
		if g.Number < 0 || g.Number > maxSegments || g.Number == 0 && s.Kind != LabelMap {
			return invalid("SegmentNumber", "%d in item %d", g.Number, i+1)
		}
		if g.Number == 0 {
			continue // the background of a label map
		}
		g.Level = levelOf(&g)
		s.Segments = append(s.Segments, g)
	}
	slices.SortStableFunc(s.Segments, func(a, b Segment) int { return cmp.Compare(a.Number, b.Number) })
	for i := 1; i < len(s.Segments); i++ {
		if s.Segments[i].Number == s.Segments[i-1].Number {
			return invalid("SegmentNumber", "%d twice", s.Segments[i].Number)
		}
	}
	return nil
}

// segment returns the segment of a number, nil if there is none.
func (s *Segmentation) segment(number int) *Segment {
	i, found := slices.BinarySearchFunc(s.Segments, number, func(g Segment, n int) int { return cmp.Compare(g.Number, n) })
	if !found {
		return nil
	}
	return &s.Segments[i]
}
