// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package scp_test

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
	"testing"
	"time"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/api/dimse/scp"
	"github.com/endplate/endplate/api/internal/ingest"
	"github.com/endplate/endplate/api/internal/store/storetest"
)

// freePort returns a port that nobody listens at.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// orthanc is a running Orthanc.
type orthanc struct {
	t    *testing.T
	http string
	port int // of DIMSE
}

// startOrthanc starts an Orthanc that knows the provider by an address that is told
// later; it takes storage commitment reports.
func startOrthanc(t *testing.T) *orthanc {
	t.Helper()
	path, err := exec.LookPath("Orthanc")
	if err != nil {
		t.Skipf("no Orthanc: %v", err)
	}
	folder := t.TempDir()
	o := &orthanc{t: t, port: freePort(t)}
	web := freePort(t)
	o.http = fmt.Sprintf("http://127.0.0.1:%d", web)
	config, err := json.Marshal(map[string]any{
		"StorageDirectory": folder, "IndexDirectory": folder, "HttpPort": web, "DicomPort": o.port, "DicomAet": "ORTHANC",
		"AuthenticationEnabled": false, "RemoteAccessAllowed": false, "DicomServerEnabled": true, "DicomAlwaysAllowStore": true,
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "orthanc.json")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, file)
	cmd.Env = append(os.Environ(), "TCP_NODELAY=1")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
	})
	for range 600 {
		if r, err := http.Get(o.http + "/system"); err == nil {
			r.Body.Close()
			return o
		}
		<-time.After(50 * time.Millisecond)
	}
	t.Fatal("Orthanc does not answer")
	return nil
}

// call calls Orthanc's REST interface and decodes the answer.
func (o *orthanc) call(method, path string, body []byte, answer any) {
	o.t.Helper()
	r, err := http.NewRequestWithContext(o.t.Context(), method, o.http+path, bytes.NewReader(body))
	if err != nil {
		o.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		o.t.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		o.t.Fatalf("%s %s: %s %.500s %v", method, path, response.Status, b, err)
	}
	if answer == nil {
		return
	}
	if err := json.Unmarshal(b, answer); err != nil {
		o.t.Fatalf("%s %s: %v", method, path, err)
	}
}

// Orthanc sends an instance, asks for commitment to it and to one that it has not sent,
// and is told on an association of its own.
func TestOrthancIsCommittedTo(t *testing.T) {
	t.Parallel()
	o := startOrthanc(t)
	peer, err := scp.ParsePeer(fmt.Sprintf("ORTHANC@127.0.0.1:%d", o.port))
	if err != nil {
		t.Fatal(err)
	}
	door := ingest.Config{Store: storetest.Open(t, storetest.Embedded(t))}
	p := start(t, scp.Config{Peers: []scp.Peer{peer}, Store: door.Store}, door)
	host, port := p.hostPort()
	o.call("PUT", "/modalities/endplate", fmt.Appendf(nil, `{"AET": "ENDPLATE", "Host": %q, "Port": %s}`, host, port), nil)

	path := shared(t, "dicom", "nema-ct", "CT1_UNC")
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var stored struct{ ID string }
	o.call("POST", "/instances", file, &stored)
	o.call("POST", "/modalities/endplate/store", []byte(stored.ID), nil)
	i := readInstance(t, path)
	got, _ := values(t, p.stored(t, i.SOPInstanceUID)).Dataset.Find(tag.PixelData)
	want, _ := values(t, file).Dataset.Find(tag.PixelData)
	if len(want.Value) == 0 || !bytes.Equal(got.Value, want.Value) {
		t.Errorf("%d bytes of other pixels are stored, want %d", len(got.Value), len(want.Value))
	}
	for _, tt := range []struct{ uid, want string }{{i.SOPInstanceUID, "Success"}, {"1.2.3", "Failure"}} {
		var asked struct{ ID string }
		o.call("POST", "/modalities/endplate/storage-commitment",
			fmt.Appendf(nil, `{"DicomInstances": [{"SOPClassUID": %q, "SOPInstanceUID": %q}]}`, ctImageStorage, tt.uid), &asked)
		var report struct{ Status string }
		for range 400 {
			if o.call("GET", "/storage-commitment/"+asked.ID, nil, &report); report.Status != "Pending" {
				break
			}
			<-time.After(50 * time.Millisecond)
		}
		if report.Status != tt.want {
			t.Errorf("commitment to %s: %s, want %s", tt.uid, report.Status, tt.want)
		}
	}
}
