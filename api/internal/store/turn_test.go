// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/endplate/endplate/api/internal/store"
	"github.com/endplate/endplate/api/internal/store/storetest"
)

// Where many write to SQLite, none waits for much more than one turn of each other. By
// chance one wait in fifty would be longer than four turns of each. A writer that the
// processor leaves before it has come to the queue waits longer too: of three tries one
// counts.
func TestWritersTakeTurns(t *testing.T) {
	const writers, tries = 64, 3
	s := storetest.Open(t, storetest.Embedded(t))
	var longest int64
	for range tries {
		if longest = longestWait(t, s, writers); longest <= 4*writers {
			return
		}
	}
	t.Errorf("one waited for %d transactions of %d writers", longest, writers)
}

// longestWait returns how many transactions at most went before one that waited.
func longestWait(t *testing.T, s *store.Store, writers int) int64 {
	t.Helper()
	const each = 30
	var begun, longest atomic.Int64
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				called := begun.Load()
				err := s.Write(t.Context(), func(*store.Tx) error {
					waited := begun.Add(1) - called
					longest.Store(max(longest.Load(), waited)) // nobody else is here
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d writers, %d transactions; at most %d went before one that waited", writers, begun.Load(), longest.Load())
	return longest.Load()
}

// Who waits for a turn does not wait longer than its context lasts.
func TestWaitingForATurnEnds(t *testing.T) {
	s := storetest.Open(t, storetest.Embedded(t))
	err := s.Write(t.Context(), func(*store.Tx) error {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Write(ctx, func(*store.Tx) error { return nil }); err == nil {
			t.Error("two write at a time")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
