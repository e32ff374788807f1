// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package frame reads single frames of the images of any SOP class, as they are
// stored or decoded, and makes pictures of them to look at.
//
// [Open] reads the header of an instance and finds its frames; a frame is read when
// it is asked for, so that one of thousands costs little more than the only one.
// Memory follows from the bytes that are there: a compressed frame that claims to be
// many times as large as it can be is refused. A deflated data set is inflated whole,
// up to 256 MB.
//
// A picture goes through the transformations of PS3.3 C.7.6.3 and C.11: modality LUT
// or rescale, VOI LUT or window, inversion of MONOCHROME1; palettes and YBR become
// RGB. Overlays, shutters, presentation states and colour profiles are not applied.
package frame
