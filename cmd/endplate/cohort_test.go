// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestCohort is a batch over as many made studies as ENDPLATE_COHORT says: at the
// rate of single studies times the processors, in flat memory, and with the same
// bytes after ten SIGKILLs.
func TestCohort(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("ENDPLATE_COHORT"))
	if n < 20 {
		t.Skip("ENDPLATE_COHORT gives no number of studies, 20 or more; minutes")
	}
	jobs := runtime.NumCPU()
	t.Chdir(t.TempDir())
	makeMany(t, n)

	one, oneCPU := singleRate(t, 10)
	took, cpu, memory := watched(t, "--out", "calm", "--jobs", strconv.Itoa(jobs))
	rate := float64(n) / took.Seconds()
	t.Logf("%d studies, %d jobs: %v, %.2f studies/s; one job on one processor %.2f studies/s; %.0f %% of that times %d",
		n, jobs, took.Round(time.Second), rate, one, 100*rate/(one*float64(jobs)), jobs)
	t.Logf("processor time a study: %v by %d jobs, %v by one", (cpu / time.Duration(n)).Round(time.Millisecond), jobs, oneCPU.Round(time.Millisecond))
	if rate < 0.9*one*float64(jobs) {
		t.Errorf("%.2f studies/s, want at least 90 %% of %d times %.2f", rate, jobs, one)
	}
	if slices.Max(memory) == 0 {
		t.Fatal("the memory of a process cannot be read here")
	}
	first, last := memory[len(memory)/10:len(memory)/3], memory[2*len(memory)/3:]
	t.Logf("resident memory of all processes: first third at most %d MB, last third %d MB", slices.Max(first)>>20, slices.Max(last)>>20)
	if slices.Max(last) > slices.Max(first)*5/4 {
		t.Error("memory grows with the studies")
	}

	random := rand.New(rand.NewPCG(uint64(n), 10))
	for range 10 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration((0.02+0.13*random.Float64())*float64(took)))
		_, status := runBatch(ctx, t, "cohort", "--quiet", "--out", "killed", "--jobs", strconv.Itoa(jobs))
		cancel()
		finished, _ := filepath.Glob("killed/.work/*" + recordEnding)
		t.Logf("status %d, %d of %d finished", status, len(finished), n)
	}
	runBatch(t.Context(), t, "cohort", "--quiet", "--out", "killed", "--jobs", strconv.Itoa(jobs))
	sameOutputs(t, "calm", "killed")
	t.Run("DuckDB", func(t *testing.T) { checkByDuckDB(t, "calm") })
}

// makeMany writes n studies, two of each subject.
func makeMany(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		loss := 20 + i/2%5*10
		if i%2 == 1 {
			loss /= 2
		}
		makeStudy(t, fmt.Sprintf("cohort/s%04d/%d", i/2, i%2), "--seed", fmt.Sprint(i/2+1), "--fracture", fmt.Sprintf("L1=wedge:%d", loss))
	}
}

// singleRate returns the studies a second of one job on one processor, over every
// so-manieth study of the cohort, and the processor time of each.
func singleRate(t *testing.T, every int) (perSecond float64, cpu time.Duration) {
	t.Helper()
	all, err := filepath.Glob("cohort/s*/*")
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"--out", "single", "--jobs", "1"}
	n := 0
	for i := 0; i < len(all); i += every {
		args = append(args, all[i])
		n++
	}
	t.Setenv("GOMAXPROCS", "1")
	start := time.Now()
	cmd := exec.CommandContext(t.Context(), name, append([]string{"batch"}, args...)...)
	_ = cmd.Run() // its status is that of what failed in it
	return float64(n) / time.Since(start).Seconds(), processorTime(cmd) / time.Duration(n)
}

// watched runs a batch over the cohort and samples the resident memory of all its
// processes, bytes.
func watched(t *testing.T, args ...string) (took, cpu time.Duration, memory []int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, append([]string{"batch", "cohort"}, args...)...)
	cmd.Stderr = os.Stderr
	start := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-done: // its status is that of what failed in it
			return time.Since(start), processorTime(cmd), memory
		case <-tick.C:
			memory = append(memory, resident(cmd.Process.Pid))
		}
	}
}

// processorTime returns that of an ended process and its workers.
func processorTime(cmd *exec.Cmd) time.Duration {
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}

// resident returns the resident memory of a process and its children, bytes.
// proc(5): statm.
func resident(pid int) int {
	total := 0
	statm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid)) // gone: nothing
	if fields := strings.Fields(string(statm)); len(fields) > 1 {
		pages, _ := strconv.Atoi(fields[1])
		total = pages * os.Getpagesize()
	}
	for _, child := range childrenOf(pid) {
		total += resident(child)
	}
	return total
}
