// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package code

// What is said of results as such.
var (
	NoVertebra = own("NO-VERTEBRA", "No vertebra was measured")
	Because    = own("BECAUSE", "Reason for a statement, or why something was not measured")
	Warning    = own("WARNING", "What makes the result doubtful")
)
