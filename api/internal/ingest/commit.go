// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"
	"log/slog"
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

// pending is a received instance that waits to be indexed.
type pending struct {
	addition store.Addition
	batch    *batch
	done     func(store.Settlement, error)
}

// commit indexes what comes by the queue until it is closed: each time all that
// wait, so that those who come together share a sync and a transaction.
func (g *Ingest) commit(ctx context.Context) {
	defer close(g.ended)
	for first := range g.queue {
		group := []*pending{first}
		for len(group) < groupSize {
			next, ok := g.poll()
			if !ok {
				break
			}
			group = append(group, next)
		}
		g.settle(ctx, group)
	}
	g.retire(ctx)
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

// settle syncs and indexes a group and tells each caller.
func (g *Ingest) settle(ctx context.Context, group []*pending) {
	ctx, cancel := context.WithTimeout(ctx, commitTime)
	defer cancel()
	staged := make([]*store.Staged, len(group))
	var size int64
	for i, p := range group {
		staged[i] = p.addition.Staged
		size += p.addition.Staged.Size
	}
	g.config.Store.BeginSync(ctx, staged)
	if size > soonSynced {
		group = g.synced(ctx, group)
	}
	g.index(ctx, group)
}

// soonSynced is how many bytes a transaction may wait for: others wait for their turn
// to write meanwhile.
const soonSynced = 16 << 20

// synced returns those of a group that are on the disk, and refuses the others.
func (g *Ingest) synced(ctx context.Context, group []*pending) (there []*pending) {
	for _, p := range group {
		if err := p.addition.Staged.Synced(); err != nil {
			g.discard(ctx, p.addition.Staged)
			p.done(store.Settlement{}, err)
			continue
		}
		there = append(there, p)
	}
	return there
}

// index indexes a group. If that fails for a reason that may lie in one of them,
// each is tried by itself, so that it fails alone.
func (g *Ingest) index(ctx context.Context, group []*pending) {
	if len(group) == 0 {
		return
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
		if there := g.synced(ctx, group); len(there) < len(group) {
			g.index(ctx, there)
			return
		}
	}
	switch {
	case err == nil:
		g.reconsider(ctx, additions, settled)
		if err := g.config.Store.Settled(ctx, additions, settled); err != nil {
			g.config.Logger.LogAttrs(ctx, slog.LevelWarn, "blobs are left to the sweeper", slog.Any("error", err))
		}
		for i, p := range group {
			p.done(settled[i], nil)
		}
	case len(group) > 1 && fault.Of(err) == fault.Internal:
		for _, p := range group {
			g.index(ctx, []*pending{p})
		}
	default:
		// It may have been committed, so the blobs stay; a sweeper finds out.
		for _, p := range group {
			p.done(store.Settlement{}, err)
		}
	}
}

// discard removes a blob that is not stored.
func (g *Ingest) discard(ctx context.Context, st *store.Staged) {
	if err := st.Discard(context.WithoutCancel(ctx)); err != nil {
		g.config.Logger.LogAttrs(ctx, slog.LevelWarn, "a blob is left to the sweeper", slog.Any("error", err))
	}
}
