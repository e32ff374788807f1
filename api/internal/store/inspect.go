// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/endplate/endplate/api/internal/fault"
)

// DatabaseState is how a database was found.
type DatabaseState struct {
	Dialect Dialect
	Absent  bool          // there is no file yet; nothing else is known
	InUse   bool          // a process has the SQLite database open; nothing else is known
	Schema  int64         // version of the schema; 0: none yet
	Known   int64         // version that this program makes of it
	Ahead   time.Duration // by which the database's clock is ahead of ours
	Sealed  bool          // tables may not be made in it

	// Publishing is what a server has said last of what is published; nil where none
	// has, or where the schema is not the one that this program knows.
	Publishing *Publishing
}

// InspectDatabase looks at a database without changing anything in it.
func InspectDatabase(ctx context.Context, database string) (state DatabaseState, err error) {
	s := &Store{unlock: func() error { return nil }}
	defer func() { err = errors.Join(err, s.Close()) }()
	if path, ok := strings.CutPrefix(database, "sqlite:"); ok {
		if _, err := os.Stat(strings.TrimPrefix(path, "//")); errors.Is(err, os.ErrNotExist) {
			return DatabaseState{Absent: true}, nil
		}
	}
	if err := s.openDatabase(Config{Database: database, Readers: 1, Connections: 1}); err != nil {
		if s.dialect == SQLite && fault.Of(err) == fault.Unavailable {
			return DatabaseState{InUse: true}, nil
		}
		return DatabaseState{}, err
	}
	s.reader = reader{q: s.readDB, dialect: s.dialect}
	state, err = s.inspect(ctx)
	return state, s.dialect.classify(ctx, err)
}

func (s *Store) inspect(ctx context.Context) (DatabaseState, error) {
	state := DatabaseState{Dialect: s.dialect}
	known, err := knownSchema(s.dialect)
	if err != nil {
		return state, err
	}
	state.Known = known
	before := time.Now()
	at, err := s.databaseNow(ctx)
	if err != nil {
		return state, err
	}
	state.Ahead = at.Sub(before.Add(time.Since(before) / 2))
	exists, sealed := "SELECT COUNT(*), 0 FROM sqlite_master WHERE name = ?", 0
	if s.dialect == PostgreSQL {
		exists = "SELECT CASE WHEN to_regclass(?) IS NULL THEN 0 ELSE 1 END, CASE WHEN has_schema_privilege(current_schema(), 'CREATE') THEN 0 ELSE 1 END"
	}
	var tables int
	if err := s.row(ctx, exists, versionTable).scan(&tables, &sealed); err != nil {
		return state, err
	}
	state.Sealed = sealed > 0
	if tables > 0 {
		err = s.row(ctx, "SELECT MAX(version_id) FROM "+versionTable).scan(&state.Schema)
	}
	if err != nil || state.Schema != state.Known {
		return state, err
	}
	p, said, err := s.Publishing(ctx)
	if said {
		state.Publishing = &p
	}
	return state, err
}

// knownSchema returns the version of the newest migration.
func knownSchema(d Dialect) (int64, error) {
	files, err := fs.ReadDir(migrations, "migrations/"+d.String())
	if err != nil || len(files) == 0 {
		return 0, fmt.Errorf("no migrations: %w", err)
	}
	number, _, _ := strings.Cut(files[len(files)-1].Name(), "_")
	return strconv.ParseInt(number, 10, 64)
}

// ProbeBlobs writes, reads and removes a blob where instances are kept, and returns
// how long it took until it was durable. A folder that is not there yet is not made:
// then the probe is made in the nearest one above it.
func ProbeBlobs(ctx context.Context, address string) (time.Duration, error) {
	content := []byte("a probe, which may be deleted " + rand.Text())
	if u, err := url.Parse(address); err == nil && u.Scheme == "file" {
		took, err := probeFolder(nearest(filepath.FromSlash(u.Path)), content)
		return took, classifyBlob(ctx, err)
	}
	b, err := openBlobs(ctx, address)
	if err != nil {
		return 0, err
	}
	defer func() { _ = b.close() }() // nothing was kept
	key := "probe/" + newID()
	start := time.Now()
	if err := b.write(ctx, key, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	}); err != nil {
		return 0, classifyBlob(ctx, err)
	}
	took := time.Since(start)
	return took, errors.Join(b.compare(ctx, key, content), b.delete(ctx, key))
}

func (b *blobs) compare(ctx context.Context, key string, content []byte) error {
	r, err := b.open(ctx, key)
	if err != nil {
		return classifyBlob(ctx, err)
	}
	defer r.Close()
	return same(r, content)
}

func same(r io.Reader, content []byte) error {
	got, err := io.ReadAll(r)
	if err == nil && !bytes.Equal(got, content) {
		err = fault.New(fault.Corrupt, fault.StoredDataCorrupt, "other bytes are read than were written")
	}
	return err
}

// nearest returns a folder, or the nearest one above it that is there.
func nearest(dir string) string {
	for {
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) || dir == filepath.Dir(dir) {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

func probeFolder(dir string, content []byte) (took time.Duration, err error) {
	start := time.Now()
	f, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	if _, err := f.Write(content); err != nil {
		return 0, err
	}
	if err := errors.Join(f.Sync(), syncFolder(dir)); err != nil {
		return 0, err
	}
	took = time.Since(start)
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return took, err
	}
	return took, same(f, content)
}

// FreeBytes returns how many bytes are free below a folder, or where it will be made.
func FreeBytes(dir string) (int64, error) { return freeBytes(nearest(dir)) }
