// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison

import "errors"

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
