// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicomweb_test

import (
	"bytes"
	"encoding/json"
	"image"
	_ "image/jpeg"
	_ "image/png"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/endplate/endplate/analysis/dicom/frame"
	"github.com/endplate/endplate/analysis/dicom/metadata"
	"github.com/endplate/endplate/analysis/dicom/transcode"
)

// Every real file is stored or refused as its content deserves, and what is stored
// comes out as it went in: itself, in the transfer syntax that everybody reads, its
// attributes, its frames, and pictures.
func TestEveryRealFile(t *testing.T) {
	t.Parallel()
	all := shared(t, "dicom")
	p := serve(t, config(t))
	stored := 0
	for _, i := range all {
		r := p.store(t, "/studies", i.content)
		if r.StatusCode == http.StatusConflict {
			reason := r.outcome(t)
			if len(reason.items(t, "00081198"))+len(reason.items(t, "0008119A")) != 1 {
				t.Errorf("%s: refused without a reason: %s", i.name, r.body)
			}
			continue
		}
		r.want(t, http.StatusOK)
		stored++
		t.Run(i.name, func(t *testing.T) { served(t, p, i) })
	}
	if stored < 100 {
		t.Errorf("%d of %d files stored", stored, len(all))
	}
}

// served checks what a server delivers of an instance.
func served(t *testing.T, p *peer, i instance) {
	whole := p.get(t, i.path(), "application/dicom; transfer-syntax=*")
	if !bytes.Equal(whole.body, i.content) {
		t.Errorf("%d bytes, want the %d that were sent", len(whole.body), len(i.content))
	}
	var native bytes.Buffer
	undecodable := transcode.Write(t.Context(), &native, bytes.NewReader(i.content), int64(len(i.content)))
	switch r := p.do(t, http.MethodGet, i.path(), nil, "Accept", `multipart/related; type="application/dicom"`); {
	case i.TransferSyntaxUID == transcode.ExplicitVRLittleEndian:
		if _, contents := r.parts(t); len(contents) != 1 || !bytes.Equal(contents[0], i.content) {
			t.Error("in the default syntax it is not itself")
		}
	case undecodable == nil:
		if _, contents := r.parts(t); len(contents) != 1 || !bytes.Equal(contents[0], native.Bytes()) {
			t.Error("in the default syntax it is other than what is transcoded")
		}
	case r.err == nil && r.StatusCode == http.StatusOK:
		t.Errorf("it cannot be decoded (%v), and is said to be", undecodable)
	}
	servedMetadata(t, p, i)
	m, err := frame.Open(bytes.NewReader(i.content), int64(len(i.content)))
	if err != nil {
		p.do(t, http.MethodGet, i.path()+"/rendered", nil).want(t, http.StatusNotAcceptable)
		return
	}
	servedFrames(t, p, i, m)
}

// servedMetadata compares metadata with the header itself, and follows its URIs.
func servedMetadata(t *testing.T, p *peer, i instance) {
	sets := p.get(t, i.path()+"/metadata", "application/dicom+json").datasets(t)
	if len(sets) != 1 {
		t.Fatalf("%d data sets", len(sets))
	}
	var out bytes.Buffer
	at := p.base + i.path() + "/bulkdata/"
	if err := metadata.Write(metadata.NewJSON(&out), bytes.NewReader(i.content), metadata.Options{BulkData: func(path string) string { return at + path }}); err != nil {
		t.Fatal(err)
	}
	var want attributes
	if err := json.Unmarshal(out.Bytes(), &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, sets[0]); diff != "" {
		t.Errorf("metadata (-header +served):\n%s", diff)
	}
	for tag, a := range sets[0] {
		if a.BulkDataURI == "" || tag == "7FE00010" {
			continue
		}
		path := strings.TrimPrefix(a.BulkDataURI, p.base)
		value, err := metadata.Find(bytes.NewReader(i.content), tag)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if _, err := b.ReadFrom(value); err != nil {
			t.Fatal(err)
		}
		if r := p.get(t, path, "application/octet-stream"); !bytes.Equal(r.body, b.Bytes()) {
			t.Errorf("%s: %d bytes, want %d", path, len(r.body), b.Len())
		}
	}
	if _, contents := p.get(t, i.path()+"/metadata", `multipart/related; type="application/dicom+xml"`).parts(t); len(contents) != 1 || !bytes.Contains(contents[0], []byte(i.SOPInstanceUID)) {
		t.Errorf("%d data sets of XML", len(contents))
	}
}

// servedFrames compares frames and a picture with those that are read here.
func servedFrames(t *testing.T, p *peer, i instance, m *frame.Image) {
	want, err := m.Uncompressed(t.Context(), 1)
	if err != nil {
		p.do(t, http.MethodGet, i.path()+"/frames/1", nil, "Accept", "application/octet-stream").want(t, http.StatusNotAcceptable)
		return
	}
	if r := p.get(t, i.path()+"/frames/1", "application/octet-stream"); !bytes.Equal(r.body, want) {
		t.Error("the first frame is another")
	}
	if stored, err := m.Stored(1); err == nil && m.Compressed {
		r := p.get(t, i.path()+"/frames/1", "multipart/related; type=image/*; transfer-syntax="+i.TransferSyntaxUID)
		if _, contents := r.parts(t); !bytes.Equal(contents[0], stored) {
			t.Error("the first frame is stored as another")
		}
	}
	if picture, err := m.Picture(t.Context(), 1, nil); err == nil {
		r := p.get(t, i.path()+"/rendered", "image/png")
		got, kind, err := image.Decode(bytes.NewReader(r.body))
		if err != nil || kind != "png" || got.Bounds() != picture.Bounds() {
			t.Fatalf("%s picture, %v", kind, err)
		}
		at := image.Pt(m.Format.Columns/2, m.Format.Rows/2)
		r1, _, _, _ := got.At(at.X, at.Y).RGBA()
		r2, _, _, _ := picture.At(at.X, at.Y).RGBA()
		if r1 != r2 {
			t.Errorf("a grey of %d is shown as %d", r2, r1)
		}
	}
}
