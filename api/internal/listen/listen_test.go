// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package listen_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthgrpc "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"

	"github.com/endplate/endplate/api/internal/listen"
)

// pipes is a listener within the process, so that time can be made up.
type pipes struct {
	accepted chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

func newPipes() *pipes { return &pipes{accepted: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.accepted:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

func (p *pipes) dial() net.Conn {
	client, server := net.Pipe()
	p.accepted <- server
	return client
}

// serving serves a handler at pipes until the test ends.
func serving(t *testing.T, handler http.Handler) *pipes {
	t.Helper()
	l := newPipes()
	s := listen.HTTP(handler, nil, slog.New(slog.DiscardHandler))
	done := make(chan error, 1)
	go func() { done <- listen.Serve(s, l) }()
	t.Cleanup(func() {
		s.Close()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return l
}

// closedAfter returns how long it takes until the server closes a connection.
func closedAfter(t *testing.T, c net.Conn, write func()) time.Duration {
	t.Helper()
	start := time.Now()
	var writing sync.WaitGroup
	writing.Go(write)
	_, _ = io.Copy(io.Discard, c)
	took := time.Since(start)
	c.Close()
	writing.Wait()
	return took
}

// Slowloris: headers, or a body, a byte at a time or not at all.
func TestSlowCallersAreCutOff(t *testing.T) {
	drain := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			panic(http.ErrAbortHandler)
		}
	})
	for _, tt := range []struct {
		name  string
		write func(c net.Conn)
		most  time.Duration
	}{
		{"silent", func(net.Conn) {}, 15 * time.Second},
		{"a byte of header a second", func(c net.Conn) {
			for _, b := range []byte("GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("y", 1000)) {
				if _, err := c.Write([]byte{b}); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}, 15 * time.Second},
		{"body that stalls", func(c net.Conn) {
			io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
		}, 150 * time.Second}, // a minute for the handler, one for what it has left unread
		{"idle between requests", func(c net.Conn) {
			io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		}, 3 * time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := serving(t, drain).dial()
				if took := closedAfter(t, c, func() { tt.write(c) }); took > tt.most {
					t.Errorf("held for %v, want at most %v", took, tt.most)
				}
			})
		})
	}
}

// An upload over a slow line goes on as long as something comes, a slow handler is
// no fault of the caller, and nor is a stream on which nothing happens for long.
func TestSlowButMovingIsServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := serving(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got, err := io.ReadAll(r.Body)
			time.Sleep(time.Hour)
			fmt.Fprintf(w, "%d bytes, %v\n", len(got), err)
			w.(http.Flusher).Flush()
			time.Sleep(time.Hour)
			io.WriteString(w, "end")
		}))
		c := l.dial()
		defer c.Close()
		answers := bufio.NewReader(c)
		for range 2 { // the second on a connection that has a past
			go func() {
				io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n")
				for range 20 {
					time.Sleep(50 * time.Second)
					io.WriteString(c, "x")
				}
			}()
			response, err := http.ReadResponse(answers, nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(response.Body)
			if want := "20 bytes, <nil>\nend"; err != nil || string(got) != want {
				t.Fatalf("answer %q, %v, want %q", got, err, want)
			}
		}
	})
}

func TestCallerWhoTakesNothingIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan time.Duration, 1)
		l := serving(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			start := time.Now()
			for {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					ended <- time.Since(start)
					return
				}
			}
		}))
		c := l.dial()
		defer c.Close()
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		if took := <-ended; took > 2*time.Minute {
			t.Errorf("held for %v", took)
		}
	})
}

func TestOversizedHeadersAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := serving(t, http.NotFoundHandler()).dial()
		defer c.Close()
		go func() {
			io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n")
			for { // until the server closes
				if _, err := io.WriteString(c, "X: "+strings.Repeat("y", 1000)+"\r\n"); err != nil {
					return
				}
			}
		}()
		response, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("response %v, %v, want status %d", response, err, http.StatusRequestHeaderFieldsTooLarge)
		}
		_, _ = io.Copy(io.Discard, c)
	})
}

// Idle connections beyond the limit wait outside and take nothing; when those before
// them go, the next ones come in.
func TestConnectionsAreLimited(t *testing.T) {
	const most, idle = 50, 500
	l, err := listen.TCP("127.0.0.1:0", most)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	open := 0
	s := listen.HTTP(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "here") }), nil, slog.New(slog.DiscardHandler))
	full := make(chan struct{})
	var once sync.Once
	s.ConnState = func(_ net.Conn, state http.ConnState) {
		mu.Lock()
		defer mu.Unlock()
		switch state {
		case http.StateNew:
			if open++; open == most {
				once.Do(func() { close(full) })
			}
		case http.StateClosed:
			open--
		}
	}
	var done sync.WaitGroup
	done.Go(func() {
		if err := listen.Serve(s, l); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
	defer done.Wait()
	defer s.Close()

	conns := make([]net.Conn, 0, idle)
	for range idle {
		c, err := net.DialTimeout("tcp", l.Addr().String(), time.Second)
		if err != nil {
			break // the backlog is full, which is a limit too
		}
		conns = append(conns, c)
	}
	<-full
	late, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer late.Close()
	io.WriteString(late, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	late.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if _, err := late.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("connection beyond the limit: %v", err)
	}
	mu.Lock()
	if open > most {
		t.Errorf("%d connections open, want at most %d", open, most)
	}
	mu.Unlock()
	for _, c := range conns {
		c.Close()
	}
	late.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := http.ReadResponse(bufio.NewReader(late), nil); err != nil {
		t.Errorf("after the others had gone: %v", err)
	}
}

func TestGRPCRefusesOversizedHeaders(t *testing.T) {
	l, err := listen.TCP("127.0.0.1:0", 10)
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(listen.GRPC(nil)...)
	healthgrpc.RegisterHealthServer(server, health.NewServer())
	var done sync.WaitGroup
	done.Go(func() { server.Serve(l) })
	defer done.Wait()
	defer server.Stop()
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	client := healthgrpc.NewHealthClient(conn)
	if _, err := client.Check(t.Context(), &healthgrpc.HealthCheckRequest{}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := client.Check(metadata.AppendToOutgoingContext(ctx, "x", strings.Repeat("x", 1<<20)), &healthgrpc.HealthCheckRequest{}); err == nil {
		t.Error("a header of 1 MiB was taken")
	}
}
