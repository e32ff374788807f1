// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicom

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom/dataset"
	frames "github.com/endplate/endplate/analysis/dicom/frame" // the package has a type of this name
	"github.com/endplate/endplate/analysis/radiograph"
)

// radiographClasses are the SOP classes of projection images: PS3.6 A-1. Multi-frame
// fluoroscopy is among them; its first frame is read.
var radiographClasses = map[string]bool{
	"1.2.840.10008.5.1.4.1.1.1":      true, // Computed Radiography
	dxForPresentationUID:             true,
	dxForProcessingUID:               true,
	"1.2.840.10008.5.1.4.1.1.12.2":   true,  // X-Ray Radiofluoroscopic
	"1.2.840.10008.5.1.4.1.1.7":      true,  // Secondary Capture
	"1.2.840.10008.5.1.4.1.1.7.2":    true,  // Multi-frame Grayscale Byte Secondary Capture
	"1.2.840.10008.5.1.4.1.1.7.3":    true,  // Multi-frame Grayscale Word Secondary Capture
	"1.2.840.10008.5.1.4.1.1.7.4":    true,  // Multi-frame True Color Secondary Capture
	"1.2.840.10008.5.1.4.1.1.12.1":   false, // X-Ray Angiographic: a vessel, not a spine
	"1.2.840.10008.5.1.4.1.1.1.2":    false, // Digital Mammography
	"1.2.840.10008.5.1.4.1.1.1.3":    false, // Digital Intra-Oral
	"1.2.840.10008.5.1.4.1.1.13.1.1": false, // X-Ray 3D Angiographic: a volume
}

// IsRadiograph reports whether instances of a SOP class may be radiographs.
func IsRadiograph(sopClassUID string) bool { return radiographClasses[sopClassUID] }

// NotRadiographError tells of an instance that is no projection image.
type NotRadiographError struct{ Modality, SOPClassUID string }

func (e *NotRadiographError) Error() string {
	return fmt.Sprintf("not a radiograph: modality %q, SOP class %q", e.Modality, e.SOPClassUID)
}

// aboutFilm are the attributes that tell of a film beside its pixels.
var aboutFilm = []tag.Tag{
	tag.SOPClassUID, tag.SOPInstanceUID, tag.StudyInstanceUID, tag.SeriesInstanceUID, tag.Modality,
	tag.PixelSpacing, tag.PixelSpacingCalibrationType, tag.ImagerPixelSpacing, tag.NominalScannedPixelSpacing, tag.PixelAspectRatio,
	tag.EstimatedRadiographicMagnificationFactor, tag.DistanceSourceToDetector, tag.DistanceSourceToPatient,
	tag.ViewPosition, tag.BodyPartExamined, tag.PatientOrientation, tag.BurnedInAnnotation,
}

// mostFilmPixels is the largest film that is read: 43 by 35 cm in pixels of 0.05 mm are
// 60 million.
const mostFilmPixels = 1 << 26

// ReadRadiograph reads a projection image of size bytes: the first frame of CR, DX for
// presentation or processing, RF or a Secondary Capture, through its modality and VOI
// transformations. The errors are those of package frame and *NotRadiographError.
func ReadRadiograph(ctx context.Context, src io.ReadSeeker, size int64) (*radiograph.Image, error) {
	keep := map[tag.Tag]bool{}
	for _, t := range aboutFilm {
		keep[t] = true
	}
	file, err := dataset.Read(src, size, dataset.Options{Want: func(t tag.Tag) bool { return keep[t] }})
	if err != nil {
		return nil, err
	}
	d := &file.Dataset
	if class, modality := d.Value(tag.SOPClassUID), d.Value(tag.Modality); !IsRadiograph(class) || modality == "CT" || modality == "MR" {
		return nil, &NotRadiographError{modality, class}
	}
	if _, err := src.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	m, err := frames.Open(src, size)
	if err != nil {
		return nil, filmError(d, err)
	}
	if n := int64(m.Format.Rows) * int64(m.Format.Columns); n > mostFilmPixels {
		return nil, filmError(d, fmt.Errorf("%w: %d × %d pixels", ErrTooLarge, m.Format.Columns, m.Format.Rows))
	}
	samples, err := m.Brightness(ctx, 1)
	if err != nil {
		return nil, filmError(d, err)
	}
	return &radiograph.Image{Columns: m.Format.Columns, Rows: m.Format.Rows, Samples: samples, Header: filmHeader(d)}, nil
}

// filmError names the instance that an error is of.
func filmError(d *dataset.Dataset, err error) error {
	if errors.Is(err, frames.ErrNoPixelData) {
		err = ErrNoPixelData
	}
	return fmt.Errorf("instance %s: %w", d.Value(tag.SOPInstanceUID), err)
}

// filmHeader returns what d says of a film. What is not a positive finite number is as if
// it were not there.
func filmHeader(d *dataset.Dataset) radiograph.Header {
	spacing := func(t tag.Tag) radiograph.Spacing {
		if v := d.Numbers(t); len(v) == 2 {
			if s := (radiograph.Spacing{Rows: v[0], Columns: v[1]}); s.Known() {
				return s
			}
		}
		return radiograph.Spacing{}
	}
	number := func(t tag.Tag) float64 {
		if v, ok := d.Number(t); ok && v > 0 && !math.IsInf(v, 0) {
			return v
		}
		return 0
	}
	h := radiograph.Header{
		StudyInstanceUID: d.Value(tag.StudyInstanceUID), SeriesInstanceUID: d.Value(tag.SeriesInstanceUID),
		SOPInstanceUID: d.Value(tag.SOPInstanceUID), Modality: d.Value(tag.Modality),
		ViewPosition: d.Value(tag.ViewPosition), BodyPartExamined: d.Value(tag.BodyPartExamined), BurnedInAnnotation: d.Value(tag.BurnedInAnnotation),
		Scale: radiograph.Scale{
			PixelSpacing: spacing(tag.PixelSpacing), PixelSpacingCalibrationType: d.Value(tag.PixelSpacingCalibrationType),
			ImagerPixelSpacing: spacing(tag.ImagerPixelSpacing), NominalScannedPixelSpacing: spacing(tag.NominalScannedPixelSpacing),
			EstimatedRadiographicMagnificationFactor: number(tag.EstimatedRadiographicMagnificationFactor),
			DistanceSourceToDetector:                 number(tag.DistanceSourceToDetector),
			DistanceSourceToPatient:                  number(tag.DistanceSourceToPatient),
		},
	}
	if v := d.Numbers(tag.PixelAspectRatio); len(v) == 2 && v[0] > 0 && v[1] > 0 {
		h.Scale.PixelAspectRatio = v[0] / v[1]
	}
	copy(h.PatientOrientation[:], d.Values(tag.PatientOrientation))
	return h
}
