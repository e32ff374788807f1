// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicom

import (
	"context"
	"errors"
	"fmt"

	"github.com/endplate/endplate/analysis/dicom/internal/element"
	"github.com/endplate/endplate/analysis/dicom/pixel"
	"github.com/endplate/endplate/analysis/phrase"
)

// The conditions that carry no data of their own.
var (
	// ErrNotDICOM is returned for content that does not begin as DICOM does.
	ErrNotDICOM = element.ErrNotDICOM
	// ErrMalformed is returned where the structure of a data set is broken.
	ErrMalformed = element.ErrMalformed
	// ErrTruncated is returned where content ends before its structure does.
	ErrTruncated = element.ErrTruncated
	// ErrNoPixelData is returned for a CT instance without PixelData.
	ErrNoPixelData = errors.New("no PixelData")
	// ErrTooLarge is returned where reading would take more memory or time than
	// the input warrants.
	ErrTooLarge = element.ErrTooLarge
	// ErrUnreadable is returned where a source could not be opened or read.
	ErrUnreadable = element.ErrUnreadable

	errDirectory = errors.New("DICOMDIR")
)

// MissingAttributeError tells of an attribute that an instance cannot do without.
type MissingAttributeError = element.MissingAttributeError

// InvalidAttributeError tells of an attribute whose value cannot be right.
type InvalidAttributeError = element.InvalidAttributeError

// UnsupportedTransferSyntaxError tells of pixels that cannot be decoded.
type UnsupportedTransferSyntaxError = pixel.UnsupportedTransferSyntaxError

// UnsupportedObjectError tells of an instance that is not a CT image.
type UnsupportedObjectError struct {
	Modality    string
	SOPClassUID string
}

func (e *UnsupportedObjectError) Error() string {
	return fmt.Sprintf("not a CT image: modality %q, SOP class %q", e.Modality, e.SOPClassUID)
}

// Code classifies what was skipped and what a warning is about.
type Code string

// The codes.
const (
	CodeNotDICOM                  Code = "NOT_DICOM"
	CodeUnreadable                Code = "UNREADABLE"
	CodeMalformed                 Code = "MALFORMED"
	CodeTruncated                 Code = "TRUNCATED"
	CodeTooLarge                  Code = "TOO_LARGE"
	CodeMissingAttribute          Code = "MISSING_ATTRIBUTE"
	CodeInvalidAttribute          Code = "INVALID_ATTRIBUTE"
	CodeNoPixelData               Code = "NO_PIXEL_DATA"
	CodeCorruptPixelData          Code = "CORRUPT_PIXEL_DATA"
	CodeUnsupportedTransferSyntax Code = "UNSUPPORTED_TRANSFER_SYNTAX"
	CodeUnsupportedObject         Code = "UNSUPPORTED_OBJECT"
	CodeLocalizer                 Code = "LOCALIZER"
	CodeTooFewSlices              Code = "TOO_FEW_SLICES"
	CodeInconsistentPositions     Code = "INCONSISTENT_POSITIONS"

	CodeGantryTilt        Code = "GANTRY_TILT"
	CodeUnevenSlices      Code = "UNEVEN_SLICES"
	CodeSliceGap          Code = "SLICE_GAP"
	CodeDuplicatePosition Code = "DUPLICATE_POSITION"
	CodeSeveralStacks     Code = "SEVERAL_STACKS"
	CodeMixedOrientation  Code = "MIXED_ORIENTATION"
	CodeBadSlice          Code = "BAD_SLICE"
	CodeAssumedRescale    Code = "ASSUMED_RESCALE"
	CodeRescaleType       Code = "RESCALE_TYPE"
)

// Skipped is something that was not turned into a volume.
type Skipped struct {
	Name              string // of the first source concerned
	StudyInstanceUID  string
	SeriesInstanceUID string
	SOPInstanceUID    string // of the first instance concerned, where known
	Instances         int    // how many instances are concerned
	Code              Code
	Reason            string
}

// Warning tells of something in a stack that the reader of a result should know.
type Warning struct {
	Code    Code
	Message phrase.Text
}

// CodeOf classifies an error of this package. It returns CodeMalformed for what
// is none.
func CodeOf(err error) Code {
	if _, ok := errors.AsType[*MissingAttributeError](err); ok {
		return CodeMissingAttribute
	}
	if _, ok := errors.AsType[*InvalidAttributeError](err); ok {
		return CodeInvalidAttribute
	}
	if _, ok := errors.AsType[*UnsupportedTransferSyntaxError](err); ok {
		return CodeUnsupportedTransferSyntax
	}
	if _, ok := errors.AsType[*UnsupportedObjectError](err); ok {
		return CodeUnsupportedObject
	}
	for _, known := range [...]struct {
		err  error
		code Code
	}{
		{ErrNotDICOM, CodeNotDICOM},
		{ErrTruncated, CodeTruncated},
		{ErrNoPixelData, CodeNoPixelData},
		{ErrTooLarge, CodeTooLarge},
		{ErrUnreadable, CodeUnreadable},
		{pixel.ErrCorrupt, CodeCorruptPixelData},
		{errors.ErrUnsupported, CodeUnsupportedTransferSyntax},
	} {
		if errors.Is(err, known.err) {
			return known.code
		}
	}
	return CodeMalformed
}

// canceled reports whether err is the context's own.
func canceled(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
