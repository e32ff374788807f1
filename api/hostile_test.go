// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// answers fails unless the server answers both over gRPC and REST.
func (p *peer) answers(t testing.TB) (took time.Duration) {
	t.Helper()
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := p.studies.ListStudies(ctx, &endplatev1.ListStudiesRequest{}); err != nil {
		t.Fatalf("gRPC: %v", err)
	}
	if code, body := p.call(t, "GET", "/v1/studies", ""); code != 200 {
		t.Fatalf("REST: %d %s", code, body)
	}
	return time.Since(began)
}

// opened opens connections to an address that are closed with the test. Each sends
// what greet returns.
func opened(t testing.TB, n int, address string, greet func(i int) []byte) (all []net.Conn) {
	t.Helper()
	for i := range n {
		conn, err := net.DialTimeout("tcp", address, time.Minute)
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		t.Cleanup(func() { conn.Close() })
		_, _ = conn.Write(greet(i)) // the server may have hung up
		all = append(all, conn)
	}
	return all
}

// preface begins a connection of HTTP/2: with it, empty settings.
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + "\x00\x00\x00\x04\x00\x00\x00\x00\x00"

// 10,000 callers that do nothing, as many as files may be open, keep nobody out.
func TestIdleConnections(t *testing.T) {
	t.Parallel()
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		t.Fatal(err)
	}
	n := min(10_000, int(files.Cur)-1000)
	if testing.Short() {
		n = min(n, 1000)
	}
	c := apart(t)
	c.Limits.Connections = n + 100
	server, p := c.process(t)
	before := resident(server.cmd.Process.Pid)
	opened(t, n/2, p.at.GRPC, func(int) []byte { return []byte(preface) })
	opened(t, n/2, p.at.HTTP, func(int) []byte { return []byte("GET /v1/studies HTTP/1.1\r\nHost: x\r\n\r\n") })
	took := dial(t, p.at).answers(t)
	after := resident(server.cmd.Process.Pid)
	t.Logf("%d idle connections: a new caller is answered in %v; %d MB, without them %d MB; %s", n, took, after>>20, before>>20, load())
	if per := (after - before) / n; per > 256<<10 {
		t.Errorf("%d kB for each idle connection", per>>10)
	}
}

// Callers that send a byte now and then, or nothing, are cut off, although they have
// taken all connections that there are.
func TestSlowCallersAreCutOff(t *testing.T) {
	t.Parallel()
	c := apart(t)
	c.Limits.Connections = 40
	_, p := c.process(t)
	head := "POST /v1/analyses HTTP/1.1\r\nHost: x\r\nX-Slow: " + strings.Repeat("x", 1000)
	dripping := append(
		opened(t, 60, p.at.HTTP, func(int) []byte { return nil }),
		opened(t, 60, p.at.GRPC, func(i int) []byte { return []byte(preface[:i%len(preface)/2]) })...)
	var cut atomic.Int64
	for i, conn := range dripping {
		go func() {
			for n := 0; ; n++ {
				if _, err := conn.Write([]byte{(head + preface)[(n+i)%len(head)]}); err != nil {
					cut.Add(1)
					return
				}
				select {
				case <-time.After(200 * time.Millisecond): // as slow as that
				case <-t.Context().Done():
					return
				}
			}
		}()
	}
	took := dial(t, p.at).answers(t)
	t.Logf("with %d slow callers on %d connections a new one is answered in %v, when %d have been cut off", len(dripping), c.Limits.Connections, took, cut.Load())
}

// Bytes that are no protocol at all do no harm.
func TestGarbageOnThePorts(t *testing.T) {
	t.Parallel()
	c := apart(t)
	c.Limits.Connections = 1000
	_, p := c.process(t)
	random := rand.New(rand.NewPCG(1, 2))
	garbage := func(i int) []byte {
		b := make([]byte, random.IntN(5000))
		for k := range b {
			b[k] = byte(random.Uint32())
		}
		if i%2 == 0 {
			return append([]byte(preface), b...)
		}
		return b
	}
	for _, at := range []string{p.at.GRPC, p.at.HTTP} {
		for _, conn := range opened(t, 200, at, garbage) {
			conn.Close()
		}
	}
	p.answers(t)
}

func TestOversizedMessages(t *testing.T) {
	t.Parallel()
	c := apart(t)
	_, p := c.process(t)
	for _, size := range []int{3 << 20, 50 << 20} {
		_, err := p.upload(t.Context(), size, make([]byte, size))
		if status.Code(err) != codes.ResourceExhausted {
			t.Errorf("a message of %d bytes: %v", size, err)
		}
	}
	_, err := p.analyses.CorrectAnalysis(t.Context(), &endplatev1.CorrectAnalysisRequest{Comment: strings.Repeat("x", 10<<20)})
	if status.Code(err) != codes.ResourceExhausted {
		t.Errorf("a comment of 10 MB: %v", err)
	}
	p.answers(t)
}

