// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/localization/naming"
	"github.com/endplate/endplate/analysis/nifti"
	"github.com/endplate/endplate/analysis/report"
	"github.com/endplate/endplate/analysis/volume"
)

// request is what the caller wants measured.
type request struct {
	paths  []string
	labels string // path, or empty
	fixed  *naming.Fixed
	jobs   int
	draw   bool // figures too
}

// series is one volume that can be read and measured.
type series struct {
	examination report.Examination // without its result
	about       comparison.About
	read        func(context.Context) (*volume.Volume, []analysis.Warning, error)
	unreadable  func(error) report.Skipped
}

// measured is what became of one series: one of the two is set.
type measured struct {
	examination *report.Examination
	skipped     *report.Skipped
}

// run reads and measures all of it. The error is the context's own, or one that
// concerns everything.
func (r *request) run(ctx context.Context, p *progress) (*report.Report, error) {
	out := &report.Report{Algorithm: name, Version: versionString()}
	labels, err := r.readLabels()
	if err != nil {
		return nil, err
	}
	if len(r.paths) == 0 {
		e, err := r.measureLabels(ctx, labels)
		if err != nil {
			return nil, err
		}
		out.Examinations = append(out.Examinations, *e)
		return out, nil
	}
	in := gather(r.paths)
	catalog, err := dicom.Scan(ctx, in.sources(), dicom.Options{Progress: func(now dicom.Progress) {
		p.printlive("reading headers: %d files", now.Done)
	}})
	if err != nil {
		return nil, err
	}
	defer catalog.Close()
	all := r.series(in, catalog)
	out.Skipped = in.skipped
	for _, s := range catalog.Skipped {
		out.Skipped = append(out.Skipped, skippedDICOM(s))
	}
	if labels != nil && len(all) > 1 {
		return nil, usagef("--labels goes with one series, and there are %d", len(all))
	}
	done, err := r.measureAll(ctx, all, labels, p)
	if err != nil {
		return nil, err
	}
	for _, m := range done {
		if m.skipped != nil {
			out.Skipped = append(out.Skipped, *m.skipped)
			continue
		}
		out.Examinations = append(out.Examinations, *m.examination)
	}
	return out, nil
}

// series lists what can be measured.
func (r *request) series(in inputs, catalog *dicom.Catalog) []series {
	var all []series
	for _, path := range in.nifti {
		all = append(all, niftiSeries(path))
	}
	for _, stack := range catalog.Stacks {
		all = append(all, dicomSeries(stack, r.paths))
	}
	return all
}

func niftiSeries(path string) series {
	return series{
		examination: report.Examination{Modality: "CT", Path: path},
		about:       comparison.About{Name: path, Modality: "CT"},
		read: func(context.Context) (*volume.Volume, []analysis.Warning, error) {
			f, err := os.Open(path)
			if err != nil {
				return nil, nil, err
			}
			defer f.Close()
			vol, err := nifti.ReadVolume(f)
			return vol, nil, err
		},
		unreadable: func(err error) report.Skipped {
			return report.Skipped{Path: path, Code: string(dicom.CodeMalformed), Reason: err.Error()}
		},
	}
}

func dicomSeries(s *dicom.Stack, paths []string) series {
	return series{
		examination: report.Examination{
			StudyInstanceUID:    s.StudyInstanceUID,
			SeriesInstanceUID:   s.SeriesInstanceUID,
			FrameOfReferenceUID: s.FrameOfReferenceUID,
			Modality:            s.Modality,
			Path:                given(paths, s.Name()),
		},
		about: aboutOf(s, given(paths, s.Name())),
		read: func(ctx context.Context) (*volume.Volume, []analysis.Warning, error) {
			read, err := s.Read(ctx)
			if err != nil {
				return nil, nil, err
			}
			var warnings []analysis.Warning
			for _, w := range read.Warnings {
				warnings = append(warnings, analysis.Warning{Code: string(w.Code), Message: w.Message})
			}
			return read.Volume, warnings, nil
		},
		unreadable: func(err error) report.Skipped { return skippedDICOM(s.Skipped(err)) },
	}
}

func skippedDICOM(s dicom.Skipped) report.Skipped {
	return report.Skipped{
		Path:              s.Name,
		SeriesInstanceUID: s.SeriesInstanceUID,
		SOPInstanceUID:    s.SOPInstanceUID,
		Code:              string(s.Code),
		Reason:            s.Reason,
	}
}

func (r *request) readLabels() (*volume.LabelMap, error) {
	if r.labels == "" {
		return nil, nil
	}
	f, err := os.Open(r.labels)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	labels, err := nifti.ReadLabels(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.labels, err)
	}
	return labels, nil
}

func (r *request) measureLabels(ctx context.Context, labels *volume.LabelMap) (*report.Examination, error) {
	result, err := analysis.MeasureLabels(ctx, labels, analysis.Options{Fixed: r.fixed})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.labels, err)
	}
	e := &report.Examination{Modality: "SEG", Path: r.labels, Result: result}
	if r.draw {
		e.Figures, err = report.Draw(nil, result)
	}
	return e, err
}

// measureAll measures up to r.jobs series at a time; the results stand in the
// order of the series.
func (r *request) measureAll(ctx context.Context, all []series, labels *volume.LabelMap, p *progress) ([]measured, error) {
	done := make([]measured, len(all))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(r.jobs)
	for i, s := range all {
		group.Go(func() error {
			done[i] = r.measureOne(ctx, s, labels, p)
			return ctx.Err()
		})
	}
	return done, group.Wait()
}

func (r *request) measureOne(ctx context.Context, s series, labels *volume.LabelMap, p *progress) measured {
	start := time.Now()
	p.stage(s.examination.Path, "reading", 0)
	vol, warnings, err := s.read(ctx)
	if err != nil {
		skipped := s.unreadable(err)
		return measured{skipped: &skipped}
	}
	e, err := r.measureVolume(ctx, s.examination, vol, labels, p)
	if err != nil {
		return measured{skipped: &report.Skipped{
			Path: e.Path, SeriesInstanceUID: e.SeriesInstanceUID, Code: codeFailed, Reason: err.Error(),
		}}
	}
	e.Result.Warnings = append(warnings, e.Result.Warnings...)
	p.printf("%s: measured in %.1f s", e.Path, time.Since(start).Seconds())
	return measured{examination: &e}
}

// codeFailed says that a series was read and could not be measured.
const codeFailed = "FAILED"

func (r *request) measureVolume(ctx context.Context, e report.Examination, vol *volume.Volume, labels *volume.LabelMap, p *progress) (report.Examination, error) {
	result, err := analysis.MeasureCT(ctx, vol, analysis.Options{
		Fixed:    r.fixed,
		Labels:   labels,
		Progress: func(stage string, fraction float64) { p.stage(e.Path, stage, fraction) },
	})
	if err != nil {
		return e, err
	}
	e.Result = result
	if r.draw {
		e.Figures, err = report.Draw(vol, result)
	}
	return e, err
}
