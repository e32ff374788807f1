// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/endplate/endplate/api/web"
)

// next answers what is not the page's.
var next = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })

func get(t *testing.T, path string, headers ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), "GET", path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	web.Handler(next).ServeHTTP(w, r)
	return w.Result()
}

func text(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var linked = regexp.MustCompile(`(?:src|href)="([^"]+)"`)

// references returns what the page loads.
func references(t *testing.T) (paths []string) {
	t.Helper()
	for _, m := range linked.FindAllStringSubmatch(text(t, get(t, "/")), -1) {
		paths = append(paths, m[1])
	}
	if len(paths) != 3 {
		t.Fatalf("the page loads %q, want icon, style sheet and script", paths)
	}
	return paths
}

func TestEveryViewIsThePage(t *testing.T) {
	page := text(t, get(t, "/"))
	for _, path := range []string{"/studies/1.2.3", "/studies/1.2.3/analyses/abc", "/comparisons/abc", "/deliveries"} {
		if r := get(t, path); r.StatusCode != http.StatusOK || text(t, r) != page {
			t.Errorf("GET %s: %s, want the page", path, r.Status)
		}
	}
	for _, path := range []string{"/v1/studies", "/dicom-web/studies", "/healthz", "/nothing", "/assets/app.js", "/assets/", "/dist/app.js"} {
		if r := get(t, path); r.StatusCode != http.StatusTeapot {
			t.Errorf("GET %s: %s, want it handed on", path, r.Status)
		}
	}
}

func TestNothingComesFromElsewhere(t *testing.T) {
	for _, path := range append(references(t), "/") {
		if !strings.HasPrefix(path, "/") {
			t.Errorf("the page loads %s", path)
		}
		r := get(t, path)
		policy := r.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: policy %q lacks %s", path, policy, want)
			}
		}
		for _, never := range []string{"unsafe", "http:", "https:", "data:", "*"} {
			if strings.Contains(policy, never) {
				t.Errorf("%s: policy %q holds %s", path, policy, never)
			}
		}
		if got := r.Header.Get("X-Content-Type-Options"); got != "nosniff" {
			t.Errorf("%s: X-Content-Type-Options %q", path, got)
		}
		if got := r.Header.Get("Referrer-Policy"); got != "no-referrer" {
			t.Errorf("%s: Referrer-Policy %q", path, got)
		}
	}
}

func TestBrowsersKeepWhatDoesNotChange(t *testing.T) {
	for _, path := range references(t) {
		if got := get(t, path).Header.Get("Cache-Control"); !strings.Contains(got, "immutable") {
			t.Errorf("%s: Cache-Control %q", path, got)
		}
	}
	r := get(t, "/")
	if got := r.Header.Get("Cache-Control"); got != "no-cache" {
		t.Errorf("page: Cache-Control %q, want it asked for again", got)
	}
	if again := get(t, "/", "If-None-Match", r.Header.Get("ETag")); again.StatusCode != http.StatusNotModified || text(t, again) != "" {
		t.Errorf("page asked for again: %s", again.Status)
	}
	if other := get(t, "/", "If-None-Match", `"other"`); other.StatusCode != http.StatusOK {
		t.Errorf("page asked for with another tag: %s", other.Status)
	}
}

// mostTransfer is what the whole page may take on the line, bytes.
const mostTransfer = 300_000

func TestThePageIsSmall(t *testing.T) {
	total := 0
	for _, path := range append(references(t), "/") {
		r := get(t, path, "Accept-Encoding", "br, gzip")
		packed := text(t, r)
		total += len(packed)
		if got := r.Header.Get("Content-Encoding"); got != "gzip" {
			t.Errorf("%s: Content-Encoding %q", path, got)
		}
		unpack, err := gzip.NewReader(strings.NewReader(packed))
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(unpack)
		if err != nil {
			t.Fatal(err)
		}
		for _, without := range []string{"identity", "gzip;q=0", ""} {
			if r := get(t, path, "Accept-Encoding", without); r.Header.Get("Content-Encoding") != "" || text(t, r) != string(b) {
				t.Errorf("%s with Accept-Encoding %q is not the same as it is", path, without)
			}
		}
	}
	t.Logf("%d bytes on the line", total)
	if total > mostTransfer {
		t.Errorf("%d bytes on the line, want at most %d", total, mostTransfer)
	}
}
