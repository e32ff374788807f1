// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package report

// ComparisonFigures are the pictures of one comparison.
type ComparisonFigures struct{}
