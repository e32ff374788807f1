// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package ingest is the one door by which instances come in, whatever transport
// brings them. An instance is read once: while its bytes go into a blob they are
// hashed, and its structure is walked to the end. It is then checked, synced and
// indexed, and acknowledged last. Instances that come together, of one caller or of
// several, are synced and indexed together.
//
// Who sends one instance after the other, and waits for each to be acknowledged, would
// wait for files and index each time. Such an instance may be acknowledged when it is in
// the journal, and is stored from there when its peer pauses, or somebody asks: Settle
// waits for it. After a crash, Recover stores what the journal has.
//
// The bytes that are stored are those that came, unless the server takes identities
// out: then they are what the transformation makes of them.
package ingest

import (
	"context"
	"crypto/sha256"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/store"
)

// Config says what comes in and what becomes of it.
type Config struct {
	Store *store.Store
	// Journal, if not nil, keeps instances that may be acknowledged early.
	Journal *store.Journal

	// SOPClasses are accepted and kept beside those that are analysed: see Accepted.
	SOPClasses []string
	// MaxInstance bounds an instance, bytes; 0 means 4 GiB.
	MaxInstance int64
	// Transform, if not nil, writes to dst what an instance becomes before it is
	// stored. It must make the same bytes of the same bytes.
	Transform func(dst io.Writer, src io.Reader) error
	// Touched, if not nil, is called in the transaction that indexes instances, with
	// the series that got them.
	Touched func(ctx context.Context, tx *store.Tx, series []store.Series) error
	// Observe, if not nil, is told of every instance that came and the time from its
	// first byte until it was stored or refused.
	Observe func(source string, o Outcome, took time.Duration)
	// Logger is told of what concerns no caller; nil means nobody is.
	Logger *slog.Logger
}

const defaultMaxInstance = 4 << 30 // bytes; a whole body as one Enhanced CT

// Ingest takes instances in. Its methods may be called at once.
type Ingest struct {
	config  Config
	classes map[string]bool

	queue chan *pending
	ended chan struct{} // closed when the last of the queue is done

	flights   flights
	unsettled atomic.Int64 // acknowledged instances that are not indexed
	owing     atomic.Bool  // whether some of them could not be, when that was tried last
	tried     time.Time

	mu      sync.Mutex
	current *batch
	closed  bool
	adding  sync.WaitGroup
}

