// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"crypto/rand"
	"net"
	"net/http"
	"net/netip"
	"time"

	"go.opentelemetry.io/otel/propagation"
	"google.golang.org/grpc/peer"

	"github.com/endplate/endplate/api/dicomweb"
	"github.com/endplate/endplate/api/internal/auth"
	"github.com/endplate/endplate/api/internal/fault"
)

// newDICOMweb returns what answers DICOMweb requests.
func (s *Server) newDICOMweb() http.Handler {
	return dicomweb.New(dicomweb.Config{
		Store:        s.service.store,
		Ingest:       s.service.ingest,
		MaxInstances: s.config.Limits.UploadInstances,
		MaxBytes:     s.config.Limits.UploadBytes,
		PublicURL:    s.config.PublicURL,
		Coerced:      s.config.Storage.Deidentify,
		Around:       s.around,
	})
}

// around makes a handler of a transaction of DICOMweb, with all around it that the
// interceptors put around a call of gRPC: the request's id, the trace, the line in the
// log, metrics, audit, the caller, the recovery from a panic, and what the caller is
// told of an error. An answer that has begun is broken off instead.
func (s *Server) around(transaction string, stream bool, handle dicomweb.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := withPeer(withHTTPRequestID(w, r), r.RemoteAddr)
		ctx = propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(r.Header))
		ctx, span := s.traces.Tracer().Start(ctx, transaction[1:])
		defer span.End()
		ctx, who := auth.Observe(ctx)
		start := time.Now()
		counted := s.metrics.Begin(transaction)
		ctx, audited := s.service.audit.Begin(ctx, transaction)
		answer := &answer{ResponseWriter: w}
		err := s.authorized(answer, r.WithContext(ctx), transaction, stream, handle)
		if err != nil && answer.failed != nil {
			err = fault.Wrap(err, fault.Canceled, "", "the caller has gone")
		}
		audited(err)
		counted(err)
		logCall(ctx, s.log, transaction, who().Subject, start, err)
		switch {
		case err == nil:
		case answer.begun:
			panic(http.ErrAbortHandler) // which is not logged, and ends the connection
		default:
			dicomweb.Refuse(w, err)
		}
	})
}

// authorized answers a request if its caller may make it.
func (s *Server) authorized(w http.ResponseWriter, r *http.Request, transaction string, stream bool, handle dicomweb.Handler) (err error) {
	defer recovered(&err)
	ctx, err := s.auth.Request(r, transaction)
	if err != nil {
		return err
	}
	if stream {
		done, err := s.auth.Open(ctx)
		if err != nil {
			return err
		}
		defer done()
	}
	s.service.ingest.Settle(ctx)
	return handle(w, r.WithContext(ctx))
}

// withHTTPRequestID gives a request an identifier and tells the caller of it.
func withHTTPRequestID(w http.ResponseWriter, r *http.Request) context.Context {
	id := r.Header.Get(requestIDHeader)
	if !plainID(id) {
		id = rand.Text()
	}
	w.Header().Set(requestIDHeader, id)
	return context.WithValue(r.Context(), requestIDKey{}, id)
}

// withPeer has the audit know where a request came from.
func withPeer(ctx context.Context, remote string) context.Context {
	address, err := netip.ParseAddrPort(remote)
	if err != nil {
		return ctx
	}
	return peer.NewContext(ctx, &peer.Peer{Addr: net.TCPAddrFromAddrPort(address)})
}

// answer notes whether an answer has begun, and whether it could be written.
type answer struct {
	http.ResponseWriter
	begun  bool
	failed error
}

func (a *answer) WriteHeader(status int) {
	a.begun = true
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	a.begun = true
	n, err := a.ResponseWriter.Write(p)
	if err != nil {
		a.failed = err
	}
	return n, err
}

// Unwrap lets http.ResponseController reach what is below.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
