// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package sr writes results as DICOM structured reports, and reads measurements and
// landmarks out of such reports.
//
// A report is a Comprehensive 3D SR of TID 1500. Each vertebra is a measurement group
// (TID 1501) whose finding site is its level, tracked from examination to examination
// by one TrackingUID. TID 1411 would ask for a region of which all numbers are: a
// segment, or a surface. The numbers here are of points, lines and other regions of
// one vertebra; those of a region have it as their finding site. Points in a CT are in
// the patient (SCOORD3D), those of a film on it (SCOORD). Each number has its
// unit and its standard deviation (TID 310, CID 225); what is not measured has the
// reason, coded (CID 42) and in words. Concepts without a standard code have one of
// the scheme 99ENDPLATE that says what it means.
//
// Reference: DICOM PS3.3 A.35.13, C.17 and C.18; PS3.16 TID 1500, 1501, 300, 310,
// 1600 and 4019.
package sr

import (
	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/code"
	"github.com/endplate/endplate/analysis/dicom/dataset"
)

// Comprehensive3DSRStorage is the SOP class of what is written. PS3.4 B.5.
const Comprehensive3DSRStorage = "1.2.840.10008.5.1.4.1.1.88.34"

// The kinds of reports.
var (
	Measurements = dicom.Kind{Name: "sr", SOPClassUID: Comprehensive3DSRStorage, Modality: "SR", Number: 9901, Description: "endplate: vertebral measurements"}
	Comparisons  = dicom.Kind{Name: "sr comparison", SOPClassUID: Comprehensive3DSRStorage, Modality: "SR", Number: 9904, Description: "endplate: comparison of examinations"}
)

// document is a report that is being made.
type document struct {
	kind   dicom.Kind
	origin *dicom.Origin // of the images that it is of
	by     dicom.Provenance
	film   *analysis.Film // nil for a CT
}

// write returns the data set of a document with the given root.
func (d *document) write(root *item, other []evidence) (*dataset.Dataset, error) {
	out := d.origin.Derived(d.kind, d.by)
	d.general(out, other)
	out.PutAll(root.template("1500").done())
	return out, out.Err()
}

// general sets the attributes of the modules SR Document Series and SR Document
// General. PS3.3 C.17.1 and C.17.2.
func (d *document) general(out *dataset.Dataset, other []evidence) {
	out.Sequence(tag.ReferencedPerformedProcedureStepSequence)
	out.Sequence(tag.PerformedProcedureCodeSequence)
	out.Text(tag.CompletionFlag, "CS", "COMPLETE")
	d.verification(out)
	d.author(out)
	if d.by.Previous != "" {
		out.Sequence(tag.PredecessorDocumentsSequence, hierarchical(evidence{
			d.origin.StudyInstanceUID, d.origin.SeriesUID(d.kind, d.by), []dicom.Slice{{SOPClassUID: d.kind.SOPClassUID, SOPInstanceUID: d.by.Previous}},
		}))
	}
	out.Sequence(tag.CurrentRequestedProcedureEvidenceSequence, hierarchical(evidenceOf(d.origin)))
	if len(other) > 0 {
		items := make([]*dataset.Dataset, len(other))
		for i, e := range other {
			items[i] = hierarchical(e)
		}
		out.Sequence(tag.PertinentOtherEvidenceSequence, items...)
	}
	out.Sequence(tag.CodingSchemeIdentificationSequence, d.codingScheme())
}

// verification says whether somebody stands for the content. VERIFIED means that a
// verifying observer is accountable for it, which a program cannot be: it is left to
// a reader who reviewed it, is named, and says for which organization. What is not
// verified is PRELIMINARY too, a report to be read before it is acted on.
func (d *document) verification(out *dataset.Dataset) {
	if !d.by.Reviewed || d.by.Author == "" || d.by.Organization == "" {
		out.Text(tag.VerificationFlag, "CS", "UNVERIFIED")
		out.Text(tag.PreliminaryFlag, "CS", "PRELIMINARY")
		return
	}
	out.Text(tag.VerificationFlag, "CS", "VERIFIED")
	out.Text(tag.PreliminaryFlag, "CS", "FINAL")
	observer := &dataset.Dataset{}
	observer.Text(tag.VerifyingObserverName, "PN", d.by.Author)
	observer.Sequence(tag.VerifyingObserverIdentificationCodeSequence)
	observer.Text(tag.VerifyingOrganization, "LO", d.by.Organization)
	observer.Text(tag.VerificationDateTime, "DT", d.by.ContentTime.Format("20060102150405-0700"))
	out.Sequence(tag.VerifyingObserverSequence, observer)
}

