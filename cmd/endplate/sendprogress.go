// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// sendProgress tells how far an upload is: on a terminal by a bar, elsewhere by a line
// now and then. What is refused is told of at once.
type sendProgress struct {
	*progress
	start  time.Time
	count  int
	weight int64 // of all files, bytes

	mu                      sync.Mutex
	told                    time.Time
	sent                    int64 // bytes
	stored, before, refused int   // before: of the stored ones, those that had been there
}

func newSendProgress(p *progress, c *cargo) *sendProgress {
	now := time.Now()
	return &sendProgress{progress: p, start: now, told: now, count: len(c.files), weight: c.bytes}
}

// add counts bytes that were sent; fewer than none where they must be sent again.
func (p *sendProgress) add(bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent += bytes
	switch {
	case p.live:
		p.printlive("%s %s", bar(int(p.sent>>10), int(p.weight>>10)), p.state())
	case time.Since(p.told) >= batchLine:
		p.told = time.Now()
		p.printf("%s", p.state())
	}
}

// accepted counts an instance that is stored.
func (p *sendProgress) accepted(before bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stored++
	if before {
		p.before++
	}
}

// refuse counts an instance that is not stored, and says why.
func (p *sendProgress) refuse(name, reason string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refused++
	p.printf("refused %s: %s", name, reason)
}

// state returns how much was sent, the rate and the time left, such as "81 of 164 MB,
// 51 MB/s, 2s left". p is locked.
func (p *sendProgress) state() string {
	const mega = 1e6
	parts := []string{fmt.Sprintf("%.0f of %.0f MB", float64(p.sent)/mega, float64(p.weight)/mega)}
	if elapsed := time.Since(p.start); p.sent > 0 && elapsed > 0 {
		perSecond := float64(p.sent) / elapsed.Seconds()
		left := time.Duration(float64(max(p.weight-p.sent, 0)) / perSecond * float64(time.Second))
		parts = append(parts, fmt.Sprintf("%.1f MB/s", perSecond/mega), left.Round(time.Second).String()+" left")
	}
	return strings.Join(parts, ", ")
}

// summary says in the end what became of all; of what was broken off, what is known.
func (p *sendProgress) summary(broken bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	line := fmt.Sprintf("stored %d of %d instances", p.stored, p.count)
	if broken {
		line = "known to be " + line
	}
	if p.before > 0 {
		line += fmt.Sprintf(", %d of which had been there", p.before)
	}
	if p.refused > 0 {
		line += fmt.Sprintf(", %d refused", p.refused)
	}
	elapsed := time.Since(p.start)
	p.printf("%s: %.1f MB in %.1f s", line, float64(p.sent)/1e6, elapsed.Seconds())
}
