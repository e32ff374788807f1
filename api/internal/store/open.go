// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // registers "sqlite"

	"github.com/endplate/endplate/api/internal/fault"
)

const (
	defaultReaders     = 4
	defaultConnections = 16

	busyTimeout = 10 * time.Second
	// idleTimeout is when PostgreSQL ends a transaction whose process has stopped in
	// the midst of it, and with it the locks on which the others wait.
	idleTimeout  = 15 * time.Second
	connLifetime = time.Hour // so that a PostgreSQL behind a changed address is found again
)

// openDatabase opens the database that config names.
func (s *Store) openDatabase(config Config) error {
	scheme, rest, _ := strings.Cut(config.Database, ":")
	switch scheme {
	case "sqlite":
		s.dialect = SQLite
		return s.openSQLite(strings.TrimPrefix(rest, "//"), config.Readers)
	case "postgres", "postgresql":
		s.dialect = PostgreSQL
		return s.openPostgreSQL(config.Database, config.Connections)
	}
	return fault.New(fault.Invalid, fault.InvalidField, "the database is neither sqlite:PATH nor postgres://…")
}

func (s *Store) openPostgreSQL(dsn string, connections int) error {
	parsed, err := pgx.ParseConfig(dsn)
	if err != nil {
		return fault.Wrap(err, fault.Invalid, fault.InvalidField, "the URL of the database cannot be read")
	}
	if connections == 0 {
		connections = defaultConnections
	}
	connections = max(connections, 2) // migrations hold a lock with one of them
	db := stdlib.OpenDB(*parsed, stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "SET idle_in_transaction_session_timeout = "+strconv.FormatInt(idleTimeout.Milliseconds(), 10))
		return err
	}))
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	db.SetConnMaxLifetime(connLifetime)
	s.db, s.readDB = db, db
	return nil
}

// openSQLite opens an SQLite database twice: with one connection that writes, so
// that transactions wait for one another in order and not by polling, and with
// several that read beside it.
func (s *Store) openSQLite(path string, readers int) (err error) {
	if path == "" {
		return fault.New(fault.Invalid, fault.InvalidField, "the database sqlite:PATH has no path")
	}
	if path, err = filepath.Abs(path); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	s.dbDir = filepath.Dir(path)
	if err := makeFolder(s.dbDir); err != nil {
		return fault.Wrap(err, fault.Unavailable, fault.StorageUnavailable, "the folder of the database cannot be made")
	}
	if s.unlock, err = lockFile(path + ".lock"); err != nil {
		s.unlock = func() error { return nil }
		return fault.Wrap(err, fault.Unavailable, fault.StorageUnavailable, "the database is in use by another process")
	}
	write, read := sqliteDSN(path)
	if s.db, err = sql.Open("sqlite", write); err != nil {
		return err
	}
	s.db.SetMaxOpenConns(1)
	s.kept = prepared{db: s.db, stmts: map[string]*sql.Stmt{}}
	s.turn = make(chan struct{}, 1)
	if s.readDB, err = sql.Open("sqlite", read); err != nil {
		return err
	}
	if readers == 0 {
		readers = defaultReaders
	}
	s.readDB.SetMaxOpenConns(readers)
	s.readDB.SetMaxIdleConns(readers)
	return nil
}

// sqliteDSN returns the names under which the connections that write and those
// that read open the database. With a full sync of the write-ahead log, what is
// committed survives the loss of power.
func sqliteDSN(path string) (write, read string) {
	q := url.Values{"_pragma": {
		fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()),
		"journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
	}}
	file := "file:" + (&url.URL{Path: path}).EscapedPath() + "?"
	read = file + q.Encode() + "&_pragma=query_only(1)"
	q.Set("_txlock", "immediate")
	return file + q.Encode(), read
}

// makeFolder makes a folder that nobody but its owner looks into, and has its
// name on the disk.
func makeFolder(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := makeFolder(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !os.IsExist(err) {
		return err
	}
	return syncFolder(filepath.Dir(dir))
}

// syncFolder has the names in a folder on the disk.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// databaseNow returns the database's time.
func (r reader) databaseNow(ctx context.Context) (time.Time, error) {
	var at int64
	err := r.row(ctx, "SELECT "+r.dialect.clock()).scan(&at)
	return timeOf(at), err
}
