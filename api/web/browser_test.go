// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// scenarios are the files of steps, in the order in which they build on each other.
var scenarios = []string{"shell.mjs", "compare.mjs", "study.mjs", "alike.mjs", "revisions.mjs", "touch.mjs", "upload.mjs", "film.mjs"}

// setting is what the steps in the browser are told.
type setting struct {
	node       string
	Base       string            `json:"base"` // of the page
	GRPC       string            `json:"grpc"`
	Chromium   string            `json:"chromium"`
	Program    string            `json:"program"`
	Scenarios  []string          `json:"scenarios"`
	Tokens     map[string]string `json:"tokens"`     // by role
	TokenFiles map[string]string `json:"tokenFiles"` // by role
	Folders    map[string]string `json:"folders"`    // of DICOM files
	Pictures   string            `json:"pictures"`   // where pictures of the views go; empty: nowhere
}

// Readers upload, see, correct and compare in a real browser what a real server
// measures. ENDPLATE_PICTURES names a folder for pictures of the views.
func TestInTheBrowser(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts a browser")
	}
	s, folder := newSetting(t)
	s.Scenarios = scenarios
	s.patient(t, folder)
	s.archives(t, folder)
	s.realPatient(t, filepath.Join(folder, "real"))
	s.run(t)
}

// Readers of whole CTs do not wait. ENDPLATE_BROWSER_SLICES says how many slices of 512
// by 512 pixels the made one has; a real one is taken where the development data is.
func TestReadersDoNotWait(t *testing.T) {
	slices := os.Getenv("ENDPLATE_BROWSER_SLICES")
	if slices == "" {
		t.Skip("set ENDPLATE_BROWSER_SLICES=300 to measure how long readers wait; a minute on two idle cores")
	}
	s, folder := newSetting(t)
	s.Scenarios = []string{"quick.mjs"}
	made := filepath.Join(folder, "made")
	output(t, s.Program, "phantom", "--out", made, "--columns", "512", "--rows", "512", "--slices", slices, "--fracture", "L1=wedge:30")
	s.Folders = map[string]string{"made": made}
	if shared := os.Getenv("ENDPLATE_SHARED"); shared != "" {
		s.Folders["real"] = filepath.Join(shared, "data", "ct", "lidc1")
	} else {
		t.Log("no real CT: ENDPLATE_SHARED is not set")
	}
	s.run(t)
}

// newSetting builds the program and serves an empty store, from a folder that is
// returned.
func newSetting(t *testing.T) (s setting, folder string) {
	t.Helper()
	node, chromium := peers(t)
	s = setting{node: node, Chromium: chromium, Pictures: os.Getenv("ENDPLATE_PICTURES")}
	folder = t.TempDir()
	s.Program = filepath.Join(folder, "endplate")
	output(t, "go", "build", "-o", s.Program, "../../cmd/endplate")
	s.serve(t, folder, s.grant(t, folder))
	return s, folder
}

// run has the steps taken, and makes a test of each.
func (s *setting) run(t *testing.T) {
	t.Helper()
	told, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	steps := exec.CommandContext(t.Context(), s.node, "browser/run.mjs")
	steps.Stdin = bytes.NewReader(told)
	var stderr bytes.Buffer
	steps.Stderr = &stderr
	out, err := steps.Output()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	if !report(t, out) && err != nil {
		t.Errorf("%v\n%s", err, stderr.Bytes())
	}
}

// peers finds what drives the page, and skips the test without.
func peers(t *testing.T) (node, chromium string) {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("no node: the page is not tried in a browser")
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if chromium, err = exec.LookPath(name); err == nil {
			break
		}
	}
	if err != nil {
		t.Skip("no Chromium: the page is not tried in a browser")
	}
	for _, needed := range []string{"playwright-core", "axe-core"} {
		if _, err := os.Stat(filepath.Join("node_modules", needed)); err != nil {
			t.Skipf("no %s: npm ci has not run in api/web", needed)
		}
	}
	return node, chromium
}

// output runs a program and returns what it prints.
func output(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).Output()
	if err != nil {
		if e, ok := errors.AsType[*exec.ExitError](err); ok {
			t.Fatalf("%s %q: %v\n%s", name, args, err, e.Stderr)
		}
		t.Fatal(err)
	}
	return out
}

