// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package dicomweb serves what is stored by DICOMweb: STOW-RS takes instances in,
// QIDO-RS finds studies, series and instances, WADO-RS delivers instances, metadata,
// bulk data, frames and pictures.
//
// Instances come in by the same door as by every other transport, part by part while
// they arrive, and go out as they are read: memory does not follow from their size. A
// response that cannot be ended as it began is broken off, so that nobody takes the
// part for the whole.
//
// References: DICOM PS3.18 sections 8 to 10 and annexes F and I.
package dicomweb