// author names the program, and the reader who corrected. PS3.3 C.17.2, macro
// Identified Person or Device.
func (d *document) author(out *dataset.Dataset) {
	device := &dataset.Dataset{}
	device.Text(tag.ObserverType, "CS", "DEV")
	device.Text(tag.StationName, "SH")
	device.Text(tag.DeviceUID, "UI", d.by.DeviceUID())
	device.Text(tag.Manufacturer, "LO", d.by.Program)
	device.Text(tag.ManufacturerModelName, "LO", d.by.Program)
	device.Text(tag.InstitutionName, "LO")
	device.Sequence(tag.InstitutionCodeSequence)
	authors := []*dataset.Dataset{device}
	if d.by.Author != "" {
		person := &dataset.Dataset{}
		person.Text(tag.ObserverType, "CS", "PSN")
		person.Text(tag.PersonName, "PN", d.by.Author)
		person.Sequence(tag.PersonIdentificationCodeSequence)
		person.Text(tag.InstitutionName, "LO", d.by.Organization)
		person.Sequence(tag.InstitutionCodeSequence)
		authors = append(authors, person)
	}
	out.Sequence(tag.AuthorObserverSequence, authors...)
}

// codingScheme identifies the private scheme. PS3.3 C.12.1.
func (d *document) codingScheme() *dataset.Dataset {
	s := &dataset.Dataset{}
	s.Text(tag.CodingSchemeDesignator, "SH", code.Private)
	s.Text(tag.CodingSchemeName, "ST", "endplate: measurements of vertebrae")
	s.Text(tag.CodingSchemeVersion, "SH", codingSchemeVersion)
	s.Text(tag.CodingSchemeResponsibleOrganization, "ST", "The endplate authors")
	return s
}

// codingSchemeVersion is that of the codes in package code. It grows when the meaning
// of one changes.
const codingSchemeVersion = "1"

// evidence is instances of one series.
type evidence struct {
	study, series string
	instances     []dicom.Slice
}

func evidenceOf(o *dicom.Origin) evidence {
	return evidence{o.StudyInstanceUID, o.SeriesInstanceUID, o.Instances()}
}

// hierarchical returns a Hierarchical SOP Instance Reference. PS3.3 table C.17-3.
func hierarchical(e evidence) *dataset.Dataset {
	series := &dataset.Dataset{}
	series.Text(tag.SeriesInstanceUID, "UI", e.series)
	var instances []*dataset.Dataset
	for _, s := range e.instances {
		instances = append(instances, sopReference(s))
	}
	series.Sequence(tag.ReferencedSOPSequence, instances...)
	study := &dataset.Dataset{}
	study.Text(tag.StudyInstanceUID, "UI", e.study)
	study.Sequence(tag.ReferencedSeriesSequence, series)
	return study
}

// root begins the content tree of TID 1500, as far as the measurements.
func (d *document) root() *item {
	return container("", code.MeasurementReport).add(
		coded(hasConceptMod, code.LanguageOfContent, code.English),
	).add(d.observers()...).add(
		coded(hasConceptMod, code.ProcedureReported, d.procedure()),
	)
}

// observers is the observation context: the device, and the person who corrected.
// PS3.16 TID 1002 to 1004.
func (d *document) observers() []*item {
	all := []*item{
		coded(hasObsContext, code.ObserverType, code.ObserverDevice),
		uidRef(hasObsContext, code.DeviceUID, d.by.DeviceUID()),
		text(hasObsContext, code.DeviceName, d.by.Program),
		text(hasObsContext, code.DeviceManufacturer, d.by.Program),
		text(hasObsContext, code.DeviceModel, d.by.Program+" "+d.by.Version),
		text(hasObsContext, code.DeviceSerial, d.by.Serial()),
	}
	if d.by.Author != "" {
		all = append(all,
			coded(hasObsContext, code.ObserverType, code.ObserverPerson),
			personName(hasObsContext, code.PersonName, d.by.Author),
		)
	}
	return all
}

// algorithm is TID 4019.
func (d *document) algorithm() []*item {
	return []*item{
		text(hasConceptMod, code.AlgorithmName, d.by.Program),
		text(hasConceptMod, code.AlgorithmVersion, d.by.Version),
		text(hasConceptMod, code.AlgorithmParameters, d.by.Parameters),
	}
}

// library is TID 1600: the images with what they have in common.
func library(origins ...*dicom.Origin) *item {
	all := container(contains, code.ImageLibrary)
	for _, o := range origins {
		if o.Film {
			all.add(filmGroup(o))
			continue
		}
		column, row, slice := o.Geometry.Spacing()
		group := container(contains, code.ImageLibraryGroup).add(
			coded(hasAcqContext, code.Modality, code.ComputedTomography),
			date(hasAcqContext, code.StudyDate, o.Identity.Value(tag.StudyDate)),
		)
		if o.FrameOfReferenceUID != "" {
			group.add(uidRef(hasAcqContext, code.FrameOfReference, o.FrameOfReferenceUID))
		}
		group.add(
			numeric(hasAcqContext, code.PixelDataRows, float64(o.Geometry.Rows), code.Pixels),
			numeric(hasAcqContext, code.PixelDataColumns, float64(o.Geometry.Columns), code.Pixels),
			numeric(hasAcqContext, code.HorizontalPixelSpacing, column, code.Millimetre),
			numeric(hasAcqContext, code.VerticalPixelSpacing, row, code.Millimetre),
			numeric(hasAcqContext, code.SpacingBetweenSlices, slice, code.Millimetre),
		)
		for _, s := range o.Instances() {
			group.add(image(contains, code.Code{}, s))
		}
		all.add(group)
	}
	return all
}
