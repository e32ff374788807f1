// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package comparison tells what changed between two or more examinations of one
// patient: it matches their vertebrae by name and by shape, brings them into one
// frame, and states each change with its least significant change.
//
// An Examination is what is kept of a result for this; Compare takes two of
// them, Course three or more. Nothing here sees an image.
package comparison
