// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicomweb_test

import (
	"bytes"
	"image"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/endplate/endplate/analysis/dicom"
)

// A study, a series and an instance come out in parts, in the order of their numbers.
func TestRetrieve(t *testing.T) {
	t.Parallel()
	p := serve(t, config(t))
	all := made(t, 16, 3, "1")
	p.store(t, "/studies", all[2].content, all[0].content, all[1].content).want(t, http.StatusOK)
	study := "/studies/" + all[0].StudyInstanceUID
	series := study + "/series/" + all[0].SeriesInstanceUID
	for path, n := range map[string]int{study: 3, series: 3, all[0].path(): 1} {
		r := p.get(t, path, `multipart/related; type="application/dicom"`)
		headers, got := r.parts(t)
		if len(got) != n {
			t.Errorf("%s: %d parts, want %d", path, len(got), n)
			continue
		}
		for k := range got {
			if !bytes.Equal(got[k], all[k].content) {
				t.Errorf("%s: part %d is another", path, k)
			}
			if h := headers[k]; h.Get("Content-Type") != "application/dicom; transfer-syntax=1.2.840.10008.1.2.1" || h.Get("Content-Location") != p.base+all[k].path() {
				t.Errorf("%s: part %d: %v", path, k, h)
			}
		}
		if sets := p.get(t, path+"/metadata", "").datasets(t); len(sets) != n || sets[0].value("00080018") != all[0].SOPInstanceUID || sets[0]["7FE00010"].BulkDataURI != p.base+all[0].path()+"/bulkdata/7FE00010" {
			t.Errorf("%s: %d data sets", path, len(sets))
		}
	}
	for _, path := range []string{
		"/studies/1.2.3", study + "/series/1.2.3", series + "/instances/1.2.3", "/studies/1.2.3/series/" + all[0].SeriesInstanceUID,
		"/studies/1.2.3/metadata", series + "/instances/1.2.3/frames/1", series + "/instances/1.2.3/bulkdata/7FE00010", "/studies/1.2.3/rendered", "/studies/1.2.3/thumbnail",
		all[0].path() + "/bulkdata/00000000", all[0].path() + "/bulkdata/..%2f..%2fetc%2fpasswd", all[0].path() + "/frames/2", all[0].path() + "/nothing",
	} {
		p.do(t, http.MethodGet, path, nil).want(t, http.StatusNotFound)
	}
	for _, path := range []string{all[0].path() + "/frames/0", all[0].path() + "/frames/x", all[0].path() + "/frames/1,,2", all[0].path() + "/frames/99999999999"} {
		p.do(t, http.MethodGet, path, nil).want(t, http.StatusBadRequest)
	}
	p.do(t, http.MethodGet, study, nil, "Accept", "application/dicom").want(t, http.StatusNotAcceptable)
	p.do(t, http.MethodGet, study, nil, "Accept", `multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.4.90`).want(t, http.StatusNotAcceptable)
}

// What a caller has already is not sent again, and HEAD tells that something is there.
func TestConditionalRequests(t *testing.T) {
	t.Parallel()
	p := serve(t, config(t))
	all := made(t, 16, 2, "1")
	p.store(t, "/studies", contents(all)...).want(t, http.StatusOK)
	study := "/studies/" + all[0].StudyInstanceUID
	seen := map[string]string{}
	for _, path := range []string{study, all[0].path(), all[1].path(), study + "/metadata", all[0].path() + "/metadata", all[0].path() + "/frames/1", all[0].path() + "/rendered", all[0].path() + "/rendered?window=40,400", all[0].path() + "/thumbnail", all[0].path() + "/bulkdata/7FE00010"} {
		r := p.get(t, path, "")
		tag := r.Header.Get("ETag")
		if other, again := seen[tag]; tag == "" || again {
			t.Errorf("%s has the tag %s of %q", path, tag, other)
		}
		seen[tag] = path
		for header, status := range map[string]int{tag: 304, `"other", ` + tag: 304, "*": 304, `"other"`: 200} {
			if r := p.do(t, http.MethodGet, path, nil, "If-None-Match", header).want(t, status); status == 304 && len(r.body) > 0 {
				t.Errorf("%s: %d bytes that are not needed", path, len(r.body))
			}
		}
		head := p.do(t, http.MethodHead, path, nil).want(t, http.StatusOK)
		if head.Header.Get("ETag") != tag || !strings.HasPrefix(head.Header.Get("Content-Type"), strings.Split(r.Header.Get("Content-Type"), ";")[0]) {
			t.Errorf("%s: HEAD %v", path, head.Header)
		}
	}
	// One more instance makes another study.
	before := p.get(t, study, "").Header.Get("ETag")
	more := made(t, 16, 3, "1")
	p.store(t, "/studies", contents(more)...).want(t, http.StatusOK)
	p.do(t, http.MethodGet, study, nil, "If-None-Match", before).want(t, http.StatusOK)
}

