// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// callers is how many upload at a time.
const callers = 64

// While 64 callers send ENDPLATE_LOAD series and queue their analyses, and until these
// are done, nobody is told of an error, the server's memory does not grow, and it goes
// on answering.
func TestUnderLoad(t *testing.T) {
	t.Parallel()
	n := many("ENDPLATE_LOAD", callers)
	c := apart(t)
	c.Limits.Connections = 4 * callers
	c.Work.Workers = 2
	server, p := c.process(t)
	shown := p.measured(t, made(t, 1, 30))
	idle := p.latencies(t, t.Context(), shown.GetAnalysisId(), 500)
	t.Logf("GetAnalysis when idle: %s; %s", idle, load())

	l := newLedger()
	began := time.Now()
	ctx, drained := context.WithCancel(t.Context())
	var watching errgroup.Group
	var memory []int
	var busy latencies
	watching.Go(func() error {
		busy = p.latencies(t, ctx, shown.GetAnalysisId(), 0)
		return nil
	})
	watching.Go(func() error {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				memory = append(memory, resident(server.cmd.Process.Pid))
			case <-ctx.Done():
				return nil
			}
		}
	})
	sendAll(t, c, p, l, n)
	sent := time.Since(began)
	until(t, "the queue is empty", 20*time.Minute, func() bool {
		left, err := p.queued(t.Context())
		return err == nil && left == 0
	})
	drained()
	if err := watching.Wait(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d series sent by %d callers in %v, analysed after %v; %s", n, callers, sent, time.Since(began), load())
	t.Logf("GetAnalysis meanwhile: %s; p99 is %.1f times that when idle", busy, float64(busy.p99())/float64(idle.p99()))
	first, last := slices.Max(memory[:len(memory)/3+1]), slices.Max(memory[len(memory)*2/3:])
	t.Logf("resident memory: at most %d MB in the first third, %d MB in the last", first>>20, last>>20)
	if last > first*5/4+16<<20 {
		t.Error("memory grows with the series")
	}
	// The write-ahead log is taken over every 1000 pages, unless somebody always reads.
	if log, err := os.Stat(filepath.Join(c.Storage.Folder, "endplate.db-wal")); err != nil || log.Size() > 64<<20 {
		t.Errorf("the write-ahead log: %+v, %v", log, err)
	} else {
		t.Logf("the write-ahead log has %d kB", log.Size()>>10)
	}
	l.verify(t, p)
	server.stop(t, c.Config)
	l.verifyStored(t, c)
}

// sendAll sends n series and queues their analyses, by so many callers at a time, each
// with a connection of its own.
func sendAll(t *testing.T, c served, p *peer, l *ledger, n int) {
	t.Helper()
	var sending errgroup.Group
	numbers := make(chan int)
	for range callers {
		one := dial(t, p.at)
		sending.Go(func() (err error) {
			for i := range numbers { // to the end also after an error, so that all are taken
				if err == nil {
					_, err = l.send(t.Context(), one, small(t, 16, 5, uint64(i)))
				}
			}
			return err
		})
	}
	for i := range n {
		numbers <- i
	}
	close(numbers)
	if err := sending.Wait(); err != nil {
		t.Fatal(err)
	}
}

// latencies are the times that calls took, ascending.
type latencies []time.Duration

func (l latencies) p99() time.Duration { return l[len(l)*99/100] }

func (l latencies) String() string {
	return fmt.Sprintf("median %v, p99 %v of %d", l[len(l)/2].Round(10*time.Microsecond), l.p99().Round(10*time.Microsecond), len(l))
}

// latencies gets an analysis again and again, 100 times a second at most: n times, or
// until ctx ends.
func (p *peer) latencies(t testing.TB, ctx context.Context, id string, n int) (all latencies) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for n == 0 || len(all) < n {
		began := time.Now()
		_, err := p.analyses.GetAnalysis(ctx, &endplatev1.GetAnalysisRequest{AnalysisId: id})
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			t.Errorf("GetAnalysis: %v", err)
			break
		}
		all = append(all, time.Since(began))
		<-tick.C
	}
	slices.Sort(all)
	return all
}

// Uploads by one and by many callers, as a ratio to writing the same bytes to files
// with fsync.
func TestUploadThroughput(t *testing.T) {
	slices := many("ENDPLATE_LOAD", callers) / 16
	if testing.Short() {
		slices = 2
	}
	c := apart(t)
	c.Work.Workers = 0
	_, p := c.process(t)
	for i, callers := range []int{1, callers} {
		all := make([]series, max(callers, 8))
		size := 0
		for k := range all {
			all[k] = small(t, 512, max(1, slices*8/len(all)), uint64(1000*i+k))
			for _, b := range all[k].instances {
				size += len(b)
			}
		}
		copied := copyRate(t, all, size)
		began := time.Now()
		var wg sync.WaitGroup
		for k := range callers {
			one := dial(t, p.at)
			wg.Go(func() {
				for j := k; j < len(all); j += callers {
					r, err := one.upload(t.Context(), 1<<20, all[j].instances...)
					if err != nil || int(r.GetStored()) != len(all[j].instances) {
						t.Errorf("upload: %v, %v", r, err)
					}
				}
			})
		}
		wg.Wait()
		rate := float64(size) / 1e6 / time.Since(began).Seconds()
		t.Logf("%d callers, %d MB: %.0f MB/s, files with fsync %.0f MB/s, ratio %.2f; %s", callers, size>>20, rate, copied, rate/copied, load())
	}
}

// copyRate writes instances to files with fsync, one after the other, and returns how
// fast that was, MB/s.
func copyRate(t *testing.T, all []series, size int) float64 {
	t.Helper()
	dir := t.TempDir()
	began := time.Now()
	for i, s := range all {
		for j, b := range s.instances {
			f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%d.%d", i, j)))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.ReadFrom(bytes.NewReader(b)); err != nil {
				t.Fatal(err)
			}
			if err := f.Sync(); err != nil {
				t.Fatal(err)
			}
			f.Close()
		}
	}
	return float64(size) / 1e6 / time.Since(began).Seconds()
}
