// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// shared returns a path in the development data, or skips the test.
func shared(t *testing.T, elements ...string) string {
	t.Helper()
	root := os.Getenv("ENDPLATE_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared")
	}
	path := filepath.Join(append([]string{root, "data"}, elements...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no development data: %v", err)
	}
	return path
}

// measureJSON runs endplate measure and reads its JSON back.
func measureJSON(t *testing.T, args ...string) (status int, r *endplatev1.Report, stderr string) {
	t.Helper()
	var stdout, errors bytes.Buffer
	status = run(t.Context(), append([]string{"measure", "--format", "json"}, args...), &stdout, &errors)
	r = &endplatev1.Report{}
	if err := protojson.Unmarshal(stdout.Bytes(), r); err != nil {
		t.Fatalf("measure %s: %v\n%s", args, err, &errors)
	}
	return status, r, errors.String()
}

func TestOddFilesAreToldOf(t *testing.T) {
	dir := shared(t, "dicom", "odd")
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		t.Run(f.Name(), func(t *testing.T) {
			status, r, stderr := measureJSON(t, filepath.Join(dir, f.Name()))
			if status == exitUsage || status == exitInterrupted {
				t.Fatalf("status %d: %s", status, stderr)
			}
			if len(r.GetAnalyses()) > 0 {
				return
			}
			if status != exitNothing || !strings.Contains(stderr, f.Name()) {
				t.Errorf("status %d, want %d with the file's name; stderr %q", status, exitNothing, stderr)
			}
			for _, s := range r.GetSkipped() {
				if s.GetPath() == "" || s.GetCode() == "" || s.GetReason() == "" {
					t.Errorf("skipped %v lacks path, code or reason", s)
				}
			}
		})
	}
}

// The series of two folders are told apart by the folder each was given in.
func TestSeveralFoldersAtOnce(t *testing.T) {
	a, b := shared(t, "dicom", "tilt-philips-18.5"), shared(t, "dicom", "tilt-ge-variable")
	status, r, stderr := measureJSON(t, "--jobs", "2", a, b)
	if status != exitOK && status != exitPartial {
		t.Fatalf("status %d: %s", status, stderr)
	}
	paths := make(map[string]bool)
	for _, analysis := range r.GetAnalyses() {
		paths[analysis.GetPath()] = true
		if len(analysis.GetVertebrae()) == 0 && analysis.GetReason() == "" {
			t.Errorf("%s: no vertebra and no reason", analysis.GetPath())
		}
	}
	if len(paths) != 2 || !paths[a] || !paths[b] {
		t.Errorf("paths = %v, want %s and %s", paths, a, b)
	}
}