func TestFrames(t *testing.T) {
	t.Parallel()
	all := shared(t, "dicom/enhanced")
	p := serve(t, config(t))
	p.store(t, "/studies", all[0].content).want(t, http.StatusOK)
	headers, frames := p.get(t, all[0].path()+"/frames/2,1,2", "").parts(t)
	if len(frames) != 3 || bytes.Equal(frames[0], frames[1]) || !bytes.Equal(frames[0], frames[2]) {
		t.Fatalf("%d frames", len(frames))
	}
	if got, want := headers[1].Get("Content-Location"), p.base+all[0].path()+"/frames/1"; got != want {
		t.Errorf("frame at %s, want %s", got, want)
	}
	pixels := p.get(t, all[0].path()+"/bulkdata/7FE00010", "application/octet-stream")
	if want := append(bytes.Clone(frames[1]), frames[0]...); !bytes.Equal(pixels.body, want) || pixels.ContentLength != int64(len(want)) {
		t.Errorf("%d bytes of pixels, want %d", len(pixels.body), len(want))
	}
	p.do(t, http.MethodGet, all[0].path()+"/frames/1,2", nil, "Accept", "application/octet-stream").want(t, http.StatusNotAcceptable)
	_, pictures := p.get(t, all[0].path()+"/rendered", `multipart/related; type="image/png"`).parts(t)
	if len(pictures) != 2 {
		t.Errorf("%d pictures, want one of each frame", len(pictures))
	}
	p.get(t, all[0].path()+"/frames/2/rendered", "image/png")
	p.get(t, all[0].path()+"/frames/2/thumbnail", "")
}

