// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/analysis/dicom/sr"
	"github.com/endplate/endplate/analysis/report"
	"github.com/endplate/endplate/api/measure"
)

// comparisonObjects returns the structured report of each comparison and, where there
// is room, of each examination: those to which the comparisons refer.
func comparisonObjects(ctx context.Context, all []taken, r *report.ComparisonReport, dest destination, flags compareFlags) ([]*dataset.Dataset, error) {
	by, err := provenance(measureFlags{})
	if err != nil {
		return nil, err
	}
	var objects []*dataset.Dataset
	compared := make([]sr.Compared, len(all))
	for i := range all {
		o, err := all[i].origin(ctx)
		if err != nil {
			return nil, err
		}
		compared[i] = sr.Compared{Origin: o, Report: sr.ReferenceTo(o, by)}
		if dest.single {
			continue
		}
		d, err := sr.Report(o, all[i].result, by)
		if err != nil {
			return nil, err
		}
		objects = append(objects, d)
	}
	by.Options = fmt.Sprintf("treated=%s force=%t", strings.ToUpper(strings.Join(flags.treated, ",")), flags.force)
	if len(flags.treated) > 0 {
		by.Parameters = "known to be treated: " + strings.ToUpper(strings.Join(flags.treated, ", "))
	}
	for _, c := range r.Comparisons {
		before, after := indexOf(all, c.Before), indexOf(all, c.After)
		if before < 0 || after < 0 {
			return nil, fmt.Errorf("%s: its series is gone", c.Before.Name)
		}
		d, err := sr.ComparisonReport(compared[before], compared[after], c, by)
		if err != nil {
			return nil, err
		}
		objects = append(objects, d)
	}
	return objects, nil
}

// origin reads what a report takes over of the examination's images.
func (t *taken) origin(ctx context.Context) (o *dicom.Origin, err error) {
	err = again(ctx, t.path, t.About, func(s *measure.Series) error {
		o, err = s.Origin()
		return err
	})
	return o, err
}

// indexOf returns which of the examinations is e; -1 if none is.
func indexOf(all []taken, e *comparison.Examination) int {
	for i, t := range all {
		if t.Name == e.Name && t.SeriesInstanceUID == e.SeriesInstanceUID {
			return i
		}
	}
	return -1
}
