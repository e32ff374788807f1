// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicomweb_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The response says what became of each instance, and where it can be had.
func TestStore(t *testing.T) {
	t.Parallel()
	p := serve(t, config(t))
	all := made(t, 16, 3, "1")
	r := p.store(t, "/studies", contents(all)...).want(t, http.StatusOK)
	if got := r.Header.Get("Content-Type"); got != "application/dicom+json" {
		t.Errorf("content type %q", got)
	}
	a := r.outcome(t)
	if got, want := a.value("00081190"), p.base+"/studies/"+all[0].StudyInstanceUID; got != want {
		t.Errorf("the study is at %q, want %q", got, want)
	}
	items := a.items(t, "00081199")
	if len(items) != 3 {
		t.Fatalf("%d instances stored: %s", len(items), r.body)
	}
	for k, i := range all {
		if items[k].value("00081155") != i.SOPInstanceUID || items[k].value("00081150") != i.SOPClassUID || items[k].value("00081190") != p.base+i.path() {
			t.Errorf("instance %d: %v", k, items[k])
		}
	}
	// Again, as XML, one by itself, and compressed: stored they are.
	for _, again := range []*response{
		p.store(t, "/studies/"+all[0].StudyInstanceUID, contents(all)...),
		p.do(t, http.MethodPost, "/studies", bytes.NewReader(all[1].content), "Content-Type", "application/dicom"),
		p.do(t, http.MethodPost, "/studies", zipped(t, all[1].content), "Content-Type", "application/dicom", "Content-Encoding", "gzip"),
	} {
		again.want(t, http.StatusOK)
	}
	body, contentType := related(contents(all)...)
	r = p.do(t, http.MethodPost, "/studies", bytes.NewReader(body), "Content-Type", contentType, "Accept", "application/dicom+xml").want(t, http.StatusOK)
	if !bytes.Contains(r.body, []byte(`<DicomAttribute tag="00081199" vr="SQ" keyword="ReferencedSOPSequence">`)) {
		t.Errorf("XML: %s", r.body)
	}
}

func zipped(t *testing.T, b []byte) io.Reader {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return &out
}

// Every reason for which an instance is refused has its code, and the response the
// status of the standard. PS3.18 table 10.5.3-1, I.2-2.
func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.Limits.InstanceBytes = 1 << 20
	p := serve(t, c)
	all := made(t, 16, 2, "1")
	good, second := all[0].content, all[1].content
	p.store(t, "/studies", good).want(t, http.StatusOK)
	changed := bytes.Clone(good)
	changed[len(changed)-1] ^= 1
	replaced := func(old, other string) []byte { return bytes.ReplaceAll(second, []byte(old), []byte(other)) }
	for name, tt := range map[string]struct {
		path      string
		instances [][]byte
		status    int
		failure   string // of the last; "" if it is stored
		known     bool   // which instance it is
	}{
		"no DICOM":             {"", [][]byte{[]byte("GIF89a, and more of it")}, 409, "49152", false},
		"cut off":              {"", [][]byte{second[:len(second)-100]}, 409, "49152", true},
		"other bytes":          {"", [][]byte{changed}, 409, "273", true},
		"SOP class":            {"", [][]byte{replaced("1.2.840.10008.5.1.4.1.1.2\x00", "1.2.840.10008.5.1.4.1.1.4\x00")}, 409, "290", true},
		"transfer syntax":      {"", [][]byte{replaced("1.2.840.10008.1.2.1\x00", "1.2.840.10008.1.2.9\x00")}, 409, "49442", true},
		"another study":        {"/1.2.3", [][]byte{second}, 409, "43264", true},
		"good and bad":         {"", [][]byte{good, []byte("GIF89a, and more of it")}, 202, "49152", false},
		"too large":            {"", [][]byte{append(bytes.Clone(second), make([]byte, 2<<20)...)}, 413, "42752", true},
		"another study of two": {"/" + all[0].StudyInstanceUID, [][]byte{good, changed}, 202, "273", true},
	} {
		t.Run(name, func(t *testing.T) {
			r := p.store(t, "/studies"+tt.path, tt.instances...).want(t, tt.status)
			sequence := "0008119A"
			if tt.known {
				sequence = "00081198"
			}
			items := r.outcome(t).items(t, sequence)
			if len(items) != 1 || items[0].value("00081197") != tt.failure {
				t.Errorf("%s", r.body)
			}
		})
	}
	if n := len(p.get(t, "/instances", "application/dicom+json").datasets(t)); n != 1 {
		t.Errorf("%d instances stored, want 1", n)
	}
}

