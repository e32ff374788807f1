// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/api/measure"
)

// writeCT writes a made CT of 512×512×300 as DICOM and returns its folder.
func writeCT(b *testing.B) string {
	b.Helper()
	dir := b.TempDir()
	// In a process of its own: a process counts the peak of the one that started
	// it as its own.
	runProgram(b, exec.CommandContext(b.Context(), name, "phantom", "--out", dir, "--columns", "512", "--rows", "512", "--slices", "300", "--seed", "1"))
	return dir
}

// BenchmarkCT is a CT of 512×512×300: the whole from folder to JSON as one
// process, and reading and assembling the series beside dcm2niix.
func BenchmarkCT(b *testing.B) {
	dir := writeCT(b)
	b.Run("folder to JSON", func(b *testing.B) {
		peak := 0.0
		for b.Loop() {
			peak = max(peak, runProgram(b, exec.CommandContext(b.Context(), name, "measure", "--quiet", "--format", "json", dir)))
		}
		b.ReportMetric(peak, "peak-MB")
	})
	b.Run("reading", func(b *testing.B) {
		for b.Loop() {
			readSeries(b, dir)
		}
	})
	b.Run("dcm2niix", func(b *testing.B) {
		program, err := exec.LookPath("dcm2niix")
		if err != nil {
			b.Skip("dcm2niix is not installed")
		}
		for b.Loop() {
			// -b n: no sidecar; -z n: no compression.
			runProgram(b, exec.CommandContext(b.Context(), program, "-b", "n", "-z", "n", "-w", "1", "-o", b.TempDir(), dir))
		}
	})
}

// runProgram runs a program and returns its peak resident memory in MB.
func runProgram(b *testing.B, cmd *exec.Cmd) float64 {
	b.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		b.Fatalf("%s: %v\n%s", filepath.Base(cmd.Path), err, out)
	}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	return float64(usage.Maxrss) / 1024 // getrusage(2) of Linux: kilobytes
}

func readSeries(b *testing.B, dir string) {
	b.Helper()
	in := measure.Gather([]string{dir})
	catalog, err := in.Scan(b.Context(), dicom.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer catalog.Close()
	if len(catalog.Stacks) != 1 {
		b.Fatalf("stacks = %d, want 1; skipped %v", len(catalog.Stacks), catalog.Skipped)
	}
	if _, err := catalog.Stacks[0].Read(b.Context()); err != nil {
		b.Fatal(err)
	}
}
