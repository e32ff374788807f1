// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dimse

import "fmt"

// Status is the status of a response. PS3.7 annex C, PS3.4 annexes B, C and J.
type Status uint16

// The statuses that are sent, and those that steer what is asked of others.
const (
	Success                Status = 0x0000
	AttributeListError     Status = 0x0107 // a warning
	ProcessingFailure      Status = 0x0110
	DuplicateSOPInstance   Status = 0x0111
	NoSuchObjectInstance   Status = 0x0112
	NoSuchEventType        Status = 0x0113
	NoSuchArgument         Status = 0x0114
	InvalidArgumentValue   Status = 0x0115
	AttributeOutOfRange    Status = 0x0116 // a warning
	InvalidSOPInstance     Status = 0x0117
	NoSuchSOPClass         Status = 0x0118
	ClassInstanceConflict  Status = 0x0119
	MissingAttribute       Status = 0x0120
	SOPClassNotSupported   Status = 0x0122
	NoSuchActionType       Status = 0x0123
	NotAuthorized          Status = 0x0124
	DuplicateInvocation    Status = 0x0210
	UnrecognizedOperation  Status = 0x0211
	MistypedArgument       Status = 0x0212
	ResourceLimitation     Status = 0x0213
	OutOfResources         Status = 0xA700
	DataSetMismatch        Status = 0xA900
	CannotUnderstand       Status = 0xC000
	CoercionOfDataElements Status = 0xB000 // a warning
	Cancel                 Status = 0xFE00
	Pending                Status = 0xFF00
	PendingWarning         Status = 0xFF01 // optional keys were not looked at
)

// Pending reports whether more responses follow.
func (s Status) Pending() bool { return s == Pending || s == PendingWarning }

// Warning reports whether something was done, though not as asked for.
func (s Status) Warning() bool {
	return s == 0x0001 || s == AttributeListError || s == AttributeOutOfRange || s>>12 == 0xB
}

// Failure reports whether nothing was done.
func (s Status) Failure() bool {
	return s != Success && s != Cancel && !s.Pending() && !s.Warning()
}

var statusNames = map[Status]string{
	Success: "success", AttributeListError: "attribute list error", ProcessingFailure: "processing failure",
	DuplicateSOPInstance: "duplicate SOP instance", NoSuchObjectInstance: "no such object instance",
	NoSuchEventType: "no such event type", NoSuchArgument: "no such argument", InvalidArgumentValue: "invalid argument value",
	AttributeOutOfRange: "attribute value out of range", InvalidSOPInstance: "invalid SOP instance",
	NoSuchSOPClass: "no such SOP class", ClassInstanceConflict: "class-instance conflict", MissingAttribute: "missing attribute",
	SOPClassNotSupported: "SOP class not supported", NoSuchActionType: "no such action type", NotAuthorized: "not authorized",
	DuplicateInvocation: "duplicate invocation", UnrecognizedOperation: "unrecognized operation",
	MistypedArgument: "mistyped argument", ResourceLimitation: "resource limitation", Cancel: "cancelled",
	Pending: "pending", PendingWarning: "pending, optional keys not supported",
}

// String returns the status in hexadecimal with what the standard calls it. What the
// statuses from A000H on mean depends on the service.
func (s Status) String() string {
	name, known := statusNames[s]
	switch {
	case known:
	case s>>8 == 0xA7:
		name = "out of resources"
	case s>>8 == 0xA9:
		name = "data set does not match SOP class"
	case s>>12 == 0xC:
		name = "cannot understand"
	case s.Warning():
		name = "warning"
	default:
		name = "failure"
	}
	return fmt.Sprintf("%04XH (%s)", uint16(s), name)
}
