// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/report"
	"github.com/endplate/endplate/analysis/volume"
	"github.com/endplate/endplate/api/measure"
)

// rereader reads the volume of a series once more: pictures are drawn after all
// examinations have been measured, and no two volumes need be kept until then.
func rereader(path string, about comparison.About) func(context.Context) (*volume.Volume, error) {
	return func(ctx context.Context) (vol *volume.Volume, err error) {
		err = again(ctx, path, about, func(s *measure.Series) error {
			vol, err = s.Volume(ctx)
			return err
		})
		return vol, err
	}
}

// again finds a series once more and calls use with it.
func again(ctx context.Context, path string, about comparison.About, use func(*measure.Series) error) error {
	in := measure.Gather([]string{path})
	catalog, err := in.Scan(ctx, dicom.Options{})
	if err != nil {
		return err
	}
	defer catalog.Close()
	all := in.Series(catalog, []string{path})
	for i := range all {
		if s := &all[i]; s.About.SeriesInstanceUID == about.SeriesInstanceUID && s.About.Name == about.Name {
			return use(s)
		}
	}
	return errors.New("the series is gone")
}

// drawComparison draws the pictures of each comparison. The volumes are read again
// by pairs, so that no more than two take memory.
func drawComparison(ctx context.Context, all []taken, r *report.ComparisonReport) error {
	for _, c := range r.Comparisons {
		before, err := readTaken(ctx, all, c.Before)
		if err != nil {
			return err
		}
		after, err := readTaken(ctx, all, c.After)
		if err != nil {
			return err
		}
		f, err := report.DrawComparison(before, after, c)
		if err != nil {
			return err
		}
		r.Figures = append(r.Figures, f)
	}
	return nil
}

// readTaken reads the volume of the examination with the name and series of e.
func readTaken(ctx context.Context, all []taken, e *comparison.Examination) (*volume.Volume, error) {
	for _, t := range all {
		if t.Name == e.Name && t.SeriesInstanceUID == e.SeriesInstanceUID {
			vol, err := t.read(ctx)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", e.Name, err)
			}
			return t.result.Placed(vol), nil
		}
	}
	return nil, fmt.Errorf("%s: its series is gone", e.Name)
}
