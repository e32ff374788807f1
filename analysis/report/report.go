// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package report writes results for people and spreadsheets: CSV, a table for a
// terminal, and a self-contained HTML page with figures.
package report

import "github.com/endplate/endplate/analysis"

// Report is what one run found in all of its inputs.
type Report struct {
	Algorithm, Version string
	Examinations       []Examination
	Skipped            []Skipped
	Review             *Review // nil where nobody corrected it
}

// Examination is the result for one series or label map.
type Examination struct {
	StudyInstanceUID    string // empty if the input was not DICOM, as are the next two
	SeriesInstanceUID   string
	FrameOfReferenceUID string
	Modality            string // CT, or SEG for a label map
	Path                string // as the caller gave it

	Result  *analysis.Result
	Figures *Figures // nil where none were drawn
}

// Skipped is an input that could not be analysed, or not wholly.
type Skipped struct {
	Path              string
	SeriesInstanceUID string // empty if not known
	SOPInstanceUID    string // empty if not known, or if no single instance is meant
	Code              string // upper case, such as UNSUPPORTED_TRANSFER_SYNTAX
	Reason            string
}
