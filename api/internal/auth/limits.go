// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/endplate/endplate/api/internal/fault"
)

// Limits says how many streams one caller may have. Zero is no limit.
type Limits struct {
	Streams          int     // open at a time
	StreamsPerSecond float64 // opened; as many may come at once after a pause
}

// mostIdle is how many callers without an open stream are remembered.
const mostIdle = 1024

// limiter counts the streams of each caller.
type limiter struct {
	limits Limits

	mu      sync.Mutex
	callers map[string]*caller
}

type caller struct {
	open int
	rate *rate.Limiter
}

func newLimiter(l Limits) *limiter {
	return &limiter{limits: l, callers: make(map[string]*caller)}
}

// open counts one more stream of a caller, or refuses it. done counts it off.
func (l *limiter) open(subject string) (done func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.caller(subject)
	switch {
	case l.limits.Streams > 0 && c.open >= l.limits.Streams:
		return nil, fault.New(fault.Exhausted, fault.LimitExceeded, "%d streams are open, the most for one caller", c.open).WithRetry(time.Second)
	case !c.rate.Allow():
		return nil, fault.New(fault.Exhausted, fault.LimitExceeded, "streams are opened faster than %g a second", l.limits.StreamsPerSecond).WithRetry(time.Second)
	}
	c.open++
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		c.open--
	}, nil
}

func (l *limiter) caller(subject string) *caller {
	if c, ok := l.callers[subject]; ok {
		return c
	}
	if len(l.callers) >= mostIdle {
		for s, c := range l.callers {
			if c.open == 0 {
				delete(l.callers, s)
			}
		}
	}
	perSecond := rate.Inf
	if l.limits.StreamsPerSecond > 0 {
		perSecond = rate.Limit(l.limits.StreamsPerSecond)
	}
	c := &caller{rate: rate.NewLimiter(perSecond, max(1, int(l.limits.StreamsPerSecond)))}
	l.callers[subject] = c
	return c
}
