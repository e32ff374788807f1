// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package destination

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/endplate/endplate/api/internal/fault"
)

// DICOMweb is a destination that takes objects by STOW-RS. PS3.18 section 10.5.
type DICOMweb struct {
	URL                  string // below which studies are
	TokenFile, BasicFile string // credentials; both empty: none
	TLS                  TLSFiles
}

// String says where it is.
func (w *DICOMweb) String() string { return w.URL }

const mediaDICOMJSON = "application/dicom+json"

// Times of a connection. An archive may take its time to store what it got.
const (
	connectTime = 10 * time.Second
	answerTime  = 2 * time.Minute
)

// Send sends objects in one request.
func (w *DICOMweb) Send(ctx context.Context, objects []Object) []error {
	answer, err := w.stow(ctx, objects)
	if err != nil {
		return slices.Repeat([]error{err}, len(objects))
	}
	errs := make([]error, len(objects))
	for i, o := range objects {
		errs[i] = w.outcome(ctx, answer, o)
	}
	return errs
}

// answer is the answer to a STOW-RS request.
type answer struct {
	status int
	stored map[string]bool // by SOPInstanceUID
	failed map[string]int  // FailureReason by SOPInstanceUID
}

// failureDuplicate is the FailureReason of what is there already. PS3.18 Table I.2-2
// and PS3.4 Table B.2-1.
const failureDuplicate = 0x0111

// outcome returns why an object has not arrived.
func (w *DICOMweb) outcome(ctx context.Context, a *answer, o Object) error {
	reason, failed := a.failed[o.SOPInstanceUID]
	switch {
	case a.stored[o.SOPInstanceUID], failed && reason == failureDuplicate:
		return nil
	case failed && a.status != http.StatusConflict:
		return fault.New(fault.Unsupported, "", "it was refused with the failure reason %04XH", reason)
	case a.status == http.StatusOK:
		return nil // all were stored, and the answer need not say more
	}
	// An archive that has an object answers that it is in conflict with itself.
	there, err := w.has(ctx, o)
	switch {
	case err != nil:
		return err
	case there:
		return nil
	case failed:
		return fault.New(fault.Unsupported, "", "it was refused with the failure reason %04XH", reason)
	}
	return fault.New(fault.Unsupported, "", "it was refused with the status %d", a.status)
}

// stow sends objects and returns the answer, of the statuses 200, 202 and 409.
func (w *DICOMweb) stow(ctx context.Context, objects []Object) (*answer, error) {
	body := newMultipart(objects)
	defer func() { _ = body.Close() }() // of files that were read
	r, err := w.request(ctx, http.MethodPost, "/studies", body)
	if err != nil {
		return nil, err
	}
	r.ContentLength = body.length
	r.Header.Set("Content-Type", body.contentType())
	response, err := w.do(r)
	if err != nil {
		return nil, cmp.Or(body.problem(), err)
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK, http.StatusAccepted, http.StatusConflict:
		return readAnswer(response), nil
	}
	return nil, refused(response.StatusCode)
}

// refused classes the status of a request that was not carried out.
func refused(status int) error {
	kind := fault.Unavailable
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return fault.New(fault.Denied, "", "our credentials do not allow it: status %d", status)
	case status == http.StatusTooManyRequests:
	case status < http.StatusInternalServerError:
		kind = fault.Unsupported
	}
	return fault.New(kind, "", "it answers with the status %d", status)
}

// longestAnswer bounds what is read of an answer, bytes.
const longestAnswer = 4 << 20

// attributes are a data set as DICOM JSON, of which only UIDs and numbers are read.
// PS3.18 annex F.
type attributes map[string]struct {
	Value []json.RawMessage `json:"Value"`
}

// Keys of the attributes.
const (
	keySOPInstanceUID           = "00080018"
	keyReferencedSOPInstanceUID = "00081155"
	keyFailureReason            = "00081197"
	keyFailedSOPSequence        = "00081198"
	keyReferencedSOPSequence    = "00081199"
)

// value reads the first value of an attribute into v, if there is one of its type.
func (a attributes) value(key string, v any) {
	if values := a[key].Value; len(values) > 0 {
		_ = json.Unmarshal(values[0], v) // what is no such value is as good as none
	}
}

