// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package record writes plain Go values as bytes and reads them back without
// loss: infinities, NaN, negative zero, nil and empty slices, and pointers to zero
// values stay what they are, which neither encoding/gob nor encoding/json keeps.
//
// A record begins with the shape of its types. A reader matches fields by name: one
// that it does not know is skipped, one that the record lacks keeps its zero value.
// So types may gain and lose fields, and old records stay readable; a field whose
// kind changed is refused.
//
// Plain values are booleans, numbers, strings, slices, arrays, pointers and structs of
// them with exported fields alone. Types must not contain themselves.
//
// # Layout
//
// Counts and unsigned numbers are varints, signed ones zigzag varints, floats their
// eight bytes, least first.
//
//	record  = structs root value
//	structs = count { name count { name type } }   // each after those it holds
//	type    = kind [ count ] [ type | index ]      // array: count type; struct: index
//	value   = by kind; slice: 0 for nil, else 1 + count and the elements;
//	          pointer: 0 for nil, else 1 and the value
package record