// A request that cannot be understood is told so before it is read, or when it turns
// out.
func TestRequestsThatCannotBe(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.Limits.UploadBytes = 1 << 20
	c.Limits.UploadInstances = 3
	p := serve(t, c)
	all := made(t, 16, 4, "1")
	body, contentType := related(contents(all[:2])...)
	four, fourType := related(contents(all)...)
	header := func(s string) []string { return []string{"Content-Type", s} }
	for name, tt := range map[string]struct {
		body   []byte
		header []string
		status int
	}{
		"no media type":      {body, nil, 415},
		"another media type": {body, header("application/json"), 415},
		"metadata":           {body, header(strings.Replace(contentType, "application/dicom", "application/dicom+json", 1)), 415},
		"encoding":           {body, append(header(contentType), "Content-Encoding", "br"), 415},
		"not gzip":           {body, append(header(contentType), "Content-Encoding", "gzip"), 400},
		"no boundary":        {body, header(`multipart/related; type="application/dicom"`), 400},
		"another boundary":   {body, header(`multipart/related; type="application/dicom"; boundary=other`), 400},
		"long boundary":      {body, header(`multipart/related; type="application/dicom"; boundary=` + strings.Repeat("x", 257)), 400},
		"nothing":            {nil, header(contentType), 400},
		"no part":            {[]byte("--x--\r\n"), header("multipart/related; type=application/dicom; boundary=x"), 400},
		"cut off":            {body[:len(body)-10], header(contentType), 400},
		"cut off in a part":  {body[:len(body)/2], header(contentType), 400},
		"too many":           {four, header(fourType), 413},
		"too long":           {bytes.Repeat([]byte("x"), 1<<20+1), header(contentType), 413},
		"not acceptable":     {body, append(header(contentType), "Accept", "text/html"), 406},
		"a header too long":  {[]byte("--x\r\nContent-Type: " + strings.Repeat("y", 1<<19) + "\r\n\r\nz\r\n--x--\r\n"), header("multipart/related; type=application/dicom; boundary=x"), 409},
	} {
		t.Run(name, func(t *testing.T) {
			r := p.do(t, http.MethodPost, "/studies", bytes.NewReader(tt.body), tt.header...)
			if r.StatusCode != tt.status {
				t.Errorf("%s, want %d: %.200s", r.Status, tt.status, r.body)
			}
		})
	}
	// Of unknown length, and too long.
	r := p.do(t, http.MethodPost, "/studies", io.MultiReader(strings.NewReader("--x\r\n\r\n"), io.LimitReader(zeros{}, 2<<20)), header("multipart/related; type=application/dicom; boundary=x")...)
	if r.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a long body: %s", r.Status)
	}
	r = p.do(t, http.MethodPost, "/studies", zipped(t, append(bytes.Clone(all[0].content), make([]byte, 16<<20)...)), append(header("application/dicom"), "Content-Encoding", "gzip")...)
	if r.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a bomb: %s", r.Status)
	}
	// A part of another kind is refused, and no other for it.
	var b bytes.Buffer
	parts := multipart.NewWriter(&b)
	for _, kind := range []string{"text/plain", "application/dicom", ""} {
		h := map[string][]string{}
		if kind != "" {
			h["Content-Type"] = []string{kind}
		}
		part, err := parts.CreatePart(h)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = part.Write(all[0].content)
	}
	_ = parts.Close()
	r = p.do(t, http.MethodPost, "/studies", &b, header(`multipart/related; boundary=`+parts.Boundary())...).want(t, http.StatusAccepted)
	if a := r.outcome(t); len(a.items(t, "00081199")) != 2 || len(a.items(t, "0008119A")) != 1 {
		t.Errorf("%s", r.body)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// A server that takes identities out stores under other UIDs, and says so.
func TestStoreWithoutIdentities(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.Storage.Deidentify = true
	p := serve(t, c)
	all := made(t, 16, 2, "1")
	p.store(t, "/studies/1.2.3", all[0].content).want(t, http.StatusConflict)
	r := p.store(t, "/studies/"+all[0].StudyInstanceUID, contents(all)...).want(t, http.StatusAccepted)
	items := r.outcome(t).items(t, "00081199")
	if len(items) != 2 || items[0].value("00081196") != fmt.Sprint(0xB000) || items[0].value("00081155") == all[0].SOPInstanceUID {
		t.Fatalf("%s", r.body)
	}
	path := strings.TrimPrefix(items[0].value("00081190"), p.base)
	if got := p.get(t, path, "application/dicom; transfer-syntax=*"); bytes.Contains(got.body, []byte("PHANTOM^SPINE")) {
		t.Error("the name is there")
	}
	p.do(t, http.MethodGet, all[0].path(), nil).want(t, http.StatusNotFound)
	if diff := cmp.Diff(1, len(p.get(t, "/studies", "*/*").datasets(t))); diff != "" {
		t.Error(diff)
	}
}
