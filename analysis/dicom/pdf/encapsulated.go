// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package pdf writes the report of an examination as a PDF document in a DICOM object,
// which archives keep and viewers show beside the images.
//
// Reference: DICOM PS3.3 A.45.1, C.24.
package pdf

import (
	"bytes"
	"fmt"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/code"
	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/analysis/report"
	"github.com/endplate/endplate/analysis/volume"
)

// Object is the kind of object that Report makes.
var Object = dicom.Kind{
	Name: "document", SOPClassUID: "1.2.840.10008.5.1.4.1.1.104.1", Modality: "DOC",
	Number: 903, Description: title,
}

// Report returns the report of an examination as Encapsulated PDF: its pictures, where
// vol is not nil, and its tables and findings. The pages name series and program and no
// patient, whom the object's own attributes tell.
func Report(o *dicom.Origin, vol *volume.Volume, r *analysis.Result, p dicom.Provenance) (*dataset.Dataset, error) {
	by := p.Program + " " + p.Version
	pictures, err := report.KeyImages(vol, r, by)
	if err != nil {
		return nil, err
	}
	e := &report.Examination{
		StudyInstanceUID: o.StudyInstanceUID, SeriesInstanceUID: o.SeriesInstanceUID,
		FrameOfReferenceUID: o.FrameOfReferenceUID, Modality: o.Modality, Result: r,
	}
	b, err := document(&report.Report{Examinations: []report.Examination{*e}, Review: reviewOf(p)}, pictures, by, p.ContentTime)
	if err != nil {
		return nil, fmt.Errorf("pdf: %w", err)
	}
	d := o.Derived(Object, p)
	d.Text(tag.ConversionType, "CS", "SYN")
	d.Text(tag.AcquisitionDateTime, "DT")
	d.Text(tag.BurnedInAnnotation, "CS", "NO")
	d.Text(tag.DocumentTitle, "ST", title)
	d.Sequence(tag.ConceptNameCodeSequence, code.MeasurementReport.Item())
	d.Text(tag.MIMETypeOfEncapsulatedDocument, "LO", "application/pdf")
	d.Ints(tag.EncapsulatedDocumentLength, "UL", len(b))
	d.Bytes(tag.EncapsulatedDocument, "OB", b)
	var sources []*dataset.Dataset
	for _, s := range o.Instances() {
		item := &dataset.Dataset{}
		item.Text(tag.ReferencedSOPClassUID, "UI", s.SOPClassUID)
		item.Text(tag.ReferencedSOPInstanceUID, "UI", s.SOPInstanceUID)
		sources = append(sources, item)
	}
	d.Sequence(tag.SourceInstanceSequence, sources...)
	return d, d.Err()
}

// Document returns the document that an object of Report encapsulates. The errors are
// those of [dataset.Read], and *dicom.MissingAttributeError.
func Document(object []byte) ([]byte, error) {
	f, err := dataset.Read(bytes.NewReader(object), int64(len(object)), dataset.Options{Limit: len(object), Want: func(t tag.Tag) bool {
		return t == tag.EncapsulatedDocument || t == tag.EncapsulatedDocumentLength
	}})
	if err != nil {
		return nil, err
	}
	e, found := f.Find(tag.EncapsulatedDocument)
	if !found {
		return nil, &dicom.MissingAttributeError{Keyword: "EncapsulatedDocument"}
	}
	return e.Value[:min(f.Int(tag.EncapsulatedDocumentLength, len(e.Value)), len(e.Value))], nil
}

// reviewOf says who corrected what the object tells of; nil where nobody did.
func reviewOf(p dicom.Provenance) *report.Review {
	if p.Revision == 0 {
		return nil
	}
	return &report.Review{Revision: p.Revision, Author: p.Author, Reviewed: p.Reviewed}
}
