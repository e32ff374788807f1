// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package jobs

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/endplate/endplate/api/internal/fault"
)

// resend returns how long to wait after so many attempts: twice as long each time, up
// to a most, and a part by chance, so that what failed together does not come back so.
func (q *Queue) resend(attempts int) time.Duration {
	wait := q.Timing.ResendMost
	if doublings := attempts - 1; doublings < 30 {
		wait = min(wait, q.Timing.Resend<<doublings)
	}
	return wait - wait/4 + rand.N(wait/2+1)
}

// pause returns for how long nothing else is to be sent to a destination, of which the
// next attempt is after a while, that nothing reaches: what waits would only wait for
// its time-outs.
func pause(errs []error, next time.Duration) time.Duration {
	for _, err := range errs {
		if err == nil || fault.Of(err) != fault.Unavailable {
			return 0
		}
	}
	return next
}

// pauses are the destinations that could not be reached, until when. They are those of
// this process: another finds out by itself.
type pauses struct {
	mu    sync.Mutex
	until map[string]time.Time
}

// begin returns how long a destination's pause still takes; where it is over, it holds
// up the others for a moment, in which one tries.
func (p *pauses) begin(name string) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	until, paused := p.until[name]
	if !paused {
		return 0
	}
	if wait := time.Until(until); wait > 0 {
		return wait + rand.N(wait/4+time.Second)
	}
	p.until[name] = time.Now().Add(tryTime)
	return 0
}

// tryTime is how long the one that tries a destination again holds up the others: until
// a connection is there or its time is over.
const tryTime = 30 * time.Second

// set begins a pause, or ends it.
func (p *pauses) set(name string, wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if wait <= 0 {
		delete(p.until, name)
		return
	}
	if p.until == nil {
		p.until = map[string]time.Time{}
	}
	p.until[name] = time.Now().Add(wait)
}

// end ends a pause, because somebody says so.
func (p *pauses) end(name string) { p.set(name, 0) }
