// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package pgtest runs a PostgreSQL of a test's own.
package pgtest

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // registers "pgx"
)

// Server is a PostgreSQL that ends with the test. It listens on a socket in its own
// folder and on nothing else, and forgets fsync: it outlives a client that is
// killed, not a loss of power.
type Server struct {
	dir     string
	process *process
	next    atomic.Int64
}

// Start starts a server, or skips the test where PostgreSQL is not installed.
func Start(t testing.TB) *Server {
	t.Helper()
	s := &Server{dir: initialize(t)}
	s.Up(t)
	t.Cleanup(func() { s.Down(t) })
	return s
}

// url returns the address of a database.
func (s *Server) url(database string) string {
	q := url.Values{"host": {s.dir}, "user": {"postgres"}}
	return "postgres:///" + database + "?" + q.Encode()
}

// Database makes an empty database and returns its URL.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test%d", s.next.Add(1))
	db, err := sql.Open("pgx", s.url("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(context.WithoutCancel(t.Context()), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	return s.url(name)
}

// Up starts a server that is down.
func (s *Server) Up(t testing.TB) {
	t.Helper()
	s.process = start(t, s.dir)
	db, err := sql.Open("pgx", s.url("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if err = db.PingContext(ctx); err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("PostgreSQL does not come up: %v", err)
		}
	}
}

// Down stops the server at once, as a crash would.
func (s *Server) Down(t testing.TB) {
	t.Helper()
	if s.process != nil {
		s.process.stop(t)
		s.process = nil
	}
}

// Dump returns what pg_dump writes of a database, with arguments of its own.
func (s *Server) Dump(t testing.TB, database string, args ...string) string {
	t.Helper()
	return dump(t, append(args, "--no-owner", "--dbname="+database))
}
