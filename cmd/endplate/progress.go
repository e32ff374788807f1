// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// progress tells on standard error how far the work is: on a terminal in one
// line that is overwritten, elsewhere in a line a series.
type progress struct {
	mu    sync.Mutex
	w     io.Writer
	quiet bool
	live  bool
	last  time.Time // when the live line was written
}

// redraw is the shortest time between two writings of the live line.
const redraw = 50 * time.Millisecond

func newProgress(w io.Writer, quiet bool) *progress {
	return &progress{w: w, quiet: quiet, live: isTerminal(w)}
}

// stage shows how far one stage of a series is; fraction is from 0 to 1.
func (p *progress) stage(series, stage string, fraction float64) {
	p.printlive("%s: %s %.0f %%", series, stage, 100*fraction)
}

// measured says that a series is done.
func (p *progress) measured(series string, took time.Duration) {
	p.printf("%s: measured in %.1f s", series, took.Seconds())
}

// printlive overwrites the live line.
func (p *progress) printlive(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.quiet || !p.live || time.Since(p.last) < redraw {
		return
	}
	p.last = time.Now()
	p.clear()
	fmt.Fprintf(p.w, format, args...)
}

// printf writes a line that stays.
func (p *progress) printf(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.quiet {
		return
	}
	p.clear()
	fmt.Fprintf(p.w, format+"\n", args...)
}

// end removes the live line.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.quiet {
		p.clear()
	}
}

func (p *progress) clear() {
	if p.live {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
