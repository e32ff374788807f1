// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package dicom turns DICOM instances into CT volumes.
//
// Scan reads the headers of any number of sources (files with or without
// extension, files of a folder, members of zip archives) and sorts what it
// finds into stacks: slices of one series with one orientation, matrix and
// spacing, ordered by ImagePositionPatient along their normal. Stack.Read then
// decodes the pixels into a volume. The two passes keep the memory in use near
// that of the volume itself.
//
// What cannot be used is listed with a code and a reason, never dropped in
// silence; only files that are not DICOM at all are merely counted, unless they
// were asked for by name.
//
// # Hostile input
//
// The parser of github.com/suyashkumar/dicom trusts the lengths in a file. A
// guard therefore walks the structure first, refuses every length that exceeds
// what is left of the file, and hands the parser a data set of its own making
// that holds nothing but the attributes a CT needs. Memory is bounded by a small
// multiple of the input: pixels are allocated for only when the bytes to fill
// them are known to be there.
//
// # Limits
//
// Implicit and explicit little endian, explicit big endian, deflated, and the
// compressed transfer syntaxes that package pixel decodes. Single-frame CT,
// Enhanced CT and Legacy Converted Enhanced CT with one sample of 8 or 16 bits a
// pixel. PhotometricInterpretation MONOCHROME1 is accepted and changes nothing:
// it concerns the display, and comes after the rescaling to Hounsfield units.
//
// References: DICOM PS3.3 C.7.6.2, C.7.6.16, C.8.2.1, C.8.15; PS3.5 sections 7 and
// 8 and annex A; PS3.10 section 7.
package dicom
