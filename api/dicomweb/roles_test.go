// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicomweb_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/endplate/endplate/api/internal/auth"
)

// Who only sends, reads nothing; who only reads, stores nothing, and does not learn who
// the patient is; what was done, by whom and what was refused stands in the audit, and
// in the numbers.
func TestRoles(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.Security.CredentialsFile = filepath.Join(t.TempDir(), "credentials")
	c.Security.AuditFile = filepath.Join(t.TempDir(), "audit.jsonl")
	tokens := map[string]string{"": ""}
	var lines []string
	for _, name := range []string{"send", "read", "identities", "correct", "administer"} {
		role, err := auth.ParseRole(name)
		if err != nil {
			t.Fatal(err)
		}
		token, line, err := auth.NewToken(name, []auth.Role{role})
		if err != nil {
			t.Fatal(err)
		}
		tokens[name], lines = token, append(lines, line)
	}
	if err := os.WriteFile(c.Security.CredentialsFile, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	server := serve(t, c)
	as := func(name string) *peer { return &peer{base: server.base, at: server.at, token: tokens[name]} }
	all := made(t, 16, 2, "1")
	as("send").store(t, "/studies", contents(all)...).want(t, http.StatusOK)

	readers := []string{"read", "identities", "correct", "administer"}
	identified := []string{"identities", "administer"}
	body, contentType := related(all[0].content)
	for _, tt := range []struct {
		method, path string
		may          []string
	}{
		{http.MethodPost, "/studies", []string{"send", "administer"}},
		{http.MethodPost, "/studies/" + all[0].StudyInstanceUID, []string{"send", "administer"}},
		{http.MethodGet, "/studies", readers},
		{http.MethodGet, "/studies?PatientID=P-1", identified},
		{http.MethodGet, "/studies?PatientName=PHANTOM*", identified},
		{http.MethodGet, "/studies?AccessionNumber=1*", identified},
		{http.MethodGet, "/instances", readers},
		{http.MethodGet, all[0].path(), identified},
		{http.MethodGet, "/studies/" + all[0].StudyInstanceUID, identified},
		{http.MethodGet, all[0].path() + "/metadata", identified},
		{http.MethodGet, all[0].path() + "/bulkdata/7FE00010", identified},
		{http.MethodGet, all[0].path() + "/frames/1", readers},
		{http.MethodGet, all[0].path() + "/rendered", readers},
		{http.MethodGet, all[0].path() + "/thumbnail", readers},
		{http.MethodGet, "/", append(readers, "send", "")},
	} {
		for name := range tokens {
			want := []int{http.StatusForbidden}
			switch {
			case slices.Contains(tt.may, name):
				want = []int{http.StatusOK, http.StatusNoContent}
			case name == "":
				want = []int{http.StatusUnauthorized}
			}
			if r := as(name).do(t, tt.method, tt.path, bytes.NewReader(body), "Content-Type", contentType); !slices.Contains(want, r.StatusCode) {
				t.Errorf("%s %s by %q: %s, want %d", tt.method, tt.path, name, r.Status, want)
			}
		}
	}
	if r := as("read").get(t, "/studies?includefield=all&includefield=PatientName,ManufacturerModelName,PatientAge", ""); bytes.Contains(r.body, []byte("PHANTOM")) || bytes.Contains(r.body, []byte("P-1")) || bytes.Contains(r.body, []byte("phantom")) {
		t.Errorf("a reader learns who the patient is: %s", r.body)
	}
	if r := as("identities").get(t, "/studies", ""); !bytes.Contains(r.body, []byte("PHANTOM^SPINE")) {
		t.Errorf("who may see identities sees none: %s", r.body)
	}
	wantAudit(t, c.Security.AuditFile, all[0].StudyInstanceUID)
	wantNumbers(t, server.at.Metrics)
}

func wantAudit(t *testing.T, file, study string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for line := range bytes.Lines(b) {
		var l struct {
			Method, Subject, Code, Peer string
			RequestID                   string `json:"request_id"`
			Objects                     []string
		}
		if err := json.Unmarshal(line, &l); err != nil {
			t.Fatal(err)
		}
		if l.RequestID == "" || !strings.HasPrefix(l.Peer, "127.0.0.1:") {
			t.Errorf("line %s", line)
		}
		about := ""
		if slices.Contains(l.Objects, study) {
			about = " study"
		}
		seen[l.Subject+" "+l.Method+" "+l.Code+about] = true
	}
	for _, want := range []string{
		"send DICOMweb/Store OK study", "read DICOMweb/Store PermissionDenied", "send DICOMweb/RetrieveInstances PermissionDenied",
		"identities DICOMweb/RetrieveMetadata OK study", " DICOMweb/Search Unauthenticated", "read DICOMweb/RetrieveFrames OK study",
	} {
		if !seen[want] {
			t.Errorf("no line for %q", want)
		}
	}
}

func wantNumbers(t *testing.T, at string) {
	t.Helper()
	r, err := http.Get("http://" + at + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`endplate_calls_total{code="OK",method="/DICOMweb/Store"}`, `endplate_calls_total{code="PermissionDenied",method="/DICOMweb/Store"}`,
		`endplate_instances_total{outcome="STORED",source="stow"} 2`, `endplate_calls_in_flight{method="/DICOMweb/Search"} 0`,
	} {
		if !bytes.Contains(b, []byte(want)) {
			t.Errorf("no %s", want)
		}
	}
}

// A request has an identifier that the caller may choose, and is told.
func TestRequestIdentifiers(t *testing.T) {
	t.Parallel()
	p := serve(t, config(t))
	if id := p.do(t, http.MethodGet, "/studies", nil, "X-Request-Id", "mine-1").Header.Get("X-Request-Id"); id != "mine-1" {
		t.Errorf("identifier %q", id)
	}
	if id := p.do(t, http.MethodGet, "/studies/x", nil, "X-Request-Id", "<script>").Header.Get("X-Request-Id"); id == "" || strings.Contains(id, "<") {
		t.Errorf("identifier %q", id)
	}
}
