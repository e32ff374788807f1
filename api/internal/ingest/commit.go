// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/store"
)

// groupSize bounds how many instances are synced and indexed together, and how many
// may wait for it.
const groupSize = 128

// commitTime bounds a group's transaction, so that a database that hangs is said to
// be unavailable.
const commitTime = time.Minute

// pending is a received instance that waits to be indexed, or a mark among them.
type pending struct {
	addition store.Addition
	batch    *batch
	done     func(store.Settlement, error)
	landed   func() // tells that others may come under its UID

	// entry is where an instance is that was acknowledged. It is staged when it is stored,
	// which is tried until it is certain what became of it.
	entry *store.Entry
	begun bool // its sync

	reached chan struct{} // of a mark: closed when all before it have been tried
}

// gatherTime is how long what is in the journal stays there for more to come: to store it
// while more come would have these wait for the disk.
const gatherTime = 100 * time.Millisecond

// retryTime is when that is tried again that could not be stored from the journal.
const retryTime = time.Second

// commit indexes what comes by the queue until it is closed: each time all that wait, so
// that those who come together share a sync and a transaction. What is in the journal is
// stored when nothing has come for a while, most of the journal is in use, or somebody
// asks for it.
func (g *Ingest) commit(ctx context.Context) {
	defer close(g.ended)
	var kept []*pending
	for open := true; open; {
		var came arrivals
		came, open = g.next(len(kept) > 0)
		g.settle(ctx, came.waiting)
		if kept = append(kept, came.kept...); len(kept) > 0 && (!open || came.due || g.crowded()) {
			kept = g.store(ctx, kept)
		}
		for _, m := range came.marks {
			close(m.reached)
		}
	}
	g.retire(ctx)
	if len(kept) > 0 {
		g.config.Logger.LogAttrs(ctx, slog.LevelWarn, "instances stay in the journal until the next start", slog.Int("instances", len(kept)))
	}
}

// crowded tells that the journal needs room, which may be had.
func (g *Ingest) crowded() bool { return !g.owing.Load() && g.config.Journal.Crowded() }

// arrivals are what has come by the queue.
type arrivals struct {
	waiting []*pending // whose callers wait
	kept    []*pending // that are in the journal
	marks   []*pending
	due     bool // what is in the journal is to be stored
}

func (a *arrivals) add(p *pending) {
	switch {
	case p.reached != nil:
		a.marks, a.due = append(a.marks, p), true
	case p.entry != nil:
		a.kept = append(a.kept, p)
	default:
		a.waiting = append(a.waiting, p)
	}
}

// next waits until something comes, or what is in the journal is due. It reports whether
// more may come.
func (g *Ingest) next(keeping bool) (came arrivals, open bool) {
	var due <-chan time.Time
	switch {
	case g.owing.Load():
		due = time.After(time.Until(g.tried.Add(retryTime)))
	case keeping:
		due = time.After(gatherTime)
	}
	select {
	case first, ok := <-g.queue:
		if !ok {
			return came, false
		}
		came.add(first)
	case <-due:
		came.due = true
	}
	for range groupSize - 1 {
		next, ok := g.poll()
		if !ok {
			break
		}
		came.add(next)
	}
	return came, true
}

// poll returns an instance that waits, if there is one.
func (g *Ingest) poll() (p *pending, ok bool) {
	select {
	case p, ok = <-g.queue:
		return p, ok
	default:
		return nil, false
	}
}

// store stores what is in the journal, and returns what could not be.
func (g *Ingest) store(ctx context.Context, kept []*pending) (owed []*pending) {
	g.tried = time.Now()
	for group := range slices.Chunk(kept, groupSize) {
		if len(owed) == 0 {
			group = g.settle(ctx, group)
		}
		owed = append(owed, group...)
	}
	g.owing.Store(len(owed) > 0)
	return owed
}

