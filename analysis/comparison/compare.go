// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"errors"

	"github.com/endplate/endplate/analysis"
)

// NewExamination keeps of a result what comparisons need.
func NewExamination(result *analysis.Result, about About) *Examination {
	return &Examination{About: about, Reason: result.Reason}
}

// Compare tells what changed from before to after.
func Compare(before, after *Examination, opt Options) (*Comparison, error) {
	_, _, _ = before, after, opt
	return nil, errors.ErrUnsupported
}

// Course follows three or more examinations.
func Course(all []*Examination, opt Options) (*TimeCourse, error) {
	if len(all) < 3 {
		return nil, ErrTooFew
	}
	_ = opt
	return nil, errors.ErrUnsupported
}
