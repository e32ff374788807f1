// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/endplate/endplate/api/internal/store/pgtest"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// The database goes away under load, twice, and comes back: until then calls are
// answered that it is not there, and afterwards everything goes on.
func TestTheDatabaseGoesAndComesBack(t *testing.T) {
	t.Parallel()
	database := pgtest.Start(t)
	c := apart(t, ofRiver)
	c.Storage.Database = database.Database(t)
	c.Work.Workers, c.ShutdownGrace = 2, time.Minute
	server, p := c.process(t)
	l := newLedger()
	working, rest := context.WithCancel(t.Context())
	worked := make(chan error, 1)
	examinations := examinations(t, 3)
	go func() { worked <- l.work(working, t, p, examinations) }()
	for round := range 2 {
		until(t, "an examination has gone all the way", 2*time.Minute, func() bool { return l.done() > round || len(worked) > 0 })
		database.Down(t)
		began := time.Now()
		for time.Since(began) < 3*time.Second {
			_, err := p.studies.ListStudies(t.Context(), &endplatev1.ListStudiesRequest{})
			wantCode(t, err, codes.Unavailable, "ERROR_REASON_STORAGE_UNAVAILABLE")
			<-time.After(20 * time.Millisecond) // the senders do not pause
		}
		database.Up(t)
		up := time.Now()
		until(t, "calls are answered", time.Minute, func() bool {
			_, err := p.studies.ListStudies(t.Context(), &endplatev1.ListStudiesRequest{})
			return err == nil
		})
		t.Logf("calls are answered %v after the database is back", time.Since(up))
	}
	until(t, "all examinations have gone all the way", 3*time.Minute, func() bool { return l.done() == len(examinations) || len(worked) > 0 })
	rest()
	if err := <-worked; err != nil {
		t.Fatalf("a caller: %v", err)
	}
	until(t, "the queue is empty", 3*time.Minute, func() bool {
		n, err := p.queued(t.Context())
		return err == nil && n == 0
	})
	l.verify(t, p)
	server.stop(t, c.Config)
	l.verifyStored(t, c)
	// Without a database River looks for jobs five times a second, and tells of it.
	log, err := os.ReadFile(journal(c.Config))
	if n := strings.Count(string(log), ofRiver); err != nil || n > 20 {
		t.Errorf("%d lines of River in the log, %v", n, err)
	}
}

// A server does not start without its database, and says so.
func TestNoDatabaseNoServer(t *testing.T) {
	t.Parallel()
	database := pgtest.Start(t)
	c := apart(t, ofRiver)
	c.Storage.Database = database.Database(t)
	database.Down(t)
	p := launch(t, c.Config)
	select {
	case <-p.ended:
	case <-time.After(time.Minute):
		t.Fatal("it waits")
	}
	if p.err == nil {
		t.Error("the server ended without an error")
	}
	database.Up(t)
}

// refusedAll reports whether an upload was refused for a reason.
func refusedAll(r *endplatev1.UploadInstancesResponse, err error, code codes.Code, reason string) bool {
	if err != nil {
		return status.Code(err) == code && reasonOf(status.Convert(err)) == reason
	}
	for _, o := range r.GetOutcomes() {
		if o.GetState() != endplatev1.InstanceOutcome_REFUSED || o.GetReason() != reason {
			return false
		}
	}
	return len(r.GetOutcomes()) > 0
}
