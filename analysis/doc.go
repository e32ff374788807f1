// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package analysis measures the vertebrae that an examination shows: the
// pipeline from a volume to graded findings, in one readable function.
package analysis