// Whatever files come, the server lives, and what it has taken is analysed to a clear
// end, in bounded memory.
func TestHostileSeries(t *testing.T) {
	t.Parallel()
	files := map[string][]byte{}
	found, _ := filepath.Glob(filepath.Join(sharedFolder(), "data", "dicom", "odd", "*"))
	for _, path := range found {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(path)] = b
	}
	s := small(t, 64, 4, 1)
	files["a bomb"] = deflated(s.instances[0], 1<<30)
	files["more pixels than bytes"] = enlarged(s.instances[1], 65535)
	files["no pixels"] = s.instances[2][:len(s.instances[2])-64*64*2]
	c := apart(t)
	server, p := c.process(t)
	before := resident(server.cmd.Process.Pid)
	most := watched(t, server.cmd.Process.Pid)
	taken := 0
	for name, b := range files {
		r, err := p.upload(t.Context(), 1<<20, b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		o := r.GetOutcomes()[0]
		if o.GetState() == endplatev1.InstanceOutcome_REFUSED {
			if o.GetReason() == "" || o.GetMessage() == "" || o.GetReason() == "ERROR_REASON_INTERNAL" {
				t.Errorf("%s is refused: %v", name, o)
			}
			continue
		}
		taken++
		created, err := p.analyses.CreateAnalysis(t.Context(), &endplatev1.CreateAnalysisRequest{SeriesInstanceUid: o.GetSeriesInstanceUid()})
		if err != nil {
			if code := status.Code(err); code != codes.InvalidArgument && code != codes.FailedPrecondition {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		run := p.watched(t, created.GetAnalysis().GetAnalysisId())
		switch state := run.GetState(); {
		case state == endplatev1.AnalysisState_SUCCEEDED, state == endplatev1.AnalysisState_FAILED && run.GetReason() != "":
		default:
			t.Errorf("%s: analysis is %v (%s)", name, state, run.GetReason())
		}
	}
	p.answers(t)
	t.Logf("%d of %d files taken; %d MB before, %d MB at most", taken, len(files), before>>20, most()>>20)
	if most() > before+512<<20 {
		t.Errorf("the server took %d MB", most()>>20)
	}
}

// watched samples the memory of a process; the function returned says how much it was
// at most.
func watched(t testing.TB, pid int) func() int {
	var most atomic.Int64
	go func() {
		for tick := time.NewTicker(20 * time.Millisecond); ; {
			select {
			case <-tick.C:
				most.Store(max(most.Load(), int64(resident(pid))))
			case <-t.Context().Done():
				tick.Stop()
				return
			}
		}
	}()
	return func() int { return int(most.Load()) }
}

// sharedFolder returns where the development data lies.
func sharedFolder() string {
	if shared := os.Getenv("ENDPLATE_SHARED"); shared != "" {
		return shared
	}
	return filepath.Join("..", "..", "shared")
}

// deflated returns an explicit little endian instance in Deflated Explicit VR Little
// Endian, PS3.5 A.5, with so many bytes of trailing padding, which deflate to nothing.
func deflated(instance []byte, padding int) []byte {
	const head = 132 + 12 // preamble, DICM and (0002,0000)
	meta := head + int(binary.LittleEndian.Uint32(instance[head-4:]))
	syntax := bytes.Index(instance, []byte("\x02\x00\x10\x00UI"))
	old := int(binary.LittleEndian.Uint16(instance[syntax+6:]))
	uid := "1.2.840.10008.1.2.1.99"
	out := slices.Clone(instance[:syntax+6])
	out = binary.LittleEndian.AppendUint16(out, uint16(len(uid)))
	out = append(append(out, uid...), instance[syntax+8+old:meta]...)
	binary.LittleEndian.PutUint32(out[head-4:], uint32(meta-head+len(uid)-old))
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestSpeed) // the level is one there is
	w.Write(instance[meta:])
	w.Write([]byte("\xfc\xff\xfc\xffOB\x00\x00"))
	w.Write(binary.LittleEndian.AppendUint32(nil, uint32(padding)))
	_, _ = io.Copy(w, io.LimitReader(zeros{}, int64(padding))) // into memory
	w.Close()
	return append(out, b.Bytes()...)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// enlarged returns an instance that says it has n rows and columns.
func enlarged(instance []byte, n uint16) []byte {
	b := slices.Clone(instance)
	for _, tag := range []string{"\x28\x00\x10\x00US\x02\x00", "\x28\x00\x11\x00US\x02\x00"} {
		binary.LittleEndian.PutUint16(b[bytes.Index(b, []byte(tag))+len(tag):], n)
	}
	return b
}
