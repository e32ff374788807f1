// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/store"
)

// flights are the instances that are on their way into the index, by SOPInstanceUID.
type flights struct {
	mu sync.Mutex
	at map[string]*flight
}

// flight is one UID on its way. What is acknowledged will be indexed, so nothing else may
// come before it under its UID.
type flight struct {
	n     int
	alone bool          // and acknowledged, or about to be
	stuck bool          // it cannot be indexed now
	news  chan struct{} // closed when it has landed or is stuck
}

var errOwing = fault.New(fault.Unavailable, fault.StorageUnavailable, "the store does not take what was acknowledged before")

// board adds an instance, and where it wants to be alone, tells whether it is. It waits
// for one that is alone to land.
func (f *flights) board(uid string, alone bool) (bool, error) {
	for {
		f.mu.Lock()
		there := f.at[uid]
		switch {
		case there == nil:
			f.at[uid] = &flight{n: 1, alone: alone, news: make(chan struct{})}
			f.mu.Unlock()
			return alone, nil
		case there.stuck:
			f.mu.Unlock()
			return false, errOwing
		case !there.alone:
			there.n++
			f.mu.Unlock()
			return false, nil
		}
		f.mu.Unlock()
		<-there.news
	}
}

// stick tells that an acknowledged instance cannot be indexed now.
func (f *flights) stick(uid string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if there := f.at[uid]; there != nil && !there.stuck {
		there.stuck = true
		close(there.news)
	}
}

func (f *flights) land(uid string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	there := f.at[uid]
	if there.n--; there.n > 0 {
		return
	}
	delete(f.at, uid)
	if !there.stuck {
		close(there.news)
	}
}

// journals tells whether instances may come into the journal now.
func (g *Ingest) journals() bool { return g.config.Journal != nil && !g.owing.Load() }

// promise has an instance that is in the journal on the disk, and tells whether it may be
// acknowledged: nothing that is stored or on its way keeps it from being indexed. If it
// may not, it comes into a blob. In each case it is on its way from here on, until it
// lands.
func (g *Ingest) promise(ctx context.Context, p *pending) (bool, error) {
	a, e := p.addition, p.entry
	uid := a.Instance.SOPInstanceUID
	alone, err := g.flights.board(uid, e != nil)
	if err != nil {
		return false, err
	}
	p.landed = sync.OnceFunc(func() { g.flights.land(uid) })
	if e == nil {
		return false, nil
	}
	if alone {
		expected := make(chan bool, 1)
		go func() { // the disk takes longer
			ok, err := g.config.Store.Expects(ctx, a.Study.StudyInstanceUID, a.Series.SeriesInstanceUID, uid)
			expected <- ok && err == nil
		}()
		err := e.Commit()
		if ok := <-expected; ok || err != nil {
			return ok && err == nil, err
		}
	}
	if err := g.stage(ctx, p); err != nil {
		return false, err
	}
	p.entry = nil
	g.forget(ctx, e)
	return false, nil
}

// stage has an instance of the journal in a blob.
func (g *Ingest) stage(ctx context.Context, p *pending) (err error) {
	if p.batch == nil {
		if p.batch, err = g.acquire(ctx); err != nil {
			return err
		}
	}
	p.addition.Staged, err = p.batch.store.Stage(ctx, p.entry.Written(), store.EntrySize)
	return err
}

// forget takes entries out of the journal.
func (g *Ingest) forget(ctx context.Context, entries ...*store.Entry) {
	if len(entries) == 0 {
		return
	}
	if err := g.config.Journal.Forget(entries...); err != nil {
		g.config.Logger.LogAttrs(ctx, slog.LevelError, "the journal is not used any more", slog.Any("error", err))
	}
}

// kept tells what became of an acknowledged instance where it is not simply indexed. That
// can hardly be: a study that was deleted meanwhile, and its series sent anew as that of
// another.
func (g *Ingest) kept(ctx context.Context, p *pending, s store.Settlement, err error) {
	g.unsettled.Add(-1)
	if err := errors.Join(err, s.Err); err != nil {
		g.config.Logger.LogAttrs(ctx, slog.LevelError, "an instance that was acknowledged is not indexed",
			slog.String("sop_instance_uid", p.addition.Instance.SOPInstanceUID), slog.Any("error", err))
	}
}

// Settle waits until everything is indexed that was acknowledged before, or until ctx
// ends, or the index cannot be had.
func (g *Ingest) Settle(ctx context.Context) {
	if g.unsettled.Load() == 0 || !g.enter() {
		return
	}
	defer g.adding.Done()
	reached := make(chan struct{})
	select {
	case g.queue <- &pending{reached: reached}:
	case <-ctx.Done():
		return
	}
	select {
	case <-reached:
	case <-ctx.Done():
	}
}

// Recover stores what an earlier process left in the journal. It must be called before
// anything is added.
func (g *Ingest) Recover(ctx context.Context, left []*store.Entry) error {
	for entries := range slices.Chunk(left, groupSize) {
		var group []*pending
		for _, e := range entries {
			p, err := g.recovered(ctx, e)
			if err != nil {
				return err
			}
			group = append(group, p)
		}
		if owed := g.settle(ctx, group); len(owed) > 0 {
			return errOwing
		}
	}
	if len(left) > 0 {
		g.config.Logger.LogAttrs(ctx, slog.LevelInfo, "instances are stored that were acknowledged before", slog.Int("instances", len(left)))
	}
	return nil
}

// recoveredSource stands for the transport of what came before a crash.
const recoveredSource = "recovered"

// recovered reads an instance of the journal again.
func (g *Ingest) recovered(ctx context.Context, e *store.Entry) (*pending, error) {
	h, err := dicom.ReadHeader(e.Written())
	if err != nil {
		return nil, fault.Wrap(err, fault.Corrupt, fault.StoredDataCorrupt, "an instance that was acknowledged cannot be read any more")
	}
	g.unsettled.Add(1)
	p := &pending{entry: e, addition: *Addition(h, recoveredSource)}
	p.done = func(s store.Settlement, err error) {
		g.release(ctx, p.batch)
		g.kept(ctx, p, s, err)
	}
	return p, nil
}
