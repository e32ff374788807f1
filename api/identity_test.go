// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"bytes"
	"context"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"github.com/endplate/endplate/api"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// granted returns a file of credentials, and contexts of callers with one role each.
func granted(t *testing.T, roles ...string) (file string, callers map[string]context.Context, tokens map[string]string) {
	t.Helper()
	callers, tokens = map[string]context.Context{}, map[string]string{}
	var lines strings.Builder
	for _, role := range roles {
		token, line, err := api.NewToken("who may "+role, []string{role})
		if err != nil {
			t.Fatal(err)
		}
		lines.WriteString(line + "\n")
		callers[role], tokens[role] = metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+token), token
	}
	file = filepath.Join(t.TempDir(), "credentials")
	if err := os.WriteFile(file, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, callers, tokens
}

func TestIdentitiesAreForThoseWhoMaySeeThem(t *testing.T) {
	t.Parallel()
	c := config(t)
	var callers map[string]context.Context
	var tokens map[string]string
	c.Security.CredentialsFile, callers, tokens = granted(t, "send", "read", "identities", "correct", "administer")
	p := serve(t, c)
	s := made(t, 1, 0)
	if r, err := p.upload(callers["send"], 1<<20, s.instances...); err != nil || r.GetRefused() != 0 {
		t.Fatal(r, err)
	}
	for role, sees := range map[string]bool{"read": false, "correct": false, "identities": true, "administer": true} {
		r, err := p.studies.GetStudy(callers[role], &endplatev1.GetStudyRequest{StudyInstanceUid: s.study})
		if err != nil || (r.GetStudy().GetPatient().GetPatientId() == "P-1") != sees || (r.GetStudy().Patient != nil) != sees {
			t.Errorf("%s gets %v, %v, should see the patient: %t", role, r, err, sees)
		}
		_, err = p.studies.ListStudies(callers[role], &endplatev1.ListStudiesRequest{PatientId: "P-1"})
		if sees && err != nil {
			t.Errorf("%s searches by patient: %v", role, err)
		} else if !sees {
			wantCode(t, err, codes.PermissionDenied, "ERROR_REASON_ROLE_MISSING")
		}
	}
	_, err := p.studies.GetStudy(callers["send"], &endplatev1.GetStudyRequest{StudyInstanceUid: s.study})
	wantCode(t, err, codes.PermissionDenied, "ERROR_REASON_ROLE_MISSING")
	_, err = p.studies.GetStudy(t.Context(), &endplatev1.GetStudyRequest{StudyInstanceUid: s.study})
	wantCode(t, err, codes.Unauthenticated, "ERROR_REASON_UNAUTHENTICATED")
	_, err = p.studies.DeleteStudy(callers["correct"], &endplatev1.DeleteStudyRequest{StudyInstanceUid: s.study})
	wantCode(t, err, codes.PermissionDenied, "ERROR_REASON_ROLE_MISSING")
	for token, want := range map[string]int{"": http.StatusUnauthorized, "wrong": http.StatusUnauthorized, tokens["send"]: http.StatusForbidden, tokens["read"]: http.StatusOK} {
		if got := p.statusWith(t, "/v1/studies/"+s.study, token); got != want {
			t.Errorf("REST with token %.12q: %d, want %d", token, got, want)
		}
	}
}

// statusWith gets a path with a token.
func (p *peer) statusWith(t *testing.T, path, token string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.at.HTTP+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	// Nobody gets in by metadata of the gateway's own making.
	request.Header.Set("Grpc-Metadata-Authorization", "Bearer "+token+"x")
	request.Header.Set("Grpc-Metadata-X-Endplate-Subject", "root")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

func TestADeidentifyingServerKeepsNobody(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.Storage.Deidentify = true
	p := serve(t, c)
	s := made(t, 1, 30)
	measured := p.measured(t, s)
	if measured.GetState() != endplatev1.AnalysisState_SUCCEEDED || measured.GetStudyInstanceUid() == s.study {
		t.Fatalf("analysis is %v of study %s", measured.GetState(), measured.GetStudyInstanceUid())
	}
	want := direct(t, s).GetAnalyses()[0].GetVertebrae()
	got := measured.GetReport().GetAnalyses()[0].GetVertebrae()
	if len(got) != len(want) {
		t.Fatalf("%d vertebrae, want %d", len(got), len(want))
	}
	for i := range got {
		wantSame(t, got[i], want[i])
	}
	study, err := p.studies.GetStudy(t.Context(), &endplatev1.GetStudyRequest{StudyInstanceUid: measured.GetStudyInstanceUid()})
	if err != nil || study.GetStudy().GetPatient().GetPatientId() == "P-1" {
		t.Errorf("study is %v, %v", study, err)
	}
	// What is told again of the same series is the same.
	p.store(t, &s)
	if s.study != measured.GetStudyInstanceUid() {
		t.Errorf("sent again the study is %s, was %s", s.study, measured.GetStudyInstanceUid())
	}
	secrets := [][]byte{[]byte("P-1\x00"), []byte("P-1 "), []byte(made(t, 1, 30).study)}
	if err := filepath.WalkDir(c.Storage.Folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		for _, secret := range secrets {
			if bytes.Contains(b, secret) {
				t.Errorf("%s holds %q", path, secret)
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
