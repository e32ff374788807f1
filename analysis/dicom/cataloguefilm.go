// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicom

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/suyashkumar/dicom/pkg/tag"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/volume"
)

// Radiograph is an instance that may be a lateral film of the spine, by its header.
type Radiograph struct {
	StudyInstanceUID, SeriesInstanceUID string
	SOPClassUID, SOPInstanceUID         string
	Modality                            string
	AcquisitionDateTime                 string // as DT; may be empty
	SeriesDateTime                      string // of the series, or else of the study, as DT; may be empty
	Patient                             Patient
	Columns, Rows                       int
	// PatientPosition is that on a table. Gravity are the code values of
	// PatientOrientationCodeSequence and its modifiers: how the patient is oriented with
	// respect to gravity. PS3.3 C.8.11.5.
	PatientPosition string
	Gravity         []string

	content content
}

// Name returns the name of the film's source.
func (f *Radiograph) Name() string { return f.content.source.Name }

// filmTags tell whether an instance may be a film, beside its SOP class.
var filmTags = []tag.Tag{
	tag.SOPClassUID, tag.Modality, tag.ConversionType, tag.SamplesPerPixel, tag.Columns, tag.Rows,
	tag.AcquisitionDateTime, tag.AcquisitionDate, tag.AcquisitionTime,
	tag.PatientPosition, tag.PatientOrientationCodeSequence,
}

// secondaryCapture begins the SOP classes of secondary captures. PS3.4 B.5.
const secondaryCapture = "1.2.840.10008.5.1.4.1.1.7"

// Of secondary captures only those can be films that were made from film or from a
// detector's signal, or that a user names: PS3.3 C.8.6.1 has as others workstations,
// drawings and documents.
var (
	filmConversions = []string{"DF", "DI", "DV", "SI"}
	filmModalities  = []string{"", "CR", "DX", "RF", "RG", "OT"}
)

// readFilm makes a film of an instance that is no CT; otherwise it returns the error that
// says so, which is unsupported.
func readFilm(in *instance, unsupported error) (*Radiograph, error) {
	if !IsRadiograph(in.sopClassUID) {
		return nil, unsupported
	}
	head, err := in.content.head(func(t tag.Tag) bool { return slices.Contains(filmTags, t) })
	if err != nil {
		return nil, err
	}
	d := &head.Dataset
	if samples, ok := d.Number(tag.SamplesPerPixel); ok && samples != 1 && !in.content.source.Named {
		return nil, unsupported
	}
	captured := strings.HasPrefix(in.sopClassUID, secondaryCapture)
	conversion := in.content.source.Named || slices.Contains(filmConversions, d.Value(tag.ConversionType))
	if captured && !conversion || !slices.Contains(filmModalities, in.modality) {
		return nil, unsupported
	}
	f := &Radiograph{
		StudyInstanceUID: in.studyUID, SeriesInstanceUID: in.seriesUID,
		SOPClassUID: in.sopClassUID, SOPInstanceUID: in.sopUID,
		Modality: codeString(in.modality), SeriesDateTime: in.dateTime, Patient: in.patient,
		AcquisitionDateTime: d.Value(tag.AcquisitionDateTime),
		PatientPosition:     d.Value(tag.PatientPosition), Gravity: gravityOf(d),
		content: in.content,
	}
	if date := d.Value(tag.AcquisitionDate); f.AcquisitionDateTime == "" && date != "" {
		f.AcquisitionDateTime = date + d.Value(tag.AcquisitionTime)
	}
	columns, _ := d.Number(tag.Columns)
	rows, _ := d.Number(tag.Rows)
	if f.Columns, f.Rows = int(columns), int(rows); min(f.Columns, f.Rows) < 1 {
		return nil, &MissingAttributeError{Keyword: name(tag.Columns)}
	}
	return f, nil
}

// gravityOf returns the code values of a film's orientation with respect to gravity.
func gravityOf(d *dataset.Dataset) []string {
	var all []string
	for _, orientation := range d.Items(tag.PatientOrientationCodeSequence) {
		all = append(all, orientation.Value(tag.CodeValue))
		for _, modifier := range orientation.Items(tag.PatientOrientationModifierCodeSequence) {
			all = append(all, modifier.Value(tag.CodeValue))
		}
	}
	return all
}

