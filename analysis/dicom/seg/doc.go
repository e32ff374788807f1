// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package seg writes what was outlined in an examination as a DICOM Segmentation, and
// reads Segmentations, those of others too, as label maps.
//
// New fills the outlines of bodies and canal, which are surfaces in the patient, on
// the pixels of the very images that they were found in: no slice is resampled, be the
// stack tilted or uneven. Read takes one bit a pixel, fractions and label maps, and
// tells by their codes, else by their names, which segments are vertebrae.
//
// Limits. Frames are stored whole, one bit a pixel: a spine in 512 × 512 pixels takes
// some 10 to 30 MB. Of images that were compressed with loss, the Segmentation does
// not say so.
//
// Reference: DICOM PS3.3 A.51 and C.8.20, PS3.5 section 8.1.1.
package seg