func (a attributes) items(key string) (items []attributes) {
	for _, raw := range a[key].Value {
		var item attributes
		if json.Unmarshal(raw, &item) == nil {
			items = append(items, item)
		}
	}
	return items
}

// readAnswer reads what an answer says of each object. One that cannot be read says
// nothing.
func readAnswer(r *http.Response) *answer {
	a := &answer{status: r.StatusCode, stored: map[string]bool{}, failed: map[string]int{}}
	var said attributes
	if json.NewDecoder(io.LimitReader(r.Body, longestAnswer)).Decode(&said) != nil {
		return a
	}
	for _, item := range said.items(keyReferencedSOPSequence) {
		var uid string
		item.value(keyReferencedSOPInstanceUID, &uid)
		a.stored[uid] = true
	}
	for _, item := range said.items(keyFailedSOPSequence) {
		var uid string
		var reason int
		item.value(keyReferencedSOPInstanceUID, &uid)
		item.value(keyFailureReason, &reason)
		a.failed[uid] = reason
	}
	return a
}

// has asks by QIDO-RS whether an object is there. PS3.18 section 10.6.
func (w *DICOMweb) has(ctx context.Context, o Object) (bool, error) {
	path := fmt.Sprintf("/studies/%s/series/%s/instances?%s", url.PathEscape(o.StudyInstanceUID), url.PathEscape(o.SeriesInstanceUID),
		url.Values{"SOPInstanceUID": {o.SOPInstanceUID}}.Encode())
	found, err := w.query(ctx, path)
	if errors.Is(err, errNothingThere) {
		return false, nil
	}
	return slices.ContainsFunc(found, func(a attributes) bool {
		var uid string
		a.value(keySOPInstanceUID, &uid)
		return uid == o.SOPInstanceUID
	}), err
}

// Probe asks by QIDO-RS for one study.
func (w *DICOMweb) Probe(ctx context.Context) error {
	_, err := w.query(ctx, "/studies?limit=1")
	return err
}

// errNothingThere is the answer to a query of what is not there.
var errNothingThere = refused(http.StatusNotFound)

func (w *DICOMweb) query(ctx context.Context, path string) (found []attributes, err error) {
	r, err := w.request(ctx, http.MethodGet, path, nil)
	if err != nil {
		return nil, err
	}
	response, err := w.do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusNoContent:
		return nil, nil
	case http.StatusNotFound:
		return nil, errNothingThere
	case http.StatusOK:
		if json.NewDecoder(io.LimitReader(response.Body, longestAnswer)).Decode(&found) != nil {
			return nil, fault.New(fault.Unavailable, "", "its answer to a query is no DICOM JSON")
		}
		return found, nil
	}
	return nil, refused(response.StatusCode)
}

// request returns a request with our credentials.
func (w *DICOMweb) request(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, w.URL+path, body)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "", "its URL cannot be")
	}
	r.Header.Set("Accept", mediaDICOMJSON)
	switch {
	case w.TokenFile != "":
		token, err := secret(w.TokenFile)
		if err != nil {
			return nil, err
		}
		r.Header.Set("Authorization", "Bearer "+token)
	case w.BasicFile != "":
		pair, err := secret(w.BasicFile)
		if err != nil {
			return nil, err
		}
		r.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
	}
	return r, nil
}

// longestSecret bounds a file of credentials, bytes.
const longestSecret = 64 << 10

// secret reads a file of one line.
func secret(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", errFile(err, "the file of credentials")
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, longestSecret))
	if err != nil {
		return "", errFile(err, "the file of credentials")
	}
	line := strings.TrimSpace(string(raw))
	if line == "" || strings.ContainsAny(line, "\r\n") {
		return "", errFile(fmt.Errorf("%s does not hold one line", path), "the file of credentials")
	}
	return line, nil
}

// do sends a request. A redirection is not followed: patients' data go where they are
// configured to go.
func (w *DICOMweb) do(r *http.Request) (*http.Response, error) {
	config, err := w.TLS.config()
	if err != nil {
		return nil, err
	}
	client := &http.Client{
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: connectTime}).DialContext,
			TLSHandshakeTimeout:   connectTime,
			TLSClientConfig:       config,
			ResponseHeaderTimeout: answerTime,
			DisableKeepAlives:     true, // the next request is for another day
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(r)
	if err != nil {
		return nil, unreachable(err)
	}
	return response, nil
}
