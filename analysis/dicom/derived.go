// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicom

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom/dataset"
)

// Provenance says how derived objects came to be.
type Provenance struct {
	Program, Version string
	Device           string // serial number of the installation; the program's name if empty

	// Options is what beside the images and the version determined the analysis, in
	// any form that is the same for the same: it goes into UIDs alone. Parameters
	// tells people of it; empty where nothing was set.
	Options, Parameters string
	// Labelled tells that a label map which the user gave outlines bodies and canal.
	Labelled bool

	Revision int    // 0: as analysed; n: after the nth list of corrections
	Changes  string // stands for what the corrections are, and goes into UIDs alone; empty for none
	Author   string // PN of the reader who made the revision; empty where none did
	Reviewed bool   // whether the author stands for all that it says
	// Organization is what the author reviewed it for; an object that says it is
	// verified has to name it.
	Organization string

	ContentTime time.Time

	// Previous is the SOPInstanceUID of the object of the same kind and series that
	// this one takes the place of; empty if there is none.
	Previous string
}

// Kind is a kind of derived object. An analysis has one series of each.
type Kind struct {
	Name        string // goes into UIDs
	SOPClassUID string
	Modality    string
	Number      int    // SeriesNumber
	Description string // SeriesDescription
}

// SeriesUID returns the SeriesInstanceUID of an analysis's objects of a kind. It
// derives from the images, the version and the options, never from the time: what is
// done again has the same.
func (o *Origin) SeriesUID(k Kind, p Provenance) string {
	return derivedUID(strings.Join([]string{"derived series", k.Name, p.Program, p.Version, p.Options, o.Digest()}, "\x00"))
}

// InstanceUID returns the SOPInstanceUID of the object of a kind and revision. One of
// several of a kind is named by parts.
func (o *Origin) InstanceUID(k Kind, p Provenance, parts ...string) string {
	revision := strconv.Itoa(p.Revision)
	if p.Changes != "" {
		revision += " " + p.Changes
	}
	return derivedUID(strings.Join(append([]string{"derived instance", o.SeriesUID(k, p), revision}, parts...), "\x00"))
}

// Derived begins an object of a kind: it sets the identity, and the attributes of the
// modules SOP Common, General Series, General Equipment and Enhanced General
// Equipment, and when the content was made. parts are as in InstanceUID. The series
// has no date of its own: it grows with the revisions.
func (o *Origin) Derived(k Kind, p Provenance, parts ...string) *dataset.Dataset {
	d := &dataset.Dataset{}
	d.PutAll(o.Identity)
	d.Text(tag.SOPClassUID, "UI", k.SOPClassUID)
	d.Text(tag.SOPInstanceUID, "UI", o.InstanceUID(k, p, parts...))
	d.Text(tag.Modality, "CS", k.Modality)
	d.Text(tag.SeriesInstanceUID, "UI", o.SeriesUID(k, p))
	d.Ints(tag.SeriesNumber, "IS", k.Number)
	d.Text(tag.SeriesDescription, "LO", k.Description)
	d.Ints(tag.InstanceNumber, "IS", p.Revision+1)

	d.Text(tag.Manufacturer, "LO", p.Program)
	d.Text(tag.ManufacturerModelName, "LO", p.Program)
	d.Text(tag.SoftwareVersions, "LO", p.Version)
	d.Text(tag.DeviceSerialNumber, "LO", p.Serial())
	date, clock := o.dateTime(p.ContentTime)
	d.Text(tag.InstanceCreationDate, "DA", date)
	d.Text(tag.InstanceCreationTime, "TM", clock)
	d.Text(tag.ContentDate, "DA", date)
	d.Text(tag.ContentTime, "TM", clock)
	return d
}

// PutFrameOfReference sets the attributes of the module Frame of Reference, which not
// every kind of object has.
func (o *Origin) PutFrameOfReference(d *dataset.Dataset) {
	d.Text(tag.FrameOfReferenceUID, "UI", o.FrameOfReferenceUID)
	d.Text(tag.PositionReferenceIndicator, "LO", o.PositionReferenceIndicator)
}

// Serial returns the serial number of the installation.
func (p Provenance) Serial() string {
	if p.Device == "" {
		return p.Program
	}
	return p.Device
}

// DeviceUID returns the UID of the program as an observer: of this version on this
// installation.
func (p Provenance) DeviceUID() string {
	return derivedUID(strings.Join([]string{"device", p.Program, p.Version, p.Serial()}, "\x00"))
}

// dateTime returns a time as DA and TM, in the zone that the images say their times
// are of, if they do.
func (o *Origin) dateTime(t time.Time) (date, clock string) {
	var sign byte
	var hours, minutes int
	offset := o.Identity.Value(tag.TimezoneOffsetFromUTC)
	if _, err := fmt.Sscanf(offset, "%c%02d%02d", &sign, &hours, &minutes); err == nil && (sign == '+' || sign == '-') {
		seconds := hours*3600 + minutes*60
		if sign == '-' {
			seconds = -seconds
		}
		t = t.In(time.FixedZone("", seconds))
	}
	return t.Format("20060102"), t.Format("150405")
}