// patient makes a patient with a fractured L1, before and after treatment, and puts a
// file that is no DICOM beside the images.
func (s *setting) patient(t *testing.T, folder string) {
	t.Helper()
	output(t, s.Program, "phantom", "treat", "--out", folder, "--levels", "T11-L3", "--level", "L1", "--loss", "40,25,5",
		"--restore", "60", "--cement", "3.5", "--columns", "160", "--rows", "224", "--seed", "3", "--only", "fractured,treated")
	s.Folders = map[string]string{"before": filepath.Join(folder, "fractured"), "after": filepath.Join(folder, "treated")}
	s.Folders["film"] = filepath.Join(folder, "film")
	output(t, s.Program, "phantom", "--film", "--out", s.Folders["film"], "--levels", "T10-S1", "--rows", "224", "--columns", "160", "--seed", "4", "--fracture", "L1=wedge:35")
	withoutScale(t, filepath.Join(s.Folders["film"], "film.dcm"))
	if err := os.WriteFile(filepath.Join(s.Folders["before"], "readme.txt"), []byte("no image"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// withoutScale takes from a film what tells its magnification: a reader is to tell it.
func withoutScale(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, element := range []uint16{0x1110, 0x1111, 0x1114} { // distances, magnification factor; explicit little endian
		at := bytes.Index(b, append(binary.LittleEndian.AppendUint16([]byte{0x18, 0x00}, element), 'D', 'S'))
		if at < 0 {
			t.Fatalf("no (0018,%04x)", element)
		}
		value := b[at+8:][:binary.LittleEndian.Uint16(b[at+6:])]
		copy(value, "0"+strings.Repeat(" ", len(value)-1))
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// realPatient fractures and treats a vertebra of a patient's CT, where the development
// data is.
func (s *setting) realPatient(t *testing.T, folder string) {
	t.Helper()
	shared := os.Getenv("ENDPLATE_SHARED")
	if shared == "" {
		t.Log("no CT of a patient: ENDPLATE_SHARED is not set")
		return
	}
	output(t, s.Program, "phantom", "treat", filepath.Join(shared, "data", "ct", "ts3mm"), "--out", folder, "--level", "L3", "--loss", "40,25,5",
		"--restore", "60", "--cement", "3", "--only", "fractured,treated")
	s.Folders["realBefore"], s.Folders["realAfter"] = filepath.Join(folder, "fractured"), filepath.Join(folder, "treated")
	s.Scenarios = append(slices.Clone(s.Scenarios), "real.mjs")
}

// grant gives a token to each of some roles and returns the file that the server reads.
func (s *setting) grant(t *testing.T, folder string) string {
	t.Helper()
	s.Tokens, s.TokenFiles = map[string]string{}, map[string]string{}
	var lines []byte
	for _, role := range []string{"read", "correct", "administer"} {
		made := exec.CommandContext(t.Context(), s.Program, "token", "new", "--subject", role+" reader", "--roles", role)
		var line bytes.Buffer
		made.Stderr = &line
		token, err := made.Output()
		if err != nil {
			t.Fatalf("token: %v\n%s", err, line.Bytes())
		}
		s.Tokens[role] = string(bytes.TrimSpace(token))
		lines = append(lines, line.Bytes()...)
		s.TokenFiles[role] = filepath.Join(folder, "token-"+role)
		if err := os.WriteFile(s.TokenFiles[role], token, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(folder, "credentials.yaml")
	if err := os.WriteFile(file, lines, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// serve starts a server that ends with the test.
func (s *setting) serve(t *testing.T, folder, credentials string) {
	t.Helper()
	server := exec.CommandContext(t.Context(), s.Program, "serve", "--data", filepath.Join(folder, "data"), "--min-free", "0",
		"--grpc-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0", "--credentials", credentials, "--quiet-time", "0",
		"--destination", "archive=dicom://ARCHIVE@127.0.0.1:9") // where nobody listens
	server.Cancel = func() error { return server.Process.Signal(syscall.SIGTERM) }
	stderr, err := server.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	log := bufio.NewReader(stderr)
	for s.Base == "" {
		text, err := log.ReadBytes('\n')
		if err != nil {
			t.Fatalf("the server ended: %v, %s", err, text)
		}
		var line struct{ Msg, HTTP, GRPC string }
		if json.Unmarshal(text, &line) == nil && line.Msg == "ready" {
			s.Base, s.GRPC = "http://"+line.HTTP, line.GRPC
		}
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = io.Copy(io.Discard, log) // until it ends
	}()
	t.Cleanup(func() { // once t.Context has ended it
		<-read
		_ = server.Wait() // by a signal
	})
}

// report makes a test of each step, and reports whether one failed.
func report(t *testing.T, out []byte) (failed bool) {
	t.Helper()
	for line := range bytes.Lines(out) {
		var step struct {
			Step, Error string
			Seconds     float64
			Notes       []string
		}
		if err := json.Unmarshal(line, &step); err != nil {
			t.Errorf("a line that is none of a step: %s", line)
			continue
		}
		t.Run(step.Step, func(t *testing.T) {
			t.Logf("%.1f s", step.Seconds)
			for _, note := range step.Notes {
				t.Log(note)
			}
			if step.Error != "" {
				failed = true
				t.Error(step.Error)
			}
		})
	}
	return failed
}
