// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"io"
	"iter"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/api/internal/store"
)

// sources yields stored instances as what series are read from.
func (s *server) sources(ctx context.Context, instances []store.Instance) iter.Seq2[dicom.Source, error] {
	return func(yield func(dicom.Source, error) bool) {
		for _, i := range instances {
			source := dicom.Source{
				Name: i.SOPInstanceUID,
				Size: i.Size,
				Open: func() (io.ReadCloser, error) { return s.store.OpenInstance(ctx, i) },
			}
			if !yield(source, nil) {
				return
			}
		}
	}
}
