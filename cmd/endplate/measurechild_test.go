// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/endplate/endplate/api/measure"
)

// The program answers as a child, and gets nothing secret.
func TestChildProcess(t *testing.T) {
	t.Setenv("ENDPLATE_DATABASE", "postgres://user:SECRET@host/db")
	command := measure.Child("")
	for _, e := range command.Env {
		if strings.Contains(e, "SECRET") {
			t.Errorf("the child gets %s", e)
		}
	}
	path, err := exec.LookPath(name) // of the test's own program
	if err != nil {
		t.Fatal(err)
	}
	command.Path = path
	file := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(file, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := measure.Runner{Command: command, Limits: measure.Limits{Memory: 1 << 30, Time: time.Minute, Processors: 1}}
	done, err := r.Do(t.Context(), &measure.Task{Measure: &measure.MeasureTask{
		Files: []measure.InstanceFile{{SOPInstanceUID: "1.2.3", Path: file}},
	}}, func(string, float64) {})
	if err != nil || done.Reason != "" {
		t.Errorf("done = %+v, %v", done, err)
	}
}
