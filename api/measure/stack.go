// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"context"
	"fmt"
	"iter"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/volume"
)

// Stack reads one stack of a series: that whose number StoredSeries.Stack is, from
// the instances that were measured.
func Stack(ctx context.Context, instances iter.Seq2[dicom.Source, error], stack int) (vol *volume.Volume, err error) {
	err = withStack(ctx, instances, stack, func(s *Series) (err error) {
		vol, err = s.Volume(ctx)
		return err
	})
	return vol, err
}

// Film is Stack for a film.
func Film(ctx context.Context, instances iter.Seq2[dicom.Source, error], stack int) (m *radiograph.Image, err error) {
	err = withStack(ctx, instances, stack, func(s *Series) (err error) {
		m, err = s.Film(ctx)
		return err
	})
	return m, err
}

func withStack(ctx context.Context, instances iter.Seq2[dicom.Source, error], stack int, do func(*Series) error) error {
	in := Sort(instances)
	catalog, err := in.Scan(ctx, dicom.Options{})
	if err != nil {
		return err
	}
	defer catalog.Close()
	all := in.Series(catalog, nil)
	if stack < 0 || stack >= len(all) {
		return fmt.Errorf("stack %d of %d", stack, len(all))
	}
	return do(&all[stack])
}
