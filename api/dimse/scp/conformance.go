// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package scp

import (
	_ "embed"
	"fmt"
	"io"
	"text/template"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/api/dimse"
	"github.com/endplate/endplate/api/dimse/dul"
)

//go:embed conformance.md.tmpl
var statement string

var statementTemplate = template.Must(template.New("conformance").Parse(statement))

// WriteConformance writes what a DICOM Conformance Statement says of the server as SCP,
// in Markdown, out of what it negotiates and answers by. PS3.2 annex N.
func WriteConformance(w io.Writer, c Config) error {
	c = c.withDefaults()
	return statementTemplate.Execute(w, conformance{Config: c})
}

// conformance is what the template is filled in from.
type conformance struct{ Config }

// class is a SOP class with what is accepted of it.
type class struct {
	Name, UID string
	Syntaxes  []syntax
}

// Negotiated returns what is accepted.
func (c conformance) Negotiated() (all []class) {
	for _, p := range supported(c.Config) {
		one := class{Name: nameOf(p.AbstractSyntax), UID: p.AbstractSyntax}
		for _, uid := range p.TransferSyntaxes {
			one.Syntaxes = append(one.Syntaxes, syntax{uid, nameOf(uid)})
		}
		all = append(all, one)
	}
	return all
}

// Storage reports whether instances of a class are stored.
func (c conformance) Storage(x class) bool { return len(x.Syntaxes) == len(syntaxes) }

// StorageSyntaxes returns the transfer syntaxes of instances in the order of
// preference.
func (conformance) StorageSyntaxes() []syntax {
	all := make([]syntax, len(syntaxes))
	for i, s := range syntaxes {
		all[i] = syntax{s.UID, nameOf(s.UID)}
	}
	return all
}

// nameOf returns what PS3.6 calls a UID.
func nameOf(u string) string {
	for _, s := range syntaxes {
		if s.UID == u {
			return s.Name
		}
	}
	return dimse.NameOf(u)
}

// answer is a status of C-STORE with when it is given.
type answer struct {
	Status dimse.Status
	When   string
}

// answers says what the statuses of C-STORE mean here. Which kind of error has which
// status is a table of package fault.
var answers = []answer{
	{Status: dimse.Success, When: "The instance is on the disk, or was before: the same data set in the same transfer syntax."},
	{Status: dimse.OutOfResources, When: "Storage is full, the instance is larger than is taken, or the store does not answer. The same request may succeed later, but for the size."},
	{Status: dimse.ProcessingFailure, When: "An error of the server, or of its disk. The server's log has the cause."},
	{Status: dimse.DuplicateSOPInstance, When: "Another data set, or the same in another transfer syntax or series, is stored under the SOP Instance UID. It is left as it is."},
	{Status: dimse.InvalidSOPInstance, When: "The Affected SOP Instance UID is no UID."},
	{Status: dimse.SOPClassNotSupported, When: "The SOP class is not that of the presentation context, or not taken; or identities are to be taken out of the instance, and cannot be."},
	{Status: dimse.CannotUnderstand, When: "The data set cannot be read, lacks a UID or the pixel data, or is not the instance that the command names."},
}

// commitmentAnswers says what the statuses of N-ACTION mean here.
var commitmentAnswers = []answer{
	{Status: dimse.Success, When: "The request is on the disk, and will be reported on."},
	{Status: dimse.ProcessingFailure, When: "An error of the server, or of its disk."},
	{Status: dimse.NoSuchObjectInstance, When: "The Requested SOP Instance UID is not the well-known one of the service."},
	{Status: dimse.NoSuchArgument, When: "There is no data set."},
	{Status: dimse.InvalidArgumentValue, When: fmt.Sprintf("The data set cannot be read, is longer than %d MiB, lacks a UID, or refers to nothing or to more than %d instances.", longestRequest>>20, mostReferences)},
	{Status: dimse.NoSuchSOPClass, When: "The Requested SOP Class UID is not that of the service."},
	{Status: dimse.NoSuchActionType, When: "The Action Type ID is not 1."},
	{Status: dimse.ResourceLimitation, When: "Storage is full, or the store does not answer. The same request may succeed later."},
}

// CommitmentAnswers returns the statuses of N-ACTION.
func (conformance) CommitmentAnswers() []answer { return commitmentAnswers }

// Place returns the place of what has an index.
func (conformance) Place(index int) int { return index + 1 }

// Answers returns the statuses of C-STORE.
func (conformance) Answers() []answer { return answers }

// Code returns a status in hexadecimal.
func (a answer) Code() string { return fmt.Sprintf("%04XH", uint16(a.Status)) }

// ImplementationClassUID and ImplementationVersionName are those of the negotiation.
func (conformance) ImplementationClassUID() string    { return dicom.ImplementationClassUID() }
func (conformance) ImplementationVersionName() string { return dicom.ImplementationVersionName }

// The limits of the Upper Layer.
func (c conformance) Times() dimse.Timeouts { return c.Timeouts.OrDefaults() }
func (conformance) LongestSent() int        { return dul.LongestSent }
func (conformance) Slowest() int            { return dul.Slowest }
func (conformance) ReportGiven() string     { return fmt.Sprintf("%d days", int(reportGiven.Hours()/24)) }
