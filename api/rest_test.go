// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// call calls the REST interface and returns status and body.
func (p *peer) call(t testing.TB, method, path, body string) (int, []byte) {
	t.Helper()
	return p.callAs(t, "", method, path, body)
}

// callAs shows a token, unless it is empty.
func (p *peer) callAs(t testing.TB, token, method, path, body string) (int, []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+p.at.HTTP+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, b
}

// uploadJSON returns instances as the messages of an upload, one a line.
func uploadJSON(instances ...[]byte) string {
	var b strings.Builder
	for i, instance := range instances {
		fmt.Fprintf(&b, "{\"start\":{\"name\":\"%d\"}}\n", i)
		for len(instance) > 0 {
			n := min(len(instance), 1<<20)
			fmt.Fprintf(&b, "{\"chunk\":%q}\n", base64.StdEncoding.EncodeToString(instance[:n]))
			instance = instance[n:]
		}
	}
	return b.String()
}

func TestRESTSaysTheSame(t *testing.T) {
	t.Parallel()
	p := serve(t, config(t))
	s := made(t, 1, 30)
	status, body := p.call(t, "POST", "/v1/instances:upload", uploadJSON(s.instances...))
	if status != http.StatusOK || !bytes.Contains(body, []byte(s.uid)) {
		t.Fatalf("upload: %d %.300s", status, body)
	}
	status, body = p.call(t, "POST", "/v1/analyses", fmt.Sprintf(`{"series_instance_uid":%q}`, s.uid))
	created := &endplatev1.CreateAnalysisResponse{}
	if err := protojson.Unmarshal(body, created); err != nil || status != http.StatusOK {
		t.Fatalf("create: %d %s", status, body)
	}
	id := created.GetAnalysis().GetAnalysisId()
	status, body = p.call(t, "GET", "/v1/analyses/"+id+":watch", "")
	if status != http.StatusOK || !bytes.Contains(body, []byte(`"SUCCEEDED"`)) {
		t.Fatalf("watch: %d %.300s", status, body)
	}
	status, body = p.call(t, "GET", "/v1/analyses/"+id, "")
	got := &endplatev1.GetAnalysisResponse{}
	if err := protojson.Unmarshal(body, got); err != nil || status != http.StatusOK {
		t.Fatalf("get: %d %.300s", status, body)
	}
	wantSame(t, got.GetAnalysis().GetReport(), direct(t, s))
	for _, path := range []string{"/v1/studies?page_size=1", "/v1/studies/" + s.study, "/v1/studies/" + s.study + "/series",
		"/v1/analyses?states=SUCCEEDED", "/v1/analyses/" + id + "/revisions", "/v1/analyses/" + id + ":export?format=CSV", "/v1/comparisons"} {
		if status, body := p.call(t, "GET", path, ""); status != http.StatusOK || !json.Valid(body) {
			t.Errorf("GET %s: %d %.300s", path, status, body)
		}
	}
}

func TestRESTErrorsSayWhy(t *testing.T) {
	t.Parallel()
	p := serve(t, config(t))
	for _, tt := range []struct {
		method, path, body string
		status             int
		reason             string
	}{
		{"GET", "/v1/analyses/none", "", 404, "ERROR_REASON_NOT_FOUND"},
		{"GET", "/v1/studies/x", "", 400, "ERROR_REASON_INVALID_FIELD"},
		{"GET", "/v1/studies?page_token=zz", "", 400, "ERROR_REASON_INVALID_FIELD"},
		{"GET", "/v1/analyses?states=7", "", 400, ""},
		{"POST", "/v1/analyses", `{"series_instance_uid":"1.2.3"}`, 404, "ERROR_REASON_NOT_FOUND"},
		{"POST", "/v1/analyses", `{"series_instance_uid":`, 400, ""},
		{"POST", "/v1/analyses", `{"no_such_field":1}`, 400, ""},
		{"POST", "/v1/analyses", `{"series_instance_uid":"` + strings.Repeat("1", 4<<20) + `"}`, 400, ""},
		{"POST", "/v1/instances:upload", `{"chunk":"AAAA"}`, 400, "ERROR_REASON_INVALID_FIELD"},
		{"GET", "/v1/nothing", "", 404, ""},
		{"PUT", "/v1/studies", "", 405, ""},
	} {
		status, body := p.call(t, tt.method, tt.path, tt.body)
		if status != tt.status || !bytes.Contains(body, []byte(tt.reason)) {
			t.Errorf("%s %s: %d %.300s, want %d %s", tt.method, tt.path, status, body, tt.status, tt.reason)
		}
	}
}

func TestAnswersAreNotKept(t *testing.T) {
	t.Parallel()
	p := serve(t, config(t))
	for _, path := range []string{"/v1/studies", "/v1/analyses/none", "/v1/caller"} {
		request, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+p.at.HTTP+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if got := response.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control %q", path, got)
		}
	}
}

func TestTheInterfaceIsDescribed(t *testing.T) {
	p := serve(t, config(t))
	status, body := p.call(t, "GET", "/v1/openapi.json", "")
	var document struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(body, &document); err != nil || status != http.StatusOK {
		t.Fatalf("%d, %v", status, err)
	}
	if document.Paths["/v1/analyses/{analysis_id}:correct"]["post"] == nil {
		t.Errorf("CorrectAnalysis is not described among %d paths", len(document.Paths))
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if status, body := p.call(t, "GET", path, ""); status != http.StatusOK {
			t.Errorf("GET %s: %d %s", path, status, body)
		}
	}
}

// FuzzREST sends bodies and paths of every kind: whatever comes is answered, and never
// as a fault of the server.
func FuzzREST(f *testing.F) {
	p := serve(f, config(f))
	for _, seed := range []struct{ method, path, body string }{
		{"POST", "analyses", `{"series_instance_uid":"1.2.3","options":{"fixed_level":{"level":"L1","position":{"x":1,"y":2,"z":3}}}}`},
		{"POST", "analyses/a:correct", `{"corrections":[{"move_landmark":{"level":"L1","point":"SUPERIOR_ANTERIOR","position":{"x":1}}}]}`},
		{"POST", "comparisons", `{"analysis_ids":["a","b"],"options":{"treated":["L1"]}}`},
		{"POST", "instances:upload", uploadJSON([]byte("DICM"), make([]byte, 200))},
		{"GET", "analyses/a:render?view=AXIAL&offset_mm=NaN&level=L1", ""},
		{"GET", "studies?page_token=AAAA&page_size=-1", ""},
		{"DELETE", "studies/1.2.3", ""},
	} {
		f.Add(seed.method, seed.path, []byte(seed.body))
	}
	f.Fuzz(func(t *testing.T, method, path string, body []byte) {
		request, err := http.NewRequestWithContext(context.Background(), method, "http://"+p.at.HTTP+"/v1/"+path, bytes.NewReader(body))
		if err != nil {
			t.Skip("no request")
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Skip("not sent: ", err)
		}
		defer response.Body.Close()
		if response.StatusCode == http.StatusInternalServerError {
			b, _ := io.ReadAll(response.Body)
			t.Errorf("%s %q: %s", method, path, b)
		}
	})
}
