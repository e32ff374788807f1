// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package sc writes annotated pictures of an examination as DICOM Secondary Captures:
// what every viewer shows, though it knows neither structured reports nor
// segmentations.
//
// Each picture is an object of its own, of the plain Secondary Capture Image Storage in
// RGB: viewers show a multi-frame one as a film, and some not at all. A presentation
// state over the source images would not do: the pictures follow the spine across all
// of them.
//
// Reference: DICOM PS3.3 A.8.1, C.8.6.
package sc

import (
	"errors"
	"fmt"
	"image"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/code"
	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/analysis/report"
	"github.com/endplate/endplate/analysis/volume"
)

// ErrNothing is returned for an examination that there is nothing to show of.
var ErrNothing = errors.New("no vertebra was found")

// Object is the kind of object that KeyImages makes.
var Object = dicom.Kind{
	Name: "key image", SOPClassUID: "1.2.840.10008.5.1.4.1.1.7", Modality: "OT",
	Number: 902, Description: "Key images of the vertebrae",
}

// KeyImages returns the annotated sagittal pictures of an examination: the one that
// follows the bodies from side to side, and the one straightened along the canal. It
// wraps ErrNothing where no vertebra was found.
//
// The words and numbers in the pixels name no patient and no date, and
// BurnedInAnnotation says NO, which is what it means (PS3.3 C.7.6.1). There is no
// PixelSpacing: distances across a curved picture are not those in the patient.
func KeyImages(o *dicom.Origin, vol *volume.Volume, r *analysis.Result, p dicom.Provenance) ([]*dataset.Dataset, error) {
	pictures, err := report.KeyImages(vol, r, p.Program+" "+p.Version)
	if err != nil {
		return nil, err
	}
	if len(pictures) == 0 {
		return nil, fmt.Errorf("key image: %w", ErrNothing)
	}
	objects := make([]*dataset.Dataset, len(pictures))
	for n := range pictures {
		d := o.Derived(Object, p, pictures[n].Name)
		d.Ints(tag.InstanceNumber, "IS", p.Revision*len(pictures)+n+1)
		describe(d, o, &pictures[n])
		pixels(d, pictures[n].Picture)
		if err := d.Err(); err != nil {
			return nil, fmt.Errorf("key image: %w", err)
		}
		objects[n] = d
	}
	return objects, nil
}

// describe sets the modules General Image, SC Equipment and SC Image.
func describe(d *dataset.Dataset, o *dicom.Origin, k *report.KeyImage) {
	d.Text(tag.ConversionType, "CS", "SYN")
	d.Text(tag.ImageType, "CS", "DERIVED", "SECONDARY")
	if o.Film { // as it was taken
		d.Text(tag.PatientOrientation, "CS")
	} else { // rows run to posterior and columns to the feet, as nearly as the picture is plane
		d.Text(tag.PatientOrientation, "CS", "P", "F")
	}
	d.Text(tag.BodyPartExamined, "CS", "SPINE")
	d.Text(tag.DerivationDescription, "ST", k.Title)
	d.Sequence(tag.DerivationCodeSequence, code.Reformatting.Item())
	d.Text(tag.ImageComments, "LT", report.Disclaimer)
	d.Text(tag.BurnedInAnnotation, "CS", "NO")
	d.Text(tag.RecognizableVisualFeatures, "CS", "NO")
	o.PutLossyImageCompression(d)
	var sources []*dataset.Dataset
	for _, s := range o.Instances() {
		item := &dataset.Dataset{}
		item.Text(tag.ReferencedSOPClassUID, "UI", s.SOPClassUID)
		item.Text(tag.ReferencedSOPInstanceUID, "UI", s.SOPInstanceUID)
		item.Sequence(tag.PurposeOfReferenceCodeSequence, code.SourceImage.Item())
		sources = append(sources, item)
	}
	d.Sequence(tag.SourceImageSequence, sources...)
}

// pixels sets the module Image Pixel.
func pixels(d *dataset.Dataset, m *image.RGBA) {
	size := m.Rect.Size()
	rgb := make([]byte, 0, 3*size.X*size.Y+1)
	for y := range size.Y {
		row := m.Pix[y*m.Stride:][:4*size.X]
		for x := 0; x < len(row); x += 4 {
			rgb = append(rgb, row[x], row[x+1], row[x+2])
		}
	}
	d.Ints(tag.SamplesPerPixel, "US", 3)
	d.Text(tag.PhotometricInterpretation, "CS", "RGB")
	d.Ints(tag.PlanarConfiguration, "US", 0)
	d.Ints(tag.Rows, "US", size.Y)
	d.Ints(tag.Columns, "US", size.X)
	d.Ints(tag.BitsAllocated, "US", 8)
	d.Ints(tag.BitsStored, "US", 8)
	d.Ints(tag.HighBit, "US", 7)
	d.Ints(tag.PixelRepresentation, "US", 0)
	d.Bytes(tag.PixelData, "OB", rgb)
}
