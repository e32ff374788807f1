// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// serverProcess is a server in a process of its own, as people run it.
type serverProcess struct {
	*exec.Cmd
	grpc, http, metrics string
	log                 *bytes.Buffer // complete when the process has ended
	logged              chan struct{}
}

// startServer starts a command of this program and waits until it is ready.
func startServer(t *testing.T, env []string, args ...string) *serverProcess {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Args[0] = name // as which the test's program is this one
	cmd.Path = programPath(t)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), env...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &serverProcess{Cmd: cmd, log: &bytes.Buffer{}, logged: make(chan struct{})}
	t.Cleanup(func() { cmd.Process.Kill(); <-p.logged; cmd.Wait() })
	ready := make(chan map[string]any, 1)
	go func() {
		defer close(p.logged)
		lines := bufio.NewScanner(io.TeeReader(stderr, p.log))
		for lines.Scan() {
			var line map[string]any
			if json.Unmarshal(lines.Bytes(), &line) == nil && line["msg"] == "ready" {
				ready <- line
			}
		}
	}()
	select {
	case line := <-ready:
		p.grpc, p.http, p.metrics = line["grpc"].(string), line["http"].(string), line["metrics"].(string)
	case <-p.logged:
		t.Fatalf("%q ended: %s", args, p.log)
	}
	return p
}

// programPath returns a path at which the test's program is called as this one is.
func programPath(t *testing.T) string {
	t.Helper()
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.Symlink(own, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// end waits for the end of the process and wants its exit status.
func (p *serverProcess) end(t *testing.T, want int) string {
	t.Helper()
	<-p.logged
	if _ = p.Wait(); p.ProcessState.ExitCode() != want {
		t.Errorf("%v, want exit status %d: %s", p.ProcessState, want, p.log)
	}
	return p.log.String()
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(raw)
}

// doctor runs the doctor and returns its exit status and what it prints.
func doctor(args ...string) (int, string) {
	var out bytes.Buffer
	return run(context.Background(), append([]string{"doctor"}, args...), &out, &out), out.String()
}

func TestServe(t *testing.T) {
	// systemd is told when it is ready, and when it ends.
	socket := filepath.Join(t.TempDir(), "notify")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	told := func() string {
		t.Helper()
		state := make([]byte, 100)
		n, err := manager.Read(state)
		if err != nil {
			t.Fatal(err)
		}
		return string(state[:n])
	}
	p := startServer(t, []string{"NOTIFY_SOCKET=" + socket, "ENDPLATE_HTTP_ADDR=127.0.0.1:0"},
		"serve", "--grpc-addr", "127.0.0.1:0", "--metrics-addr", "127.0.0.1:0", "--min-free", "1MiB", "--audit-file", "audit.jsonl")
	if got := told(); got != "READY=1" {
		t.Errorf("systemd is told %q", got)
	}
	if status, body := get(t, "http://"+p.http+"/v1/studies"); status != http.StatusOK {
		t.Errorf("REST: %d %s", status, body)
	}
	if status, body := get(t, "http://"+p.metrics+"/metrics"); status != http.StatusOK || !strings.Contains(body, "endplate_calls_total{") {
		t.Errorf("metrics: %d %s", status, body)
	}
	for _, args := range [][]string{
		{"--probe", "--grpc-addr", p.grpc},
		{"--probe", "--grpc-addr", "", "--http-addr", p.http},
		{"--probe", "--grpc-addr", "", "--http-addr", "", "--metrics-addr", p.metrics},
		{"--data", filepath.Join(p.Dir, "endplate-data"), "--min-free", "1MiB", "--grpc-addr", p.grpc, "--http-addr", p.http},
	} {
		if status, out := doctor(args...); status != exitOK {
			t.Errorf("doctor %q: status %d: %s", args, status, out)
		}
	}
	// A second server on the same folder is refused.
	second := exec.Command(p.Path, "serve", "--grpc-addr", "127.0.0.1:0", "--http-addr", "", "--min-free", "1MiB")
	second.Dir = p.Dir
	if out, err := second.CombinedOutput(); err == nil || !strings.Contains(string(out), "in use by another process") {
		t.Errorf("second server: %v: %s", err, out)
	}
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := told(); got != "STOPPING=1" {
		t.Errorf("systemd is told %q", got)
	}
	log := p.end(t, exitOK)
	if !strings.Contains(log, "no credentials configured: everybody may do everything") {
		t.Errorf("log does not say that all is allowed: %s", log)
	}
	raw, err := os.ReadFile(filepath.Join(p.Dir, "audit.jsonl"))
	if err != nil || !strings.Contains(string(raw), `"subject":"local"`) || !strings.Contains(string(raw), "StudyService/ListStudies") {
		t.Errorf("audit: %v: %s", err, raw)
	}
}

// A call that does not end holds a server up for its grace, and a second signal ends
// that.
func TestSecondSignalEndsTheWaiting(t *testing.T) {
	p := startServer(t, nil, "serve", "--grpc-addr", "", "--http-addr", "127.0.0.1:0", "--min-free", "1MiB", "--shutdown-grace", "1h")
	conn, err := net.Dial("tcp", p.http)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// The start of an upload that does not go on.
	io.WriteString(conn, "POST /v1/instances:upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{\"start\":{}}\n")
	io.WriteString(conn, "{\"chunk\":\"AAAA\"}\n")
	// It is under way when another call, sent later, has been answered.
	get(t, "http://"+p.http+"/v1/studies")
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	// It refuses connections from then on.
	for {
		c, err := net.Dial("tcp", p.http)
		if err != nil {
			break
		}
		c.Close()
	}
	select {
	case <-p.logged:
		t.Fatalf("it did not wait: %s", p.log)
	default:
	}
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.end(t, exitOK)
}

func TestServersThatCannotBe(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want int
		text string
	}{
		{[]string{"serve", "--grpc-addr", "0.0.0.0:0"}, exitUsage, "neither TLS nor authentication"},
		{[]string{"serve", "--pprof-addr", "0.0.0.0:0"}, exitUsage, "neither TLS nor authentication"},
		{[]string{"serve", "--log-level", "loud"}, exitUsage, "log level"},
		{[]string{"serve", "--oidc-issuer", "http://id.example.org"}, exitUsage, "must come over https"},
		{[]string{"serve", "--workers", "-1"}, exitUsage, "-1 workers"},
		{[]string{"serve", "--data", "/dev/null/x", "--grpc-addr", "127.0.0.1:0"}, exitNothing, "/dev/null"},
		{[]string{"worker", "--workers", "0"}, exitUsage, "neither an address to serve at nor a worker"},
		{[]string{"worker", "--grpc-addr", "127.0.0.1:0"}, exitUsage, "unknown flag: --grpc-addr"},
		{[]string{"serve", "--print-config", "--workers", "-1"}, exitUsage, "-1 workers"},
	} {
		var stdout, stderr bytes.Buffer
		if got := run(t.Context(), tt.args, &stdout, &stderr); got != tt.want || !strings.Contains(stderr.String(), tt.text) {
			t.Errorf("%q: status %d, want %d: %s", tt.args, got, tt.want, stderr.String())
		}
	}
}
