// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/endplate/endplate/api/internal/store/pgtest"
)

// A server is killed at random moments, as often as ENDPLATE_CRASHES says, while it is
// sent series, measures, corrects and compares. What it has acknowledged is there in
// the end, once.

func TestNothingAcknowledgedIsLostOnSQLite(t *testing.T) {
	t.Parallel()
	// Jobs of a process that was killed are taken up at once: this is who is alone.
	killed(t, apart(t), 3)
}

func TestNothingAcknowledgedIsLostOnPostgreSQL(t *testing.T) {
	t.Parallel()
	c := apart(t)
	c.Storage.Database = pgtest.Start(t).Database(t)
	// They are when others may think it dead, half a minute later with the service's times.
	killed(t, c, 20)
}

// killed kills servers. Each so-manieth lives until an examination has gone all the
// way, so that things go on.
func killed(t *testing.T, c served, spared int) {
	crashes := many("ENDPLATE_CRASHES", 6)
	if testing.Short() {
		crashes = 3
	}
	c.Work.Workers, c.Work.QuietTime, c.ShutdownGrace = 2, 300*time.Millisecond, time.Minute
	examinations := examinations(t, crashes/spared+2)
	l := newLedger()
	var at roaming
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(crashes+20)*20*time.Second)
	defer cancel()
	working, rest := context.WithCancel(ctx)
	worked := make(chan error, 1)
	go func() { worked <- l.work(working, t, at.peer(t), examinations) }()

	for round := range crashes {
		p := launch(t, c.Config)
		if round%5 == 4 { // while it starts
			<-time.After(rand.N(400 * time.Millisecond))
			p.kill()
			continue
		}
		at.Store(new(p.ready(t, c.Config).GRPC))
		if before := l.done(); round%spared == 0 && before < len(examinations) {
			until(t, "an examination has gone all the way", 2*time.Minute, func() bool { return l.done() > before || len(worked) > 0 })
		}
		<-time.After(rand.N(1200 * time.Millisecond)) // the moment
		at.Store(nil)
		p.kill()
		if len(worked) > 0 {
			break // it ended by an error
		}
	}
	p := launch(t, c.Config)
	at.Store(new(p.ready(t, c.Config).GRPC))
	until(t, "an examination has gone all the way", 2*time.Minute, func() bool { return l.done() > 0 || len(worked) > 0 })
	rest()
	if err := <-worked; err != nil {
		t.Fatalf("a caller: %v", err)
	}
	answering := at.peer(t)
	until(t, "the queue is empty", 3*time.Minute, func() bool {
		n, err := answering.queued(t.Context())
		return err == nil && n == 0
	})
	l.verify(t, answering)
	p.stop(t, c.Config)
	l.verifyStored(t, c)
	t.Logf("%d times killed", crashes)
}
