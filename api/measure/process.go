// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Command says how a child is started.
type Command struct {
	Path string   // of the program; empty: this one
	Args []string // the program's name first
	Env  []string // all of it: nothing of this process's is handed on beside it
}

// Limits bound what a child may take.
type Limits struct {
	Memory     int64         // resident, bytes; 0: no limit
	Time       time.Duration // for one request; 0: no limit
	Processors int           // that it computes on at a time; 0: all
	Nice       int           // its niceness; 0: that of this process
}

// Errors of Ask that say which limit a request went beyond.
var (
	ErrTimeLimit   = errors.New("time limit")
	ErrMemoryLimit = errors.New("memory limit")
)

// CrashError tells how a child ended by itself.
type CrashError struct {
	Reason string
	Killed bool // by a signal from outside, as when memory runs out
}

func (e *CrashError) Error() string { return e.Reason }

// Process is a child that answers requests, one at a time.
type Process struct {
	cmd     *exec.Cmd
	limits  Limits
	in      io.WriteCloser
	out     *os.File
	budget  *io.LimitedReader // of out, for one answer
	answers *json.Decoder
	stderr  *tail
	ended   chan struct{}
	err     error // of the ended process
}

// Start starts a child. It ends with its input, which is when this process ends.
func Start(command Command, limits Limits) (*Process, error) {
	path := command.Path
	if path == "" {
		var err error
		if path, err = ownProgram(); err != nil {
			return nil, err
		}
	}
	out, theirs, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	p := &Process{limits: limits, out: out, stderr: &tail{}, ended: make(chan struct{})}
	p.budget = &io.LimitedReader{R: out}
	p.answers = json.NewDecoder(p.budget)
	p.cmd = &exec.Cmd{Path: path, Args: command.Args, Env: environment(command.Env, limits), Stdout: theirs, Stderr: p.stderr}
	if p.in, err = p.cmd.StdinPipe(); err == nil {
		err = p.start()
	}
	if err != nil {
		out.Close()
		return nil, err
	}
	return p, nil
}

// heapShare is the part of the memory limit from which the child's collector works
// harder, so that only what is really needed reaches the limit.
const heapShare = 0.8

// environment adds the limits that the Go runtime keeps by itself. What the caller
// says stays.
func environment(given []string, l Limits) []string {
	env := append([]string{}, given...) // not nil, which would be that of this process
	add := func(key, value string) {
		for _, e := range env {
			if strings.HasPrefix(e, key+"=") {
				return
			}
		}
		env = append(env, key+"="+value)
	}
	if l.Processors > 0 {
		add("GOMAXPROCS", strconv.Itoa(l.Processors))
	}
	if l.Memory > 0 {
		add("GOMEMLIMIT", strconv.FormatInt(int64(heapShare*float64(l.Memory)), 10))
	}
	return env
}

// start starts the process on a thread that lives as long as it does: on Linux the
// child is ended with the thread that started it, and its niceness is that thread's.
func (p *Process) start() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocks it: the thread ends with the goroutine
		prepare(p.cmd, p.limits)
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
			close(p.ended)
		}
	}()
	return <-started
}

// Stop ends the process at once.
func (p *Process) Stop() {
	p.kill()
	<-p.ended
	p.out.Close()
}

func (p *Process) kill() {
	_ = p.in.Close()         // it may have ended by itself
	_ = p.cmd.Process.Kill() // likewise
}

// mostAnswer is the largest answer that is read, bytes. That of a whole spine takes
// some megabytes.
const mostAnswer = 256 << 20

// Ask sends a request and returns the answer. It tells of the stages meanwhile. The
// error is a *CrashError, ErrTimeLimit, ErrMemoryLimit or the context's own; after
// one the process is gone.
func Ask[A any](ctx context.Context, p *Process, request any, stage func(string, float64)) (*A, error) {
	limited, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if p.limits.Time > 0 {
		defer time.AfterFunc(p.limits.Time, func() { cancel(ErrTimeLimit) }).Stop()
	}
	defer p.watchMemory(limited, cancel)()
	stop := context.AfterFunc(limited, p.kill)
	answer, err := exchange[A](p, request, stage)
	if err == nil && stop() {
		return answer, nil
	}
	unreadable := p.unreadable(err)
	if unreadable {
		p.kill()
	}
	_ = p.in.Close() // it may have ended by itself; else it ends now, or at a limit
	<-p.ended
	p.out.Close()
	switch cause := context.Cause(limited); {
	case cause != nil:
		return nil, cause
	case unreadable:
		return nil, &CrashError{Reason: "its answer cannot be read"}
	}
	return nil, crashOf(p.stderr.String(), p.err)
}

// unreadable tells whether an exchange failed for what the child says, or for how
// much it says, and not because it ended.
func (p *Process) unreadable(err error) bool {
	_, syntax := errors.AsType[*json.SyntaxError](err)
	_, wrong := errors.AsType[*json.UnmarshalTypeError](err)
	return syntax || wrong || p.budget.N <= 0
}

func exchange[A any](p *Process, request any, stage func(string, float64)) (*A, error) {
	p.budget.N = mostAnswer
	if err := json.NewEncoder(p.in).Encode(request); err != nil {
		return nil, err
	}
	for {
		var m message[A]
		if err := p.answers.Decode(&m); err != nil {
			return nil, err
		}
		if m.Answer != nil {
			return m.Answer, nil
		}
		stage(m.Stage, m.Fraction)
	}
}

// watchEvery is how often a child's memory is looked at: a decoder fills some
// hundred megabytes in that time.
const watchEvery = 50 * time.Millisecond

// watchMemory cancels where the process takes more than it may. It returns what
// ends the watch.
func (p *Process) watchMemory(ctx context.Context, cancel context.CancelCauseFunc) (stop func()) {
	if p.limits.Memory <= 0 {
		return func() {}
	}
	ended := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		t := time.NewTicker(watchEvery)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				if p.Memory() > p.limits.Memory {
					cancel(ErrMemoryLimit)
				}
			case <-ended:
				return
			case <-ctx.Done():
				return
			}
		}
	})
	return func() { close(ended); wg.Wait() }
}

// Memory returns the resident memory of the process, bytes; 0 where the system does
// not tell.
func (p *Process) Memory() int64 { return resident(p.cmd.Process.Pid) }

// crashOf tells from what is left of a process why it ended.
func crashOf(stderr string, exit error) *CrashError {
	for line := range strings.Lines(stderr) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") || strings.HasPrefix(line, "runtime: ") {
			return &CrashError{Reason: line}
		}
	}
	reason := "it ended without an answer"
	if exit != nil {
		reason = exit.Error()
	}
	return &CrashError{Reason: reason, Killed: strings.Contains(reason, "signal")}
}

// tail keeps the beginning of what a process writes to standard error: a panic says
// first what it is.
type tail struct {
	mu sync.Mutex
	b  bytes.Buffer
}

const tailSize = 4096 // bytes

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b.Write(b[:min(len(b), tailSize-t.b.Len())])
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}
