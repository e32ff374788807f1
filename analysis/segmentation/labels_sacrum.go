// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

// outlineSacrum outlines the superior endplate of the sacrum.
func outlineSacrum(column []labelVertebra, i int, b LabelBody) LabelBody {
	b.Reason = "sacrum"
	return b
}
