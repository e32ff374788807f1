// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"errors"
	"slices"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/deidentify"
	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/store"
)

// analysed are the SOP classes that are taken without being asked to, all of them with
// pixel data: CT, Enhanced
// CT, Legacy Converted Enhanced CT, CR, DX for presentation and for processing, and
// Segmentation. PS3.4 B.5.
var analysed = []string{
	"1.2.840.10008.5.1.4.1.1.2",
	"1.2.840.10008.5.1.4.1.1.2.1",
	"1.2.840.10008.5.1.4.1.1.2.2",
	"1.2.840.10008.5.1.4.1.1.1",
	"1.2.840.10008.5.1.4.1.1.1.1",
	"1.2.840.10008.5.1.4.1.1.1.1.1",
	"1.2.840.10008.5.1.4.1.1.12.2",
	"1.2.840.10008.5.1.4.1.1.7",
	"1.2.840.10008.5.1.4.1.1.7.2",
	"1.2.840.10008.5.1.4.1.1.7.3",
	"1.2.840.10008.5.1.4.1.1.66.4",
}

// Accepted returns the SOP classes that are taken, others being those of the
// configuration.
func Accepted(others []string) []string {
	all := slices.Concat(analysed, others)
	slices.Sort(all)
	return slices.Compact(all)
}

func acceptedClasses(others []string) map[string]bool {
	classes := map[string]bool{}
	for _, uid := range Accepted(others) {
		classes[uid] = true
	}
	return classes
}

// ErrOtherStudy says that an instance is not of the study that it was sent to.
var ErrOtherStudy = fault.New(fault.Invalid, fault.InvalidField, "StudyInstanceUID is not that of the request")

const mediaStorageDirectoryStorage = "1.2.840.10008.1.3.10"

// check refuses an instance that cannot be kept by what its header says.
func (g *Ingest) check(h *dicom.Header) error {
	if h.MediaStorageSOPClassUID == mediaStorageDirectoryStorage {
		return fault.New(fault.Unsupported, fault.UnsupportedSOPClass, "a DICOMDIR is no instance")
	}
	for _, a := range [...]struct{ keyword, value string }{
		{"SOPClassUID", h.SOPClassUID},
		{"SOPInstanceUID", h.SOPInstanceUID},
		{"SeriesInstanceUID", h.SeriesInstanceUID},
		{"StudyInstanceUID", h.StudyInstanceUID},
	} {
		if a.value == "" {
			return fault.New(fault.Invalid, fault.MissingAttribute, "missing %s", a.keyword).With("attribute", a.keyword)
		}
		if dicom.ValidUID(a.value) == "" {
			return fault.New(fault.Invalid, fault.MalformedInstance, "%s is no UID", a.keyword).With("attribute", a.keyword)
		}
	}
	switch {
	case h.MediaStorageSOPInstanceUID != "" && h.MediaStorageSOPInstanceUID != h.SOPInstanceUID:
		return fault.New(fault.Invalid, fault.MalformedInstance, "SOPInstanceUID is not that of the file meta information")
	case h.MediaStorageSOPClassUID != "" && h.MediaStorageSOPClassUID != h.SOPClassUID:
		return fault.New(fault.Invalid, fault.MalformedInstance, "SOPClassUID is not that of the file meta information")
	case !g.classes[h.SOPClassUID]:
		return fault.New(fault.Unsupported, fault.UnsupportedSOPClass, "SOP class %s is not taken", h.SOPClassUID).
			With("sop_class_uid", h.SOPClassUID)
	case !h.PixelData && slices.Contains(analysed, h.SOPClassUID):
		return fault.New(fault.Invalid, fault.MissingAttribute, "missing PixelData").With("attribute", "PixelData")
	case !dicom.TransferSyntaxReadable(h.TransferSyntaxUID):
		return fault.New(fault.Unsupported, fault.UnsupportedTransferSyntax, "transfer syntax %s is not read", h.TransferSyntaxUID).
			With("transfer_syntax_uid", h.TransferSyntaxUID)
	}
	return nil
}

// refusal makes a fault of an error of package dicom. Its texts hold tags, keywords
// and numbers, and UIDs at most.
func refusal(err error) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	if e, ok := errors.AsType[*dicom.MissingAttributeError](err); ok {
		return fault.Wrap(err, fault.Invalid, fault.MissingAttribute, "missing %s", e.Keyword).With("attribute", e.Keyword)
	}
	if e, ok := errors.AsType[*deidentify.RefusedError](err); ok {
		return fault.Wrap(err, fault.Unsupported, fault.NotDeidentifiable, "%s", e)
	}
	for _, known := range []error{dicom.ErrNotDICOM, dicom.ErrTruncated, dicom.ErrTooLarge, dicom.ErrMalformed} {
		if errors.Is(err, known) {
			return fault.Wrap(err, fault.Invalid, fault.MalformedInstance, "%s", known)
		}
	}
	if e, ok := errors.AsType[*dicom.InvalidAttributeError](err); ok {
		return fault.Wrap(err, fault.Invalid, fault.MalformedInstance, "%s", e).With("attribute", e.Keyword)
	}
	return fault.Wrap(err, fault.Invalid, fault.MalformedInstance, "the instance cannot be read")
}

// Addition makes of a header what is indexed.
func Addition(h *dicom.Header, source string) *store.Addition {
	return &store.Addition{
		Study: store.Study{
			StudyInstanceUID: h.StudyInstanceUID,
			Patient: store.Patient{
				PatientID: h.PatientID, IssuerOfPatientID: h.IssuerOfPatientID, PatientName: h.PatientName,
				PatientBirthDate: h.PatientBirthDate, PatientSex: h.PatientSex,
			},
			StudyDateTime: h.StudyDateTime, StudyDescription: h.StudyDescription, AccessionNumber: h.AccessionNumber,
			StudyID: h.StudyID, ReferringPhysicianName: h.ReferringPhysicianName,
		},
		Series: store.Series{
			StudyInstanceUID: h.StudyInstanceUID, SeriesInstanceUID: h.SeriesInstanceUID, Modality: h.Modality,
			SeriesNumber: h.SeriesNumber, SeriesDescription: h.SeriesDescription, FrameOfReferenceUID: h.FrameOfReferenceUID,
			PerformedProcedureStepStartDateTime: h.PerformedProcedureStepStartDateTime,
			ScheduledProcedureStepID:            h.ScheduledProcedureStepID, RequestedProcedureID: h.RequestedProcedureID,
		},
		Instance: store.Instance{
			StudyInstanceUID: h.StudyInstanceUID, SeriesInstanceUID: h.SeriesInstanceUID, SOPInstanceUID: h.SOPInstanceUID,
			SOPClassUID: h.SOPClassUID, TransferSyntaxUID: h.TransferSyntaxUID, InstanceNumber: h.InstanceNumber, Source: source,
			Rows: h.Rows, Columns: h.Columns, BitsAllocated: h.BitsAllocated, NumberOfFrames: h.NumberOfFrames,
		},
	}
}
