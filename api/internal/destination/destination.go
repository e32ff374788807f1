// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package destination sends DICOM objects to where a site wants them: to an archive by
// C-STORE or by STOW-RS. What is sent twice arrives once, since an object keeps its
// SOPInstanceUID; an archive that says that it has an object already has taken it.
//
// Files of credentials, keys and authorities are read for every sending, so that they
// can be changed while the service runs.
package destination

import (
	"context"
	"io"
)

// Object is a stored instance that is to be sent.
type Object struct {
	StudyInstanceUID  string
	SeriesInstanceUID string
	SOPClassUID       string
	SOPInstanceUID    string
	TransferSyntaxUID string

	Size int64                         // of the file that Open delivers, bytes
	Open func() (io.ReadCloser, error) // a DICOM file, PS3.10
}

// Sender reaches a destination.
type Sender interface {
	// Send sends objects and returns of each why it has not arrived; nil where the
	// destination has it. [fault.Unavailable] tells that nothing reaches the destination
	// at present.
	Send(ctx context.Context, objects []Object) []error
	// Probe asks whether the destination answers, and sends it nothing.
	Probe(ctx context.Context) error
	// String says where it is, without secrets.
	String() string
}

// Destination is a place that objects are sent to.
type Destination struct {
	Name  string
	Kinds []string // of objects that it gets; none: all
	Sender
}
