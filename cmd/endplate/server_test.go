// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
)

// server runs a server until the script ends, names its address in ENDPLATE_SERVER and
// writes its log to server.log: server [flag …].
func server(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: server [flag …]")
	}
	program, err := exec.LookPath(name)
	ts.Check(err)
	cmd := exec.Command(program, append([]string{"serve", "--grpc-addr", "localhost:0", "--http-addr", "", "--data", "data", "--quiet-time", "0", "--min-free", "0"}, args...)...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = append(os.Environ(), "HOME="+ts.MkAbs("."))
	stderr, err := cmd.StderrPipe()
	ts.Check(err)
	log, err := os.Create(ts.MkAbs("server.log"))
	ts.Check(err)
	ts.Check(cmd.Start())
	logged, ready := make(chan struct{}), make(chan string, 1)
	go func() {
		defer close(logged)
		defer log.Close()
		lines := bufio.NewReader(io.TeeReader(stderr, log))
		for {
			text, err := lines.ReadString('\n')
			var line struct{ Msg, GRPC string }
			if json.NewDecoder(strings.NewReader(text)).Decode(&line) == nil && line.Msg == "ready" {
				ready <- line.GRPC
			}
			if err != nil {
				return
			}
		}
	}()
	ts.Defer(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself, which Wait tells
		<-logged
		if err := cmd.Wait(); err != nil {
			ts.Logf("server: %v", err)
		}
	})
	select {
	case at := <-ready:
		ts.Setenv("ENDPLATE_SERVER", at)
	case <-logged:
		ts.Fatalf("the server has ended: %s", ts.ReadFile("server.log"))
	}
}

// setfrom sets a variable to what stands in a file: setfrom VARIABLE FILE.
func setfrom(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: setfrom variable file")
	}
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile(args[1])))
}

// samereport wants two reports to be the same but for the paths of the inputs:
// samereport FILE FILE.
func samereport(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: samereport file file")
	}
	path := regexp.MustCompile(`(?m)^ *"path": .*\n`)
	first, second := path.ReplaceAllString(ts.ReadFile(args[0]), ""), path.ReplaceAllString(ts.ReadFile(args[1]), "")
	if diff := cmp.Diff(first, second); diff != "" {
		ts.Fatalf("(-%s +%s):\n%s", args[0], args[1], diff)
	}
}

// certificate makes a certificate for this machine, which is its own authority:
// certificate CERT KEY.
func certificate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: certificate cert key")
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	ts.Check(err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
}
