// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package listen opens the server's doors so that slow, idle and greedy callers
// cost little: connections are counted, headers bounded, and who sends or takes
// nothing for a while is cut off.
package listen

import (
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
)

// The patience of the doors.
const (
	handshakeTime  = 10 * time.Second // for TLS, headers or the preface of HTTP/2
	stallTime      = time.Minute      // without a byte of a body in or out
	idleTime       = 2 * time.Minute  // between requests of one connection
	grpcIdleTime   = 15 * time.Minute // without a call
	grpcPingAfter  = time.Minute      // to find callers that vanished
	grpcPingWait   = 20 * time.Second
	grpcPingSeldom = 20 * time.Second // pings of a caller may not come more often

	longestHeader     = 64 << 10 // bytes
	streamsConnection = 1024     // calls at a time on one connection
)

// TCP listens at an address and holds at most connections open at a time; more wait
// until one closes.
func TCP(address string, connections int) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	return netutil.LimitListener(l, connections), nil
}

// GRPC returns the options of a gRPC server. config is nil where no TLS is spoken.
func GRPC(config *tls.Config) []grpc.ServerOption {
	options := []grpc.ServerOption{
		grpc.ConnectionTimeout(handshakeTime),
		grpc.MaxHeaderListSize(longestHeader),
		grpc.MaxConcurrentStreams(streamsConnection),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: grpcIdleTime, Time: grpcPingAfter, Timeout: grpcPingWait}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: grpcPingSeldom, PermitWithoutStream: true}),
	}
	if config != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(config)))
	}
	return options
}

// HTTP returns a server of the handler. config is nil where no TLS is spoken.
func HTTP(handler http.Handler, config *tls.Config, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           stalling(handler),
		TLSConfig:         config,
		ReadHeaderTimeout: handshakeTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    longestHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug), // mostly handshakes of port scans
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: streamsConnection},
	}
}

// Serve serves until the server is shut down, which is no error.
func Serve(s *http.Server, l net.Listener) error {
	var err error
	if s.TLSConfig != nil {
		err = s.ServeTLS(l, "", "")
	} else {
		err = s.Serve(l)
	}
	if err == http.ErrServerClosed {
		return nil
	}
	return err
}

// stalling ends requests whose bodies do not move. A limit on the whole would end
// long uploads of slow lines and streams of progress too. Time that the handler
// takes between reads and writes is not the caller's.
func stalling(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		// The request before on this connection left the limit for its last bytes.
		deadline(c.SetWriteDeadline, 0)
		if r.Body != nil && r.Body != http.NoBody {
			// A copy: the server looks at its own request's body to see whether the caller
			// waits to be told to go on, and would read one that it does not know.
			r = r.WithContext(r.Context())
			r.Body = &movingBody{r.Body, c}
		}
		// What the handler has left of the request is read after it, and what is still
		// buffered of the answer written.
		defer deadline(c.SetReadDeadline, stallTime)
		defer deadline(c.SetWriteDeadline, stallTime)
		next.ServeHTTP(&movingWriter{w, c}, r)
	})
}

// deadline sets a deadline from now on, or none. Where that is not supported there is
// no connection that could be held.
func deadline(set func(time.Time) error, after time.Duration) {
	var at time.Time
	if after > 0 {
		at = time.Now().Add(after)
	}
	_ = set(at)
}

// movingBody gives each read its own time.
type movingBody struct {
	io.ReadCloser
	c *http.ResponseController
}

func (b *movingBody) Read(p []byte) (int, error) {
	deadline(b.c.SetReadDeadline, stallTime)
	defer deadline(b.c.SetReadDeadline, 0)
	return b.ReadCloser.Read(p)
}

// movingWriter gives each write its own time.
type movingWriter struct {
	http.ResponseWriter
	c *http.ResponseController
}

func (w *movingWriter) Write(p []byte) (int, error) {
	deadline(w.c.SetWriteDeadline, stallTime)
	defer deadline(w.c.SetWriteDeadline, 0)
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach what is below.
func (w *movingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Flush is what handlers of streams look for.
func (w *movingWriter) Flush() {
	deadline(w.c.SetWriteDeadline, stallTime)
	defer deadline(w.c.SetWriteDeadline, 0)
	_ = w.c.Flush() // the next write tells of a caller that has gone
}
