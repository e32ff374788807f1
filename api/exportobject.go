// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/store"
	"github.com/endplate/endplate/api/measure"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// objectKinds are the formats that are DICOM objects.
var objectKinds = map[endplatev1.ExportAnalysisRequest_Format]string{
	endplatev1.ExportAnalysisRequest_DICOM_SR:  "sr",
	endplatev1.ExportAnalysisRequest_DICOM_SEG: "seg",
	endplatev1.ExportAnalysisRequest_DICOM_SC:  "sc",
	endplatev1.ExportAnalysisRequest_DICOM_PDF: "pdf",
}

// exportObjects writes the objects of a kind that tell of a subject, as a document that
// is called so.
func (s *server) exportObjects(ctx context.Context, of store.Subject, kind, name string) (*endplatev1.ExportAnalysisResponse, error) {
	objects, err := s.objects(ctx, of, kind)
	if err != nil {
		return nil, err
	}
	files := make([]file, len(objects))
	for i, o := range objects {
		h, err := dicom.ReadHeader(bytes.NewReader(o))
		if err != nil {
			return nil, fmt.Errorf("an object that was made: %w", err)
		}
		files[i] = file{h.SOPInstanceUID + ".dcm", o}
	}
	return packed(files, "application/dicom", name+"."+kind+".dcm", name+"."+kind+".zip")
}

// objects returns the objects of a kind that tell of a subject: those that were
// published, or else the same ones, made now. There is one at least.
func (s *server) objects(ctx context.Context, of store.Subject, kind string) ([][]byte, error) {
	objects, err := s.publishedObjects(ctx, of, kind)
	if err == nil && len(objects) == 0 {
		objects, err = s.makeObjects(ctx, of, kind)
	}
	if err == nil && len(objects) == 0 {
		err = fault.New(fault.NotReady, fault.NoSuchView, "there is nothing of which an object of kind %s could tell", kind)
	}
	return objects, err
}

// publishedObjects returns the bytes of the objects of a kind that were stored, in the
// order in which they were made.
func (s *server) publishedObjects(ctx context.Context, of store.Subject, kind string) (objects [][]byte, err error) {
	p, err := s.store.Publication(ctx, of)
	if err != nil || p.State != store.Succeeded {
		return nil, absent(err)
	}
	stored, err := s.store.Objects(ctx, of)
	if err != nil {
		return nil, err
	}
	stored = slices.DeleteFunc(stored, func(o store.Object) bool { return o.Kind != kind })
	slices.SortStableFunc(stored, func(a, b store.Object) int {
		return cmp.Or(cmp.Compare(a.SeriesInstanceUID, b.SeriesInstanceUID), cmp.Compare(number(a), number(b)))
	})
	for _, o := range stored {
		var b bytes.Buffer
		if err := s.store.CopyInstance(ctx, &b, o.Instance); err != nil {
			return nil, err
		}
		objects = append(objects, b.Bytes())
	}
	return objects, nil
}

// absent passes over that there is none.
func absent(err error) error {
	if fault.Of(err) == fault.NotExist {
		return nil
	}
	return err
}

// number returns the InstanceNumber of an object, which all that are made have.
func number(o store.Object) int {
	if o.InstanceNumber == nil {
		return 0
	}
	return *o.InstanceNumber
}

// makeObjects makes objects without storing them.
func (s *server) makeObjects(ctx context.Context, of store.Subject, kind string) ([][]byte, error) {
	select {
	case s.streams <- struct{}{}: // it takes what the analysis of a stream takes, and less time
		defer func() { <-s.streams }()
	default:
		return nil, fault.New(fault.Exhausted, fault.LimitExceeded, "%d objects and streams are at work, the most at a time", cap(s.streams)).WithRetry(time.Second)
	}
	objects, done, err := s.jobs.Make(ctx, of, kind)
	_, crashed := errors.AsType[*measure.CrashError](err)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, measure.ErrTimeLimit), errors.Is(err, measure.ErrMemoryLimit):
		return nil, fault.Wrap(err, fault.Exhausted, fault.LimitExceeded, "the object went beyond its %v", err)
	case crashed:
		return nil, fault.Wrap(err, fault.Internal, fault.Bug, "making the object ended its process")
	case err != nil:
		return nil, err
	case done.Reason == fault.StoredDataCorrupt:
		return nil, fault.New(fault.Corrupt, done.Reason, "%s", done.Text)
	case done.Reason != "":
		return nil, fault.New(fault.Invalid, done.Reason, "%s", done.Text)
	}
	return objects, nil
}

// file is a file of an archive.
type file struct {
	name    string
	content []byte
}

// packed returns the only file as it is, under a name, or several as an archive of
// another.
func packed(files []file, mediaType, name, archive string) (*endplatev1.ExportAnalysisResponse, error) {
	if len(files) == 1 {
		return &endplatev1.ExportAnalysisResponse{MediaType: mediaType, Filename: name, Content: files[0].content}, nil
	}
	b, err := zipped(files)
	return &endplatev1.ExportAnalysisResponse{MediaType: "application/zip", Filename: archive, Content: b}, err
}

// zipped returns an archive of files.
func zipped(files []file) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range files {
		// No time: the same files are the same bytes.
		w, err := z.CreateHeader(&zip.FileHeader{Name: f.name, Method: zip.Deflate})
		if err == nil {
			_, err = w.Write(f.content)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
