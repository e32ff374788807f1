// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dul

import (
	"errors"
	"fmt"
)

// The ends of an association.
var (
	ErrReleased  = errors.New("association released")
	ErrClosed    = errors.New("connection closed without release or abort")
	ErrTimeout   = errors.New("the peer did not move for too long")
	errOver      = errors.New("association ended")
	errWrongTime = errors.New("not possible in this state of the association")
)

// RejectError is an A-ASSOCIATE-RJ. PS3.8 table 9-21.
type RejectError struct {
	Result, Source, Reason byte
}

// The rejections that are sent.
var (
	RejectApplicationContext = RejectError{1, 1, 2}
	RejectCallingAETitle     = RejectError{1, 1, 3}
	RejectCalledAETitle      = RejectError{1, 1, 7}
	RejectProtocolVersion    = RejectError{1, 2, 2}
	RejectLocalLimitExceeded = RejectError{2, 3, 2}
)

// Error says what PS3.8 calls the rejection.
func (e *RejectError) Error() string {
	how := "permanently"
	if e.Transient() {
		how = "for now"
	}
	return fmt.Sprintf("association rejected %s: %s", how, e.reason())
}

// Transient reports whether the same request may be accepted later.
func (e *RejectError) Transient() bool { return e.Result == 2 }

func (e *RejectError) reason() string {
	switch [2]byte{e.Source, e.Reason} {
	case [2]byte{1, 1}:
		return "no reason given"
	case [2]byte{1, 2}:
		return "application context name not supported"
	case [2]byte{1, 3}:
		return "calling AE title not recognized"
	case [2]byte{1, 7}:
		return "called AE title not recognized"
	case [2]byte{2, 1}:
		return "no reason given by the service provider"
	case [2]byte{2, 2}:
		return "protocol version not supported"
	case [2]byte{3, 1}:
		return "temporary congestion"
	case [2]byte{3, 2}:
		return "local limit exceeded"
	}
	return fmt.Sprintf("source %d, reason %d", e.Source, e.Reason)
}

// AbortError is an A-ABORT that was received or, where Sent, had to be sent because of
// what the peer did. PS3.8 table 9-26.
type AbortError struct {
	Source, Reason byte
	Sent           bool
	Cause          error // of one that was sent; nil: see the reason
}

// The sources of an abort, and the reasons of the service provider.
const (
	abortByUser     = 0
	abortByProvider = 2

	abortNoReason         = 0
	abortUnrecognizedPDU  = 1
	abortUnexpectedPDU    = 2
	abortInvalidParameter = 6
)

// Error says who aborted, and why.
func (e *AbortError) Error() string {
	who := "by the peer"
	if e.Sent {
		who = "here"
	}
	if e.Cause != nil {
		return fmt.Sprintf("association aborted %s: %v", who, e.Cause)
	}
	return fmt.Sprintf("association aborted %s: %s", who, e.reason())
}

// Unwrap returns the cause.
func (e *AbortError) Unwrap() error { return e.Cause }

func (e *AbortError) reason() string {
	if e.Source != abortByProvider {
		return "by the application"
	}
	switch e.Reason {
	case abortNoReason:
		return "reason not specified"
	case abortUnrecognizedPDU:
		return "unrecognized PDU"
	case abortUnexpectedPDU:
		return "unexpected PDU"
	case 4:
		return "unrecognized PDU parameter"
	case 5:
		return "unexpected PDU parameter"
	case abortInvalidParameter:
		return "invalid PDU parameter value"
	}
	return fmt.Sprintf("reason %d", e.Reason)
}
