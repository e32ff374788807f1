// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/endplate/endplate/api/orthanctest"
)

// What an archive does not take is given up in time, is said to be, and arrives when
// somebody has it tried again after the archive has come back.
func TestDeliveries(t *testing.T) {
	t.Parallel()
	archive := orthanctest.Start(t, nil)
	p := startServer(t, nil, "serve", "--grpc-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0", "--metrics-addr", "127.0.0.1:0",
		"--min-free", "0", "--quiet-time", "10ms", "--results", "sr", "--give-up-after", "1ms",
		"--destination", "pacs=dicom://ORTHANC@"+archive.DIMSE, "--destination", "gone=dicom://GONE@"+orthanctest.FreePort(t))
	files, uids := sliced(t, "1", "20200101", 3)
	folder := t.TempDir()
	for i, f := range files {
		if err := os.WriteFile(filepath.Join(folder, strconv.Itoa(i)), f, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	call := func(want int, args ...string) string {
		t.Helper()
		var out bytes.Buffer
		if status := run(t.Context(), append(args, "--server", p.grpc), &out, &out); status != want {
			t.Fatalf("%q: status %d: %s", args, status, &out)
		}
		return out.String()
	}
	call(exitOK, "send", folder)
	var list string
	for deadline := time.Now().Add(time.Minute); strings.Count(list, "DELIVERED") != 1 || strings.Count(list, "PARKED") != 1; time.Sleep(20 * time.Millisecond) {
		if list = call(exitOK, "deliveries"); time.Now().After(deadline) {
			t.Fatalf("deliveries: %s", list)
		}
	}
	if !strings.Contains(list, "it cannot be reached: connection refused") {
		t.Errorf("deliveries: %s", list)
	}
	if got := archive.Query(t, "/studies/"+uids.StudyInstanceUID+"/instances", "00080018"); len(got) != 1 {
		t.Errorf("Orthanc has %d objects", len(got))
	}
	if again := call(exitOK, "deliveries", "--retry"); strings.Count(again, "QUEUED  gone") != 1 || strings.Contains(again, "pacs") {
		t.Errorf("tried again: %s", again)
	}
	if made := call(exitOK, "deliveries", "--destination", "pacs", "--state", "delivered"); strings.Count(made, "\n") != 2 {
		t.Errorf("delivered: %s", made)
	}
	call(exitUsage, "deliveries", "--state", "lost")
	call(exitUsage, "deliveries", "x")
	call(exitNothing, "deliveries", "--retry", "nothing")
	if _, metrics := get(t, "http://"+p.metrics+"/metrics"); !strings.Contains(metrics, `endplate_deliveries_total{destination="pacs",outcome="delivered"} 1`) ||
		!strings.Contains(metrics, `endplate_outbox_deliveries{destination="gone"`) || !strings.Contains(metrics, `endplate_publications_total{state="SUCCEEDED"} 1`) {
		t.Errorf("metrics: %s", metrics)
	}
}
