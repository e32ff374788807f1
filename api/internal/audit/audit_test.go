// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package audit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"

	"github.com/endplate/endplate/api/internal/audit"
	"github.com/endplate/endplate/api/internal/auth"
	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/store"
)

var quiet = slog.New(slog.DiscardHandler)

func requestID(context.Context) string { return "r1" }

func open(t *testing.T, path string, log *slog.Logger) *audit.Log {
	t.Helper()
	l, err := audit.Open(path, requestID, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func openStore(t *testing.T) *store.Store {
	t.Helper()
	dir := t.TempDir()
	s, err := store.Open(t.Context(), store.Config{Database: "sqlite:" + filepath.Join(dir, "db"), Blobs: "file://" + filepath.Join(dir, "blobs")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// A change and its row are made together or not at all.
func TestRowGoesWithTheChange(t *testing.T) {
	s, l := openStore(t), open(t, "", quiet)
	ctx := auth.WithPrincipal(t.Context(), auth.Principal{Subject: "dr-b"})
	undone := errors.New("undone")
	err := s.Write(ctx, func(tx *store.Tx) error {
		if err := l.Append(ctx, tx, "StudyService/DeleteStudy", "1.2.3"); err != nil {
			return err
		}
		return undone
	})
	if !errors.Is(err, undone) {
		t.Fatal(err)
	}
	for _, write := range []func(*store.Tx) error{
		func(tx *store.Tx) error {
			return l.Append(ctx, tx, "StudyService/DeleteStudy", "1.2.3", "1.2.3", "", "1.2.4")
		},
		func(tx *store.Tx) error { return l.Append(t.Context(), tx, "retention", strings.Repeat("9", 1000)) },
	} {
		if err := s.Write(ctx, write); err != nil {
			t.Fatal(err)
		}
	}
	got, _, err := s.ListAudit(ctx, store.Page{Size: 10})
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		if time.Since(got[i].At) > time.Minute {
			t.Errorf("row of %v", got[i].At)
		}
		got[i].ID, got[i].At = 0, time.Time{}
	}
	want := []store.AuditEntry{
		{RequestID: "r1", Subject: audit.Server, Method: "retention", Outcome: "OK", Objects: []string{strings.Repeat("9", 128)}},
		{RequestID: "r1", Subject: "dr-b", Method: "StudyService/DeleteStudy", Outcome: "OK", Objects: []string{"1.2.3", "1.2.4"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// call makes a unary call through the log.
func call(t *testing.T, l *audit.Log, method string, err error) {
	t.Helper()
	_, got := l.Unary(t.Context(), nil, &grpc.UnaryServerInfo{FullMethod: method}, func(context.Context, any) (any, error) { return nil, err })
	if !errors.Is(got, err) {
		t.Errorf("error %v became %v", err, got)
	}
}

// lines returns method and code of each line of a file.
func lines(t *testing.T, path string) []string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for l := range strings.Lines(string(raw)) {
		var e struct{ Method, Code string }
		if err := json.Unmarshal([]byte(l), &e); err != nil {
			t.Errorf("line %q: %v", l, err)
		}
		all = append(all, e.Method+" "+e.Code)
	}
	return all
}

func TestLinesAreAppended(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l := open(t, path, quiet)
	call(t, l, "/endplate.v1.StudyService/GetStudy", nil)
	call(t, l, "/grpc.health.v1.Health/Check", nil)
	l.Close()
	l = open(t, path, quiet)
	call(t, l, "/endplate.v1.StudyService/GetStudy", fault.New(fault.NotExist, fault.NotFound, "study"))
	want := []string{"endplate.v1.StudyService/GetStudy OK", "endplate.v1.StudyService/GetStudy NotFound"}
	if diff := cmp.Diff(want, lines(t, path)); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// Whoever rotates logs moves the file; lines then go to a new one.
func TestFileMayBeRotated(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(dir, "audit.jsonl")
		l := open(t, path, quiet)
		call(t, l, "/a/1", nil)
		if err := os.Rename(path, path+".1"); err != nil {
			t.Fatal(err)
		}
		call(t, l, "/a/2", nil)
		time.Sleep(time.Second)
		call(t, l, "/a/3", nil)
		if diff := cmp.Diff([]string{"a/1 OK", "a/2 OK"}, lines(t, path+".1")); diff != "" {
			t.Errorf("before (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"a/3 OK"}, lines(t, path)); diff != "" {
			t.Errorf("after (-want +got):\n%s", diff)
		}
	})
}

func TestLinesOfManyDoNotMix(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	var all sync.WaitGroup
	for i := range 4 { // as four processes would
		l := open(t, path, quiet)
		for range 4 {
			all.Go(func() {
				for range 50 {
					call(t, l, fmt.Sprintf("/a/%d%s", i, strings.Repeat("x", 500)), nil)
				}
			})
		}
	}
	all.Wait()
	if n := len(lines(t, path)); n != 800 {
		t.Errorf("%d lines, want 800", n)
	}
}

// A line that cannot be written is told to the log, and the call goes on.
func TestLostLinesAreTold(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full here")
	}
	var told bytes.Buffer
	l := open(t, "/dev/full", slog.New(slog.NewJSONHandler(&told, nil)))
	call(t, l, "/a/1", nil)
	if !strings.Contains(told.String(), `"audit line lost"`) || !strings.Contains(told.String(), `"method":"a/1"`) {
		t.Errorf("told %q", told.String())
	}
}

func TestFileThatCannotBeOpened(t *testing.T) {
	if _, err := audit.Open(filepath.Join(t.TempDir(), "none", "audit"), requestID, quiet); err == nil {
		t.Error("opened in a folder that is not there")
	}
}
