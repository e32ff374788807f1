// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// smallDisk mounts a disk of its own on a folder, or skips the test.
func smallDisk(t *testing.T, folder string) {
	t.Helper()
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=16m,mode=0700"); err != nil {
		t.Skipf("no disk of its own: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

// filled leaves no room in a folder, and returns what makes some again.
func filled(t *testing.T, folder string) (empty func()) {
	t.Helper()
	path := filepath.Join(folder, "filler")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 4096); ; {
		if _, err := f.Write(block); err != nil {
			break
		}
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
	}
}

// The disk is full while an analysis runs and series come: these are refused, the
// server lives, and goes on when there is room again.
func TestTheDiskIsFull(t *testing.T) {
	t.Parallel()
	c := apart(t, ofRiver)
	smallDisk(t, c.Storage.Folder)
	server, p := c.process(t)
	l := newLedger()
	before, err := l.send(t.Context(), p, made(t, 1, 30))
	if err != nil {
		t.Fatal(err)
	}
	empty := filled(t, c.Storage.Folder)
	series := small(t, 64, 40, 1)
	until(t, "uploads are refused", time.Minute, func() bool {
		r, err := p.upload(t.Context(), 1<<20, series.instances...)
		return refusedAll(r, err, codes.ResourceExhausted, "ERROR_REASON_STORAGE_FULL")
	})
	if _, err := p.analyses.GetAnalysis(t.Context(), &endplatev1.GetAnalysisRequest{AnalysisId: before}); err != nil {
		t.Errorf("GetAnalysis with a full disk: %v", err)
	}
	_, err = p.analyses.CreateAnalysis(t.Context(), &endplatev1.CreateAnalysisRequest{
		SeriesInstanceUid: l.analyses[before].uid, Options: &endplatev1.AnalysisOptions{FixedLevel: &endplatev1.FixedLevel{
			Level: endplatev1.Level_L2, Position: &endplatev1.Position{X: new(1.), Y: new(2.), Z: new(3.)},
		}},
	})
	if code := status.Code(err); code != codes.OK && code != codes.ResourceExhausted {
		t.Errorf("CreateAnalysis with a full disk: %v", err)
	}
	// As long as an analysis takes whose result has no room.
	<-time.After(5 * time.Second)
	empty()
	if _, err := l.send(t.Context(), p, series); err != nil {
		t.Fatal(err)
	}
	l.verify(t, p)
	server.stop(t, c.Config)
	l.verifyStored(t, c)
}
