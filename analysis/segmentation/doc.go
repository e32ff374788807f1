// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package segmentation finds the outlines of vertebral bodies, in an image or a
// given label map.
package segmentation
