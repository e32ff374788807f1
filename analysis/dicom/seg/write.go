// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package seg

import (
	"errors"
	"fmt"
	"math"

	"github.com/suyashkumar/dicom/pkg/tag"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/code"
	"github.com/endplate/endplate/analysis/dicom/dataset"
)

// ErrNothing is returned for an examination in which nothing was outlined.
var ErrNothing = errors.New("nothing was outlined")

// Object is the kind of object that New makes.
var Object = dicom.Kind{
	Name: "segmentation", SOPClassUID: segmentationStorage, Modality: "SEG",
	Number: 901, Description: "Vertebral bodies, canal and cement",
}

// New returns what was outlined in an examination as a binary Segmentation on the
// pixels of its images: each measured vertebral body, the vertebral canal beside them,
// and the cement of each level. Frames without a pixel are left out. It wraps
// ErrNothing if there is none at all.
//
// A body is typed as that, with the vertebra as its anatomic region: the codes of
// vertebrae would claim arch and processes too. Cement is where at least half of a
// voxel is cement; its volume, with those of partly filled voxels, is the report's.
//
// Reference: DICOM PS3.3 A.51, C.8.20.
func New(o *dicom.Origin, r *analysis.Result, p dicom.Provenance) (*dataset.Dataset, error) {
	g := gridOf(o)
	segments, frames, err := collect(o, g, r)
	if err != nil {
		return nil, err
	}
	if len(frames) == 0 {
		return nil, fmt.Errorf("segmentation: %w", ErrNothing)
	}
	w := writer{origin: o, provenance: p, grid: g, segments: segments, frames: frames}
	d := o.Derived(Object, p)
	if o.FrameOfReferenceUID != "" {
		o.PutFrameOfReference(d)
	}
	w.image(d)
	w.describe(d)
	w.dimensions(d)
	w.groups(d)
	w.references(d)
	d.Bytes(tag.PixelData, "OB", pack(frames, g.columns*g.rows))
	return d, d.Err()
}

// gridOf returns the pixels of the images.
func gridOf(o *dicom.Origin) *grid {
	g := &grid{columns: o.Geometry.Columns, rows: o.Geometry.Rows, column: o.Geometry.Column, row: o.Geometry.Row}
	for _, m := range o.Images {
		g.origins = append(g.origins, m.Position)
	}
	return g
}

// writer puts a Segmentation together.
type writer struct {
	origin     *dicom.Origin
	provenance dicom.Provenance
	grid       *grid
	segments   []segment
	frames     []frame
}

// image sets what of the modules General Image, Image Pixel and Segmentation Image is
// not of single segments. PS3.3 C.8.20.2.
func (w *writer) image(d *dataset.Dataset) {
	d.Text(tag.ImageType, "CS", "DERIVED", "PRIMARY")
	d.Text(tag.ContentLabel, "CS", "SEGMENTATION")
	d.Text(tag.ContentDescription, "LO", Object.Description)
	d.Text(tag.ContentCreatorName, "PN", w.provenance.Author)
	d.Ints(tag.SamplesPerPixel, "US", 1)
	d.Text(tag.PhotometricInterpretation, "CS", "MONOCHROME2")
	d.Ints(tag.NumberOfFrames, "IS", len(w.frames))
	d.Ints(tag.Rows, "US", w.grid.rows)
	d.Ints(tag.Columns, "US", w.grid.columns)
	d.Ints(tag.BitsAllocated, "US", 1)
	d.Ints(tag.BitsStored, "US", 1)
	d.Ints(tag.HighBit, "US", 0)
	d.Ints(tag.PixelRepresentation, "US", 0)
	w.origin.PutLossyImageCompression(d)
	d.Text(tag.SegmentationType, "CS", string(Binary))
}

// describe sets SegmentSequence.
func (w *writer) describe(d *dataset.Dataset) {
	items := make([]*dataset.Dataset, len(w.segments))
	for n := range w.segments {
		s := &w.segments[n]
		item := &dataset.Dataset{}
		item.Ints(tag.SegmentNumber, "US", n+1)
		item.Text(tag.SegmentLabel, "LO", s.label)
		if s.description != "" {
			item.Text(tag.SegmentDescription, "ST", s.description)
		}
		item.Sequence(tag.SegmentedPropertyCategoryCodeSequence, s.category.Item())
		item.Sequence(tag.SegmentedPropertyTypeCodeSequence, s.kind.Item())
		if s.region != (code.Code{}) {
			item.Sequence(tag.AnatomicRegionSequence, s.region.Item())
		}
		item.Text(tag.SegmentAlgorithmType, "CS", s.algorithmType(w.provenance))
		item.Text(tag.SegmentAlgorithmName, "LO", w.provenance.Program)
		item.Sequence(tag.SegmentationAlgorithmIdentificationSequence, w.algorithm())
		lab := s.color.lab()
		item.Ints(tag.RecommendedDisplayCIELabValue, "US", lab[:]...)
		item.Text(tag.TrackingID, "UT", s.trackingID)
		item.Text(tag.TrackingUID, "UI", s.trackingUID)
		items[n] = item
	}
	d.Sequence(tag.SegmentSequence, items...)
}

// algorithm is the macro Algorithm Identification, PS3.3 10.16.
func (w *writer) algorithm() *dataset.Dataset {
	d := &dataset.Dataset{}
	d.Sequence(tag.AlgorithmFamilyCodeSequence, code.EdgeDetection.Item())
	d.Text(tag.AlgorithmName, "LO", w.provenance.Program)
	d.Text(tag.AlgorithmVersion, "LO", w.provenance.Version)
	return d
}