// sortFilms orders films by study, series and instance, and leaves out those that are there
// twice.
func sortFilms(films []*Radiograph) []*Radiograph {
	slices.SortStableFunc(films, func(a, b *Radiograph) int {
		return cmp.Or(
			strings.Compare(a.StudyInstanceUID, b.StudyInstanceUID), strings.Compare(a.SeriesInstanceUID, b.SeriesInstanceUID),
			strings.Compare(a.SOPInstanceUID, b.SOPInstanceUID), strings.Compare(a.Name(), b.Name()))
	})
	return slices.CompactFunc(films, func(a, b *Radiograph) bool {
		return a.SOPInstanceUID != "" && a.SOPInstanceUID == b.SOPInstanceUID
	})
}

// Read reads the film. The errors are those of ReadRadiograph.
func (f *Radiograph) Read(ctx context.Context) (*radiograph.Image, error) {
	rc, err := f.content.source.Open()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	defer rc.Close()
	if s, ok := rc.(io.ReadSeeker); ok {
		return ReadRadiograph(ctx, s, f.content.source.Size)
	}
	const most = mostFilmPixels * 4 // a member of an archive, which is taken into memory
	if f.content.source.Size > most {
		return nil, fmt.Errorf("%w: %d bytes in an archive", ErrTooLarge, f.content.source.Size)
	}
	b, err := io.ReadAll(io.LimitReader(rc, f.content.source.Size))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return ReadRadiograph(ctx, bytes.NewReader(b), int64(len(b)))
}

// Skipped says that the film is not used, because of err.
func (f *Radiograph) Skipped(err error) Skipped {
	return Skipped{
		Name: f.Name(), StudyInstanceUID: f.StudyInstanceUID, SeriesInstanceUID: f.SeriesInstanceUID,
		SOPInstanceUID: f.SOPInstanceUID, Instances: 1, Code: CodeOf(err), Reason: err.Error(),
	}
}

// Origin is that of Stack, for a film: its geometry tells the pixels, and no place.
func (f *Radiograph) Origin() (*Origin, error) {
	for _, needed := range []struct {
		value string
		tag   tag.Tag
	}{{f.StudyInstanceUID, tag.StudyInstanceUID}, {f.SeriesInstanceUID, tag.SeriesInstanceUID}, {f.SOPInstanceUID, tag.SOPInstanceUID}} {
		if needed.value == "" {
			return nil, &MissingAttributeError{Keyword: name(needed.tag)}
		}
	}
	head, err := f.content.head(func(t tag.Tag) bool {
		return t == tag.BitsAllocated || slices.Contains(identityTags, t) || slices.Contains(lossyTags, t)
	})
	if err != nil {
		return nil, fmt.Errorf("instance %s: %w", f.SOPInstanceUID, err)
	}
	pixels := int64(head.Int(tag.BitsAllocated, 16)) * int64(f.Columns) * int64(f.Rows) / 8
	return &Origin{
		StudyInstanceUID: f.StudyInstanceUID, SeriesInstanceUID: f.SeriesInstanceUID, Modality: f.Modality, Film: true,
		Geometry: volume.Geometry{Columns: f.Columns, Rows: f.Rows, Slices: 1, Column: r3.Vec{Y: 1}, Row: r3.Vec{Z: -1}, Slice: r3.Vec{X: 1}},
		Images:   []OriginImage{{Slice: Slice{SOPClassUID: f.SOPClassUID, SOPInstanceUID: f.SOPInstanceUID}}},
		Identity: identityOf(&head.Dataset),
		Lossy:    lossyOf(&head.Dataset, head.TransferSyntaxUID, pixels, f.content.source.Size),
	}, nil
}

// film notes an instance that is a film, or why it is not used.
func (s *scanner) film(src Source, in *instance, unsupported error) {
	f, err := readFilm(in, unsupported)
	if err != nil {
		s.skip(src, in, err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catalog.Films = append(s.catalog.Films, f)
}

// isForeignObject reports whether an error says that an instance is no CT.
func isForeignObject(err error) bool {
	_, is := errors.AsType[*UnsupportedObjectError](err)
	return is
}
