// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package code holds the coded concepts of what endplate writes and reads as DICOM:
// the standard's where it has one that was found in a published table, and those of
// a private scheme otherwise, whose meanings state their definitions.
//
// Reference: DICOM PS3.16, PS3.3 section 8.8.
package code

import (
	"slices"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom/dataset"
)

// The coding schemes. PS3.16 table 8-1.
const (
	DCM  = "DCM"
	SCT  = "SCT"
	UCUM = "UCUM"

	// Private is endplate's own scheme. PS3.16 section 8.2 asks for the 99.
	Private = "99ENDPLATE"
)

// Code is a coded concept.
type Code struct {
	Value   string // SH
	Scheme  string // CodingSchemeDesignator
	Meaning string // LO
}

// Entry is a code of the table with where it was found.
type Entry struct {
	Code
	Source string
}

var table []Entry

// All returns every code of the package, in the order of scheme and value.
func All() []Entry {
	all := slices.Clone(table)
	slices.SortStableFunc(all, func(a, b Entry) int {
		return slices.Compare([]string{a.Scheme, a.Value}, []string{b.Scheme, b.Value})
	})
	return all
}

func define(scheme, value, meaning, source string) Code {
	c := Code{value, scheme, meaning}
	table = append(table, Entry{c, source})
	return c
}

func dcm(value, meaning, source string) Code  { return define(DCM, value, meaning, source) }
func sct(value, meaning, source string) Code  { return define(SCT, value, meaning, source) }
func ucum(value, meaning, source string) Code { return define(UCUM, value, meaning, source) }
func own(value, meaning string) Code          { return define(Private, value, meaning, "endplate") }

// Is reports whether two codes are of one concept, whatever they call it.
func (c Code) Is(o Code) bool {
	return c.Value == o.Value && c.Scheme == o.Scheme
}

// Item returns the code as the item of a code sequence.
func (c Code) Item() *dataset.Dataset {
	d := &dataset.Dataset{}
	d.Text(tag.CodeValue, "SH", c.Value)
	d.Text(tag.CodingSchemeDesignator, "SH", c.Scheme)
	d.Text(tag.CodeMeaning, "LO", c.Meaning)
	return d
}

// Of reads the first item of a code sequence; the zero Code if there is none.
func Of(d *dataset.Dataset, sequence tag.Tag) Code {
	item := d.Item(sequence)
	value := item.Value(tag.CodeValue)
	for _, t := range []tag.Tag{tag.LongCodeValue, tag.URNCodeValue} {
		if value == "" {
			value = item.Value(t)
		}
	}
	return Code{value, item.Value(tag.CodingSchemeDesignator), item.Value(tag.CodeMeaning)}
}
