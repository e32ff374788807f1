// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"errors"
	"io"
)

// WriteComparisonHTML writes r as one page that needs nothing from elsewhere.
func WriteComparisonHTML(w io.Writer, r *ComparisonReport) error {
	_, _ = w, r
	return errors.ErrUnsupported
}
