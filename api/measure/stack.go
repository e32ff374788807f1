// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"context"
	"fmt"
	"iter"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/volume"
)

// Stack reads one stack of a series: that whose number StoredSeries.Stack is, from
// the instances that were measured.
func Stack(ctx context.Context, instances iter.Seq2[dicom.Source, error], stack int) (*volume.Volume, error) {
	in := Sort(instances)
	catalog, err := in.Scan(ctx, dicom.Options{})
	if err != nil {
		return nil, err
	}
	defer catalog.Close()
	all := in.Series(catalog, nil)
	if stack < 0 || stack >= len(all) {
		return nil, fmt.Errorf("stack %d of %d", stack, len(all))
	}
	return all[stack].Volume(ctx)
}
