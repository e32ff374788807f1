// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	esbuild "github.com/evanw/esbuild/pkg/api"
)

// What computes in the page is tested by itself, in Node.js.
func TestUnits(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("the page's own tests are not run: there is no node")
	}
	tests, err := filepath.Glob(filepath.Join(folder, "unit", "*.test.ts"))
	if err != nil || len(tests) == 0 {
		t.Fatalf("no tests: %v", err)
	}
	out := t.TempDir()
	built := esbuild.Build(esbuild.BuildOptions{
		EntryPoints: tests, Outdir: out, Bundle: true, Write: true,
		Platform: esbuild.PlatformNode, Format: esbuild.FormatESModule, OutExtension: map[string]string{".js": ".mjs"},
	})
	if len(built.Errors) > 0 {
		t.Fatal(strings.Join(esbuild.FormatMessages(built.Errors, esbuild.FormatMessagesOptions{}), "\n"))
	}
	run := []string{"--test", "--test-reporter=spec"}
	for _, f := range built.OutputFiles {
		run = append(run, f.Path)
	}
	if said, err := exec.CommandContext(t.Context(), node, run...).CombinedOutput(); err != nil {
		t.Errorf("node --test: %v\n%s", err, said)
	}
}
