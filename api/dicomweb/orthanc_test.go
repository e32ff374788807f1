// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicomweb_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// orthanc is an archive that others have made, with its client of DICOMweb.
type orthanc struct{ base string }

// orthancPlugin is where Debian has Orthanc's DICOMweb.
const orthancPlugin = "/usr/share/orthanc/plugins/libOrthancDicomWeb.so"

// startOrthanc runs an Orthanc that knows a server as "endplate", or skips the test.
func startOrthanc(t *testing.T, server string) *orthanc {
	t.Helper()
	program, err := exec.LookPath("Orthanc")
	if err != nil {
		t.Skip("Orthanc is not installed")
	}
	if _, err := os.Stat(orthancPlugin); err != nil {
		t.Skip("the plug-in of Orthanc for DICOMweb is not installed")
	}
	folder := t.TempDir()
	web, dimse := freePort(t), freePort(t)
	settings, err := json.Marshal(map[string]any{
		"StorageDirectory": folder, "IndexDirectory": folder, "Plugins": []string{orthancPlugin},
		"HttpPort": web, "DicomPort": dimse, "RemoteAccessAllowed": false, "AuthenticationEnabled": false, "HttpDescribeErrors": true,
		"DicomWeb": map[string]any{"Enable": true, "Servers": map[string]any{"endplate": []string{server + "/"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "orthanc.json")
	if err := os.WriteFile(file, settings, 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd := exec.Command(program, file)
	cmd.Env = append(os.Environ(), "TCP_NODELAY=1")
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
		if t.Failed() {
			t.Logf("Orthanc: %s", &log)
		}
	})
	o := &orthanc{"http://127.0.0.1:" + strconv.Itoa(web)}
	until(t, "Orthanc", func() bool {
		r, err := http.Get(o.base + "/system")
		if err != nil {
			return false
		}
		r.Body.Close()
		return true
	})
	return o
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// call calls Orthanc's own interface and reads the answer into v.
func (o *orthanc) call(t *testing.T, method, path string, body any, v any) {
	t.Helper()
	content, ok := body.([]byte)
	if !ok && body != nil {
		var err error
		if content, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), method, o.base+path, bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode >= 400 {
		t.Fatalf("Orthanc: %s %s: %s, %v: %.500s", method, path, answer.Status, err, b)
	}
	if v != nil {
		if err := json.Unmarshal(b, v); err != nil {
			t.Fatalf("Orthanc: %s %s: %v: %.500s", method, path, err, b)
		}
	}
}

// Orthanc sends us studies by STOW-RS, finds them by QIDO-RS and gets them back by
// WADO-RS, and has the same bytes before and after.
func TestOrthancSendsFindsAndRetrieves(t *testing.T) {
	t.Parallel()
	all := identified(shared(t, "ct/ts-j2k", "dicom/nema-ct", "dicom/enhanced"))
	p := serve(t, config(t))
	o := startOrthanc(t, p.base)
	studies := map[string]bool{}
	for _, i := range all {
		o.call(t, http.MethodPost, "/instances", i.content, nil)
		studies[i.StudyInstanceUID] = true
	}
	var ids []string
	o.call(t, http.MethodGet, "/studies", nil, &ids)
	var sent struct{ RecipientsCount, InstancesCount any }
	o.call(t, http.MethodPost, "/dicom-web/servers/endplate/stow", map[string]any{"Resources": ids, "Synchronous": true}, &sent)
	for _, i := range all {
		if got := p.get(t, i.path(), "application/dicom; transfer-syntax=*"); !bytes.Equal(got.body, i.content) {
			t.Errorf("%s came as %d bytes, want %d", i.name, len(got.body), len(i.content))
		}
	}
	var found []map[string]struct{ Value any }
	o.call(t, http.MethodPost, "/dicom-web/servers/endplate/qido", map[string]any{"Uri": "/studies", "Arguments": map[string]string{"ModalitiesInStudy": "CT"}}, &found)
	if len(found) != len(studies) {
		t.Errorf("Orthanc finds %d studies, want %d", len(found), len(studies))
	}
	for _, id := range ids {
		o.call(t, http.MethodDelete, "/studies/"+id, nil, nil)
	}
	var wanted []map[string]string
	for study := range studies {
		wanted = append(wanted, map[string]string{"Study": study})
	}
	o.call(t, http.MethodPost, "/dicom-web/servers/endplate/retrieve", map[string]any{"Resources": wanted, "Synchronous": true}, nil)
	o.call(t, http.MethodGet, "/instances", nil, &ids)
	if len(ids) != len(all) {
		t.Errorf("Orthanc has got %d instances, want %d", len(ids), len(all))
	}
}

// stow sends instances to a DICOMweb server, and returns how long that took.
func stow(t *testing.T, base string, instances [][]byte) time.Duration {
	t.Helper()
	body, contentType := related(instances...)
	start := time.Now()
	r, err := http.Post(base+"/studies", contentType, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v: %.300s", base, r.Status, err, b)
	}
	return time.Since(start)
}

// wado gets a series of a DICOMweb server, and returns how long that took.
func wado(t *testing.T, base string, i instance, n int) time.Duration {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/studies/"+i.StudyInstanceUID+"/series/"+i.SeriesInstanceUID, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", `multipart/related; type="application/dicom"; transfer-syntax=*`)
	start := time.Now()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	_, parameters, err := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	parts := multipart.NewReader(answer.Body, parameters["boundary"])
	for k := 0; ; k++ {
		part, err := parts.NextRawPart()
		if err == io.EOF && k == n {
			return time.Since(start)
		}
		if err != nil {
			t.Fatalf("%s: part %d: %v", base, k, err)
		}
		if size, err := io.Copy(io.Discard, part); err != nil || size < int64(len(i.content))-100 { // UIDs are of several lengths
			t.Fatalf("%s: part %d: %d bytes, %v", base, k, size, err)
		}
	}
}

// A series goes up and comes down, here and at Orthanc, in turns.
func TestThroughputBesideOrthanc(t *testing.T) {
	if os.Getenv("ENDPLATE_DICOMWEB_SLICES") == "" {
		t.Skip("half a minute: set ENDPLATE_DICOMWEB_SLICES to some slices to run it, or call make proof")
	}
	slices, err := strconv.Atoi(os.Getenv("ENDPLATE_DICOMWEB_SLICES"))
	if err != nil {
		t.Fatal(err)
	}
	c := config(t)
	p := serve(t, c)
	o := startOrthanc(t, p.base)
	for round := range 3 {
		all := made(t, 512, slices, fmt.Sprint("round ", round))
		series := contents(all)
		var line []string
		for _, server := range []struct{ name, base string }{{"endplate", p.base}, {"Orthanc", o.base + "/dicom-web"}} {
			up := stow(t, server.base, series)
			down := wado(t, server.base, all[0], len(all))
			start := time.Now()
			r, err := http.Get(server.base + "/studies/" + all[0].StudyInstanceUID + "/metadata")
			if err != nil {
				t.Fatal(err)
			}
			n, err := io.Copy(io.Discard, r.Body)
			r.Body.Close()
			if err != nil || r.StatusCode != http.StatusOK {
				t.Fatalf("metadata: %s, %v", r.Status, err)
			}
			line = append(line, fmt.Sprintf("%s: up %.2f s, down %.2f s, metadata %.2f s (%d kB)", server.name, up.Seconds(), down.Seconds(), time.Since(start).Seconds(), n>>10))
		}
		t.Log(strings.Join(line, "; "))
	}
}
