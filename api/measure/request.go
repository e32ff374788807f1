// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"context"
	"fmt"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/localization/naming"
	"github.com/endplate/endplate/analysis/nifti"
	"github.com/endplate/endplate/analysis/report"
	"github.com/endplate/endplate/analysis/volume"
)

// Request is what a caller wants measured of files.
type Request struct {
	Paths  []string
	Labels string        // path, or empty
	Fixed  *naming.Fixed // nil: no level is fixed
	Jobs   int           // series at a time, 1 or more
	Draw   bool          // figures too
	Observer
}

// Observer is told how far a Request is. It may be called by several goroutines at
// a time.
type Observer struct {
	Scanned  func(files int)                              // headers read so far
	Stage    func(series, stage string, fraction float64) // of the series at that path
	Measured func(series string, took time.Duration)      // the series at that path
}

// LabelsError says that a label map was given with several series.
type LabelsError struct{ Series int }

func (e *LabelsError) Error() string {
	return fmt.Sprintf("labels go with one series, and there are %d", e.Series)
}

// Run reads and measures all of it. The error is the context's own, or one that
// concerns everything.
func (r *Request) Run(ctx context.Context) (*report.Report, error) {
	out := &report.Report{}
	labels, err := r.readLabels()
	if err != nil {
		return nil, err
	}
	if len(r.Paths) == 0 {
		e, err := r.measureLabels(ctx, labels)
		if err != nil {
			return nil, err
		}
		out.Examinations = append(out.Examinations, *e)
		return out, nil
	}
	in := Gather(r.Paths)
	catalog, err := in.Scan(ctx, dicom.Options{Progress: func(now dicom.Progress) { r.Scanned(now.Done) }})
	if err != nil {
		return nil, err
	}
	defer catalog.Close()
	all := in.Series(catalog, r.Paths)
	out.Skipped = append(in.Skipped, Skipped(catalog)...)
	if labels != nil && len(all) > 1 {
		return nil, &LabelsError{len(all)}
	}
	done, err := r.measureAll(ctx, all, labels)
	if err != nil {
		return nil, err
	}
	for _, m := range done {
		if m.Skipped != nil {
			out.Skipped = append(out.Skipped, *m.Skipped)
			continue
		}
		out.Examinations = append(out.Examinations, *m.Examination)
	}
	return out, nil
}

func (r *Request) readLabels() (*volume.LabelMap, error) {
	if r.Labels == "" {
		return nil, nil
	}
	f, err := os.Open(r.Labels)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	labels, err := nifti.ReadLabels(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.Labels, err)
	}
	return labels, nil
}

func (r *Request) measureLabels(ctx context.Context, labels *volume.LabelMap) (*report.Examination, error) {
	result, err := analysis.MeasureLabels(ctx, labels, analysis.Options{Fixed: r.Fixed})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.Labels, err)
	}
	e := &report.Examination{Modality: "SEG", Path: r.Labels, Result: result}
	if r.Draw {
		e.Figures, err = report.Draw(nil, result)
	}
	return e, err
}

// measureAll measures up to r.Jobs series at a time; the results stand in the
// order of the series.
func (r *Request) measureAll(ctx context.Context, all []Series, labels *volume.LabelMap) ([]Measured, error) {
	done := make([]Measured, len(all))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(r.Jobs)
	for i := range all {
		group.Go(func() error {
			start, s := time.Now(), &all[i]
			done[i] = s.Measure(ctx, Options{
				Fixed: r.Fixed, Labels: labels, Draw: r.Draw,
				Progress: func(stage string, fraction float64) { r.Stage(s.Examination.Path, stage, fraction) },
			})
			if done[i].Examination != nil {
				r.Measured(s.Examination.Path, time.Since(start))
			}
			return ctx.Err()
		})
	}
	return done, group.Wait()
}
