// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package jobs

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/endplate/endplate/api/internal/store"
)

const (
	tellEvery  = 250 * time.Millisecond // at most, while something changes
	checkEvery = time.Second            // whether the attempt is over, while nothing does
)

// watcher stores how far an attempt is, and ends it when it is over.
type watcher struct {
	t *attempt

	mu       sync.Mutex
	stage    string
	fraction float64
	changed  bool
	since    time.Time // of the stage
}

// watch starts a watcher. The context it returns ends with errOver when the attempt is
// over; progress takes what the child says; stop ends the watcher.
func (t *attempt) watch(ctx context.Context) (watched context.Context, progress func(string, float64), stop func()) {
	watched, cancel := context.WithCancelCause(ctx)
	w := &watcher{t: t, since: time.Now()}
	var wg sync.WaitGroup
	ended := make(chan struct{})
	wg.Go(func() { w.run(watched, cancel, ended) })
	return watched, w.progress, func() {
		close(ended)
		wg.Wait()
		w.progress("", 0) // the last stage has ended
		cancel(nil)
	}
}

func (w *watcher) progress(stage string, fraction float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if stage != w.stage {
		if observe := w.t.q.Observer.Stage; observe != nil && w.stage != "" {
			observe(w.stage, time.Since(w.since))
		}
		w.since = time.Now()
	}
	w.changed = w.changed || stage != w.stage || fraction != w.fraction
	w.stage, w.fraction = stage, fraction
}

func (w *watcher) run(ctx context.Context, cancel context.CancelCauseFunc, ended <-chan struct{}) {
	tick := time.NewTicker(tellEvery)
	defer tick.Stop()
	checked := time.Now()
	for {
		select {
		case <-tick.C:
		case <-ended:
			return
		case <-ctx.Done():
			return
		}
		w.mu.Lock()
		stage, fraction, changed := w.stage, w.fraction, w.changed
		w.changed = false
		w.mu.Unlock()
		var err error
		switch {
		case changed:
			err = w.tell(ctx, stage, fraction)
		case time.Since(checked) >= checkEvery:
			err = w.check(ctx)
		default:
			continue
		}
		checked = time.Now()
		if errors.Is(err, errOver) {
			cancel(errOver)
			return
		}
		// That the database does not answer for a while is no reason to stop.
	}
}

func (w *watcher) tell(ctx context.Context, stage string, fraction float64) error {
	return w.t.q.Store.Write(ctx, func(tx *store.Tx) error {
		return over(tx.SetProgress(ctx, w.t.a.ID, w.t.a.Attempt, stage, fraction))
	})
}

// check looks whether the attempt is over.
func (w *watcher) check(ctx context.Context) error {
	a, err := w.t.q.Store.Analysis(ctx, w.t.a.ID)
	if err != nil {
		return over(err)
	}
	if a.State != store.Running || a.Attempt != w.t.a.Attempt {
		return errOver
	}
	return nil
}