// dimensions sets the module Multi-frame Dimension: frames are told apart by segment,
// then by position. PS3.3 C.7.6.17.
func (w *writer) dimensions(d *dataset.Dataset) {
	uid := w.origin.InstanceUID(Object, w.provenance, "dimensions")
	organization := &dataset.Dataset{}
	organization.Text(tag.DimensionOrganizationUID, "UI", uid)
	d.Sequence(tag.DimensionOrganizationSequence, organization)
	index := func(pointer, group tag.Tag, label string) *dataset.Dataset {
		item := &dataset.Dataset{}
		item.Text(tag.DimensionOrganizationUID, "UI", uid)
		item.Tags(tag.DimensionIndexPointer, pointer)
		item.Tags(tag.FunctionalGroupPointer, group)
		item.Text(tag.DimensionDescriptionLabel, "LO", label)
		return item
	}
	d.Sequence(tag.DimensionIndexSequence,
		index(tag.ReferencedSegmentNumber, tag.SegmentIdentificationSequence, "Segment"),
		index(tag.ImagePositionPatient, tag.PlanePositionSequence, "Position"))
}

// groups sets the functional groups. PS3.3 C.7.6.16, A.51.5.
func (w *writer) groups(d *dataset.Dataset) {
	d.Sequence(tag.SharedFunctionalGroupsSequence, w.shared())
	used := make([]int, len(w.grid.origins)) // places among those that frames have, from 1
	for _, f := range w.frames {
		used[f.image] = 1
	}
	place := 0
	for k := range used {
		if used[k] > 0 {
			place++
			used[k] = place
		}
	}
	items := make([]*dataset.Dataset, len(w.frames))
	for n, f := range w.frames {
		items[n] = w.frame(f, used[f.image])
	}
	d.Sequence(tag.PerFrameFunctionalGroupsSequence, items...)
}

// shared is what all frames have in common. A frame stands for its slice as far as the
// next, whatever the thickness of the images.
func (w *writer) shared() *dataset.Dataset {
	along, down := r3.Unit(w.grid.column), r3.Unit(w.grid.row)
	orientation := &dataset.Dataset{}
	orientation.Floats(tag.ImageOrientationPatient, "DS", along.X, along.Y, along.Z, down.X, down.Y, down.Z)
	distance := math.Abs(r3.Dot(w.origin.Geometry.Slice, r3.Cross(along, down)))
	measures := &dataset.Dataset{}
	measures.Floats(tag.PixelSpacing, "DS", r3.Norm(w.grid.row), r3.Norm(w.grid.column))
	measures.Floats(tag.SliceThickness, "DS", distance)
	if w.origin.Geometry.SliceOffsets == nil {
		measures.Floats(tag.SpacingBetweenSlices, "DS", distance)
	}
	shared := &dataset.Dataset{}
	shared.Sequence(tag.PlaneOrientationSequence, orientation)
	shared.Sequence(tag.PixelMeasuresSequence, measures)
	return shared
}

// frame is what one frame has of its own; place is that of its image among those of
// all frames.
func (w *writer) frame(f frame, place int) *dataset.Dataset {
	image := w.origin.Images[f.image]
	content, position, identification := &dataset.Dataset{}, &dataset.Dataset{}, &dataset.Dataset{}
	content.Ints(tag.DimensionIndexValues, "UL", f.segment+1, place)
	position.Floats(tag.ImagePositionPatient, "DS", image.Position.X, image.Position.Y, image.Position.Z)
	identification.Ints(tag.ReferencedSegmentNumber, "US", f.segment+1)

	source := reference(image.Slice)
	if image.FrameNumber > 0 {
		source.Ints(tag.ReferencedFrameNumber, "IS", image.FrameNumber)
	}
	source.Text(tag.SpatialLocationsPreserved, "CS", "YES")
	source.Sequence(tag.PurposeOfReferenceCodeSequence, code.SourceImage.Item())
	derivation := &dataset.Dataset{}
	derivation.Sequence(tag.SourceImageSequence, source)
	derivation.Sequence(tag.DerivationCodeSequence, code.Segmentation.Item())

	d := &dataset.Dataset{}
	d.Sequence(tag.FrameContentSequence, content)
	d.Sequence(tag.PlanePositionSequence, position)
	d.Sequence(tag.SegmentIdentificationSequence, identification)
	d.Sequence(tag.DerivationImageSequence, derivation)
	return d
}

// references sets the module Common Instance Reference, with every image of the stack:
// who reads the Segmentation alone learns where the images end. PS3.3 C.12.2.
func (w *writer) references(d *dataset.Dataset) {
	series := &dataset.Dataset{}
	series.Text(tag.SeriesInstanceUID, "UI", w.origin.SeriesInstanceUID)
	var instances []*dataset.Dataset
	for _, s := range w.origin.Instances() {
		instances = append(instances, reference(s))
	}
	series.Sequence(tag.ReferencedInstanceSequence, instances...)
	d.Sequence(tag.ReferencedSeriesSequence, series)
}

func reference(s dicom.Slice) *dataset.Dataset {
	d := &dataset.Dataset{}
	d.Text(tag.ReferencedSOPClassUID, "UI", s.SOPClassUID)
	d.Text(tag.ReferencedSOPInstanceUID, "UI", s.SOPInstanceUID)
	return d
}
