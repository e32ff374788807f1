// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicomweb_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/volume"
	"github.com/endplate/endplate/api"
	"github.com/endplate/endplate/api/dicomweb"
)

// peer is a running server and who asks it.
type peer struct {
	base  string // URL of the service
	at    api.Addresses
	token string // empty: none
}

// config returns the configuration of a server for a test, which measures nothing.
func config(t testing.TB) api.Config {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return api.Config{
		Version: "test", Executable: program, HTTPAddr: "127.0.0.1:0", MetricsAddr: "127.0.0.1:0",
		Storage: api.Storage{Folder: t.TempDir()},
		Work:    api.Work{AnalysisMemory: 1 << 30, AnalysisTime: time.Minute, QueueLimit: 1000},
		Limits: api.Limits{
			Connections: 200, InstanceBytes: 64 << 20, UploadInstances: 1000, UploadBytes: 512 << 20, AnalyzeStreams: 1, AnalyzeStreamBytes: 1 << 30,
		},
		Security:      api.Security{TLSMinVersion: "1.3"},
		ShutdownGrace: 10 * time.Second,
	}
}

// serve starts a server that ends with the test.
func serve(t testing.TB, c api.Config) *peer {
	t.Helper()
	ready := make(chan api.Addresses, 1)
	c.Ready = func(at api.Addresses) { ready <- at }
	s, err := api.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	at := <-ready
	return &peer{base: "http://" + at.HTTP + dicomweb.Prefix, at: at}
}

// response is an answer, read whole.
type response struct {
	*http.Response
	body []byte
	err  error // of reading the body
}

// do sends a request, with header fields as name and value.
func (p *peer) do(t testing.TB, method, path string, body io.Reader, header ...string) *response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, p.base+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	if p.token != "" {
		r.Header.Set("Authorization", "Bearer "+p.token)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer answer.Body.Close()
	all, err := io.ReadAll(answer.Body)
	return &response{answer, all, err}
}

// get asks for something that must be there.
func (p *peer) get(t testing.TB, path, accept string) *response {
	t.Helper()
	r := p.do(t, http.MethodGet, path, nil, "Accept", accept)
	if r.StatusCode != http.StatusOK || r.err != nil {
		t.Fatalf("GET %s: %s, %v: %.200s", path, r.Status, r.err, r.body)
	}
	return r
}

// want fails unless an answer has a status.
func (r *response) want(t testing.TB, status int) *response {
	t.Helper()
	if r.StatusCode != status || r.err != nil {
		t.Errorf("%s %s: %s, %v, want %d: %.300s", r.Request.Method, r.Request.URL.Path, r.Status, r.err, status, r.body)
	}
	return r
}