// settle has a group in blobs, syncs and indexes it, tells each caller, and returns those
// that were acknowledged before and must be tried again.
func (g *Ingest) settle(ctx context.Context, group []*pending) (owed []*pending) {
	ctx, cancel := context.WithTimeout(ctx, commitTime)
	defer cancel()
	var there []*pending
	var staged []*store.Staged
	var size int64
	for i, p := range group {
		if p.addition.Staged == nil {
			if err := g.stage(ctx, p); err != nil {
				owed = g.refuse(ctx, group[i:], err) // the next would fare no better
				break
			}
		}
		there = append(there, p)
		if !p.begun {
			p.begun = true
			staged = append(staged, p.addition.Staged)
			size += p.addition.Staged.Size
		}
	}
	g.config.Store.BeginSync(ctx, staged)
	if size > soonSynced {
		var unsynced []*pending
		there, unsynced = g.synced(ctx, there)
		owed = append(owed, unsynced...)
	}
	return append(owed, g.index(ctx, there)...)
}

// refuse tells the callers of a group why it is not stored, and returns those that were
// told otherwise.
func (g *Ingest) refuse(ctx context.Context, group []*pending, err error) (owed []*pending) {
	for _, p := range group {
		if p.entry == nil {
			p.done(store.Settlement{}, err)
			continue
		}
		g.flights.stick(p.addition.Instance.SOPInstanceUID)
		owed = append(owed, p)
	}
	if len(owed) > 0 && !g.owing.Swap(true) {
		g.config.Logger.LogAttrs(ctx, slog.LevelWarn, "instances stay in the journal", slog.Int("instances", len(owed)), slog.Any("error", err))
	}
	return owed
}

// soonSynced is how many bytes a transaction may wait for: others wait for their turn
// to write meanwhile.
const soonSynced = 16 << 20

// synced returns those of a group that are on the disk, refuses the others, and returns
// those of them that were acknowledged.
func (g *Ingest) synced(ctx context.Context, group []*pending) (there, owed []*pending) {
	for _, p := range group {
		if err := p.addition.Staged.Synced(); err != nil {
			g.discard(ctx, p.addition.Staged)
			p.addition.Staged, p.begun = nil, false
			owed = append(owed, g.refuse(ctx, []*pending{p}, err)...)
			continue
		}
		there = append(there, p)
	}
	return there, owed
}

// index indexes a group. If that fails for a reason that may lie in one of them,
// each is tried by itself, so that it fails alone. It returns those that were
// acknowledged before and must be tried again.
func (g *Ingest) index(ctx context.Context, group []*pending) (owed []*pending) {
	if len(group) == 0 {
		return nil
	}
	additions := make([]store.Addition, len(group))
	for i, p := range group {
		additions[i] = p.addition
	}
	var settled []store.Settlement
	err := g.config.Store.Write(ctx, func(tx *store.Tx) error {
		var series []store.Series
		var err error
		if settled, series, err = tx.AddInstances(ctx, additions); err != nil {
			return err
		}
		if g.config.Touched != nil && len(series) > 0 {
			return g.config.Touched(ctx, tx, series)
		}
		return nil
	})
	if err != nil {
		// If the disk could not take one, nothing was committed.
		if there, unsynced := g.synced(ctx, group); len(there) < len(group) {
			return append(unsynced, g.index(ctx, there)...)
		}
	}
	switch {
	case err == nil:
		g.reconsider(ctx, additions, settled)
		if err := g.config.Store.Settled(ctx, additions, settled); err != nil {
			g.config.Logger.LogAttrs(ctx, slog.LevelWarn, "blobs are left to the sweeper", slog.Any("error", err))
		}
		g.forget(ctx, entriesOf(group)...)
		for i, p := range group {
			p.done(settled[i], nil)
		}
	case len(group) > 1 && fault.Of(err) == fault.Internal:
		for _, p := range group {
			owed = append(owed, g.index(ctx, []*pending{p})...)
		}
	case fault.Of(err) == fault.Internal: // it lies in this one, and would each time
		group[0].done(store.Settlement{}, err)
	default:
		// It may have been committed, so the blobs stay; a sweeper finds out.
		return g.refuse(ctx, group, err)
	}
	return owed
}

// discard removes a blob that is not stored.
func (g *Ingest) discard(ctx context.Context, st *store.Staged) {
	if err := st.Discard(context.WithoutCancel(ctx)); err != nil {
		g.config.Logger.LogAttrs(ctx, slog.LevelWarn, "a blob is left to the sweeper", slog.Any("error", err))
	}
}

func entriesOf(group []*pending) (entries []*store.Entry) {
	for _, p := range group {
		if p.entry != nil {
			entries = append(entries, p.entry)
		}
	}
	return entries
}
