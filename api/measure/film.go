// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"context"
	"errors"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/report"
	"github.com/endplate/endplate/analysis/volume"
)

// filmSeries is a film as one of the series that can be measured.
func filmSeries(f *dicom.Radiograph, path string) Series {
	acquired, ok := parseDateTime(f.AcquisitionDateTime)
	if !ok {
		acquired, _ = parseDateTime(f.SeriesDateTime)
	}
	return Series{
		Examination: report.Examination{
			StudyInstanceUID: f.StudyInstanceUID, SeriesInstanceUID: f.SeriesInstanceUID,
			Modality: f.Modality, Path: path,
		},
		About: comparison.About{
			Name:             path,
			Patient:          comparison.Identity{Patient: f.Patient.ID, Issuer: f.Patient.Issuer, Traits: f.Patient.Traits},
			StudyInstanceUID: f.StudyInstanceUID, SeriesInstanceUID: f.SeriesInstanceUID,
			Acquired: acquired, Modality: f.Modality, Posture: postureOnFilm(f),
		},
		film: f.Read,
		read: func(ctx context.Context) (*volume.Volume, []analysis.Warning, error) {
			m, err := f.Read(ctx)
			if err != nil {
				return nil, nil, err
			}
			return analysis.FilmVolume(m), nil, nil
		},
		origin:     f.Origin,
		unreadable: func(err error) report.Skipped { return skippedDICOM(f.Skipped(err)) },
	}
}

// IsFilm reports whether the series is a film. Its Volume is that of analysis.FilmVolume.
func (s *Series) IsFilm() bool { return s.film != nil }

// Film reads a film.
func (s *Series) Film(ctx context.Context) (*radiograph.Image, error) {
	if s.film == nil {
		return nil, errors.New("a CT is no film")
	}
	return s.film(ctx)
}

// measureFilm is Measure for a film.
func (s *Series) measureFilm(ctx context.Context, opt Options) Measured {
	m := Measured{About: s.About}
	image, err := s.film(ctx)
	if err != nil {
		m.Skipped = new(s.unreadable(err))
		return m
	}
	e := s.Examination
	film := opt.Film
	film.Progress = opt.Progress
	if film.Placed, err = placedOnFilm(image.Header.SOPInstanceUID, opt.Points, film.Placed); err != nil {
		m.Skipped = &report.Skipped{
			Path: e.Path, SeriesInstanceUID: e.SeriesInstanceUID, SOPInstanceUID: image.Header.SOPInstanceUID, Code: CodeFailed, Reason: err.Error(),
		}
		m.Err = err
		return m
	}
	if e.Result, err = analysis.MeasureFilm(ctx, image, film); err != nil {
		m.Skipped = &report.Skipped{
			Path: e.Path, SeriesInstanceUID: e.SeriesInstanceUID, SOPInstanceUID: image.Header.SOPInstanceUID, Code: CodeFailed, Reason: err.Error(),
		}
		m.Err = err
		return m
	}
	if c := &e.Result.Film.Calibration; c.Millimetres() {
		m.About.PixelSpacing = c.Spacing.Rows
	}
	vol := e.Result.Placed(analysis.FilmVolume(image))
	if opt.Draw {
		if e.Figures, err = report.Draw(vol, e.Result); err != nil {
			m.Skipped = &report.Skipped{Path: e.Path, SeriesInstanceUID: e.SeriesInstanceUID, Code: CodeFailed, Reason: err.Error()}
			return m
		}
	}
	m.Examination = &e
	if opt.Derive != nil {
		m.Objects, m.DeriveErr = s.derive(vol, e.Result, opt.Derive)
	}
	return m
}
