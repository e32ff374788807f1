// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package audit keeps who did what to which studies, when, and what came of it.
//
// Calls that change something append a row to a table of the database, in the
// transaction that makes the change: there is no change without its row. All calls
// but health checks, those that only read and those that were refused too, become a
// line of a file where one is configured. The line follows the call; one that cannot
// be written is told to the log and holds nobody up, since a reader at work must not
// wait for an auditor's disk.
//
// Neither holds anything of a patient but the UIDs of studies and series.
package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/endplate/endplate/api/internal/auth"
	"github.com/endplate/endplate/api/internal/store"
)

// Server names the server itself, as the one who did what nobody called for.
const Server = "(server)"

// The most that one line or row names.
const (
	mostObjects   = 1000
	longestObject = 128 // bytes
)

// Log is an audit log. Its methods may be called from several goroutines at once.
type Log struct {
	requestID func(context.Context) string
	log       *slog.Logger

	mu     sync.Mutex
	path   string
	file   *os.File // nil: none
	looked time.Time
}

// Open opens an audit log whose lines go to the end of a file; with an empty path there
// are none. requestID tells the identifier of a call.
func Open(path string, requestID func(context.Context) string, log *slog.Logger) (*Log, error) {
	l := &Log{requestID: requestID, log: log, path: path}
	if path == "" {
		return l, nil
	}
	if err := l.reopen(); err != nil {
		return nil, fmt.Errorf("audit file: %w", err)
	}
	return l, nil
}

// Close closes the file.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	file := l.file
	l.file = nil
	return file.Close()
}

// Append adds a row to the table in the transaction that makes a change: who calls,
// by which method, and the objects changed. An error must undo the transaction.
func (l *Log) Append(ctx context.Context, tx *store.Tx, method string, objects ...string) error {
	e := store.AuditEntry{
		RequestID: l.requestID(ctx), Subject: auth.FromContext(ctx).Subject, Peer: peerOf(ctx),
		Method: method, Outcome: "OK", Objects: bounded(objects),
	}
	if e.Subject == "" {
		e.Subject = Server
	}
	if c := callOf(ctx); c != nil {
		c.add(objects...)
	}
	return tx.AppendAudit(ctx, e)
}

// bounded returns objects, each once and cut to what an identifier can be: callers
// choose what they ask for.
func bounded(objects []string) []string {
	var kept []string
	for _, o := range objects[:min(len(objects), mostObjects)] {
		o = o[:min(len(o), longestObject)]
		if o != "" && !slices.Contains(kept, o) {
			kept = append(kept, o)
		}
	}
	return kept
}

// line is a line of the file.
type line struct {
	Time      time.Time `json:"time"`
	RequestID string    `json:"request_id"`
	Subject   string    `json:"subject"`
	Peer      string    `json:"peer"`
	Method    string    `json:"method"`
	Code      string    `json:"code"`
	Objects   []string  `json:"objects,omitempty"`
}

// write appends a line to the file.
func (l *Log) write(ctx context.Context, e line) {
	raw, err := json.Marshal(e)
	if err == nil {
		err = l.append(append(raw, '\n'))
	}
	if err != nil {
		l.log.LogAttrs(ctx, slog.LevelError, "audit line lost", slog.String("request_id", e.RequestID),
			slog.String("subject", e.Subject), slog.String("method", e.Method), slog.String("code", e.Code), slog.Any("error", err))
	}
}

// lookAgain is how long the file is taken to be where it was.
const lookAgain = time.Second

// append writes in one piece, at the end wherever that is: lines of several processes
// do not mix.
func (l *Log) append(raw []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); l.path != "" && now.Sub(l.looked) >= lookAgain {
		l.looked = now
		if l.moved() {
			if err := l.reopen(); err != nil {
				return err
			}
		}
	}
	if l.file == nil {
		return nil
	}
	_, err := l.file.Write(raw)
	return err
}

// moved reports whether the file is no longer at its path, because logs are rotated.
func (l *Log) moved() bool {
	at, err := os.Stat(l.path)
	if err != nil {
		return true
	}
	open, err := l.file.Stat()
	return err != nil || !os.SameFile(at, open)
}

func (l *Log) reopen() error {
	file, err := os.OpenFile(l.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if l.file != nil {
		_ = l.file.Close() // each line was written in one call
	}
	l.file, l.looked = file, time.Now()
	return nil
}
