// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dul

import (
	"cmp"
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// Timeouts bound how long a peer is waited for; what is zero has a default.
type Timeouts struct {
	ARTIM time.Duration // of PS3.8: for a request, and for the peer to close; 10 s
	Stall time.Duration // without a byte in or out where one is due, and for answers to requests of the association; 30 s
	Idle  time.Duration // for the next message; 60 s
}

// OrDefaults returns the timeouts with the defaults of those that are zero.
func (t Timeouts) OrDefaults() Timeouts {
	return Timeouts{
		ARTIM: cmp.Or(t.ARTIM, 10*time.Second),
		Stall: cmp.Or(t.Stall, 30*time.Second),
		Idle:  cmp.Or(t.Idle, time.Minute),
	}
}

// Slowest is how fast a peer must send on the average, bytes per second, so that one
// that sends a byte now and then holds no association. A modem sent faster.
const Slowest = 4 << 10

var errInterrupted = errors.New("interrupted")

// line is a transport connection of which each read and write has its time, and which
// can be interrupted.
type line struct {
	net.Conn
	timeouts Timeouts

	mu          sync.Mutex
	artim       time.Time // when the timer expires; zero: it does not run
	due         time.Time // when the next message must begin; zero: one is under way
	spent       time.Duration
	got         int64 // bytes of the message under way, and the time spent reading them
	readsEnded  bool
	writesEnded bool
}

// await says that the next message is waited for from now on.
func (l *line) await(patience time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.due = time.Now().Add(patience)
}

// mayAwait says that the next message is waited for, unless that was said before.
func (l *line) mayAwait() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.due.IsZero() {
		l.due = time.Now().Add(l.timeouts.Idle)
	}
}

// begin says that a message is under way.
func (l *line) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.due, l.spent, l.got = time.Time{}, 0, 0
}

func (l *line) setARTIM(a artim) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch a {
	case start:
		l.artim = time.Now().Add(l.timeouts.ARTIM)
	case stop:
		l.artim = time.Time{}
	}
}

// artimRuns reports whether the timer runs.
func (l *line) artimRuns() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.artim.IsZero()
}

var past = time.Unix(1, 0)

// interrupt ends what is under way, and all that follows until resume.
func (l *line) interrupt(reads, writes bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if reads {
		l.readsEnded = true
		_ = l.SetReadDeadline(past) // it fails for a closed connection
	}
	if writes {
		l.writesEnded = true
		_ = l.SetWriteDeadline(past)
	}
}

func (l *line) resume() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.readsEnded, l.writesEnded = false, false
}

// Read reads before the deadline of what is waited for.
func (l *line) Read(p []byte) (int, error) {
	now := time.Now()
	if err := l.allowRead(now); err != nil {
		return 0, err
	}
	n, err := l.Conn.Read(p)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.got += int64(n)
	l.spent += time.Since(now)
	if err != nil {
		err = timed(err, l.readsEnded)
	}
	return n, err
}

func (l *line) allowRead(now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.readsEnded {
		return errInterrupted
	}
	by := l.due
	switch {
	case !l.artim.IsZero():
		by = l.artim
	case l.due.IsZero():
		earned := time.Duration(l.got) * time.Second / Slowest
		by = now.Add(min(l.timeouts.Stall, l.timeouts.Stall+earned-l.spent))
	}
	return l.SetReadDeadline(by)
}

// Write writes within the time for a stall.
func (l *line) Write(p []byte) (int, error) {
	if err := l.allowWrite(); err != nil {
		return 0, err
	}
	n, err := l.Conn.Write(p)
	if err != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		err = timed(err, l.writesEnded)
	}
	return n, err
}

func (l *line) allowWrite() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.writesEnded {
		return errInterrupted
	}
	return l.SetWriteDeadline(time.Now().Add(l.timeouts.Stall))
}

// timed tells a deadline that passed from one that was moved to interrupt.
func timed(err error, interrupted bool) error {
	switch {
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return err
	case interrupted:
		return errInterrupted
	}
	return ErrTimeout
}
