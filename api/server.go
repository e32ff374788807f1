// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthgrpc "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/test/bufconn"

	"github.com/endplate/endplate/analysis/volume"
	"github.com/endplate/endplate/api/dicomweb"
	"github.com/endplate/endplate/api/dimse/scp"
	"github.com/endplate/endplate/api/internal/audit"
	"github.com/endplate/endplate/api/internal/auth"
	"github.com/endplate/endplate/api/internal/ingest"
	"github.com/endplate/endplate/api/internal/jobs"
	"github.com/endplate/endplate/api/internal/listen"
	"github.com/endplate/endplate/api/internal/store"
	"github.com/endplate/endplate/api/internal/telemetry"
	"github.com/endplate/endplate/api/measure"
	"github.com/endplate/endplate/api/web"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// The largest messages, bytes. A request holds a chunk of an instance or a reader's
// corrections; a response a page with pictures.
const (
	maxRequest  = 2 << 20
	maxResponse = 64 << 20
)

// Server serves and works as its configuration says. New opens everything, Run does
// the work, and Close, which Run calls in its time, closes what New opened.
type Server struct {
	config  Config
	log     *slog.Logger
	service *server
	health  *health.Server
	metrics *telemetry.Metrics
	traces  *telemetry.Traces
	auth    *auth.Authenticator

	grpc    *grpc.Server // nil where nobody calls it
	inside  *grpc.Server // that the gateway calls
	gateway *grpc.ClientConn
	pipe    *bufconn.Listener
	dimse   *scp.Server // nil where nobody calls it
	dimseAt net.Listener
	webs    []door
	doors   []net.Listener // of grpc
	closers []func() error // in the order in which they were opened

	hurried chan struct{} // closed by Hurry
	hurry   func()
}

// door is an HTTP server with where it listens.
type door struct {
	name     string
	server   *http.Server
	listener net.Listener
}

// server is what the services share.
type server struct {
	config    Config
	log       *slog.Logger
	store     *store.Store
	ingest    *ingest.Ingest
	jobs      *jobs.Queue
	runner    measure.Runner
	audit     *audit.Log
	volumes   *kept[volumeKey, *volume.Volume]
	results   *kept[resultKey, []measure.StoredSeries]
	aligned   *kept[string, *aligned]
	summaries *kept[resultKey, *endplatev1.ResultSummary]
	streams   chan struct{} // holds a token for each AnalyzeStream at work
	draining  chan struct{} // closed when the server is told to end
}

// New opens store, queue and listeners. It fails where one of them is not to be had,
// and leaves nothing open then.
func New(ctx context.Context, config Config) (*Server, error) {
	if err := config.Check(); err != nil {
		return nil, err
	}
	s := &Server{config: config, log: config.Logger, health: health.NewServer()}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.hurried = make(chan struct{})
	s.hurry = sync.OnceFunc(func() { close(s.hurried) })
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// open builds everything in the order of the data's path, from the store outwards.
func (s *Server) open(ctx context.Context) (err error) {
	c := s.config
	s.metrics = telemetry.NewMetrics(c.Version)
	if s.traces, err = telemetry.NewTraces(ctx, c.Telemetry.OTLPEndpoint, c.Telemetry.TraceRatio, c.Version); err != nil {
		return err
	}
	s.onClose(func() error { return s.traces.Shutdown(context.WithoutCancel(ctx)) })
	if err := s.openService(ctx); err != nil {
		return err
	}
	if s.auth, err = auth.New(c.authConfig(), s.log); err != nil {
		return err
	}
	if err := s.listenGRPC(); err != nil {
		return err
	}
	if err := s.listenDIMSE(ctx); err != nil {
		return err
	}
	return s.listenHTTP(ctx)
}

func (s *Server) onClose(f func() error) { s.closers = append(s.closers, f) }

// Close closes what New opened. Run does it by itself.
func (s *Server) Close() error {
	var errs []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		errs = append(errs, s.closers[i]())
	}
	s.closers = nil
	return errors.Join(errs...)
}

// Addresses returns where the server listens.
func (s *Server) Addresses() Addresses {
	var a Addresses
	for _, l := range s.doors {
		a.GRPC = l.Addr().String()
	}
	if s.dimseAt != nil {
		a.DIMSE = s.dimseAt.Addr().String()
	}
	for _, d := range s.webs {
		switch at := d.listener.Addr().String(); d.name {
		case doorREST:
			a.HTTP = at
		case doorMetrics:
			a.Metrics = at
		case doorPprof:
			a.Pprof = at
		}
	}
	return a
}

