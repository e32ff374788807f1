// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"context"
	"errors"
	"fmt"
	"os"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/dicom/seg"
	"github.com/endplate/endplate/analysis/nifti"
	"github.com/endplate/endplate/analysis/report"
	"github.com/endplate/endplate/analysis/volume"
)

// labels are the vertebrae as a file gives them.
type labels struct {
	path string

	// One of the two.
	volume       *volume.LabelMap
	segmentation *seg.Segmentation
}

// readLabels reads a NIfTI label map or a DICOM Segmentation, told apart by the file's
// name.
func readLabels(path string) (*labels, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	l := &labels{path: path}
	if IsNIfTI(path) {
		l.volume, err = nifti.ReadLabels(f)
	} else {
		l.segmentation, err = seg.Read(f, -1)
	}
	if err != nil {
		return nil, l.failed(err)
	}
	return l, nil
}

func (l *labels) failed(err error) error { return fmt.Errorf("%s: %w", l.path, err) }

// errOtherFrame tells of a Segmentation of another examination, or of the patient in
// another place.
var errOtherFrame = errors.New("its frame of reference is not that of the images")

// on returns the label map for a series; nil is none.
func (l *labels) on(ctx context.Context, s *Series) (*volume.LabelMap, error) {
	if l.segmentation == nil {
		return l.volume, nil
	}
	var slices []r3.Vec
	if s != nil {
		own, images := l.segmentation.FrameOfReferenceUID, s.Examination.FrameOfReferenceUID
		if own != "" && images != "" && own != images {
			return nil, l.failed(errOtherFrame)
		}
		slices = s.slices
	}
	m, err := l.segmentation.LabelMap(ctx, slices)
	if err != nil {
		return nil, l.failed(err)
	}
	return m, nil
}

// examination returns what is told of labels that are measured alone.
func (l *labels) examination() *report.Examination {
	e := &report.Examination{Modality: "SEG", Path: l.path}
	if s := l.segmentation; s != nil {
		e.StudyInstanceUID, e.SeriesInstanceUID, e.FrameOfReferenceUID = s.StudyInstanceUID, s.SeriesInstanceUID, s.FrameOfReferenceUID
	}
	return e
}
