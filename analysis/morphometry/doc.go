// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package morphometry measures heights, expected heights and angles between
// endplates.
package morphometry
