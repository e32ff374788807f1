// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package element

import (
	"errors"
	"fmt"
)

// The conditions that carry no data of their own; package dicom tells of them.
var (
	ErrNotDICOM   = errors.New("not DICOM")
	ErrMalformed  = errors.New("malformed DICOM")
	ErrTruncated  = errors.New("truncated DICOM")
	ErrTooLarge   = errors.New("too large")
	ErrUnreadable = errors.New("unreadable")
)

// MissingAttributeError tells of an attribute that an instance cannot do without.
type MissingAttributeError struct {
	Keyword string // such as PixelSpacing
}

func (e *MissingAttributeError) Error() string { return "missing " + e.Keyword }

// InvalidAttributeError tells of an attribute whose value cannot be right.
type InvalidAttributeError struct {
	Keyword string
	Problem string // says what is wrong, without the value
}

func (e *InvalidAttributeError) Error() string { return "invalid " + e.Keyword + ": " + e.Problem }

// Malformed returns an error that is ErrMalformed and says more.
func Malformed(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrMalformed}, args...)...)
}

// Truncated returns an error that is ErrTruncated and says more.
func Truncated(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrTruncated}, args...)...)
}
