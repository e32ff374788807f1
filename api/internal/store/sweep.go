// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"errors"
	"time"
)

// Swept is what a sweep removed.
type Swept struct {
	Batches int // given up
	Blobs   int
}

// Sweep removes what crashes left behind: the blobs of batches that were announced
// longer than age ago and never indexed, and those of deleted studies. Age must be
// longer than an upload takes; an upload that is still going on fails, and loses
// nothing that was acknowledged. With age 0, when no other process uses the store,
// every batch is stale.
//
// A batch that was given up stays known for as long again, so that what its process
// may still write is found too.
func (s *Store) Sweep(ctx context.Context, age time.Duration) (Swept, error) {
	var done Swept
	stale, err := s.giveUp(ctx, age)
	if err != nil {
		return done, err
	}
	var errs []error
	for _, id := range stale {
		n, err := s.sweepBatch(ctx, id)
		done.Blobs += n
		if err != nil {
			errs = append(errs, err)
			continue
		}
		done.Batches++
	}
	errs = append(errs, s.forgetBatches(ctx, stale, age))
	n, err := s.RemoveGarbage(ctx)
	done.Blobs += n
	return done, errors.Join(append(errs, err)...)
}

// giveUp marks the stale batches, so that nothing can be indexed from them any
// more, and returns them with those that were marked before.
func (s *Store) giveUp(ctx context.Context, age time.Duration) (batches []string, err error) {
	err = s.Write(ctx, func(tx *Tx) error {
		now := tx.now.UnixMicro()
		if _, err := tx.exec(ctx, "UPDATE intents SET swept_at = ? WHERE swept_at IS NULL AND created_at <= ?", now, now-age.Microseconds()); err != nil {
			return err
		}
		batches, err = collect(ctx, tx.reader, text, "SELECT batch FROM intents WHERE swept_at IS NOT NULL ORDER BY batch")
		return err
	})
	return batches, err
}

// sweepBatch removes the blobs of a batch that are not indexed.
func (s *Store) sweepBatch(ctx context.Context, id string) (removed int, err error) {
	prefix := prefixOf(id)
	keys, err := s.keysOf(ctx, prefix)
	if err != nil {
		return 0, err
	}
	err = s.blobs.list(ctx, prefix, func(key string, _ int64) error {
		if keys[key] {
			return nil
		}
		if err := s.blobs.delete(ctx, key); err != nil {
			return err
		}
		removed++
		return nil
	})
	return removed, err
}

// keysOf returns the keys with a prefix that have rows.
func (s *Store) keysOf(ctx context.Context, prefix string) (map[string]bool, error) {
	keys := map[string]bool{}
	for _, table := range []string{"instances", "garbage"} {
		found, err := collect(ctx, s.reader, text, "SELECT blob_key FROM "+table+" WHERE blob_key >= ? AND blob_key < ?", prefix, after(prefix))
		if err != nil {
			return nil, err
		}
		for _, key := range found {
			keys[key] = true
		}
	}
	return keys, nil
}

// after returns the first text behind all that begin with prefix, which ends with
// an ASCII character.
func after(prefix string) string {
	b := []byte(prefix)
	b[len(b)-1]++
	return string(b)
}

func (s *Store) forgetBatches(ctx context.Context, swept []string, age time.Duration) error {
	if len(swept) == 0 {
		return nil
	}
	return s.Write(ctx, func(tx *Tx) error {
		for _, id := range swept {
			if _, err := tx.exec(ctx, "DELETE FROM intents WHERE batch = ? AND swept_at <= ?", id, tx.now.Add(-age).UnixMicro()); err != nil {
				return err
			}
		}
		return nil
	})
}

// garbageBatch is how many blobs are removed between two transactions.
const garbageBatch = 200

// RemoveGarbage removes the blobs of deleted studies and returns how many there
// were.
func (s *Store) RemoveGarbage(ctx context.Context) (removed int, err error) {
	for {
		keys, err := collect(ctx, s.reader, text, "SELECT blob_key FROM garbage ORDER BY blob_key LIMIT ?", garbageBatch)
		if err != nil || len(keys) == 0 {
			return removed, err
		}
		for _, key := range keys {
			if err := s.blobs.delete(ctx, key); err != nil {
				return removed, err
			}
		}
		if err := s.Write(ctx, func(tx *Tx) error {
			_, err := tx.exec(ctx, "DELETE FROM garbage WHERE blob_key IN ("+placeholders(len(keys))+")", anys(keys)...)
			return err
		}); err != nil {
			return removed, err
		}
		removed += len(keys)
	}
}
