// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicomweb

import (
	"errors"
	"io"
	mimemultipart "mime/multipart"
	"net/http"

	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/ingest"
)

// store takes the instances of a request in while they arrive.
//
// Reference: DICOM PS3.18 section 10.5.
func (s *service) store(w http.ResponseWriter, r *http.Request) error {
	a, err := parseAccept(r)
	if err != nil {
		return err
	}
	format, ok := a.choose(offer{mediaType: mediaJSON}, offer{mediaType: mediaXML})
	if !ok {
		return notAcceptable("the response")
	}
	incoming, err := s.openBody(w, r)
	if err != nil {
		return err
	}
	into := &intake{Stream: s.Ingest.Stream(), study: r.PathValue("study")}
	err = incoming.each(func(content io.Reader, dicom bool) { into.add(r, content, dicom) })
	results := into.wait()
	if err != nil {
		return err
	}
	return s.answerStore(w, r, format.mediaType == mediaJSON, results)
}

// intake is the instances of one request.
type intake struct {
	*ingest.Stream
	study string
	dicom []bool // of each part, whether it was taken for an instance
}

func (in *intake) add(r *http.Request, content io.Reader, dicom bool) {
	in.dicom = append(in.dicom, dicom)
	if dicom {
		in.Add(r.Context(), ingest.Upload{Source: Source, StudyInstanceUID: in.study}, content)
	}
}

var errNoInstance = fault.New(fault.Unsupported, fault.InvalidField, "the part is not of media type application/dicom")

// wait returns what became of each part.
func (in *intake) wait() []ingest.Outcome {
	outcomes := in.Wait()
	all := make([]ingest.Outcome, len(in.dicom))
	for i, dicom := range in.dicom {
		if !dicom {
			all[i].Err = errNoInstance
			continue
		}
		all[i], outcomes = outcomes[0], outcomes[1:]
	}
	return all
}

// body is the body of a store request.
type body struct {
	io.Reader
	boundary  string // of multipart; empty for a single instance
	instances int    // at most
	broken    error  // what ended the reading, other than its end
}

// openBody looks at what a request says that it holds. Nothing is read yet, so that a
// caller who asked whether to go on is told not to.
func (s *service) openBody(w http.ResponseWriter, r *http.Request) (*body, error) {
	mediaType, parameters, ok := parseMedia(r.Header.Get("Content-Type"))
	if !ok {
		return nil, refused(http.StatusUnsupportedMediaType, fault.Unsupported, fault.InvalidField, "the media type of the request cannot be read")
	}
	b := &body{instances: s.MaxInstances}
	switch {
	case mediaType == mediaDICOM:
	case mediaType != "multipart/related", parameters["type"] != "" && parameters["type"] != mediaDICOM:
		return nil, refused(http.StatusUnsupportedMediaType, fault.Unsupported, fault.InvalidField,
			`instances are taken as multipart/related; type="application/dicom", or one as application/dicom`)
	case parameters["boundary"] == "" || len(parameters["boundary"]) > longestBoundary:
		return nil, fault.New(fault.Invalid, fault.InvalidField, "the request has no boundary of its parts that can be one")
	default:
		b.boundary = parameters["boundary"]
	}
	if r.ContentLength > s.MaxBytes {
		return nil, errTooLarge
	}
	content := io.Reader(http.MaxBytesReader(w, r.Body, s.MaxBytes))
	switch encoding := r.Header.Get("Content-Encoding"); encoding {
	case "", "identity":
	case "gzip", "x-gzip":
		content = &inflating{packed: &counting{r: content}, most: s.MaxBytes}
	default:
		return nil, refused(http.StatusUnsupportedMediaType, fault.Unsupported, fault.InvalidField, "the content encoding is none but gzip")
	}
	b.Reader = &paced{r: content}
	return b, nil
}

// longestBoundary is longer than RFC 2046 section 5.1.1 allows, 70: Orthanc's has 73.
const longestBoundary = 256

var errTooLarge = refused(http.StatusRequestEntityTooLarge, fault.Exhausted, fault.LimitExceeded, "the request is larger than the server takes")

// Read notes why no more can be read.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil && err != io.EOF && b.broken == nil {
		b.broken = err
	}
	return n, err
}

// each calls visit for each part, and says whether it is said to be an instance. It
// fails where the request cannot be read to its end.
func (b *body) each(visit func(content io.Reader, dicom bool)) error {
	if b.boundary == "" {
		visit(b, true)
		return b.failure(nil)
	}
	parts := mimemultipart.NewReader(b, b.boundary)
	for n := 0; ; n++ {
		part, err := parts.NextRawPart()
		if err == io.EOF { // the last boundary; wrapped, it is a request that ends before
			if n == 0 {
				return fault.New(fault.Invalid, fault.InvalidField, "the request has no part")
			}
			return nil
		}
		if err != nil {
			return b.failure(err)
		}
		if n == b.instances {
			return errTooLarge
		}
		mediaType, _, ok := parseMedia(part.Header.Get("Content-Type"))
		visit(part, ok && mediaType == mediaDICOM || part.Header.Get("Content-Type") == "")
	}
}

// failure classes what ended a request early: the reading, or else its structure.
func (b *body) failure(structure error) error {
	err := b.broken
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return errTooLarge
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	switch {
	case err != nil:
		return fault.Wrap(err, fault.Invalid, fault.InvalidField, "the request ends before it should, or is not encoded as it says")
	case structure != nil:
		return fault.Wrap(structure, fault.Invalid, fault.InvalidField, "the parts of the request cannot be told apart")
	}
	return nil
}
