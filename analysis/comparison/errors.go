// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"errors"
	"fmt"

	"github.com/endplate/endplate/analysis/phrase"
)

// Errors of Compare and Course.
var (
	// ErrOtherPatient says that the examinations are of different patients.
	ErrOtherPatient = errors.New("the examinations are of different patients")
	// ErrNoCommonLevel says that no vertebra is measured in both examinations.
	ErrNoCommonLevel = errors.New("no level is measured in both examinations")
	// ErrReversed says that the examination given as the first is the later one.
	ErrReversed = errors.New("the examination given first was acquired after the other")
	// ErrTooFew says that a course needs more examinations.
	ErrTooFew = errors.New("a time course needs at least three examinations")
)

// NotMeasurableError says that an examination has no measured vertebra.
type NotMeasurableError struct {
	Name   string // of the examination, as About has it
	Before bool   // whether it is the first of the two
	Reason phrase.Text
}

func (e *NotMeasurableError) Error() string {
	which := "second"
	if e.Before {
		which = "first"
	}
	return fmt.Sprintf("the %s examination (%s) has no measured vertebra: %s", which, e.Name, e.Reason)
}