// Pictures are as large, as bright and of the part that is asked for.
func TestRendered(t *testing.T) {
	t.Parallel()
	p := serve(t, config(t))
	all := made(t, 64, 3, "1")
	p.store(t, "/studies", contents(all)...).want(t, http.StatusOK)
	study := "/studies/" + all[0].StudyInstanceUID
	picture := func(path string) *image.Gray {
		t.Helper()
		m, _, err := image.Decode(bytes.NewReader(p.get(t, path, "image/png").body))
		if err != nil {
			t.Fatal(err)
		}
		g := image.NewGray(m.Bounds())
		for y := range m.Bounds().Dy() {
			for x := range m.Bounds().Dx() {
				g.Set(x, y, m.At(x, y))
			}
		}
		return g
	}
	whole := picture(all[0].path() + "/rendered")
	if whole.Bounds().Dx() != 64 || whole.Bounds().Dy() != 64 {
		t.Errorf("%v", whole.Bounds())
	}
	for path, want := range map[string]image.Point{
		all[0].path() + "/rendered?viewport=32,16":            {16, 16},
		all[0].path() + "/rendered?viewport=100,100,,,32,16":  {100, 50},
		all[0].path() + "/rendered?viewport=64,64,32,0,32,32": {64, 64},
		all[0].path() + "/thumbnail?viewport=10,20":           {10, 10},
		study + "/thumbnail":                                  {128, 128},
	} {
		if got := picture(path).Bounds().Size(); got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
	mirrored := picture(all[0].path() + "/rendered?viewport=64,64,0,0,-64,-64")
	if whole.GrayAt(3, 5) != mirrored.GrayAt(60, 58) || whole.GrayAt(60, 1) != mirrored.GrayAt(3, 62) {
		t.Error("it is not mirrored")
	}
	if dark := picture(all[0].path() + "/rendered?window=5000,10,linear-exact"); dark.GrayAt(1, 1).Y != 0 {
		t.Error("a window far above shows something")
	}
	if got := p.get(t, all[0].path()+"/rendered", "").Header.Get("Content-Type"); got != "image/jpeg" {
		t.Errorf("by itself it is %s", got)
	}
	small, large := p.get(t, all[0].path()+"/rendered?quality=5", ""), p.get(t, all[0].path()+"/rendered?quality=100", "")
	if len(small.body) >= len(large.body) {
		t.Errorf("%d bytes, and of the best quality %d", len(small.body), len(large.body))
	}
	if _, parts := p.get(t, study+"/rendered", `multipart/related; type="image/jpeg"`).parts(t); len(parts) != 3 {
		t.Errorf("%d pictures of a study", len(parts))
	}
	if w := p.get(t, all[0].path()+"/rendered?annotation=patient", "").Header.Get("Warning"); !strings.Contains(w, "annotation") {
		t.Errorf("warning %q", w)
	}
	for _, query := range []string{"window=1", "window=1,2,other", "window=x,1", "window=1,0", "window=NaN,1", "viewport=0,1", "viewport=1", "viewport=99999,1", "viewport=1,1,99,99,1,1", "viewport=9,9,-1,,,", "quality=0", "quality=101", "quality=x"} {
		p.do(t, http.MethodGet, all[0].path()+"/rendered?"+query, nil).want(t, http.StatusBadRequest)
	}
	p.do(t, http.MethodGet, study+"/rendered", nil, "Accept", "image/png").want(t, http.StatusNotAcceptable)
	p.do(t, http.MethodGet, all[0].path()+"/rendered", nil, "Accept", "video/mp4").want(t, http.StatusNotAcceptable)
}

// Bytes that have changed on the disk are not delivered as if they were the instance:
// the answer breaks off.
func TestChangedBytesAreNotDelivered(t *testing.T) {
	t.Parallel()
	c := config(t)
	p := serve(t, c)
	all := made(t, 256, 1, "1")
	p.store(t, "/studies", all[0].content).want(t, http.StatusOK)
	err := filepath.WalkDir(filepath.Join(c.Storage.Folder, "blobs"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if _, err := dicom.ReadHeader(bytes.NewReader(b)); err != nil {
			return nil // a lock, or the like
		}
		b[len(b)-1] ^= 1
		return os.WriteFile(path, b, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	if r := p.do(t, http.MethodGet, all[0].path(), nil, "Accept", "application/dicom"); r.err == nil && r.StatusCode == http.StatusOK {
		t.Error("they are delivered without an error")
	}
}

// What is not offered is not there, and pages of other origins are given no leave.
func TestWhatIsNotOffered(t *testing.T) {
	t.Parallel()
	p := serve(t, config(t))
	all := made(t, 8, 1, "1")
	p.store(t, "/studies", all[0].content).want(t, http.StatusOK)
	for _, path := range []string{"/studies/" + all[0].StudyInstanceUID, all[0].path(), "/studies"} {
		r := p.do(t, http.MethodDelete, path, nil).want(t, http.StatusMethodNotAllowed)
		if !strings.Contains(r.Header.Get("Allow"), "GET") {
			t.Errorf("%s allows %q", path, r.Header.Get("Allow"))
		}
	}
	for _, method := range []string{http.MethodGet, http.MethodOptions} {
		r := p.do(t, method, "/", nil, "Origin", "https://elsewhere.example").want(t, http.StatusOK)
		if !strings.Contains(string(r.body), "STOW-RS") {
			t.Errorf("%s: %s", method, r.body)
		}
		for name := range r.Header {
			if strings.HasPrefix(name, "Access-Control") {
				t.Errorf("%s: %s", method, name)
			}
		}
	}
	p.do(t, http.MethodOptions, "/studies", nil).want(t, http.StatusOK)
	p.do(t, http.MethodGet, "/workitems", nil).want(t, http.StatusNotFound)
}
