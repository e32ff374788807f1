// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/store"
	"github.com/endplate/endplate/api/internal/store/pgtest"
)

func inspect(t *testing.T, database string) store.DatabaseState {
	t.Helper()
	state, err := store.InspectDatabase(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

func TestInspectSQLite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "deep", "endplate.db")
	database := "sqlite:" + path
	if got := inspect(t, database); !got.Absent {
		t.Errorf("before: %+v", got)
	}
	if _, err := os.Stat(filepath.Dir(path)); err == nil {
		t.Error("looking made a folder")
	}
	s, err := store.Open(t.Context(), store.Config{Database: database, Blobs: "mem://"})
	if err != nil {
		t.Fatal(err)
	}
	if got := inspect(t, database); !got.InUse {
		t.Errorf("open: %+v", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := inspect(t, database); got.Schema == 0 || got.Schema != got.Known || got.Ahead.Abs() > time.Minute {
		t.Errorf("after: %+v", got)
	}
	newer(t, "sqlite", path)
	if got := inspect(t, database); got.Schema <= got.Known {
		t.Errorf("of a newer program: %+v", got)
	}
	if err := os.WriteFile(path, []byte("this is no database, but it is long enough to be taken for one by its size alone"), 0o600); err != nil {
		t.Fatal(err)
	}
	if state, err := store.InspectDatabase(t.Context(), database); err == nil {
		t.Errorf("no database: %+v", state)
	}
}

// newer notes a migration that this program does not know.
func newer(t *testing.T, driver, dsn string) {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "INSERT INTO endplate_schema (version_id, is_applied) VALUES (9999, true)"); err != nil {
		t.Fatal(err)
	}
}

func TestInspectPostgreSQL(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	database := server.Database(t)
	if got := inspect(t, database); got.Schema != 0 || got.Known == 0 || got.Sealed || got.Ahead.Abs() > time.Minute {
		t.Errorf("empty: %+v", got)
	}
	s, err := store.Open(t.Context(), store.Config{Database: database, Blobs: "mem://"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := inspect(t, database); got.Schema == 0 || got.Schema != got.Known {
		t.Errorf("open: %+v", got)
	}
	newer(t, "pgx", database)
	if got := inspect(t, database); got.Schema <= got.Known {
		t.Errorf("of a newer program: %+v", got)
	}
	db, err := sql.Open("pgx", database)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "CREATE ROLE guest LOGIN"); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("user", "guest")
	u.RawQuery = q.Encode()
	if state, err := store.InspectDatabase(t.Context(), u.String()); err == nil && !state.Sealed {
		t.Errorf("without rights: %+v", state)
	}
	server.Down(t)
	if _, err := store.InspectDatabase(t.Context(), database); fault.Of(err) != fault.Unavailable {
		t.Errorf("down: %v, want %v", err, fault.Unavailable)
	}
	server.Up(t)
}

func TestProbeBlobs(t *testing.T) {
	dir := t.TempDir()
	address := func(path string) string { return (&url.URL{Scheme: "file", Path: path}).String() }
	for _, tt := range []struct {
		name, address string
		ok            bool
	}{
		{"folder", address(dir), true},
		{"folder that is not there yet", address(filepath.Join(dir, "a", "b")), true},
		{"memory", "mem://", true},
		{"file in the way", address(os.Args[0]), false},
		{"unknown scheme", "carrier-pigeon://x", false},
	} {
		if _, err := store.ProbeBlobs(t.Context(), tt.address); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind %v, %v", left, err)
	}
	if free, err := store.FreeBytes(filepath.Join(dir, "a", "b")); err != nil || free <= 0 {
		t.Errorf("FreeBytes = %d, %v", free, err)
	}
}
