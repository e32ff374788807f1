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
	for i, p := range group {
		staged[i] = p.addition.Staged
	}
	synced := group[:0:0]
	for i, err := range g.config.Store.Sync(ctx, staged) {
		if err == nil {
			synced = append(synced, group[i])
			continue
		}
		g.discard(ctx, staged[i])
		group[i].done(store.Settlement{}, err)
	}
	if len(synced) > 0 {
		g.index(ctx, synced)
	}
}

// index indexes a group. If that fails for a reason that may lie in one of them,
// each is tried by itself, so that it fails alone.
func (g *Ingest) index(ctx context.Context, group []*pending) {
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
