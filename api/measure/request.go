// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/analysis/dicom/sr"
	"github.com/endplate/endplate/analysis/localization/naming"
	"github.com/endplate/endplate/analysis/report"
	"github.com/endplate/endplate/analysis/volume"
)

// Request is what a caller wants measured of files.
type Request struct {
	Paths  []string
	Labels string                // path, or empty
	Points string                // path of a structured report with landmarks, or empty
	Fixed  *naming.Fixed         // nil: no level is fixed
	Jobs   int                   // series at a time, 1 or more
	Draw   bool                  // figures too
	Derive Deriver               // DICOM objects too; nil: none
	Single bool                  // refuse several series, as Labels do
	Film   *analysis.FilmOptions // of the only series, which must be a film; nil: none
	Observer
}

// Output is what a Request yields.
type Output struct {
	*report.Report
	Objects []*dataset.Dataset // that Request.Derive made, in the order of the series
}

// Observer is told how far a Request is. It may be called by several goroutines at
// a time.
type Observer struct {
	Scanned  func(files int)                              // headers read so far
	Stage    func(series, stage string, fraction float64) // of the series at that path
	Measured func(series string, took time.Duration)      // the series at that path
}

// SeriesError says that there are several series where there can be one.
type SeriesError struct{ Series int }

func (e *SeriesError) Error() string {
	return fmt.Sprintf("there are %d series, and there can be one", e.Series)
}

var (
	errNoFilm = errors.New("points of a film are given, and the series is a CT")
	errFilm   = errors.New("label maps and levels at x,y,z are for CT, and the series is a film")
)

// Run reads and measures all of it. The error is the context's own, or one that
// concerns everything: that no object can be derived from a series that was measured,
// an *OriginError, is one.
func (r *Request) Run(ctx context.Context) (*Output, error) {
	out := &Output{Report: &report.Report{}}
	var given *labels
	if r.Labels != "" {
		var err error
		if given, err = readLabels(r.Labels); err != nil {
			return nil, err
		}
	}
	if len(r.Paths) == 0 {
		if r.Derive != nil {
			return nil, &OriginError{r.Labels, errNotDICOM}
		}
		e, err := r.measureLabels(ctx, given)
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
	points, err := r.readPoints()
	if err != nil {
		return nil, err
	}
	if (given != nil || points != nil || r.Single || r.Film != nil) && len(all) > 1 {
		return nil, &SeriesError{len(all)}
	}
	if r.Film != nil && len(all) == 1 && !all[0].IsFilm() {
		return nil, errNoFilm
	}
	if (given != nil || r.Fixed != nil) && len(all) == 1 && all[0].IsFilm() {
		return nil, errFilm
	}
	var m *volume.LabelMap
	if given != nil && len(all) == 1 {
		if m, err = given.on(ctx, &all[0]); err != nil {
			return nil, err
		}
	}
	done, err := r.measureAll(ctx, all, m, points)
	if err != nil {
		return nil, err
	}
	for _, m := range done {
		if r.Film != nil && m.Err != nil {
			return nil, m.Err
		}
		if m.Skipped != nil {
			out.Skipped = append(out.Skipped, *m.Skipped)
			continue
		}
		if m.DeriveErr != nil {
			return nil, m.DeriveErr
		}
		out.Examinations = append(out.Examinations, *m.Examination)
		out.Objects = append(out.Objects, m.Objects...)
	}
	return out, nil
}

func (r *Request) measureLabels(ctx context.Context, given *labels) (*report.Examination, error) {
	m, err := given.on(ctx, nil)
	if err != nil {
		return nil, err
	}
	e := given.examination()
	if e.Result, err = analysis.MeasureLabels(ctx, m, analysis.Options{Fixed: r.Fixed}); err != nil {
		return nil, given.failed(err)
	}
	if r.Draw {
		e.Figures, err = report.Draw(nil, e.Result)
	}
	return e, err
}

// measureAll measures up to r.Jobs series at a time; the results stand in the
// order of the series.
func (r *Request) measureAll(ctx context.Context, all []Series, labels *volume.LabelMap, points []sr.Placed) ([]Measured, error) {
	done := make([]Measured, len(all))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(r.Jobs)
	for i := range all {
		group.Go(func() error {
			start, s := time.Now(), &all[i]
			opt := analysis.FilmOptions{}
			if r.Film != nil {
				opt = *r.Film
			}
			done[i] = s.Measure(ctx, Options{
				Fixed: r.Fixed, Film: opt, Labels: labels, Points: points, Draw: r.Draw, Derive: r.Derive,
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
