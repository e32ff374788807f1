// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"runtime/debug"
	"sync"
	"time"
)

// What an image may do to a process (a panic in some goroutine, the memory used
// up, no end) must not end the run or the service that asked for it to be measured.
// Images are therefore measured in processes of their own: a [Process] asks, and
// [Serve] in the other process answers. Requests are JSON on its standard input,
// messages JSON on its standard output.

// message is what a child says: a stage, or the answer.
type message[A any] struct {
	Stage    string  `json:",omitempty"`
	Fraction float64 `json:",omitempty"`
	Answer   *A      `json:",omitempty"`
}

// tellEvery is the shortest time between two messages about the same stage.
const tellEvery = 100 * time.Millisecond

// Serve answers one request after another until its input ends, at once where that
// is while it works: nobody waits for the answer then.
func Serve[Q, A any](ctx context.Context, in io.Reader, out io.Writer, work func(ctx context.Context, q *Q, stage func(string, float64)) *A) error {
	preferAsVictim()
	requests := make(chan *Q)
	var reading error
	go func() {
		defer close(requests)
		for d := json.NewDecoder(in); ; {
			q := new(Q)
			if reading = d.Decode(q); reading != nil {
				return
			}
			requests <- q
		}
	}()
	teller := &teller[A]{out: json.NewEncoder(out)}
	next := func() (*Q, bool) { q, ok := <-requests; return q, ok }
	for q, ok := next(); ok; q, ok = next() {
		done := make(chan *A, 1)
		go func() { done <- work(ctx, q, teller.stage) }()
		select {
		case <-requests: // the input ended
			return nil
		case answer := <-done:
			if err := teller.answer(answer); err != nil {
				return err
			}
		}
		debug.FreeOSMemory() // the next one may be small
	}
	if errors.Is(reading, io.EOF) {
		return nil
	}
	return reading
}

// teller writes the messages of a child.
type teller[A any] struct {
	mu   sync.Mutex
	out  *json.Encoder
	last message[A]
	told time.Time
}

func (t *teller[A]) stage(stage string, fraction float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if stage == t.last.Stage && time.Since(t.told) < tellEvery {
		return
	}
	t.last, t.told = message[A]{Stage: stage, Fraction: fraction}, time.Now()
	_ = t.out.Encode(t.last) // the answer fails too, and that is told
}

func (t *teller[A]) answer(answer *A) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = message[A]{}
	return t.out.Encode(message[A]{Answer: answer})
}

// preferAsVictim asks Linux, when memory runs out, to end this process rather than
// the one that waits for it. proc(5), oom_score_adj.
func preferAsVictim() {
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("500"), 0) // best effort
}
