// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/endplate/endplate/api"
	"github.com/endplate/endplate/api/internal/jobs"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// serverTask is the variable that makes the test's program a server, which it
// describes.
const serverTask = "ENDPLATE_TEST_SERVER"

// processTask is what a server in a process of its own is told.
type processTask struct {
	api.Config
	// What of the configuration another process cannot be told.
	Logger, Ready *struct{}
}

// serveTask is a server that logs to its standard error, says on its standard output
// where it listens, and ends with its standard input.
func serveTask(told string) error {
	var task processTask
	if err := json.Unmarshal([]byte(told), &task); err != nil {
		return err
	}
	c := task.Config
	c.Logger = slog.New(slog.NewJSONHandler(os.Stderr, nil))
	c.Ready = func(at api.Addresses) { _ = json.NewEncoder(os.Stdout).Encode(at) }
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(2)
	}()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	s, err := api.New(ctx, c)
	if err != nil {
		return err
	}
	return s.Run(ctx)
}

// process is a server in a process of its own.
type process struct {
	cmd   *exec.Cmd
	at    chan api.Addresses // closed when it ends, or says no more
	ended chan struct{}
	err   error // of its end
	kill  func()
}

// journal is the file of a server's log and of all before it on the same folder.
func journal(c api.Config) string { return c.Storage.Folder + ".log" }

// launch starts a server, which may not yet take calls.
func launch(t testing.TB, c api.Config) *process {
	t.Helper()
	told, err := json.Marshal(processTask{Config: c})
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.OpenFile(journal(c), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	p := &process{cmd: exec.Command(c.Executable), at: make(chan api.Addresses, 1), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), serverTask+"="+string(told))
	p.cmd.Stderr = log
	in, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		var at api.Addresses
		if json.NewDecoder(bufio.NewReader(out)).Decode(&at) == nil {
			p.at <- at
		}
		close(p.at)
		p.err = p.cmd.Wait()
		in.Close()
	}()
	p.kill = sync.OnceFunc(func() {
		_ = p.cmd.Process.Kill() // it may have ended
		<-p.ended
	})
	t.Cleanup(p.kill)
	return p
}

// ready returns where the server listens, once it does.
func (p *process) ready(t testing.TB, c api.Config) api.Addresses {
	t.Helper()
	at, ok := <-p.at
	if !ok {
		<-p.ended
		t.Fatalf("the server ended before it took calls: %v\n%s", p.err, tailOf(journal(c)))
	}
	return at
}

// stop has the server end in good order, and returns how long that took.
func (p *process) stop(t testing.TB, c api.Config) time.Duration {
	t.Helper()
	began := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-p.ended
	if p.err != nil {
		t.Errorf("the server ended with %v\n%s", p.err, tailOf(journal(c)))
	}
	return time.Since(began)
}

// tailOf returns the last lines of a log.
func tailOf(path string) string {
	b, _ := os.ReadFile(path) // no file: nothing was said
	return string(b[max(0, len(b)-4000):])
}

// process serves with a process of its own, and returns a peer of it.
func (c served) process(t testing.TB) (*process, *peer) {
	t.Helper()
	p := launch(t, c.Config)
	return p, dial(t, p.ready(t, c.Config))
}

// served is the configuration of servers in processes of their own.
type served struct{ api.Config }

// apart returns the configuration of a server in a process of its own, whose log must
// tell of no error when the test ends, but for those that hold an excuse.
func apart(t testing.TB, excuses ...string) served {
	t.Helper()
	c := config(t)
	c.Storage.Folder = filepath.Join(c.Storage.Folder, "data")
	c.Work.QueueLimit = 10_000
	if os.Getenv("ENDPLATE_CRASHES") == "" {
		c.Work.Timing = hasty
	}
	t.Cleanup(func() {
		if !t.Skipped() { // for want of a database: no server has run
			noErrors(t, journal(c), excuses)
		}
	})
	return served{c}
}

// hasty are times of the queue that a test can wait for. The long proof keeps those of
// the service.
var hasty = jobs.Timing{
	Heartbeat: 500 * time.Millisecond, Dead: 3 * time.Second, Backoff: 500 * time.Millisecond, Wait: 500 * time.Millisecond,
}

// ofRiver excuses what River says while there is no storage, or too little time for it.
const ofRiver = `"component":"river"`

// noErrors fails where a log tells of an error, a panic or a data race.
func noErrors(t testing.TB, path string, excuses []string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Errorf("no log: %v", err)
	}
	shown := 0
	for line := range strings.Lines(string(b)) {
		holds := func(sign string) bool { return strings.Contains(line, sign) }
		if !slices.ContainsFunc([]string{`"level":"ERROR"`, "panic", "DATA RACE", "goroutine "}, holds) || slices.ContainsFunc(excuses, holds) {
			continue
		}
		if shown++; shown <= 5 {
			t.Errorf("the server says: %.2000s", line)
		}
	}
}

// roaming is where a server listens now; there may be none.
type roaming struct{ atomic.Pointer[string] }

// peer returns connections that find the server again wherever it is. Calls wait for
// it.
func (r *roaming) peer(t testing.TB) *peer {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///server", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			at := r.Load()
			if at == nil {
				return nil, errors.New("the server is down")
			}
			return new(net.Dialer).DialContext(ctx, "tcp", *at)
		}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{BaseDelay: 10 * time.Millisecond, Multiplier: 1.5, MaxDelay: 200 * time.Millisecond}, MinConnectTimeout: 5 * time.Second,
		}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64<<20), grpc.WaitForReady(true)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return peerOf(conn, api.Addresses{})
}

// many returns the number that a variable of the environment says, else few.
func many(variable string, few int) int {
	if n, err := strconv.Atoi(os.Getenv(variable)); err == nil {
		return n
	}
	return few
}

// until waits for something to become true.
func until(t testing.TB, what string, limit time.Duration, is func() bool) {
	t.Helper()
	end := time.NewTimer(limit)
	defer end.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-end.C:
			t.Fatalf("waited %v until %s", limit, what)
		}
	}
}

// resident returns the memory of a process, bytes; 0 where it cannot be read. proc(5).
func resident(pid int) int {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid)) // gone: nothing
	fields := strings.Fields(string(b))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.Atoi(fields[1])
	return pages * os.Getpagesize()
}

// load returns how busy the machine is, for what is measured on it.
func load() string {
	b, _ := os.ReadFile("/proc/loadavg")
	one, _, _ := strings.Cut(string(b), " ")
	return "load " + one
}

// queued counts the analyses that have not ended.
func (p *peer) queued(ctx context.Context) (n int, err error) {
	r, err := p.analyses.ListAnalyses(ctx, &endplatev1.ListAnalysesRequest{
		PageSize: 500, States: []endplatev1.AnalysisState{endplatev1.AnalysisState_QUEUED, endplatev1.AnalysisState_RUNNING},
	})
	return len(r.GetAnalyses()), err
}
