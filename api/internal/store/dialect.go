// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net"
	"strconv"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/endplate/endplate/api/internal/fault"
)

// Dialect is a kind of database. What differs between them is in this file, in
// open.go, and in the migrations.
type Dialect int

// The dialects.
const (
	SQLite Dialect = iota
	PostgreSQL
)

// String names the dialect as the configuration does.
func (d Dialect) String() string {
	if d == PostgreSQL {
		return "postgres"
	}
	return "sqlite"
}

// rebind writes the parameters of a statement, "?", as the dialect does. There is
// no other "?" in our statements.
func (d Dialect) rebind(query string) string {
	if d == SQLite {
		return query
	}
	var b strings.Builder
	for i, part := range strings.Split(query, "?") {
		if i > 0 {
			b.WriteString("$")
			b.WriteString(strconv.Itoa(i))
		}
		b.WriteString(part)
	}
	return b.String()
}

// The clauses that lock the rows a SELECT finds. A transaction of SQLite that
// writes is alone anyway.
func (d Dialect) forUpdate() string { return d.onPostgreSQL(" FOR UPDATE") }
func (d Dialect) forShare() string  { return d.onPostgreSQL(" FOR SHARE") }

func (d Dialect) onPostgreSQL(clause string) string {
	if d == PostgreSQL {
		return clause
	}
	return ""
}

// clock is the database's own time, microseconds since 1970. Heartbeats go by it,
// so that the clocks of several machines need not agree.
func (d Dialect) clock() string {
	if d == PostgreSQL {
		return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"
	}
	return "CAST(unixepoch('now', 'subsec') * 1000000 AS INTEGER)"
}

// errLost is returned within a transaction that must be begun anew.
var errLost = errors.New("another transaction came first")

// SQLSTATE. PostgreSQL, appendix A.
const (
	pgForeignKeyViolation  = "23503"
	pgUniqueViolation      = "23505"
	pgSerializationFailure = "40001"
	pgDeadlock             = "40P01"
	pgInsufficient         = "53" // class: disk full, out of memory, too many connections
	pgDiskFull             = "53100"
	pgConnection           = "08"  // class
	pgShutdown             = "57P" // shutdowns, and that the server cannot be connected to now
	pgCorrupted            = "XX00"
	pgReadOnly             = "25006"
)

// lost tells whether a transaction failed because of another one and may succeed
// if it is begun anew.
func (d Dialect) lost(err error) bool {
	if errors.Is(err, errLost) {
		return true
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch e.Code {
		case pgSerializationFailure, pgDeadlock, pgForeignKeyViolation, pgUniqueViolation:
			return true
		}
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		primary := e.Code() & 0xff
		return primary == sqlite3.SQLITE_BUSY || primary == sqlite3.SQLITE_LOCKED
	}
	return false
}

var (
	errDatabaseFull = fault.New(fault.Exhausted, fault.StorageFull, "no room left for the database")
	errNoDatabase   = fault.New(fault.Unavailable, fault.StorageUnavailable, "the database does not answer")
	errDatabaseBad  = fault.New(fault.Corrupt, fault.StoredDataCorrupt, "the database is damaged")
	errBusy         = fault.New(fault.Unavailable, fault.StorageUnavailable, "the database is too busy")
)

// classify makes a fault of an error of the database. Faults, and the errors of the
// context, stay what they are.
func (d Dialect) classify(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	if ctx.Err() != nil {
		return errors.Join(ctx.Err(), err)
	}
	class := d.classOf(err)
	if class == nil {
		return fault.Wrap(err, fault.Internal, fault.Bug, "database")
	}
	p := fault.Public(class)
	return fault.Wrap(err, p.Kind, p.Reason, "%s", p.Text)
}

// classOf returns the class of a database's error; nil for a bug.
func (d Dialect) classOf(err error) *fault.Error {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return classOfPostgreSQL(e.Code)
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return classOfSQLite(e.Code() & 0xff)
	}
	if errors.Is(err, errLost) {
		return errBusy
	}
	if errors.Is(err, syscall.ENOSPC) {
		return errDatabaseFull
	}
	_, network := errors.AsType[net.Error](err)
	_, connecting := errors.AsType[*pgconn.ConnectError](err)
	if network || connecting || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) ||
		pgconn.SafeToRetry(err) || d == PostgreSQL && !errors.Is(err, sql.ErrNoRows) {
		return errNoDatabase
	}
	return nil
}

func classOfPostgreSQL(code string) *fault.Error {
	switch {
	case code == pgDiskFull:
		return errDatabaseFull
	case code == pgSerializationFailure, code == pgDeadlock:
		return errBusy
	case strings.HasPrefix(code, pgInsufficient), strings.HasPrefix(code, pgConnection),
		strings.HasPrefix(code, pgShutdown), code == pgReadOnly:
		return errNoDatabase
	case strings.HasPrefix(code, pgCorrupted):
		return errDatabaseBad
	}
	return nil
}

func classOfSQLite(primary int) *fault.Error {
	switch primary {
	case sqlite3.SQLITE_FULL:
		return errDatabaseFull
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return errBusy
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_PERM:
		return errNoDatabase
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return errDatabaseBad
	}
	return nil
}
