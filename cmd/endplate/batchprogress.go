// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/endplate/endplate/analysis/cohort"
)

// batchProgress tells how far a batch is: on a terminal by a bar, elsewhere by a
// line now and then. What failed is told of at once.
type batchProgress struct {
	*progress
	start time.Time

	mu     sync.Mutex
	total  int
	before int // finished by earlier runs
	done   int // finished by this one
	failed int
	told   time.Time
}

// Between two lines, and between two looks at the clock on a terminal.
const (
	batchLine = 30 * time.Second
	batchTick = time.Second
)

func newBatchProgress(p *progress, total, before int) *batchProgress {
	now := time.Now()
	return &batchProgress{progress: p, start: now, told: now, total: total, before: before}
}

// finished counts a study.
func (p *batchProgress) finished(u *unit, s *cohort.Study) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	if len(s.Series) == 0 {
		p.failed++
	}
	for i, f := range s.Failures {
		if i > 0 {
			p.printf("failed %s: and %d more", u.Path, len(s.Failures)-i)
			break
		}
		at := u.Path
		if f.Path != u.Path {
			at = f.Path
		}
		p.printf("failed %s: %s (%s)", at, f.Reason, f.Code)
	}
	p.tell()
}

// tick keeps the clock going until stop is closed.
func (p *batchProgress) tick(stop <-chan struct{}) {
	t := time.NewTicker(batchTick)
	defer t.Stop()
	for {
		select {
		case <-stop:
			return
		case <-t.C:
			p.mu.Lock()
			p.tell()
			p.mu.Unlock()
		}
	}
}

// tell shows where the run is. p is locked.
func (p *batchProgress) tell() {
	if p.live {
		p.printlive("%s %s", bar(p.before+p.done, p.total), p.state())
		return
	}
	if time.Since(p.told) >= batchLine {
		p.told = time.Now()
		p.printf("%s", p.state())
	}
}

// state returns counts, rate and the time left, such as "412 of 2000 studies,
// 3 failed, 1.8/s, 14m40s left".
func (p *batchProgress) state() string {
	parts := []string{fmt.Sprintf("%d of %d studies", p.before+p.done, p.total)}
	if p.failed > 0 {
		parts = append(parts, fmt.Sprintf("%d failed", p.failed))
	}
	elapsed := time.Since(p.start)
	if p.done > 0 && elapsed > 0 {
		parts = append(parts, rate(p.done, elapsed))
		left := elapsed * time.Duration(p.total-p.before-p.done) / time.Duration(p.done)
		parts = append(parts, left.Round(time.Second).String()+" left")
	}
	return strings.Join(parts, ", ")
}

// rate returns studies a second, or in a minute or an hour where they are few.
func rate(n int, in time.Duration) string {
	perSecond := float64(n) / in.Seconds()
	switch {
	case perSecond >= 1:
		return fmt.Sprintf("%.1f/s", perSecond)
	case perSecond*60 >= 1:
		return fmt.Sprintf("%.1f/min", perSecond*60)
	}
	return fmt.Sprintf("%.1f/h", perSecond*3600)
}

// bar returns a bar of the given part of a whole.
func bar(part, whole int) string {
	const width = 24
	full := width * part / max(whole, 1)
	return "[" + strings.Repeat("█", full) + strings.Repeat("░", width-full) + "]"
}
