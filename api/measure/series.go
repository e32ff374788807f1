// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"context"
	"errors"
	"fmt"
	"os"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/analysis/dicom/sr"
	"github.com/endplate/endplate/analysis/localization/naming"
	"github.com/endplate/endplate/analysis/nifti"
	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/report"
	"github.com/endplate/endplate/analysis/volume"
)

// Series is one volume or film that can be read and measured.
type Series struct {
	Examination report.Examination // without its result
	About       comparison.About   // by its headers

	slices     []r3.Vec // where the first pixels of the images lie; nil where there are none
	read       func(context.Context) (*volume.Volume, []analysis.Warning, error)
	film       func(context.Context) (*radiograph.Image, error) // nil for a volume
	origin     func() (*dicom.Origin, error)                    // nil where there is none
	unreadable func(error) report.Skipped
}

// Origin returns what objects that are derived from the series take over; an
// *OriginError for one that is not DICOM, or lacks what they need.
func (s *Series) Origin() (*dicom.Origin, error) {
	if s.origin == nil {
		return nil, &OriginError{s.Examination.Path, errNotDICOM}
	}
	o, err := s.origin()
	if err != nil {
		return nil, &OriginError{s.Examination.Path, err}
	}
	return o, nil
}

// OriginError tells of a series that no DICOM object can be derived from.
type OriginError struct {
	Path string
	Err  error
}

func (e *OriginError) Error() string {
	return fmt.Sprintf("%s: no DICOM object can be made of it: %v", e.Path, e.Err)
}

func (e *OriginError) Unwrap() error { return e.Err }

var errNotDICOM = errors.New("it is not DICOM, and says neither patient nor study")

// Series lists what can be measured: NIfTI volumes, the catalog's stacks and its films, each
// by the one of the caller's paths that holds it.
func (in *Inputs) Series(catalog *dicom.Catalog, paths []string) []Series {
	var all []Series
	for _, path := range in.NIfTI {
		all = append(all, niftiSeries(path))
	}
	for _, stack := range catalog.Stacks {
		all = append(all, dicomSeries(stack, Given(paths, stack.Name())))
	}
	for _, film := range catalog.Films {
		all = append(all, filmSeries(film, Given(paths, film.Name())))
	}
	return all
}

func niftiSeries(path string) Series {
	return Series{
		Examination: report.Examination{Modality: "CT", Path: path},
		About:       comparison.About{Name: path, Modality: "CT"},
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

func dicomSeries(s *dicom.Stack, path string) Series {
	return Series{
		Examination: report.Examination{
			StudyInstanceUID:    s.StudyInstanceUID,
			SeriesInstanceUID:   s.SeriesInstanceUID,
			FrameOfReferenceUID: s.FrameOfReferenceUID,
			Modality:            s.Modality,
			Path:                path,
		},
		About: aboutOf(s, path),
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
		slices:     places(s.Geometry),
		origin:     s.Origin,
		unreadable: func(err error) report.Skipped { return skippedDICOM(s.Skipped(err)) },
	}
}

// places returns where the first pixels of the slices lie.
func places(g volume.Geometry) []r3.Vec {
	all := make([]r3.Vec, g.Slices)
	for k := range all {
		all[k] = g.Position(0, 0, float64(k))
	}
	return all
}

// Skipped returns what of a catalog cannot be used.
func Skipped(c *dicom.Catalog) []report.Skipped {
	var all []report.Skipped
	for _, s := range c.Skipped {
		all = append(all, skippedDICOM(s))
	}
	return all
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

// Volume reads the series.
func (s *Series) Volume(ctx context.Context) (*volume.Volume, error) {
	vol, _, err := s.read(ctx)
	return vol, err
}

// Options say how a series is measured.
type Options struct {
	Fixed    *naming.Fixed        // nil: no level is fixed
	Labels   *volume.LabelMap     // nil: bodies are found in the image
	Points   []sr.Placed          // landmarks that a reader placed, of this frame of reference; nil: none
	Film     analysis.FilmOptions // of a film, without its Progress
	Draw     bool                 // figures too
	Derive   Deriver              // nil: nothing is derived
	Progress func(stage string, fraction float64)
}

// Deriver makes DICOM objects of a measured series.
type Deriver func(o *dicom.Origin, vol *volume.Volume, r *analysis.Result) ([]*dataset.Dataset, error)

// Measured is what became of one series: it was measured or skipped.
type Measured struct {
	Examination *report.Examination // nil where it was skipped
	About       comparison.About    // with the spacing of the volume that was read
	Skipped     *report.Skipped     // nil where it was measured
	Err         error               // of a film: what it was skipped for, if not for its bytes
	Objects     []*dataset.Dataset  // that were derived
	DeriveErr   error               // why they could not be
}

// CodeFailed says that a series was read and could not be measured.
const CodeFailed = "FAILED"

// Measure reads and measures the series. Where ctx ends meanwhile, it is skipped for
// that reason.
func (s *Series) Measure(ctx context.Context, opt Options) Measured {
	if opt.Progress == nil {
		opt.Progress = func(string, float64) {}
	}
	opt.Progress("reading", 0)
	if s.film != nil {
		return s.measureFilm(ctx, opt)
	}
	m := Measured{About: s.About}
	vol, warnings, err := s.read(ctx)
	if err != nil {
		m.Skipped = new(s.unreadable(err))
		return m
	}
	m.About.PixelSpacing, _, m.About.SliceSpacing = vol.Spacing()
	e := s.Examination
	if err := measureVolume(ctx, &e, vol, opt); err != nil {
		m.Skipped = &report.Skipped{
			Path: e.Path, SeriesInstanceUID: e.SeriesInstanceUID, Code: CodeFailed, Reason: err.Error(),
		}
		return m
	}
	e.Result.Warnings = append(warnings, e.Result.Warnings...)
	m.Examination = &e
	if opt.Derive != nil {
		m.Objects, m.DeriveErr = s.derive(vol, e.Result, opt.Derive)
	}
	return m
}

func (s *Series) derive(vol *volume.Volume, r *analysis.Result, derive Deriver) ([]*dataset.Dataset, error) {
	o, err := s.Origin()
	if err != nil {
		return nil, err
	}
	objects, err := derive(o, vol, r)
	if err != nil {
		return nil, &OriginError{s.Examination.Path, err}
	}
	return objects, nil
}

func measureVolume(ctx context.Context, e *report.Examination, vol *volume.Volume, opt Options) error {
	result, err := analysis.MeasureCT(ctx, vol, analysis.Options{Fixed: opt.Fixed, Labels: opt.Labels, Progress: opt.Progress})
	if err != nil {
		return err
	}
	if e.Result, err = placed(e, result, opt.Points); err != nil {
		return err
	}
	if opt.Draw {
		e.Figures, err = report.Draw(vol, e.Result)
	}
	return err
}
