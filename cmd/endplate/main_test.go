// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/localization/naming"
	"github.com/endplate/endplate/analysis/spine"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){name: main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"archive": archive, "alter": alter, "status": status,
			"server": server, "setfrom": setfrom, "samereport": samereport, "certificate": certificate,
		},
	})
}

// status runs a program and wants the given exit status: status 3 endplate …
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N program [argument …]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// archive writes a folder to a zip archive: archive FILE FOLDER.
func archive(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: archive file folder")
	}
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	defer f.Close()
	w := zip.NewWriter(f)
	ts.Check(w.AddFS(os.DirFS(ts.MkAbs(args[1]))))
	ts.Check(w.Close())
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	for _, args := range [][]string{
		{"measure", dir},
		{"measure", "--out", filepath.Join(dir, "result.json"), dir},
		{"phantom", "--out", dir, "--slices", "3", "--columns", "32", "--rows", "32"},
	} {
		var stdout, stderr bytes.Buffer
		if got := run(ctx, args, &stdout, &stderr); got != exitInterrupted {
			t.Errorf("%q: status %d, want %d; stderr %q", args, got, exitInterrupted, stderr.String())
		}
		if stdout.Len() > 0 {
			t.Errorf("%q: stdout = %q, want nothing", args, stdout.String())
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%q: left behind %v, %v", args, left, err)
		}
	}
}

func TestParseFixed(t *testing.T) {
	tests := []struct {
		in   string
		want *naming.Fixed // nil: an error
	}{
		{"L1@2.5,-180,-412", &naming.Fixed{Level: spine.L1, Position: r3.Vec{X: 2.5, Y: -180, Z: -412}}},
		{"t12@0, 0, 1e2", &naming.Fixed{Level: spine.T12, Position: r3.Vec{Z: 100}}},
		{"L1", nil},
		{"L1@1,2", nil},
		{"L9@1,2,3", nil},
		{"@1,2,3", nil},
		{"L1@1,2,x", nil},
		{"L1@1,2,NaN", nil},
		{"L1@1,2,Inf", nil},
	}
	for _, tt := range tests {
		got, err := parseFixed(tt.in)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("parseFixed(%q) (-want +got):\n%s", tt.in, diff)
		}
		if (err != nil) != (tt.want == nil) {
			t.Errorf("parseFixed(%q) error = %v", tt.in, err)
		}
	}
}

func TestChooseFormat(t *testing.T) {
	tests := []struct {
		format, out string
		want        format // empty: an error
	}{
		{"", "", formatJSON}, // a buffer is no terminal
		{"table", "x.html", formatTable},
		{"", "x.html", formatHTML},
		{"", "dir.csv/x.CSV", formatCSV},
		{"", "x.txt", formatTable},
		{"", "x.json", formatJSON},
		{"", "x", formatJSON},
		{"xml", "", ""},
	}
	for _, tt := range tests {
		got, err := chooseFormat(measureFlags{format: tt.format, out: tt.out}, &bytes.Buffer{})
		if got != tt.want || (err != nil) != (tt.want == "") {
			t.Errorf("chooseFormat(%q, %q) = %q, %v, want %q", tt.format, tt.out, got, err, tt.want)
		}
	}
}
