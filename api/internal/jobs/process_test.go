// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package jobs_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/endplate/endplate/api/internal/destination"
	"github.com/endplate/endplate/api/internal/jobs"
	"github.com/endplate/endplate/api/internal/store"
	"github.com/endplate/endplate/api/internal/store/pgtest"
	"github.com/endplate/endplate/api/internal/store/storetest"
	"github.com/endplate/endplate/api/measure"
)

// processMode is the variable that makes the test's program another process, and
// says which.
const processMode = "ENDPLATE_TEST_PROCESS"

// processTask holds what a worker process is told.
const processTask = "ENDPLATE_TEST_TASK"

func TestMain(m *testing.M) {
	switch mode := os.Getenv(processMode); mode {
	case "":
		os.Exit(m.Run())
	case "work":
		work()
	case "child":
		serve(measure.Producer{Name: "endplate", Version: "test"}.Do)
	default:
		serve(func(ctx context.Context, t *measure.Task, stage func(string, float64)) *measure.Done {
			return misbehave(ctx, mode)
		})
	}
}

func serve(do func(context.Context, *measure.Task, func(string, float64)) *measure.Done) {
	if err := measure.Serve(context.Background(), os.Stdin, os.Stdout, do); err != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

func misbehave(ctx context.Context, how string) *measure.Done {
	switch how {
	case "panic":
		go panic("on purpose")
	case "hog":
		for all := [][]byte{}; ; time.Sleep(time.Millisecond) { // as slow as reading is
			b := make([]byte, 16<<20)
			for i := 0; i < len(b); i += 4096 {
				b[i] = 1
			}
			all = append(all, b)
		}
	}
	<-ctx.Done()
	return nil
}

// task is what a worker process is told.
type task struct {
	Config  store.Config
	Workers int
	Pause   bool // pauses with its first analysis; then ends

	Destination string // of the results, if any
	Kill        bool   // kills itself once the destination has acknowledged something
}

// fatal kills this process when what it sent has been acknowledged.
type fatal struct{ destination.Sender }

func (f fatal) Send(ctx context.Context, objects []destination.Object) []error {
	for _, err := range f.Sender.Send(ctx, objects) {
		exitIf(err)
	}
	syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// work is a process that does jobs until it is killed.
func work() {
	var t task
	exitIf(json.Unmarshal([]byte(os.Getenv(processTask)), &t))
	ctx := context.Background()
	s, err := store.Open(ctx, t.Config)
	exitIf(err)
	c := jobs.Config{
		Store: s, Workers: t.Workers, Do: here, Timing: soon,
		Worker: store.Worker{ID: rand.Text(), Host: "test", Version: "test"},
	}
	if t.Destination != "" {
		d, err := destination.Parse(t.Destination)
		exitIf(err)
		if t.Kill {
			d.Sender = fatal{d.Sender}
		}
		c.Do, c.Results, c.Destinations = publishing, []string{"sr"}, []destination.Destination{d}
	}
	paused := make(chan struct{})
	if t.Pause {
		c.Grace = time.Minute
		c.Do = func(context.Context, *measure.Task, func(string, float64)) (*measure.Done, error) {
			defer close(paused)
			// In the midst of a transaction, whose locks it holds on.
			_ = s.Write(ctx, func(tx *store.Tx) error {
				err := tx.Heartbeat(ctx, c.Worker)
				syscall.Kill(os.Getpid(), syscall.SIGSTOP)
				time.Sleep(time.Second) // this thread may go on until another has got the signal
				return err
			})
			return &measure.Done{Report: []byte("from the dead")}, nil
		}
	}
	q, err := jobs.New(c)
	exitIf(err)
	exitIf(q.Start(ctx))
	fmt.Println("started")
	<-paused
	exitIf(q.Stop(ctx))
	os.Exit(0)
}

func exitIf(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// startWorker starts a worker process and waits until it does jobs.
func startWorker(t *testing.T, work task) *exec.Cmd {
	t.Helper()
	told, err := json.Marshal(work)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), processMode+"=work", processTask+"="+string(told))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kill(cmd) })
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("worker: %q, %v", line, err)
	}
	return cmd
}

func kill(cmd *exec.Cmd) {
	_ = cmd.Process.Kill() // it may have been killed
	_ = cmd.Wait()         // it was killed
}

// number returns how many there are to be of something: many where the environment
// asks for it.
func number(few, many int) int {
	if os.Getenv("ENDPLATE_TEST_MANY") != "" {
		return many
	}
	return few
}

// queueMany makes series and queues an analysis of each.
func queueMany(t *testing.T, q *jobs.Queue, n int) (ids []string) {
	t.Helper()
	var all []storetest.Content
	for k := range n {
		all = append(all, storetest.Made(1, k, 1))
	}
	storetest.Put(t, q.Store, all...)
	for _, c := range all {
		ids = append(ids, request(t, q, c.Series.SeriesInstanceUID).ID)
	}
	return ids
}

// onceEach verifies that every analysis succeeded and has one result.
func onceEach(t *testing.T, s *store.Store, ids []string) (attempts int) {
	t.Helper()
	for _, id := range ids {
		a := ended(t, s, id)
		v, err := s.Revisions(t.Context(), id)
		if a.State != store.Succeeded || err != nil || len(v) != 1 || a.LatestRevision != 0 {
			t.Errorf("analysis = %+v with %d results, %v", a, len(v), err)
		}
		attempts += a.Attempt
	}
	return attempts
}

