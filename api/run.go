// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"github.com/endplate/endplate/api/internal/listen"
)

// Run serves and works until ctx ends, or until something breaks that it cannot do
// without. It then takes no more calls, lets those that are under way and the
// analyses end for as long as the configuration allows, and closes the store. What
// had to be broken off is done later by whoever works then.
func (s *Server) Run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, s.Close()) }()
	// Serving outlasts ctx by the grace.
	serving, broken := context.WithCancelCause(context.WithoutCancel(ctx))
	defer broken(nil)
	var servers errgroup.Group
	start := func(name string, serve func() error) {
		servers.Go(func() error {
			if err := serve(); err != nil {
				s.log.LogAttrs(ctx, slog.LevelError, "server broke", slog.String("server", name), slog.Any("error", err))
				broken(err)
				return err
			}
			return nil
		})
	}
	if err := s.service.jobs.Start(serving); err != nil {
		return err
	}
	if s.inside != nil {
		start("gateway", func() error { return serveGRPC(s.inside, s.pipe) })
	}
	for _, d := range s.webs {
		start(d.name, func() error { return listen.Serve(d.server, d.listener) })
	}
	for _, l := range s.doors {
		start("gRPC", func() error { return serveGRPC(s.grpc, l) })
	}
	if s.dimse != nil {
		start("DIMSE", func() error { return s.dimse.Serve(s.dimseAt) })
	}
	s.health.Resume()
	s.tellReady(ctx)
	select {
	case <-ctx.Done():
	case <-serving.Done():
	}
	err = s.shutdown(context.WithoutCancel(ctx))
	return errors.Join(err, servers.Wait())
}

// Hurry ends the grace of a server that shuts down, now or later on. It may be called
// from anywhere.
func (s *Server) Hurry() { s.hurry() }

// Reload reads the credentials again.
func (s *Server) Reload() { s.auth.Reload() }

// tellReady says that calls are taken, and where.
func (s *Server) tellReady(ctx context.Context) {
	at := s.Addresses()
	s.log.LogAttrs(ctx, slog.LevelInfo, "ready",
		slog.String("version", s.config.Version), slog.Int("workers", s.config.Work.Workers),
		slog.String("grpc", at.GRPC), slog.String("http", at.HTTP), slog.String("dimse", at.DIMSE),
		slog.String("metrics", at.Metrics), slog.String("pprof", at.Pprof))
	if s.config.Ready != nil {
		s.config.Ready(at)
	}
}

// shutdown ends calls, then work, within the grace.
func (s *Server) shutdown(ctx context.Context) error {
	s.log.LogAttrs(ctx, slog.LevelInfo, "shutting down")
	end := time.Now().Add(s.config.ShutdownGrace)
	var hurrying sync.WaitGroup
	defer hurrying.Wait()
	ctx, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	hurrying.Go(func() {
		select {
		case <-s.hurried:
			cancel()
		case <-ctx.Done():
		}
	})
	s.health.Shutdown()
	close(s.service.draining)
	var all sync.WaitGroup
	// Workers take nothing new from here on, while calls still end.
	var stopped error
	all.Go(func() { stopped = s.service.jobs.Stop(ctx) })
	for _, d := range s.webs {
		all.Go(func() { stopHTTP(ctx, d.server) })
	}
	if s.grpc != nil {
		all.Go(func() { stopGRPC(ctx, s.grpc) })
	}
	if s.dimse != nil {
		all.Go(func() { s.dimse.Shutdown(ctx) })
	}
	all.Wait()
	if s.inside != nil {
		stopGRPC(ctx, s.inside)
	}
	return stopped
}

// stopHTTP waits for the requests under way and, when the time is over, breaks them
// off.
func stopHTTP(ctx context.Context, web *http.Server) {
	if web.Shutdown(ctx) != nil {
		_ = web.Close() // the connections that are left
	}
}

// serveGRPC serves until the server is stopped, which may be before it begins: it is
// told to end as soon as it can be told anything.
func serveGRPC(g *grpc.Server, l net.Listener) error {
	if err := g.Serve(l); !errors.Is(err, grpc.ErrServerStopped) {
		return err
	}
	return nil
}

// stopGRPC waits for the calls under way and, when the time is over, breaks them off.
func stopGRPC(ctx context.Context, g *grpc.Server) {
	stop := context.AfterFunc(ctx, g.Stop)
	defer stop()
	g.GracefulStop()
}
