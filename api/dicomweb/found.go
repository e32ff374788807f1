// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicomweb

import (
	"slices"
	"strings"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/api/internal/auth"
	"github.com/endplate/endplate/api/internal/store"
)

// indexed are the attributes that every result of a level has, or can have, beside the
// keys: asked for or not, no header is read for them.
var indexed = []tag.Tag{
	tag.SpecificCharacterSet, tag.InstanceAvailability, tag.RetrieveURL, tag.FrameOfReferenceUID, tag.RequestAttributesSequence,
	tag.NumberOfStudyRelatedSeries, tag.NumberOfStudyRelatedInstances, tag.NumberOfSeriesRelatedInstances,
	tag.Rows, tag.Columns, tag.BitsAllocated, tag.NumberOfFrames, tag.AvailableTransferSyntaxUID,
}

// offered leaves in a query the attributes that must be looked for in headers.
func (q *query) offered() {
	before := len(q.extra)
	q.extra = slices.DeleteFunc(q.extra, func(t tag.Tag) bool {
		_, isKey := keys[t]
		return isKey || slices.Contains(indexed, t)
	})
	if len(q.extra) < before {
		q.all = true // what the index has of it
	}
}

// attributes returns what is told of something found: what the standard asks for, and
// of all that is known the rest. PS3.18 section 10.6.3.3.
func (f found) attributes(base string, level store.Level, all bool, roles auth.Roles) *dataset.Dataset {
	d := &dataset.Dataset{}
	text(d, tag.SpecificCharacterSet, "CS", "ISO_IR 192")
	text(d, tag.InstanceAvailability, "CS", "ONLINE")
	f.ofStudy(d, roles)
	url := studyURL(base, f.study.StudyInstanceUID)
	if level >= store.SeriesLevel {
		f.ofSeries(d, all, roles)
		url = seriesURL(base, f.study.StudyInstanceUID, f.series.SeriesInstanceUID)
	}
	if level == store.InstanceLevel {
		f.ofInstance(d, all)
		url = instanceURL(base, f.instance)
	}
	text(d, tag.RetrieveURL, "UR", url)
	return d
}

// divided puts a date and a time of what stands behind each other in the index.
func divided(d *dataset.Dataset, date, time tag.Tag, both string) {
	const dateLength = 8
	at := min(len(both), dateLength)
	text(d, date, "DA", both[:at])
	text(d, time, "TM", both[at:])
}

func (f found) ofStudy(d *dataset.Dataset, roles auth.Roles) {
	s := f.study
	divided(d, tag.StudyDate, tag.StudyTime, s.StudyDateTime)
	text(d, tag.ModalitiesInStudy, "CS", strings.Join(s.Modalities, `\`))
	text(d, tag.StudyDescription, "LO", s.StudyDescription)
	text(d, tag.StudyInstanceUID, "UI", s.StudyInstanceUID)
	d.Ints(tag.NumberOfStudyRelatedSeries, "IS", s.SeriesCount)
	d.Ints(tag.NumberOfStudyRelatedInstances, "IS", s.InstanceCount)
	if !roles.Has(auth.Identities) {
		return
	}
	text(d, tag.AccessionNumber, "SH", s.AccessionNumber)
	text(d, tag.ReferringPhysicianName, "PN", s.ReferringPhysicianName)
	text(d, tag.PatientName, "PN", s.Patient.PatientName)
	text(d, tag.PatientID, "LO", s.Patient.PatientID)
	text(d, tag.PatientBirthDate, "DA", s.Patient.PatientBirthDate)
	text(d, tag.PatientSex, "CS", s.Patient.PatientSex)
	text(d, tag.StudyID, "SH", s.StudyID)
	if s.Patient.IssuerOfPatientID != "" {
		text(d, tag.IssuerOfPatientID, "LO", s.Patient.IssuerOfPatientID)
	}
}

func (f found) ofSeries(d *dataset.Dataset, all bool, roles auth.Roles) {
	s := f.series
	text(d, tag.Modality, "CS", s.Modality)
	text(d, tag.SeriesDescription, "LO", s.SeriesDescription)
	text(d, tag.SeriesInstanceUID, "UI", s.SeriesInstanceUID)
	number(d, tag.SeriesNumber, "IS", s.SeriesNumber)
	d.Ints(tag.NumberOfSeriesRelatedInstances, "IS", s.InstanceCount)
	if s.PerformedProcedureStepStartDateTime != "" {
		divided(d, tag.PerformedProcedureStepStartDate, tag.PerformedProcedureStepStartTime, s.PerformedProcedureStepStartDateTime)
	}
	if all && s.FrameOfReferenceUID != "" {
		text(d, tag.FrameOfReferenceUID, "UI", s.FrameOfReferenceUID)
	}
	if roles.Has(auth.Identities) && s.ScheduledProcedureStepID+s.RequestedProcedureID != "" {
		item := &dataset.Dataset{}
		text(item, tag.ScheduledProcedureStepID, "SH", s.ScheduledProcedureStepID)
		text(item, tag.RequestedProcedureID, "SH", s.RequestedProcedureID)
		d.Sequence(tag.RequestAttributesSequence, item)
	}
}

func (f found) ofInstance(d *dataset.Dataset, all bool) {
	i := f.instance
	text(d, tag.SOPClassUID, "UI", i.SOPClassUID)
	text(d, tag.SOPInstanceUID, "UI", i.SOPInstanceUID)
	number(d, tag.InstanceNumber, "IS", i.InstanceNumber)
	for _, a := range []struct {
		t     tag.Tag
		vr    string
		value *int
	}{{tag.NumberOfFrames, "IS", i.NumberOfFrames}, {tag.Rows, "US", i.Rows}, {tag.Columns, "US", i.Columns}, {tag.BitsAllocated, "US", i.BitsAllocated}} {
		if a.value != nil {
			number(d, a.t, a.vr, a.value)
		}
	}
	if all {
		text(d, tag.AvailableTransferSyntaxUID, "UI", i.TransferSyntaxUID)
	}
}

// number puts a number, or none.
func number(d *dataset.Dataset, t tag.Tag, vr string, n *int) {
	if n == nil {
		text(d, t, vr, "")
		return
	}
	d.Ints(t, vr, *n)
}
