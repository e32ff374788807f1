// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package fault classes the errors of the service. An error has a [Kind], by
// which each way out of the service finds its status, a [Reason] for programs, and
// a text for people. The text leaves the service; the cause that an error was made
// from does not, and is for the log alone.
package fault

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/endplate/endplate/analysis/phrase"
)

// Error is an error whose class is known. Its methods With… return a changed copy,
// so that an error may be a package variable.
type Error struct {
	kind       Kind
	reason     Reason
	text       string
	cause      error
	violations []Violation
	texts      []phrase.Text
	metadata   map[string]string
	retry      time.Duration
}

// Violation is a field of a request that cannot be as it is.
type Violation struct {
	Field       string // as proto names it, such as "corrections[2].move_landmark.level"
	Description string
}

// New returns an error. What the format makes is told to the caller, so it holds
// nothing of a patient but UIDs, and no paths or addresses.
func New(kind Kind, reason Reason, format string, args ...any) *Error {
	return &Error{kind: kind, reason: reason, text: fmt.Sprintf(format, args...)}
}

// Wrap returns an error that was caused by another, whose own words go no further
// than the log.
func Wrap(cause error, kind Kind, reason Reason, format string, args ...any) *Error {
	e := New(kind, reason, format, args...)
	e.cause = cause
	return e
}

// InvalidFields returns the error of a request some of whose fields cannot be.
func InvalidFields(violations ...Violation) *Error {
	text := "the request cannot be"
	if len(violations) > 0 {
		text = violations[0].Field + ": " + violations[0].Description
	}
	if more := len(violations) - 1; more > 0 {
		text += fmt.Sprintf(", and %d more", more)
	}
	e := New(Invalid, InvalidField, "%s", text)
	e.violations = violations
	return e
}

// Error returns the text and the cause: for the log, not for callers.
func (e *Error) Error() string {
	if e.cause == nil {
		return e.text
	}
	return e.text + ": " + e.cause.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// WithField returns the error with one more field that cannot be as it is.
func (e *Error) WithField(field, format string, args ...any) *Error {
	c := *e
	c.violations = append(slices.Clip(e.violations), Violation{field, fmt.Sprintf(format, args...)})
	return &c
}

// WithText returns the error with what a sentence that it tells is made of.
func (e *Error) WithText(t phrase.Text) *Error {
	c := *e
	c.texts = append(slices.Clip(e.texts), t)
	return &c
}

// With returns the error with an entry of metadata, such as the UID of the study
// meant.
func (e *Error) With(key, value string) *Error {
	c := *e
	c.metadata = make(map[string]string, len(e.metadata)+1)
	maps.Copy(c.metadata, e.metadata)
	c.metadata[key] = value
	return &c
}

// WithRetry returns the error with the time after which the caller should try
// again.
func (e *Error) WithRetry(after time.Duration) *Error {
	c := *e
	c.retry = after
	return &c
}

// Details is what of an error leaves the service.
type Details struct {
	Kind       Kind
	Reason     Reason
	Text       string
	Violations []Violation
	Texts      []phrase.Text // what sentences of the others are made of
	Metadata   map[string]string
	RetryAfter time.Duration // 0 where nothing is known of it
}

// Of returns the kind of an error: that of the outermost [Error] in its chain,
// Canceled or Deadline for the errors of a context, else Internal.
func Of(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.kind
	}
	switch {
	case errors.Is(err, context.Canceled):
		return Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return Deadline
	}
	return Internal
}

// CodeOf returns the gRPC code that a caller is told of an error: that of its kind, or
// its own where it is a status of gRPC and not classed. It is OK for nil.
func CodeOf(err error) codes.Code {
	if _, classed := errors.AsType[*Error](err); !classed {
		if s, ok := status.FromError(err); ok && s.Code() != codes.Unknown {
			return s.Code()
		}
	}
	return Of(err).Code()
}

// Public returns what a caller may be told of an error. Of an internal one that is
// nothing but the fact.
func Public(err error) Details {
	kind := Of(err)
	e, ok := errors.AsType[*Error](err)
	switch {
	case kind == Internal:
		return Details{Reason: Bug, Text: "internal error; the server's log has its cause under the request's id"}
	case ok:
		return Details{
			Kind: kind, Reason: e.reason, Text: e.text,
			Violations: e.violations, Texts: e.texts, Metadata: e.metadata, RetryAfter: e.retry,
		}
	case kind == Canceled:
		return Details{Kind: kind, Text: "the call was cancelled"}
	}
	return Details{Kind: kind, Text: "the time for the call is over"}
}
