// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicomweb

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/endplate/endplate/analysis/dicom/metadata"
	"github.com/endplate/endplate/api/internal/fault"
)

// The media types. PS3.18 section 8.7.
const (
	mediaDICOM = "application/dicom"
	mediaJSON  = "application/dicom+json"
	mediaXML   = "application/dicom+xml"
	mediaAny   = "application/octet-stream"
	mediaJPEG  = "image/jpeg"
	mediaPNG   = "image/png"
)

// statusError is an error with a status that its kind does not tell.
type statusError struct {
	error
	status int
}

func (e *statusError) Unwrap() error { return e.error }

// refused returns an error with a status.
func refused(status int, kind fault.Kind, reason fault.Reason, format string, args ...any) error {
	return &statusError{fault.New(kind, reason, format, args...), status}
}

func notAcceptable(what string) error {
	return refused(http.StatusNotAcceptable, fault.Unsupported, fault.InvalidField, "none of the media types accepted can be had of %s", what)
}

// Refuse tells the caller of an error.
func Refuse(w http.ResponseWriter, err error) {
	told := fault.Public(err)
	status := told.Kind.HTTPStatus()
	if e, ok := asStatus(err); ok {
		status = e.status
	}
	h := w.Header()
	for _, name := range []string{"Content-Length", "ETag", "Cache-Control"} {
		h.Del(name)
	}
	h.Set("Content-Type", "application/json")
	if status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
	if told.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(told.RetryAfter.Seconds()))))
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"reason": string(told.Reason), "message": told.Text}) // the caller may be gone
}

// boundary returns what separates parts, and stands in none.
func boundary() string { return rand.Text() }

// late writes nothing before there is something to write: until then an error can be
// told instead.
type late struct {
	io.Writer
	before func() error // nil once it was called
}

func (l *late) Write(p []byte) (int, error) {
	if before := l.before; before != nil {
		l.before = nil
		if err := before(); err != nil {
			return 0, err
		}
	}
	return l.Writer.Write(p)
}

// multipart writes the parts of a response. It begins with the first byte of the first
// part.
type multipart struct {
	w                     http.ResponseWriter
	boundary, contentType string
	status                int
	begun                 bool
}

// newMultipart returns a response of parts of a media type.
func newMultipart(w http.ResponseWriter, mediaType, syntax string, status int) *multipart {
	m := &multipart{w: w, boundary: boundary(), status: status}
	if syntax != "" {
		syntax = "; transfer-syntax=" + syntax
	}
	m.contentType = fmt.Sprintf(`multipart/related; type="%s"%s; boundary=%s`, mediaType, syntax, m.boundary)
	return m
}

// begin begins the response, if it has not begun.
func (m *multipart) begin() {
	if !m.begun {
		m.begun = true
		m.w.Header().Set("Content-Type", m.contentType)
		m.w.WriteHeader(m.status)
	}
}

// part returns what a part is written to.
func (m *multipart) part(contentType, location string) io.Writer {
	head := "\r\n--" + m.boundary + "\r\nContent-Type: " + contentType + "\r\n"
	if location != "" {
		head += "Content-Location: " + location + "\r\n"
	}
	return &late{m.w, func() error {
		m.begin()
		_, err := io.WriteString(m.w, head+"\r\n")
		return err
	}}
}

// end ends the last part.
func (m *multipart) end() error {
	m.begin()
	_, err := io.WriteString(m.w, "\r\n--"+m.boundary+"--\r\n")
	return err
}

// datasets writes a response of data sets: a JSON array, or parts of XML.
type datasets struct {
	w     http.ResponseWriter
	n     int
	parts *multipart // nil for JSON
}

func newDatasets(w http.ResponseWriter, json bool) *datasets {
	if json {
		return &datasets{w: w}
	}
	return &datasets{w: w, parts: newMultipart(w, mediaXML, "", http.StatusOK)}
}

// begin begins the response, if it has not begun.
func (d *datasets) begin() {
	if d.parts != nil {
		d.parts.begin()
	} else if d.n == 0 {
		d.w.Header().Set("Content-Type", mediaJSON)
		d.w.WriteHeader(http.StatusOK)
	}
}

// next returns what the next data set is written to.
func (d *datasets) next() metadata.Writer {
	if d.parts != nil {
		return metadata.NewXML(d.parts.part(mediaXML, ""))
	}
	return metadata.NewJSON(&late{d.w, func() error {
		d.begin()
		separator := ",\n"
		if d.n == 0 {
			separator = "["
		}
		d.n++
		_, err := io.WriteString(d.w, separator)
		return err
	}})
}

// end ends the response, which has a data set.
func (d *datasets) end() error {
	if d.parts != nil {
		return d.parts.end()
	}
	_, err := io.WriteString(d.w, "]")
	return err
}

// warn tells of something that was not done as asked. RFC 7234 5.5, PS3.18 8.3.4.
func warn(w http.ResponseWriter, r *http.Request, format string, args ...any) {
	text := strings.ReplaceAll(fmt.Sprintf(format, args...), `"`, "'")
	w.Header().Add("Warning", fmt.Sprintf(`299 %s "%s"`, r.Host+Prefix, text))
}

// unmodified answers a request for what the caller has already, and otherwise names
// the answer by its tag. What is stored never changes: a caller may keep it.
func unmodified(w http.ResponseWriter, r *http.Request, tag string) bool {
	tag = `W/"` + tag + `"` // the bytes between parts are others each time
	h := w.Header()
	h.Set("ETag", tag)
	h.Set("Cache-Control", "private, no-cache") // it may be deleted, and the caller's roles taken
	h.Set("Vary", "Accept, Authorization")
	for _, header := range r.Header.Values("If-None-Match") {
		for candidate := range strings.SplitSeq(header, ",") {
			candidate = strings.TrimSpace(candidate)
			if candidate == "*" || strings.TrimPrefix(candidate, "W/") == strings.TrimPrefix(tag, "W/") {
				w.WriteHeader(http.StatusNotModified)
				return true
			}
		}
	}
	return false
}

func asStatus(err error) (*statusError, bool) { return errors.AsType[*statusError](err) }
