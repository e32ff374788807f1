// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/endplate/endplate/api/internal/auth"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// grant writes a file of credentials with one token, and returns both.
func grant(t testing.TB, subject string, roles ...auth.Role) (token, file string) {
	t.Helper()
	token, line, err := auth.NewToken(subject, roles)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "credentials.yaml")
	if err := os.WriteFile(file, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	return token, file
}

func TestCallersAreToldWhatTheyMay(t *testing.T) {
	t.Parallel()
	c := config(t)
	var token string
	token, c.Security.CredentialsFile = grant(t, "anna", auth.Correct)
	p := serve(t, c)
	status, body := p.call(t, "GET", "/v1/caller", "")
	if status != http.StatusUnauthorized || !bytes.Contains(body, []byte("ERROR_REASON_UNAUTHENTICATED")) {
		t.Errorf("without a token: %d %s", status, body)
	}
	status, body = p.callAs(t, token, "GET", "/v1/caller", "")
	got := &endplatev1.GetCallerResponse{}
	if err := protojson.Unmarshal(body, got); err != nil || status != http.StatusOK {
		t.Fatalf("with one: %d %s", status, body)
	}
	want := []endplatev1.Caller_Role{endplatev1.Caller_READ, endplatev1.Caller_CORRECT}
	if caller := got.GetCaller(); caller.GetSubject() != "anna" || !slices.Equal(caller.GetRoles(), want) || got.GetServerVersion() != "test" {
		t.Errorf("caller %v, want anna with %v and what those hold", got, want)
	}
}
