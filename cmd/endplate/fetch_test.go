// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/volume"
	"github.com/endplate/endplate/api/orthanctest"
)

// sliced returns n images of a study of the patient P, as files.
func sliced(t testing.TB, study, date string, n int) (files [][]byte, uids dicom.UIDs) {
	t.Helper()
	vol := &volume.Volume{Geometry: volume.Geometry{Columns: 8, Rows: 8, Slices: n}, Samples: make([]int16, 64*n)}
	vol.Column.X, vol.Row.Y, vol.Slice.Z = 1, 1, 1
	uids, err := dicom.WriteCT(vol, dicom.SyntheticCT{Study: study, FrameOfReference: study, PatientID: "P", Date: date, Number: 4},
		func(_ int, b []byte) error {
			files = append(files, bytes.Clone(b))
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	return files, uids
}

// fetched runs endplate fetch and returns its exit status and what it prints.
func fetched(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	status = run(t.Context(), append([]string{"fetch"}, args...), &out, &err)
	return status, out.String(), err.String()
}

func TestFetchFromOrthanc(t *testing.T) {
	t.Parallel()
	here := orthanctest.FreePort(t)
	served := orthanctest.FreePort(t)
	archive := orthanctest.Start(t, map[string]orthanctest.Peer{
		"here": {AETitle: "FETCH", Address: here}, "server": {AETitle: "ENDPLATE", Address: served},
	})
	before, first := sliced(t, "before", "20200101", 4)
	after, second := sliced(t, "after", "20210101", 3)
	for _, f := range slices.Concat(before, after) {
		archive.Upload(t, f)
	}
	peer := "ORTHANC@" + archive.DIMSE
	var out bytes.Buffer
	if status := run(t.Context(), []string{"echo", peer}, &out, &out); status != exitOK || !strings.Contains(out.String(), "answers") {
		t.Errorf("echo: status %d: %s", status, &out)
	}
	status, list, _ := fetched(t, peer, "--study", second.StudyInstanceUID, "--priors", "--list")
	lines := strings.Split(strings.TrimSpace(list), "\n")
	if status != exitOK || len(lines) != 3 || !strings.Contains(lines[1], first.SeriesInstanceUID) || !strings.Contains(lines[2], second.SeriesInstanceUID) {
		t.Errorf("status %d: %s", status, list)
	}
	folder := filepath.Join(t.TempDir(), "images")
	status, _, told := fetched(t, peer, "--study", second.StudyInstanceUID, "--priors", "--to", "FETCH", "--listen", here, "--out", folder)
	if status != exitOK || !strings.Contains(told, "CT series 4: 4 sent") || !strings.Contains(told, "7 instances of 2 studies sent to FETCH") {
		t.Errorf("status %d: %s", status, told)
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 7 {
		t.Fatalf("%d files, %v", len(entries), err)
	}
	for _, f := range slices.Concat(before, after) {
		h, err := dicom.ReadHeader(bytes.NewReader(f))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(folder, h.SOPInstanceUID+".dcm"))
		if err != nil || !bytes.HasSuffix(got, f[len(f)-200:]) {
			t.Errorf("instance %s: %d bytes, %v", h.SOPInstanceUID, len(got), err)
		}
	}
	fetchToAServer(t, archive, second.StudyInstanceUID, served)
	for _, tt := range []struct {
		args   []string
		status int
		text   string
	}{
		{[]string{"--patient-id", "NOBODY"}, exitPartial, "no study with CT images"},
		{[]string{"--patient-id", "P", "--modality", "MR"}, exitPartial, "no study with MR images"},
		{[]string{"--patient-id", "P", "--since", "20300101"}, exitPartial, "no study"},
		{[]string{"--patient-id", "P", "--to", "STRANGER"}, exitNothing, "does the archive know the AE title STRANGER"},
		{[]string{"--patient-id", "*"}, exitUsage, "wild cards"},
		{nil, exitUsage, "which studies"},
	} {
		if status, _, told := fetched(t, append([]string{peer}, tt.args...)...); status != tt.status || !strings.Contains(told, tt.text) {
			t.Errorf("%q: status %d, want %d: %s", tt.args, status, tt.status, told)
		}
	}
	if status, _, told := fetched(t, fmt.Sprintf("X@%s", orthanctest.FreePort(t)), "--patient-id", "P"); status != exitNothing || !strings.Contains(told, "connection refused") {
		t.Errorf("status %d: %s", status, told)
	}
}

// fetchToAServer has the archive send a study to a server that runs.
func fetchToAServer(t *testing.T, archive *orthanctest.Server, study, address string) {
	t.Helper()
	p := startServer(t, nil, "serve", "--grpc-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0", "--dimse-addr", address,
		"--dimse-peers", "ORTHANC@127.0.0.1", "--dimse-journal", "8MiB", "--min-free", "0", "--quiet-time", "0")
	if status, _, told := fetched(t, "ORTHANC@"+archive.DIMSE, "--study", study); status != exitOK || !strings.Contains(told, "3 instances of 1 studies sent to ENDPLATE") {
		t.Errorf("status %d: %s", status, told)
	}
	if status, body := get(t, "http://"+p.http+"/v1/studies/"+study); status != http.StatusOK || !strings.Contains(body, `"instance_count":3`) {
		t.Errorf("the server has %d %s", status, body)
	}
}
