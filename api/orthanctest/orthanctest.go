// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package orthanctest runs Orthanc for tests: an archive that others have made. Nothing
// else imports it.
package orthanctest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// AETitle is that of every Orthanc.
const AETitle = "ORTHANC"

// Server is an Orthanc that runs until its test ends.
type Server struct {
	HTTP  string // URL, without a slash at its end
	Web   string // URL of DICOMweb
	DIMSE string // host:port
}

// Peer is an application entity that Orthanc knows.
type Peer struct{ AETitle, Address string }

// dicomWeb is where Debian has the plug-in.
const dicomWeb = "/usr/share/orthanc/plugins/libOrthancDicomWeb.so"

// FreePort returns an address of this machine at which nobody listens.
func FreePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// Start runs an Orthanc that knows peers by names. It skips the test where Orthanc is
// not installed.
func Start(t testing.TB, peers map[string]Peer) *Server {
	t.Helper()
	program, err := exec.LookPath("Orthanc")
	if err != nil {
		t.Skip("Orthanc is not installed")
	}
	if _, err := os.Stat(dicomWeb); err != nil {
		t.Skip("the plug-in of Orthanc for DICOMweb is not installed")
	}
	s := &Server{DIMSE: FreePort(t)}
	web := FreePort(t)
	s.HTTP = "http://" + web
	s.Web = s.HTTP + "/dicom-web"
	config := filepath.Join(t.TempDir(), "orthanc.json")
	write(t, config, settings(t, web, s.DIMSE, peers))
	cmd := exec.Command(program, config)
	// Without it, dcmtk, which Orthanc is built on, takes 44 ms for each object.
	cmd.Env = append(os.Environ(), "TCP_NODELAY=1")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()         // it was killed
		if t.Failed() {
			t.Logf("Orthanc: %s", &out)
		}
	})
	s.await(t)
	return s
}

func settings(t testing.TB, web, dimse string, peers map[string]Peer) map[string]any {
	t.Helper()
	folder := t.TempDir()
	known := map[string][]any{}
	for name, p := range peers {
		host, port := split(t, p.Address)
		known[name] = []any{p.AETitle, host, port}
	}
	_, webPort := split(t, web)
	_, dimsePort := split(t, dimse)
	return map[string]any{
		"StorageDirectory": folder, "IndexDirectory": folder, "Plugins": []string{dicomWeb},
		"HttpPort": webPort, "DicomPort": dimsePort, "DicomAet": AETitle,
		"RemoteAccessAllowed": false, "AuthenticationEnabled": false, "HttpDescribeErrors": true,
		"OverwriteInstances": false, "StableAge": 1, "SynchronousCMove": true,
		"DicomAlwaysAllowEcho": true, "DicomAlwaysAllowStore": true, "DicomAlwaysAllowFind": true,
		"DicomAlwaysAllowMove": true, "DicomModalities": known,
	}
}

func split(t testing.TB, address string) (host string, port int) {
	t.Helper()
	host, text, err := net.SplitHostPort(address)
	if err == nil {
		port, err = strconv.Atoi(text)
	}
	if err != nil {
		t.Fatal(err)
	}
	return host, port
}

func write(t testing.TB, path string, v any) {
	t.Helper()
	b, err := json.Marshal(v)
	if err == nil {
		err = os.WriteFile(path, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// await waits until Orthanc answers.
func (s *Server) await(t testing.TB) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		r, err := http.Get(s.HTTP + "/system")
		if err == nil {
			r.Body.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("Orthanc does not answer: %v", err)
		}
	}
}

// Upload stores an instance in Orthanc.
func (s *Server) Upload(t testing.TB, file []byte) {
	t.Helper()
	s.call(t, http.MethodPost, "/instances", file, nil)
}

// Forward has Orthanc send a study by C-STORE to the peer of a name.
func (s *Server) Forward(t testing.TB, peer, studyUID string) {
	t.Helper()
	var ids []string
	query, err := json.Marshal(map[string]any{"Level": "Study", "Query": map[string]string{"StudyInstanceUID": studyUID}})
	if err != nil {
		t.Fatal(err)
	}
	s.call(t, http.MethodPost, "/tools/find", query, &ids)
	if len(ids) != 1 {
		t.Fatalf("Orthanc has %d studies of the UID", len(ids))
	}
	s.call(t, http.MethodPost, "/modalities/"+peer+"/store", []byte(ids[0]), nil)
}

// Query asks by QIDO-RS, path being such as "/studies/1.2/series", and returns the
// first value of an attribute, by its keys in DICOM JSON, in each answer.
func (s *Server) Query(t testing.TB, path, key string) (values []string) {
	t.Helper()
	var found []map[string]struct{ Value []any }
	s.call(t, http.MethodGet, "/dicom-web"+path, nil, &found)
	for _, f := range found {
		if v := f[key].Value; len(v) > 0 {
			values = append(values, fmt.Sprint(v[0]))
		}
	}
	return values
}

// Instance returns a stored instance as a file.
func (s *Server) Instance(t testing.TB, sopUID string) []byte {
	t.Helper()
	query, err := json.Marshal(map[string]any{"Level": "Instance", "Query": map[string]string{"SOPInstanceUID": sopUID}})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	s.call(t, http.MethodPost, "/tools/find", query, &ids)
	if len(ids) != 1 {
		t.Fatalf("Orthanc has %d instances of the UID", len(ids))
	}
	return s.call(t, http.MethodGet, "/instances/"+ids[0]+"/file", nil, nil)
}

// call calls Orthanc's REST interface and reads the answer into v, if it is not nil.
func (s *Server) call(t testing.TB, method, path string, body []byte, v any) []byte {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.HTTP+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "application/dicom+json, application/json, */*")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode >= http.StatusBadRequest {
		t.Fatalf("Orthanc: %s %s: %s, %v: %.500s", method, path, answer.Status, err, b)
	}
	if v == nil {
		return b
	}
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatalf("Orthanc: %s %s: %v: %.500s", method, path, err, b)
	}
	return b
}
