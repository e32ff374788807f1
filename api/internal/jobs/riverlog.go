// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package jobs

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// riverLog returns the log for River, whose lines say that they are its.
func riverLog(log *slog.Logger) *slog.Logger {
	h := quiet{log.Handler(), &told{last: map[string]time.Time{}}}
	return slog.New(h).With(slog.String("component", "river"))
}

// quiet passes on what River says of trouble: that jobs are snoozed, end and begin is
// told here, in our own words. It passes on the same trouble once in a while: without
// a database River tells of it with every look for jobs, several times a second.
type quiet struct {
	slog.Handler
	told *told
}

func (h quiet) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && h.Handler.Enabled(ctx, l)
}

func (h quiet) Handle(ctx context.Context, r slog.Record) error {
	if ctx.Err() != nil || h.told.lately(r.Message, r.Time) {
		return nil //nolint:nilerr // nobody waits for it any more, or it is known
	}
	if strings.Contains(r.Message, failedToResign) {
		r.Level = slog.LevelWarn
	}
	return h.Handler.Handle(ctx, r)
}

// failedToResign is in what River says where a leader that ends could not say so in
// time: another process takes over when its term is over, which harms nobody.
const failedToResign = "Error attempting to resign"

func (h quiet) WithAttrs(a []slog.Attr) slog.Handler {
	return quiet{h.Handler.WithAttrs(a), h.told}
}
func (h quiet) WithGroup(name string) slog.Handler { return quiet{h.Handler.WithGroup(name), h.told} }

const (
	tellAgain  = 30 * time.Second
	remembered = 100 // messages, far more than River has
)

// told is what has been told, and when.
type told struct {
	mu   sync.Mutex
	last map[string]time.Time
}

// lately reports whether a message was told a short time ago, and else notes it.
func (t *told) lately(message string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if last, ok := t.last[message]; ok && now.Sub(last) < tellAgain && !now.Before(last) {
		return true
	}
	if len(t.last) >= remembered {
		clear(t.last)
	}
	t.last[message] = now
	return false
}
