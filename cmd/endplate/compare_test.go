// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/endplate/endplate/analysis/comparison"
)

// alter replaces text by text of the same length in the files of a folder: alter
// FOLDER OLD NEW. The elements of DICOM files keep their lengths so.
func alter(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 || len(args[1]) != len(args[2]) {
		ts.Fatalf("usage: alter folder old new, of one length")
	}
	files, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "*.dcm"))
	ts.Check(err)
	for _, name := range files {
		b, err := os.ReadFile(name)
		ts.Check(err)
		ts.Check(os.WriteFile(name, bytes.ReplaceAll(b, []byte(args[1]), []byte(args[2])), 0o644))
	}
}

func TestParseDateTime(t *testing.T) {
	for dt, want := range map[string]time.Time{
		"20200102":                   time.Date(2020, 1, 2, 0, 0, 0, 0, time.UTC),
		"20200102030405":             time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC),
		"20200102030405.123456":      time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC),
		"20200102030405.123456+0100": time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC),
		"202001020304":               time.Date(2020, 1, 2, 3, 4, 0, 0, time.UTC),
	} {
		if got, ok := parseDateTime(dt); !ok || !got.Equal(want) {
			t.Errorf("parseDateTime(%q) = %v, %v, want %v", dt, got, ok, want)
		}
	}
	for _, dt := range []string{"", "2020", "20201302", "yesterday"} {
		if got, ok := parseDateTime(dt); ok {
			t.Errorf("parseDateTime(%q) = %v", dt, got)
		}
	}
}

// Reference: DICOM PS3.3 C.7.3.1.1.2.
func TestPostureOf(t *testing.T) {
	for position, want := range map[string]comparison.Posture{
		"HFS": comparison.Supine, "FFS": comparison.Supine, "HFP": comparison.Prone, "FFP": comparison.Prone,
		"HFDL": comparison.LeftDecubitus, "FFDR": comparison.RightDecubitus, "": "", "SITTING": "",
	} {
		if got := postureOf(position); got != want {
			t.Errorf("postureOf(%q) = %q, want %q", position, got, want)
		}
	}
}