// listenGRPC opens the gRPC listener.
func (s *Server) listenGRPC() error {
	if s.config.GRPCAddr == "" {
		return nil
	}
	options := listen.GRPC(nil)
	if s.config.Security.encrypted() {
		files, how := s.config.Security.tlsFiles()
		tls, err := auth.TLS(files, how, s.log)
		if err != nil {
			return err
		}
		options = listen.GRPC(tls)
	}
	l, err := listen.TCP(s.config.GRPCAddr, s.config.Limits.Connections)
	if err != nil {
		return fmt.Errorf("listening for gRPC: %w", err)
	}
	s.onClose(func() error { return ignoreClosed(l.Close()) })
	s.doors = append(s.doors, l)
	s.grpc = s.newGRPC(append(options, s.traces.Server()...)...)
	return nil
}

// newGRPC returns a gRPC server of all services.
func (s *Server) newGRPC(options ...grpc.ServerOption) *grpc.Server {
	g := grpc.NewServer(append(options,
		grpc.MaxRecvMsgSize(maxRequest), grpc.MaxSendMsgSize(maxResponse),
		unary(s.log, s.metrics.Unary, s.service.audit.Unary, s.auth.Unary, s.service.settledUnary),
		stream(s.log, s.metrics.Stream, s.service.audit.Stream, s.auth.Stream, s.service.settledStream))...)
	endplatev1.RegisterStudyServiceServer(g, &studyService{server: s.service})
	endplatev1.RegisterAnalysisServiceServer(g, &analysisService{server: s.service})
	endplatev1.RegisterComparisonServiceServer(g, &comparisonService{server: s.service})
	endplatev1.RegisterDeliveryServiceServer(g, &deliveryService{server: s.service})
	endplatev1.RegisterWorklistServiceServer(g, &worklistService{server: s.service})
	endplatev1.RegisterCallerServiceServer(g, &callerService{version: s.config.Version})
	healthgrpc.RegisterHealthServer(g, s.health)
	if s.config.Security.Reflection {
		reflection.Register(g)
	}
	return g
}

// The HTTP servers by name.
const (
	doorREST    = "REST"
	doorMetrics = "metrics"
	doorPprof   = "pprof"
)

// listenHTTP opens the listeners for REST, metrics and profiles.
func (s *Server) listenHTTP(ctx context.Context) error {
	if s.config.HTTPAddr != "" {
		if err := s.listenREST(ctx); err != nil {
			return err
		}
	}
	for _, d := range []struct {
		name, address string
		handler       http.Handler
	}{
		{doorMetrics, s.config.MetricsAddr, s.metrics.Handler()},
		{doorPprof, s.config.PprofAddr, telemetry.Profiles()},
	} {
		if d.address == "" {
			continue
		}
		if err := s.listenDoor(d.name, d.address, listen.HTTP(d.handler, nil, s.log)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) listenREST(ctx context.Context) error {
	s.pipe = bufconn.Listen(maxRequest)
	s.inside = s.newGRPC(s.traces.Server()...)
	handler, conn, err := newGateway(ctx, s.pipe.DialContext, s.config.Limits.UploadBytes)
	if err != nil {
		return err
	}
	s.gateway = conn
	s.onClose(conn.Close)
	handler = s.auth.HTTP(s.withProbes(s.withDICOMweb(web.Handler(handler))))
	door := listen.HTTP(handler, nil, s.log)
	if s.config.Security.encrypted() {
		files, how := s.config.Security.tlsFiles()
		tls, err := auth.TLS(files, how, s.log)
		if err != nil {
			return err
		}
		door = listen.HTTP(handler, tls, s.log)
	}
	return s.listenDoor(doorREST, s.config.HTTPAddr, door)
}

func (s *Server) listenDoor(name, address string, server *http.Server) error {
	l, err := listen.TCP(address, s.config.Limits.Connections)
	if err != nil {
		return fmt.Errorf("listening for %s: %w", name, err)
	}
	s.onClose(func() error { return ignoreClosed(l.Close()) })
	s.webs = append(s.webs, door{name, server, l})
	return nil
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// withDICOMweb serves DICOMweb beside the gateway.
func (s *Server) withDICOMweb(next http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", next)
	mux.Handle(dicomweb.Prefix+"/", s.newDICOMweb())
	return mux
}

// withProbes answers whether the server is alive, and whether it is ready for calls.
func (s *Server) withProbes(next http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", next)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "alive") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := s.ready(r.Context()); err != nil {
			http.Error(w, "not ready", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	return mux
}

// ready tells whether calls can be answered now.
func (s *Server) ready(ctx context.Context) error {
	select {
	case <-s.service.draining:
		return errors.New("shutting down")
	default:
		return s.service.store.Ping(ctx)
	}
}