// New returns an open door. Close it before the store.
func New(ctx context.Context, config Config) *Ingest {
	if config.MaxInstance == 0 {
		config.MaxInstance = defaultMaxInstance
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	g := &Ingest{
		config:  config,
		classes: acceptedClasses(config.SOPClasses),
		queue:   make(chan *pending, groupSize),
		ended:   make(chan struct{}),
		flights: flights{at: map[string]*flight{}},
	}
	// What has been taken in is stored also if the caller has gone.
	go g.commit(context.WithoutCancel(ctx))
	return g
}

// Close waits for what is under way. Instances that come afterwards are refused.
func (g *Ingest) Close() error {
	g.mu.Lock()
	again := g.closed
	g.closed = true
	g.mu.Unlock()
	if again {
		return nil
	}
	g.adding.Wait()
	close(g.queue)
	<-g.ended
	return nil
}

// Upload is what a transport knows of an instance before its bytes.
type Upload struct {
	Name      string // what the caller calls it; comes back with the outcome, and is not kept
	Source    string // the transport, such as "grpc"
	SizeBytes *int64 // checked where it is present
	SHA256    []byte // checked where it is not empty
	// StudyInstanceUID is that of the study which the instance is said to be of, as it
	// comes; checked where it is not empty.
	StudyInstanceUID string
	// Early allows for the instance to be said to be stored when it is in the journal. Its
	// outcome has no hash then.
	Early bool
}

// State is what became of an instance.
type State int

// The states.
const (
	Refused       State = iota // it is not stored: see Outcome.Err
	Stored                     // it is on the disk
	AlreadyStored              // the same bytes were stored before
)

// Outcome says what became of an instance.
type Outcome struct {
	Name              string
	State             State
	StudyInstanceUID  string // as it is stored; the UIDs are empty where they could not be read
	SeriesInstanceUID string
	SOPInstanceUID    string
	SOPClassUID       string
	SizeBytes         int64             // received
	SHA256            [sha256.Size]byte // of the bytes received; zero if not all of them were, or early

	// Err is why the instance was refused: a fault, or the error of the reader.
	Err error
}

var errClosed = fault.New(fault.Unavailable, fault.ShuttingDown, "the server is shutting down")

// Add takes an instance in and returns when it is stored or refused. It may refuse
// an instance before it has read r to its end.
func (g *Ingest) Add(ctx context.Context, u Upload, r io.Reader) Outcome {
	done := make(chan Outcome, 1)
	g.add(ctx, u, r, func(o Outcome) { done <- o })
	return <-done
}

// Stream is a number of instances of one caller, of which the next may come before
// the last is stored.
type Stream struct {
	g        *Ingest
	mu       sync.Mutex
	outcomes []Outcome
	wg       sync.WaitGroup
}

// Stream begins a stream.
func (g *Ingest) Stream() *Stream { return &Stream{g: g} }

// Add takes an instance in and returns when r has been read, or the instance has
// been refused before; then r may not have been read to its end. Add must not be
// called by several goroutines.
func (s *Stream) Add(ctx context.Context, u Upload, r io.Reader) {
	s.mu.Lock()
	i := len(s.outcomes)
	s.outcomes = append(s.outcomes, Outcome{})
	s.mu.Unlock()
	s.wg.Add(1)
	s.g.add(ctx, u, r, func(o Outcome) {
		defer s.wg.Done()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.outcomes[i] = o
	})
}

// Wait waits until every instance is stored or refused, and returns what became of
// each, in the order in which they came.
func (s *Stream) Wait() []Outcome {
	s.wg.Wait()
	return s.outcomes
}

// add reads an instance and hands it on to be indexed. It calls done once.
func (g *Ingest) add(ctx context.Context, u Upload, r io.Reader, done func(Outcome)) {
	if observe := g.config.Observe; observe != nil {
		start, tell := time.Now(), done
		done = func(o Outcome) {
			observe(u.Source, o, time.Since(start))
			tell(o)
		}
	}
	refuse := func(o Outcome, err error) {
		o.Err = err
		done(o)
	}
	o := Outcome{Name: u.Name}
	if !g.enter() {
		refuse(o, errClosed)
		return
	}
	defer g.adding.Done()
	if err := g.admits(u); err != nil {
		refuse(o, err)
		return
	}
	p, err := g.receive(ctx, u, r, &o)
	if err != nil {
		refuse(o, err)
		return
	}
	early, err := g.promise(ctx, p)
	if err != nil {
		p.landed()
		g.drop(ctx, p)
		refuse(o, err)
		return
	}
	if early {
		g.unsettled.Add(1)
	}
	p.done = func(s store.Settlement, err error) {
		p.landed()
		g.release(ctx, p.batch)
		if early {
			g.kept(ctx, p, s, err)
			return
		}
		done(settled(o, s, err))
	}
	g.queue <- p
	if early {
		o.State = Stored
		done(o)
	}
}

// enter reports whether the door is open, and holds it open if it is.
func (g *Ingest) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.adding.Add(1)
	}
	return !g.closed
}

// admits refuses what can be refused by its announcement.
func (g *Ingest) admits(u Upload) error {
	if n := len(u.SHA256); n != 0 && n != sha256.Size {
		return fault.New(fault.Invalid, fault.InvalidField, "a SHA-256 has %d bytes, not %d", sha256.Size, n)
	}
	if u.SizeBytes == nil {
		return nil
	}
	switch size := *u.SizeBytes; {
	case size < 0:
		return fault.New(fault.Invalid, fault.InvalidField, "a size of %d bytes", size)
	case size > g.config.MaxInstance:
		return fault.New(fault.Exhausted, fault.LimitExceeded, "an instance of more than %d bytes", g.config.MaxInstance)
	default:
		return g.config.Store.Room(size)
	}
}

// settled completes an outcome by what the store says.
func settled(o Outcome, s store.Settlement, err error) Outcome {
	switch {
	case err != nil:
		o.Err = err
	case s.Outcome == store.Added:
		o.State = Stored
	case s.Outcome == store.Same:
		o.State = AlreadyStored
	default:
		o.Err = s.Err
	}
	return o
}
