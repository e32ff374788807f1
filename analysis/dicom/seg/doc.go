// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package seg writes what was outlined in an examination as a DICOM Segmentation, and
// reads Segmentations, those of others too, as label maps.
package seg
