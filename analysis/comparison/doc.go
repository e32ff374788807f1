// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package comparison tells what changed between two or more examinations of one
// patient: it matches their vertebrae by name and by shape, brings them into one
// frame, and states each change with its least significant change.
//
// An Examination is what is kept of a result for this; Compare takes two of
// them, Course three or more. Of the images they hold small pictures of the bodies
// in their mid-sagittal planes: the endplates of one examination are looked for in
// those of the other, which tells a change within some tenths of a millimetre where
// readings of thick slices differ by more than one.
//
// Of a film there is neither a third direction nor, mostly, a scale: what a film is part of
// is compared by ratios, by heights relative to those of the levels that are unaffected in
// both, and by angles.
package comparison
