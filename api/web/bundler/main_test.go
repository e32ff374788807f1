// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// folder is that of package web.
const folder = ".."

func file(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTheBundleIsOfTheseSources(t *testing.T) {
	digest, err := sources(folder)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(digest, file(t, "dist/"+digestFile)) {
		t.Error("the sources have changed since the page was bundled: run make web")
	}
	if !bytes.Equal(messages(), file(t, messagesFile)) {
		t.Errorf("%s is not of these protos: run make web", messagesFile)
	}
}

func TestTheBundleIsWhatTheSourcesGive(t *testing.T) {
	files, err := bundle(folder)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		if !bytes.Equal(file(t, "dist/"+name), want) {
			t.Errorf("dist/%s is not what the sources give: run make web", name)
		}
	}
	entries, err := os.ReadDir(filepath.Join(folder, "dist"))
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(files) {
		t.Errorf("dist holds %d files, the sources give %d", len(entries), len(files))
	}
}

func TestTypesHold(t *testing.T) {
	t.Parallel()
	tsc := filepath.Join(folder, "node_modules", ".bin", "tsc")
	if _, err := os.Stat(tsc); err != nil {
		t.Skip("the types are not checked: npm ci has not run in api/web")
	}
	check := exec.CommandContext(t.Context(), "node_modules/.bin/tsc", "--noEmit")
	check.Dir = folder
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("tsc: %v\n%s", err, out)
	}
}

// The bundler is a tool: nothing of it is in the program.
func TestTheProgramHoldsNoBundler(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "../../../cmd/endplate").Output()
	if err != nil {
		t.Skipf("go list: %v", err)
	}
	if !strings.Contains(string(out), "endplate/api/web\n") {
		t.Error("the program does not hold the page")
	}
	if strings.Contains(string(out), "esbuild") {
		t.Error("the program depends on esbuild")
	}
}