// On one database, one process after another is killed at a random moment.
func killedWorkers(t *testing.T, config store.Config) {
	s, err := store.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	ids := queueMany(t, idle(t, jobs.Config{Store: s}), number(40, 1000))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	kills := number(8, 200)
	for range kills {
		w := startWorker(t, task{Config: config, Workers: 2})
		time.Sleep(mathrand.N(60 * time.Millisecond)) // the moment
		kill(w)
	}
	began := time.Now()
	s = storetest.Open(t, config)
	start(t, jobs.Config{Store: s, Workers: 2, Do: here})
	attempts := onceEach(t, s, ids)
	t.Logf("%d analyses in %d attempts, %d kills; the rest took %v", len(ids), attempts, kills, time.Since(began))
	checkStore(t, s)
}

// checkStore verifies that nothing is lost and nothing left over.
func checkStore(t *testing.T, s *store.Store) {
	t.Helper()
	if err := s.Check(t.Context(), true, func(p store.Problem) { t.Errorf("problem: %+v", p) }); err != nil {
		t.Error(err)
	}
}

// Of three processes on one database two are killed midway.
func severalProcesses(t *testing.T, config store.Config) {
	s := storetest.Open(t, config)
	ids := queueMany(t, idle(t, jobs.Config{Store: s}), number(60, 300))
	began := time.Now()
	var processes []*exec.Cmd
	for range 3 {
		processes = append(processes, startWorker(t, task{Config: config, Workers: 2}))
	}
	until(t, "a third is done", func() bool {
		n, err := s.CountAnalyses(t.Context())
		return err == nil && n[store.Queued] < len(ids)*2/3
	})
	kill(processes[0])
	kill(processes[1])
	attempts := onceEach(t, s, ids)
	t.Logf("%d analyses in %d attempts, in %v", len(ids), attempts, time.Since(began))
}

// A process that is paused until its job was done by another stores nothing when it
// goes on.
func aPausedProcess(t *testing.T, config store.Config) {
	s := storetest.Open(t, config)
	put(t, s)
	paused := startWorker(t, task{Config: config, Workers: 1, Pause: true})
	a := request(t, idle(t, jobs.Config{Store: s}), made)
	reaches(t, s, a.ID, store.Running)
	began := time.Now()
	start(t, jobs.Config{Store: s, Workers: 1, Do: here})
	done := ended(t, s, a.ID)
	t.Logf("taken over after %v, a worker being dead after %v", time.Since(began), soon.Dead)
	if err := paused.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if err := paused.Wait(); err != nil {
		t.Errorf("paused process: %v", err)
	}
	got, err := s.Analysis(t.Context(), a.ID)
	if err != nil || got.State != store.Succeeded || got.Attempt != 2 || !got.FinishedAt.Equal(done.FinishedAt) {
		t.Errorf("analysis = %+v, %v, want %+v", got, err, done)
	}
	v, err := s.Revision(t.Context(), a.ID, store.Latest, store.Report)
	if err != nil || string(v.Result.Report) == "from the dead" || v.Number != 0 {
		t.Errorf("revision = %+v, %v", v, err)
	}
}

// An analysis that cannot be stored is made again once it can be.
func theDatabaseGoes(t *testing.T, server *pgtest.Server, config store.Config) {
	s := storetest.Open(t, config)
	put(t, s)
	began, release := make(chan struct{}, 9), make(chan struct{})
	failed := &said{text: "job waits", heard: make(chan struct{})}
	q := start(t, jobs.Config{Store: s, Workers: 1, Logger: slog.New(slog.NewJSONHandler(failed, nil)), Do: func(ctx context.Context, t *measure.Task, stage func(string, float64)) (*measure.Done, error) {
		began <- struct{}{}
		<-release
		return here(ctx, t, stage)
	}})
	a := request(t, q, made)
	<-began
	server.Down(t)
	close(release)
	<-failed.heard // the result cannot be stored
	if os.Getenv("ENDPLATE_TEST_MANY") != "" {
		time.Sleep(30 * time.Second) // longer than River tries to note what became of a job
	}
	server.Up(t)
	up := time.Now()
	if got := ended(t, s, a.ID); got.State != store.Succeeded {
		t.Errorf("analysis = %+v", got)
	}
	t.Logf("done %v after the database was back", time.Since(up))
	onceEach(t, s, []string{a.ID})
}

// said waits for a text in a log.
type said struct {
	text  string
	heard chan struct{}
	once  sync.Once
}

func (s *said) Write(b []byte) (int, error) {
	if strings.Contains(string(b), s.text) {
		s.once.Do(func() { close(s.heard) })
	}
	return len(b), nil
}

// A long queue is worked off in memory that does not grow.
func aLongQueue(t *testing.T, config store.Config) {
	s := storetest.Open(t, config)
	ids := queueMany(t, idle(t, jobs.Config{Store: s}), number(60, 1000))
	began := time.Now()
	start(t, jobs.Config{Store: s, Workers: 2, Do: here})
	left := func(n int) func() bool {
		return func() bool {
			counts, err := s.CountAnalyses(t.Context())
			return err == nil && counts[store.Queued] <= n
		}
	}
	until(t, "a tenth is done", left(len(ids)*9/10))
	before := heap()
	until(t, "nearly all is done", left(1))
	after := heap()
	onceEach(t, s, ids)
	t.Logf("%d analyses, %v each; heap %d kB, then %d kB", len(ids), time.Since(began)/time.Duration(len(ids)), before>>10, after>>10)
	if after > before+8<<20 {
		t.Errorf("the heap grew from %d to %d bytes", before, after)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
