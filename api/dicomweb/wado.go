// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicomweb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/frame"
	"github.com/endplate/endplate/analysis/dicom/metadata"
	"github.com/endplate/endplate/analysis/dicom/pixel"
	"github.com/endplate/endplate/analysis/dicom/transcode"
	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/store"
)

// mostInstances bounds the instances of one response.
const mostInstances = 200_000

// targets returns the instances that a path names, by series and number: at least one.
func (s *service) targets(r *http.Request) ([]store.Instance, error) {
	var q store.Query
	q.Limit = mostInstances
	last := ""
	for _, step := range []struct {
		name  string
		field store.Field
	}{{"study", store.FieldStudyInstanceUID}, {"series", store.FieldSeriesInstanceUID}, {"instance", store.FieldSOPInstanceUID}} {
		if uid := r.PathValue(step.name); uid != "" {
			last = step.name
			q.Matches = append(q.Matches, store.Match{Field: step.field, Values: []string{uid}})
		}
	}
	all, total, err := s.Store.FindInstances(r.Context(), q)
	switch {
	case err != nil:
		return nil, err
	case len(all) == 0:
		return nil, fault.New(fault.NotExist, fault.NotFound, "no %s %s here", last, r.PathValue(last))
	case total > len(all):
		return nil, refused(http.StatusRequestEntityTooLarge, fault.Exhausted, fault.LimitExceeded, "more than %d instances at once", mostInstances)
	}
	return all, nil
}

// tagOf names what is made of instances in a form: it is the same as long as they are.
func tagOf(instances []store.Instance, form ...string) string {
	h := sha256.New()
	for _, i := range instances {
		h.Write(i.SHA256[:])
	}
	for _, f := range form {
		_, _ = io.WriteString(h, "\x00"+f) // never fails
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// delivery is an instance and how it goes out.
type delivery struct {
	store.Instance
	offer
}

// deliveries chooses for each instance how it goes out, as it is stored if it may, and
// leaves out those that cannot go out as the caller accepts. One need not be a part.
func deliveries(a accepted, instances []store.Instance, one bool) (all []delivery) {
	for _, i := range instances {
		offers := inSyntax(i.TransferSyntaxUID, one)
		if i.TransferSyntaxUID != transcode.ExplicitVRLittleEndian && dicom.TransferSyntaxReadable(i.TransferSyntaxUID) {
			offers = append(offers, inSyntax(transcode.ExplicitVRLittleEndian, one)...)
		}
		if o, ok := a.choose(offers...); ok {
			all = append(all, delivery{i, o})
		}
	}
	return all
}

// inSyntax offers instances in a transfer syntax, in parts and perhaps one by itself.
func inSyntax(syntax string, one bool) []offer {
	o := offer{mediaType: mediaDICOM, syntax: syntax, standard: syntax == transcode.ExplicitVRLittleEndian}
	part := o
	part.parts = true
	if one {
		return []offer{part, o}
	}
	return []offer{part}
}

// retrieve delivers instances.
//
// Reference: DICOM PS3.18 section 10.4.
func (s *service) retrieve(w http.ResponseWriter, r *http.Request) error {
	a, err := parseAccept(r)
	if err != nil {
		return err
	}
	instances, err := s.targets(r)
	if err != nil {
		return err
	}
	all := deliveries(a, instances, r.PathValue("instance") != "")
	if len(all) == 0 {
		return notAcceptable("these instances")
	}
	if !all[0].parts {
		return s.deliverOne(w, r, all[0])
	}
	form := []string{"instances"}
	for _, d := range all {
		form = append(form, d.syntax)
	}
	if unmodified(w, r, tagOf(instances, form...)) {
		return nil
	}
	status := http.StatusOK
	if len(all) < len(instances) {
		status = http.StatusPartialContent
	}
	out := newMultipart(w, mediaDICOM, "", status)
	if r.Method == http.MethodHead {
		out.begin()
		return nil
	}
	base := s.baseURL(r)
	for _, d := range all {
		to := out.part(mediaDICOM+"; transfer-syntax="+d.syntax, instanceURL(base, d.Instance))
		if err := s.deliver(r.Context(), to, d); err != nil {
			return err
		}
	}
	return out.end()
}

// deliverOne delivers an instance that is the response.
func (s *service) deliverOne(w http.ResponseWriter, r *http.Request, d delivery) error {
	if unmodified(w, r, tagOf([]store.Instance{d.Instance}, "instance", d.syntax)) {
		return nil
	}
	w.Header().Set("Content-Type", mediaDICOM+"; transfer-syntax="+d.syntax)
	if r.Method == http.MethodHead {
		return nil
	}
	return s.deliver(r.Context(), w, d)
}

// deliver writes an instance.
func (s *service) deliver(ctx context.Context, to io.Writer, d delivery) error {
	if d.syntax == d.TransferSyntaxUID {
		return s.Store.CopyInstance(ctx, to, d.Instance)
	}
	release, err := s.work(ctx)
	if err != nil {
		return err
	}
	defer release()
	content, err := s.Store.OpenInstance(ctx, d.Instance)
	if err != nil {
		return err
	}
	defer content.Close()
	return unreadable(transcode.Write(ctx, to, content, d.Size))
}

// work waits for its turn to decode, so that many callers take no more memory than
// there are processors to use it.
func (s *service) work(ctx context.Context) (release func(), err error) {
	select {
	case s.decoding <- struct{}{}:
		return func() { <-s.decoding }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// unreadable classes an error of reading an instance that is stored: what it holds
// cannot be had as it was asked for.
func unreadable(err error) error {
	for _, kind := range []error{dicom.ErrMalformed, dicom.ErrTruncated, dicom.ErrTooLarge, pixel.ErrCorrupt, errors.ErrUnsupported, frame.ErrNoPixelData} {
		if errors.Is(err, kind) {
			return &statusError{fault.Wrap(err, fault.Unsupported, fault.MalformedInstance, "the instance cannot be decoded: %v", kind), http.StatusNotAcceptable}
		}
	}
	if errors.Is(err, frame.ErrNoFrame) {
		return fault.Wrap(err, fault.NotExist, fault.NotFound, "no such frame")
	}
	if errors.Is(err, metadata.ErrNoValue) {
		return fault.Wrap(err, fault.NotExist, fault.NotFound, "no value here")
	}
	return err
}

// metadata delivers what instances say of themselves.
//
// Reference: DICOM PS3.18 section 10.4.1.1.2.
func (s *service) metadata(w http.ResponseWriter, r *http.Request) error {
	json, err := datasetFormat(r)
	if err != nil {
		return err
	}
	instances, err := s.targets(r)
	if err != nil {
		return err
	}
	form := "XML"
	if json {
		form = "JSON"
	}
	if unmodified(w, r, tagOf(instances, "metadata", form, s.baseURL(r))) {
		return nil
	}
	out := newDatasets(w, json)
	if r.Method == http.MethodHead {
		out.begin()
		return nil
	}
	base := s.baseURL(r)
	for _, i := range instances {
		if err := s.describe(r.Context(), out.next(), i, instanceURL(base, i)); err != nil {
			return err
		}
	}
	return out.end()
}

// describe writes what an instance says of itself.
func (s *service) describe(ctx context.Context, to metadata.Writer, i store.Instance, url string) error {
	content, err := s.Store.OpenInstance(ctx, i)
	if err != nil {
		return err
	}
	defer content.Close()
	return metadata.Write(to, content, metadata.Options{BulkData: func(path string) string { return url + "/bulkdata/" + path }})
}
