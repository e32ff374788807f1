// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package store keeps what the service must not lose: instances as they came, and
// analyses, revisions, comparisons and the audit of what was done. Rows are in an
// SQL database, SQLite or PostgreSQL, and the bytes of instances in blobs, files of
// a folder or objects of a bucket.
//
// # Durability
//
// What a call of [Store.Write] or [Batch.Sync] has returned without an error is on
// the disk. An instance comes in four steps: a row that announces a [Batch] of
// blobs, the blobs, one transaction that indexes them, the acknowledgement. A crash
// between them leaves blobs that the announcement finds again; [Store.Sweep] removes
// them. A deletion goes the other way: one transaction removes the rows and lists
// the blobs, which are removed after it. [Store.Check] verifies that nothing is
// lost and nothing left over.
//
// # Time
//
// The times of rows are the server's clock, kept from running backwards where order
// matters. Nothing that is stored depends on clocks being right: a sweeper that
// takes a batch for stale makes the transaction that would index it fail.
package store

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/endplate/endplate/api/internal/fault"
)

// Config says where to store, and how much room to leave.
type Config struct {
	// Database is "sqlite:PATH" or a URL "postgres://…".
	Database string
	// Blobs is a URL "file:///FOLDER", "s3://BUCKET?…", or "mem://" for tests.
	// gocloud.dev/blob/s3blob describes the parameters.
	Blobs string
	// MinFree is the room that is left free on the disks of a folder of blobs and of
	// an SQLite database, bytes: below it instances are refused.
	MinFree int64
	// Readers bounds the connections of SQLite that only read; 0 means 4.
	Readers int
	// Connections bounds the connections to PostgreSQL; 0 means 16.
	Connections int
	// Severity tells how bad a report is, 0 where there is nothing: worklists are
	// ordered by it. Without it results are stored that a store with it ranks later.
	Severity func(report []byte) int64 `json:"-"`
	// Logger takes what migrations have to say; nil means nowhere.
	Logger *slog.Logger
}

// Store is an open store. Its methods that read are those of [Tx] too; here they
// see what is committed.
type Store struct {
	reader
	db      *sql.DB // writes, and is all there is on PostgreSQL
	readDB  *sql.DB // the same as db on PostgreSQL
	kept    prepared
	blobs   *blobs
	dbDir   string        // of an SQLite database
	turn    chan struct{} // held by who writes to SQLite; nil on PostgreSQL
	minFree int64
	unlock  func() error
	now     func() time.Time

	severity func(report []byte) int64
}

// Open opens the store and brings its schema, and that of River, up to date.
// Several servers may do so at once on one PostgreSQL; an SQLite database is for
// one process alone, and a second one is refused with [fault.Unavailable].
func Open(ctx context.Context, config Config) (*Store, error) {
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Store{minFree: config.MinFree, unlock: func() error { return nil }, now: time.Now, severity: config.Severity}
	if err := s.open(ctx, config); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, config Config) (err error) {
	if err := s.openDatabase(config); err != nil {
		return err
	}
	s.reader = reader{q: s.readDB, dialect: s.dialect}
	if err := s.migrate(ctx, config.Logger); err != nil {
		return s.dialect.classify(ctx, err)
	}
	if s.blobs, err = openBlobs(ctx, config.Blobs); err != nil {
		return err
	}
	return s.rankOld(ctx)
}

// Close closes the store. Everything that was acknowledged is on the disk before.
func (s *Store) Close() error {
	var errs []error
	if s.readDB != nil && s.readDB != s.db {
		errs = append(errs, s.readDB.Close())
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	if s.blobs != nil {
		errs = append(errs, s.blobs.close())
	}
	return errors.Join(append(errs, s.unlock())...)
}

// DB returns the connections that write: one for SQLite, so that whoever holds a
// transaction must not ask for another connection.
func (s *Store) DB() *sql.DB { return s.db }

// Dialect tells which database it is.
func (s *Store) Dialect() Dialect { return s.dialect }

// Ping tells whether database and blobs answer.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.readDB.PingContext(ctx); err != nil {
		return s.dialect.classify(ctx, err)
	}
	return s.blobs.ping(ctx)
}

// Tx is a transaction that writes.
type Tx struct {
	reader
	kept     reader // the same, for statements that are executed again and again
	tx       *sql.Tx
	now      time.Time
	severity func(report []byte) int64
	awaited  []*Staged // what must be on the disk before the transaction is committed

	committed []func()
}

// SQL returns the transaction, for River.
func (tx *Tx) SQL() *sql.Tx { return tx.tx }

// OnCommit has f called once the transaction is committed. It must not write.
func (tx *Tx) OnCommit(f func()) { tx.committed = append(tx.committed, f) }

// Now is the time of the transaction, which its rows bear.
func (tx *Tx) Now() time.Time { return tx.now }

// Attempts at a transaction that loses against another.
const (
	writeAttempts = 8
	writeBackoff  = 5 * time.Millisecond // doubled each time, half of it by chance
)

// Write calls f in a transaction and commits it if f returns nil. It calls f anew if
// the transaction lost against another, so f must have no effects but through it. It
// must not call Write, nor read by the store what it wrote: it has tx for that.
// When Write returns nil, what f did is on the disk. An error of Unavailable, Canceled
// or Deadline leaves open whether it was committed.
func (s *Store) Write(ctx context.Context, f func(*Tx) error) error {
	for attempt := 1; ; attempt++ {
		err := s.write(ctx, f)
		if err == nil {
			return nil
		}
		if attempt == writeAttempts || !s.dialect.lost(err) {
			return s.dialect.classify(ctx, err)
		}
		wait := writeBackoff << attempt
		select {
		case <-time.After(wait/2 + rand.N(wait/2)):
		case <-ctx.Done():
			return s.dialect.classify(ctx, err)
		}
	}
}

func (s *Store) write(ctx context.Context, f func(*Tx) error) (err error) {
	leave, err := s.queue(ctx)
	if err != nil {
		return err
	}
	defer leave()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() {
		if rollback := tx.Rollback(); rollback != nil && !errors.Is(rollback, sql.ErrTxDone) && err == nil {
			err = rollback
		}
	}()
	now := time.UnixMicro(s.now().UnixMicro()).UTC()
	t := &Tx{reader: reader{q: tx, dialect: s.dialect}, tx: tx, now: now, severity: s.severity}
	t.kept = reader{q: s.kept.in(tx), dialect: s.dialect}
	if err := f(t); err != nil {
		return err
	}
	for _, st := range t.awaited {
		if err := st.Synced(); err != nil {
			return err
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	s.kept.prepare(ctx)
	for _, f := range t.committed {
		f()
	}
	return nil
}

// queue waits for the turn to write to SQLite, first come, first served, and returns
// what ends it. database/sql gives its one connection to anybody who waits, by chance:
// where many do, some would wait ten times as long as others, and River give up.
func (s *Store) queue(ctx context.Context) (leave func(), err error) {
	if s.turn == nil {
		return func() {}, nil
	}
	select {
	case s.turn <- struct{}{}:
		return func() { <-s.turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// notExist says that something is not stored.
func notExist(what, key, id string) error {
	return fault.New(fault.NotExist, fault.NotFound, "no %s %s", what, id).With(key, id)
}
