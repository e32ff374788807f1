// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/endplate/endplate/analysis/cohort"
	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/report"
	"github.com/endplate/endplate/api/measure"
)

// Studies are measured in processes of their own: what a study may do to a process
// (a panic in some goroutine, the memory used up, no end) then ends that
// process and not the run.

// workerCommand is the name of the command that measures for a batch. It reads
// units and writes what came of each, as JSON.
const workerCommand = "batch-worker"

// measuredUnit is a worker's answer.
type measuredUnit struct {
	Version      string
	Study        *cohort.Study
	Examinations []*comparison.Examination // of the study
}

func newWorkerCommand() *cobra.Command {
	return &cobra.Command{
		Use:    workerCommand,
		Short:  "Measure studies for a batch",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			// An interrupt reaches all processes of a terminal. What it means for the
			// worker is for the batch to say, by closing its input.
			return serve(context.WithoutCancel(cmd.Context()), cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
}

// serve measures one unit after another until its input ends, at once where that is
// while it measures: nobody waits for the answer.
func serve(ctx context.Context, in io.Reader, out io.Writer) error {
	preferAsVictim()
	units := make(chan *unit)
	var reading error
	go func() {
		defer close(units)
		for d := json.NewDecoder(in); ; {
			u := &unit{}
			if reading = d.Decode(u); reading != nil {
				return
			}
			units <- u
		}
	}()
	answers := json.NewEncoder(out)
	next := func() (*unit, bool) { u, ok := <-units; return u, ok }
	for u, ok := next(); ok; u, ok = next() {
		done := make(chan *cohort.Study, 1)
		go func() { done <- measureUnit(ctx, u) }()
		select {
		case <-units: // the input ended
			return nil
		case s := <-done:
			if err := answers.Encode(measuredUnit{versionString(), s, s.Examinations}); err != nil {
				return err
			}
		}
		debug.FreeOSMemory() // the next study may be small
	}
	if errors.Is(reading, io.EOF) {
		return nil
	}
	return reading
}

// preferAsVictim asks Linux, when memory runs out, to end this process rather than
// the one that waits for it. proc(5), oom_score_adj.
func preferAsVictim() {
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("500"), 0) // best effort
}

// codeNoImage says that a study has no CT image.
const codeNoImage = "NO_IMAGE"

// measureUnit reads and measures all series of a unit.
func measureUnit(ctx context.Context, u *unit) *cohort.Study {
	study := &cohort.Study{}
	in := measure.Sort(u.sources())
	catalog, err := in.Scan(ctx, dicom.Options{})
	if err != nil {
		study.Failures = append(study.Failures, report.Skipped{Path: u.Path, Code: measure.CodeFailed, Reason: err.Error()})
		return study
	}
	defer catalog.Close()
	skipped := append(in.Skipped, measure.Skipped(catalog)...)
	study.Failures = measure.Failed(skipped, nil)
	all := in.Series(catalog, []string{u.Path})
	for _, s := range all {
		s.Examination.Path, s.About.Name = u.Path, u.Path
		m := s.Measure(ctx, measure.Options{})
		if m.Skipped != nil {
			study.Failures = append(study.Failures, *m.Skipped)
			continue
		}
		study.Add(m.Examination, s.About)
	}
	if len(all) == 0 && len(study.Failures) == 0 {
		study.Failures = append(study.Failures, noImage(u.Path, in, skipped))
	}
	return study
}

// noImage says what there is instead of a CT image.
func noImage(path string, in measure.Inputs, skipped []report.Skipped) report.Skipped {
	reason := "no CT image among its files"
	switch {
	case len(in.DICOM)+len(in.NIfTI)+len(in.Skipped) == 0:
		reason = "no file"
	case len(skipped) > 0:
		reason += "; " + skipped[0].Path + ": " + skipped[0].Reason
	}
	return report.Skipped{Path: path, Code: codeNoImage, Reason: reason}
}

// worker is a process that measures.
type worker struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers *json.Decoder
	stderr  *tail
}

// startWorker starts a process that computes on so many processors.
func startWorker(processors int) (*worker, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	w := &worker{cmd: exec.Command(path, workerCommand), stderr: &tail{}}
	w.cmd.Args[0] = name
	w.cmd.Env = os.Environ()
	if os.Getenv("GOMAXPROCS") == "" {
		w.cmd.Env = append(w.cmd.Env, "GOMAXPROCS="+strconv.Itoa(processors))
	}
	w.cmd.Stderr = w.stderr
	if w.in, err = w.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	w.answers = json.NewDecoder(out)
	return w, w.cmd.Start()
}

// stop ends the process at once.
func (w *worker) stop() {
	_ = w.in.Close()         // it may have ended by itself
	_ = w.cmd.Process.Kill() // likewise
	_ = w.cmd.Wait()         // it was ended on purpose
}

// crashError tells how a worker ended by itself.
type crashError struct {
	reason string
	killed bool // by a signal from outside, as when memory runs out
}

func (e *crashError) Error() string { return e.reason }

// errTimeLimit is returned for a unit that took longer than it may.
var errTimeLimit = errors.New("time limit")

// measure lets the worker measure a unit. After an error the worker is gone.
func (w *worker) measure(ctx context.Context, u *unit, limit time.Duration) (*cohort.Study, error) {
	limited, cancel := context.WithTimeoutCause(ctx, limit, errTimeLimit)
	defer cancel()
	stop := context.AfterFunc(limited, func() { _ = w.cmd.Process.Kill() }) // it may have ended by itself
	defer stop()
	var answer measuredUnit
	err := json.NewEncoder(w.in).Encode(u)
	if err == nil {
		err = w.answers.Decode(&answer)
	}
	switch {
	case err == nil && answer.Version != versionString():
		w.stop()
		return nil, fmt.Errorf("the program was replaced by version %s during the run", answer.Version)
	case err == nil:
		answer.Study.Examinations = answer.Examinations
		return answer.Study, nil
	case limited.Err() != nil:
		w.stop()
		return nil, context.Cause(limited)
	}
	_ = w.in.Close()
	return nil, w.crash(w.cmd.Wait())
}

// crash tells from what is left why the process ended.
func (w *worker) crash(err error) error {
	for line := range strings.Lines(w.stderr.String()) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") || strings.HasPrefix(line, "runtime: ") {
			return &crashError{reason: line}
		}
	}
	reason := "it ended without an answer"
	if err != nil {
		reason = err.Error()
	}
	return &crashError{reason: reason, killed: strings.Contains(reason, "signal")}
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
