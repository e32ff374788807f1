// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// The example in Python reads the same heights as a client in Go.
func TestPythonExample(t *testing.T) {
	t.Parallel()
	python, stubs := pythonStubs(t)
	p := serve(t, config(t))
	s := made(t, 1, 33)
	folder := t.TempDir()
	for i, instance := range s.instances {
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%04d.dcm", i)), instance, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), python, filepath.Join("examples", "python", "measure.py"), p.at.GRPC, folder)
	cmd.Env = append(os.Environ(), "PYTHONPATH="+stubs, "PYTHONDONTWRITEBYTECODE=1")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	got, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	// The analysis is there already: the same series is not measured twice.
	report := p.measured(t, s).GetReport().GetAnalyses()[0]
	var want strings.Builder
	want.WriteString("level    Ha    Hm    Hp  mm\n")
	for _, v := range report.GetVertebrae() {
		fmt.Fprintf(&want, "%-5s", v.GetLevel())
		h := v.GetHeights()
		if h == nil {
			h = &endplatev1.Heights{}
		}
		for _, height := range []*float64{h.AnteriorMm, h.MiddleMm, h.PosteriorMm} {
			if height == nil {
				fmt.Fprintf(&want, "%6s", "-")
			} else {
				fmt.Fprintf(&want, "%6.1f", *height)
			}
		}
		want.WriteByte('\n')
	}
	for _, f := range report.GetFindings() {
		fmt.Fprintf(&want, "finding %s\n", f.GetStatement())
	}
	if string(got) != want.String() {
		t.Errorf("the example prints\n%s\nwant\n%s", got, want.String())
	}
	if !strings.Contains(want.String(), "finding L1: Genant grade 2") {
		t.Errorf("L1 is not fractured:\n%s", want.String())
	}
}

// pythonStubs returns a Python with gRPC and a folder of modules made from the protos.
// It skips the test where Debian's packages for that are not installed.
func pythonStubs(t *testing.T) (python, stubs string) {
	t.Helper()
	candidates := []string{"/usr/bin/python3", "python3"}
	i := slices.IndexFunc(candidates, func(python string) bool {
		return exec.Command(python, "-c", "import grpc, google.protobuf").Run() == nil
	})
	if i < 0 {
		t.Skip("no Python with gRPC: python3-grpcio and python3-protobuf are not installed")
	}
	plugin, err := exec.LookPath("grpc_python_plugin")
	if err != nil {
		t.Skip("no grpc_python_plugin: protobuf-compiler-grpc is not installed")
	}
	const known = "/usr/include"
	if _, err := os.Stat(filepath.Join(known, "google", "protobuf", "timestamp.proto")); err != nil {
		t.Skip("no protos of Google's: libprotobuf-dev is not installed")
	}
	stubs = t.TempDir()
	protos := filepath.Join("..", "proto")
	args := []string{"-I", protos, "-I", known, "--python_out", stubs, "--grpc_python_out", stubs, "--plugin=protoc-gen-grpc_python=" + plugin}
	for _, pattern := range []string{"endplate/v1/*.proto", "google/api/*.proto"} {
		files, err := filepath.Glob(filepath.Join(protos, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("no %s: %v", pattern, err)
		}
		args = append(args, files...)
	}
	out, err := exec.Command("protoc", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("protoc: %v: %s", err, out)
	}
	return candidates[i], stubs
}
