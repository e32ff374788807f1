// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// Bucket is an S3 service with one bucket, on the loopback interface.
type Bucket struct {
	server *httptest.Server
	broken atomic.Bool
}

const bucketName = "endplate"

// NewBucket starts a service that ends with the test.
func NewBucket(t testing.TB) *Bucket {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket(bucketName); err != nil {
		t.Fatal(err)
	}
	fake := gofakes3.New(backend).Server()
	b := &Bucket{}
	b.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if b.broken.Load() {
			http.Error(w, "broken", http.StatusServiceUnavailable)
			return
		}
		fake.ServeHTTP(w, r)
	}))
	t.Cleanup(b.server.Close)
	return b
}

// URL returns the address of the bucket's keys below a prefix.
func (b *Bucket) URL(prefix string) string {
	q := url.Values{
		"endpoint": {b.server.URL}, "region": {"us-east-1"}, "anonymous": {"true"},
		"use_path_style": {"true"}, "disable_https": {"true"},
		"response_checksum_validation": {"when_required"}, // of a part it has that of the whole
	}
	if prefix != "" {
		q.Set("prefix", strings.TrimSuffix(prefix, "/")+"/")
	}
	return "s3://" + bucketName + "?" + q.Encode()
}

// Break makes the service refuse everything, or stop refusing.
func (b *Bucket) Break(broken bool) { b.broken.Store(broken) }
