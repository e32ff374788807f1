// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package metadata writes data sets in the two models that DICOMweb speaks: the
// DICOM JSON Model and the Native DICOM Model, which is XML.
//
// [Write] reads an instance as it is stored, in any transfer syntax, and writes its
// attributes as far as the pixel data, one after another: of an instance no more than
// one attribute is held, and 64 MB at most of a sequence. Text is decoded to UTF-8,
// items in their own character sets. Long values and pixel data are not copied but
// named by a URI, whose value [Find] delivers.
//
// Attributes that follow the pixel data, such as digital signatures, are left out, as
// are group lengths and padding.
//
// References: DICOM PS3.18 annex F (JSON), PS3.19 annex A (XML).
package metadata