// parts returns the parts of a multipart answer.
func (r *response) parts(t testing.TB) (headers []textproto.MIMEHeader, contents [][]byte) {
	t.Helper()
	mediaType, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "multipart/related" {
		t.Fatalf("content type %q, %v", r.Header.Get("Content-Type"), err)
	}
	parts := multipart.NewReader(bytes.NewReader(r.body), parameters["boundary"])
	for {
		part, err := parts.NextRawPart()
		if err == io.EOF { //nolint:errorlint // wrapped, it is an answer that ends too early
			return headers, contents
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(part)
		if err != nil {
			t.Fatal(err)
		}
		headers, contents = append(headers, part.Header), append(contents, content)
	}
}

// attributes is a data set as JSON.
type attributes map[string]struct {
	VR          string `json:"vr"`
	Value       []any
	BulkDataURI string
}

// value returns the first value of an attribute as text.
func (a attributes) value(tag string) string {
	if v := a[tag].Value; len(v) > 0 {
		return fmt.Sprint(v[0])
	}
	return ""
}

// items returns the items of a sequence.
func (a attributes) items(t testing.TB, tag string) (all []attributes) {
	t.Helper()
	b, err := json.Marshal(a[tag].Value)
	if err == nil {
		err = json.Unmarshal(b, &all)
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// datasets returns the data sets of an answer.
func (r *response) datasets(t testing.TB) (all []attributes) {
	t.Helper()
	if err := json.Unmarshal(r.body, &all); err != nil {
		t.Fatalf("%s: %v: %.300s", r.Request.URL, err, r.body)
	}
	return all
}

// related returns instances as the body of a store request, and its content type.
func related(instances ...[]byte) (body []byte, contentType string) {
	var b bytes.Buffer
	parts := multipart.NewWriter(&b)
	for _, i := range instances {
		part, _ := parts.CreatePart(textproto.MIMEHeader{"Content-Type": {"application/dicom"}})
		_, _ = part.Write(i)
	}
	_ = parts.Close()
	return b.Bytes(), `multipart/related; type="application/dicom"; boundary=` + parts.Boundary()
}

// store sends instances.
func (p *peer) store(t testing.TB, path string, instances ...[]byte) *response {
	t.Helper()
	body, contentType := related(instances...)
	return p.do(t, http.MethodPost, path, bytes.NewReader(body), "Content-Type", contentType)
}

// outcome returns what the response to a store request tells.
func (r *response) outcome(t testing.TB) attributes {
	t.Helper()
	var a attributes
	if err := json.Unmarshal(r.body, &a); err != nil {
		t.Fatalf("%s: %v: %.300s", r.Status, err, r.body)
	}
	return a
}

// instance is a file with what its header says.
type instance struct {
	name    string
	content []byte
	*dicom.Header
}

func (i instance) path() string {
	return "/studies/" + i.StudyInstanceUID + "/series/" + i.SeriesInstanceUID + "/instances/" + i.SOPInstanceUID
}

// shared returns the files below a folder of the development data, or skips the test.
// One for each SOPInstanceUID, as a server has it: the first.
func shared(t testing.TB, folders ...string) (all []instance) {
	t.Helper()
	root := os.Getenv("ENDPLATE_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared")
	}
	seen := map[string]bool{}
	for _, folder := range folders {
		err := filepath.WalkDir(filepath.Join(root, "data", folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			h, err := dicom.ReadHeader(bytes.NewReader(b))
			if err == nil && !seen[h.SOPInstanceUID] {
				seen[h.SOPInstanceUID] = true
				all = append(all, instance{filepath.Base(path), b, h})
			}
			return nil
		})
		if err != nil {
			t.Skipf("no development data: %v", err)
		}
	}
	return all
}

// identified leaves out the instances that lack a UID, which every server refuses.
func identified(all []instance) []instance {
	return slices.DeleteFunc(all, func(i instance) bool {
		return i.StudyInstanceUID == "" || i.SeriesInstanceUID == "" || i.SOPInstanceUID == ""
	})
}

// made returns a made series of n×n pixels and so many slices.
func made(t testing.TB, n, slices int, study string) (all []instance) {
	t.Helper()
	v := volume.New(volume.Geometry{
		Columns: n, Rows: n, Slices: slices, Column: r3.Vec{X: 1}, Row: r3.Vec{Y: 1}, Slice: r3.Vec{Z: 2},
	})
	random := rand.New(rand.NewPCG(1, 1))
	for i := range v.Samples {
		v.Samples[i] = int16(random.IntN(1000) - 500)
	}
	_, err := dicom.WriteCT(v, dicom.SyntheticCT{Study: study, FrameOfReference: study, PatientID: "P-" + study, Date: "20240229", Description: "made", Number: 3},
		func(k int, b []byte) error {
			h, err := dicom.ReadHeader(bytes.NewReader(b))
			all = append(all, instance{fmt.Sprint(k), bytes.Clone(b), h})
			return err
		})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func contents(all []instance) (contents [][]byte) {
	for _, i := range all {
		contents = append(contents, i.content)
	}
	return contents
}
