// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package detect

import (
	"context"

	"gonum.org/v1/gonum/spatial/r2"

	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/radiograph/outline"
)

// ReadAt reads bodies at centres that are given, whatever the first network says.
func ReadAt(ctx context.Context, m *radiograph.Image, centers []radiograph.ImagePoint, right bool) ([]outline.Body, error) {
	f := &film{m, radiograph.Spacing{Rows: 1, Columns: 1}}
	var at []r2.Vec
	for _, c := range centers {
		at = append(at, f.position(c))
	}
	return f.readAll(ctx, at, right)
}

// MostSure bounds the probability of names.
const MostSure = mostSure
