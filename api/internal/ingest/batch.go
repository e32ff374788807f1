// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"
	"log/slog"
	"time"

	"github.com/endplate/endplate/api/internal/store"
)

// A batch of the store is shared by the instances that come while it is young, so
// that its announcement costs each of them little. It ends long before a sweeper
// takes it for stale.
const (
	batchSize = 512
	batchAge  = 5 * time.Minute
)

// batch is a batch of the store that is in use.
type batch struct {
	store   *store.Batch
	born    time.Time
	n       int  // instances begun
	users   int  // that are not yet settled
	retired bool // takes no more
}

// acquire returns a batch for one more instance.
func (g *Ingest) acquire(ctx context.Context) (*batch, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if b := g.current; b != nil && (b.n >= batchSize || time.Since(b.born) > batchAge) {
		g.current = nil
		b.retired = true
		if b.users == 0 {
			defer g.closeBatch(ctx, b)
		}
	}
	if g.current == nil {
		announced, err := g.config.Store.NewBatch(ctx)
		if err != nil {
			return nil, err
		}
		g.current = &batch{store: announced, born: time.Now()}
	}
	g.current.n++
	g.current.users++
	return g.current, nil
}

// release says that an instance of a batch, if it is of one, is settled.
func (g *Ingest) release(ctx context.Context, b *batch) {
	if b == nil {
		return
	}
	g.mu.Lock()
	b.users--
	last := b.retired && b.users == 0
	g.mu.Unlock()
	if last {
		g.closeBatch(context.WithoutCancel(ctx), b)
	}
}

// retire ends the current batch when nothing is under way any more.
func (g *Ingest) retire(ctx context.Context) {
	g.mu.Lock()
	b := g.current
	g.current = nil
	g.mu.Unlock()
	if b != nil {
		g.closeBatch(ctx, b)
	}
}

func (g *Ingest) closeBatch(ctx context.Context, b *batch) {
	if err := b.store.Close(ctx); err != nil {
		g.config.Logger.LogAttrs(ctx, slog.LevelWarn, "a batch is left to the sweeper", slog.Any("error", err))
	}
}
