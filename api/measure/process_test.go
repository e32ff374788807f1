// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package measure_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/endplate/endplate/api/measure"
)

// childMode is the variable that makes the test's program a child, and says what it
// does with its requests.
const childMode = "ENDPLATE_TEST_CHILD"

func TestMain(m *testing.M) {
	switch mode := os.Getenv(childMode); mode {
	case "":
		os.Exit(m.Run())
	case "do":
		exitWith(measure.Serve(context.Background(), os.Stdin, os.Stdout, measure.Producer{Name: "endplate", Version: "test"}.Do))
	case "starter":
		starter()
	default:
		exitWith(measure.Serve(context.Background(), os.Stdin, os.Stdout, misbehave))
	}
}

func exitWith(err error) {
	if err != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

// order says what a child is to do.
type order struct{ Do string }

// state says how a child is.
type state struct{ PID, Nice int }

func misbehave(ctx context.Context, o *order, stage func(string, float64)) *state {
	stage(o.Do, 0.5)
	switch o.Do {
	case "panic":
		done := make(chan struct{})
		go func() { panic("in a goroutine") }()
		<-done
	case "exit":
		os.Exit(7)
	case "hog":
		var all [][]byte
		for {
			b := make([]byte, 16<<20)
			for i := 0; i < len(b); i += 4096 {
				b[i] = 1
			}
			all = append(all, b)
			time.Sleep(time.Millisecond) // as slow as reading is
			_ = all
		}
	case "hang":
		<-ctx.Done()
	case "garbage":
		os.Stdout.WriteString("{]")
	}
	raw, _ := syscall.Getpriority(syscall.PRIO_PROCESS, 0)
	return &state{PID: os.Getpid(), Nice: 20 - raw}
}

func start(t *testing.T, l measure.Limits) *measure.Process {
	t.Helper()
	p, err := measure.Start(measure.Command{Env: append(os.Environ(), childMode+"=misbehave")}, l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return p
}

func TestAskSeveralTimes(t *testing.T) {
	p := start(t, measure.Limits{Memory: 1 << 30, Time: time.Minute, Processors: 1, Nice: 7})
	var pid int
	for range 3 {
		var stages []string
		r, err := measure.Ask[state](t.Context(), p, order{"work"}, func(s string, f float64) { stages = append(stages, s) })
		if err != nil {
			t.Fatal(err)
		}
		if runtime.GOOS == "linux" && r.Nice != 7 || pid != 0 && r.PID != pid || len(stages) != 1 || stages[0] != "work" {
			t.Errorf("report = %+v after stages %q, want the process %d of niceness 7", r, stages, pid)
		}
		pid = r.PID
	}
	if runtime.GOOS == "linux" && p.Memory() <= 0 {
		t.Error("the memory of the child is not known")
	}
}

func TestHowChildrenEnd(t *testing.T) {
	for _, tt := range []struct {
		do     string
		limits measure.Limits
		want   error  // nil: a crash
		reason string // of a crash
	}{
		{do: "panic", reason: "panic: in a goroutine"},
		{do: "exit", reason: "exit status 7"},
		{do: "garbage", reason: "its answer cannot be read"},
		{do: "hang", limits: measure.Limits{Time: 100 * time.Millisecond}, want: measure.ErrTimeLimit},
		{do: "hog", limits: measure.Limits{Memory: 256 << 20}, want: measure.ErrMemoryLimit},
	} {
		t.Run(tt.do, func(t *testing.T) {
			if tt.limits.Memory > 0 && runtime.GOOS != "linux" {
				t.Skip("the memory of a child is watched on Linux alone")
			}
			p := start(t, tt.limits)
			_, err := measure.Ask[state](t.Context(), p, order{tt.do}, func(string, float64) {})
			if tt.want != nil {
				if !errors.Is(err, tt.want) {
					t.Errorf("error = %v, want %v", err, tt.want)
				}
				return
			}
			crash, ok := errors.AsType[*measure.CrashError](err)
			if !ok || crash.Reason != tt.reason || crash.Killed {
				t.Errorf("error = %#v, want the crash %q", err, tt.reason)
			}
		})
	}
}

func TestAKilledChildIsToldOf(t *testing.T) {
	p := start(t, measure.Limits{})
	r, err := measure.Ask[state](t.Context(), p, order{"work"}, func(string, float64) {})
	if err != nil {
		t.Fatal(err)
	}
	_, err = measure.Ask[state](t.Context(), p, order{"hang"}, func(string, float64) {
		syscall.Kill(r.PID, syscall.SIGKILL)
	})
	if crash, ok := errors.AsType[*measure.CrashError](err); !ok || !crash.Killed {
		t.Errorf("error = %#v, want a crash by a signal", err)
	}
}

func TestTheCallerGoes(t *testing.T) {
	p := start(t, measure.Limits{})
	ctx, cancel := context.WithCancel(t.Context())
	_, err := measure.Ask[state](ctx, p, order{"hang"}, func(string, float64) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want that of the context", err)
	}
}

// starter starts a child that hangs, says which, and waits to be killed.
func starter() {
	p, err := measure.Start(measure.Command{Env: append(os.Environ(), childMode+"=misbehave")}, measure.Limits{})
	exitIf(err)
	r, err := measure.Ask[state](context.Background(), p, order{"work"}, func(string, float64) {})
	exitIf(err)
	_, _ = measure.Ask[state](context.Background(), p, order{"hang"}, func(string, float64) {
		json.NewEncoder(os.Stdout).Encode(struct{ Answer *state }{r})
	})
}

func exitIf(err error) {
	if err != nil {
		os.Exit(1)
	}
}

func TestNoChildOutlivesItsParent(t *testing.T) {
	parent, err := measure.Start(measure.Command{Env: append(os.Environ(), childMode+"=starter")}, measure.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	child, err := measure.Ask[state](t.Context(), parent, order{}, func(string, float64) {})
	if err != nil {
		t.Fatal(err)
	}
	parent.Stop() // by SIGKILL
	deadline := time.Now().Add(10 * time.Second)
	for alive(child.PID) {
		if time.Now().After(deadline) {
			t.Fatalf("child %d lives on", child.PID)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// alive reports whether a process runs; one that nobody has waited for yet does not.
func alive(pid int) bool {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return false
	}
	_, after, _ := strings.Cut(string(b), ") ")
	return !strings.HasPrefix(after, "Z")
}
