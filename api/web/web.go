// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package web holds the review page: readers see in their browsers what was measured,
// correct it and compare it. The page is a client of the REST interface and may do
// nothing that another could not do; what it needs is in dist, which bundler makes of
// src.
package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:generate go run ./bundler

//go:embed dist/index.html dist/app.js dist/app.css dist/icon.svg
var dist embed.FS

// assets is where everything but the page itself is served. The names below it hold
// the digest of what they name, so that browsers may keep it for ever.
const assets = "/assets/"

// Handler serves the page, and next where the page is not asked for.
func Handler(next http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", next)
	page := string(read("index.html"))
	for _, name := range []string{"app.js", "app.css", "icon.svg"} {
		f := newFile(name, read(name))
		f.cache = "public, max-age=31536000, immutable"
		at := assets + f.digest + "/" + name
		mux.Handle("GET "+at, f)
		page = strings.ReplaceAll(page, assets+name, at)
	}
	index := newFile("index.html", []byte(page))
	index.cache = "no-cache" // ask whether it has changed
	// The page itself finds out what to show at each of these.
	for _, pattern := range []string{"/{$}", "/studies/", "/comparisons/", "/deliveries"} {
		mux.Handle("GET "+pattern, index)
	}
	return mux
}

// read returns a file of the bundle.
func read(name string) []byte {
	b, err := dist.ReadFile("dist/" + name)
	if err != nil {
		panic(err) // it would not have been built
	}
	return b
}

// file is a file of the page as it is sent.
type file struct {
	kind       string // media type
	digest     string
	cache      string // Cache-Control
	plain      []byte
	compressed []byte
}

func newFile(name string, b []byte) *file {
	sum := sha256.Sum256(b)
	var packed bytes.Buffer
	w, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression) // a level that there is
	_, _ = w.Write(b)                                          // a buffer takes everything
	_ = w.Close()
	return &file{
		kind:   mime.TypeByExtension(path.Ext(name)),
		digest: hex.EncodeToString(sum[:8]),
		plain:  b, compressed: packed.Bytes(),
	}
}

// policy is what the page may do: nothing comes from elsewhere, nothing goes there, and
// no script or style stands in a page.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

func (f *file) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()")
	h.Set("Cache-Control", f.cache)
	h.Set("Vary", "Accept-Encoding")
	body, tag := f.plain, `"`+f.digest+`"`
	if acceptsGzip(r.Header.Get("Accept-Encoding")) {
		h.Set("Content-Encoding", "gzip")
		body, tag = f.compressed, `"`+f.digest+`-gzip"`
	}
	h.Set("ETag", tag)
	if strings.Contains(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", f.kind)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the caller may be gone
	}
}

// acceptsGzip reports whether a header Accept-Encoding names gzip and does not refuse it.
func acceptsGzip(header string) bool {
	for encoding := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(encoding, ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			q, err := strconv.ParseFloat(strings.TrimPrefix(strings.ReplaceAll(weight, " ", ""), "q="), 64)
			return err != nil || q > 0
		}
	}
	return false
}
