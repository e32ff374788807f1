// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	"github.com/endplate/endplate/api/internal/auth"
	"github.com/endplate/endplate/api/internal/fault"
)

// unary and stream return the interceptors of every call, from the outermost: the
// request's id, the line in the log, what the caller is told of an error, those
// given, and the recovery from a panic.
func unary(log *slog.Logger, inner ...grpc.UnaryServerInterceptor) grpc.ServerOption {
	chain := []grpc.UnaryServerInterceptor{
		func(ctx context.Context, request any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
			ctx, who := auth.Observe(withRequestID(ctx))
			start := time.Now()
			response, err := handle(ctx, request)
			logCall(ctx, log, info.FullMethod, who().Subject, start, err)
			return response, statusOf(err)
		},
	}
	chain = append(chain, inner...)
	return grpc.ChainUnaryInterceptor(append(chain,
		func(ctx context.Context, request any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (response any, err error) {
			defer recovered(&err)
			return handle(ctx, request)
		})...)
}

func stream(log *slog.Logger, inner ...grpc.StreamServerInterceptor) grpc.ServerOption {
	chain := []grpc.StreamServerInterceptor{
		func(server any, s grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
			ctx, who := auth.Observe(withRequestID(s.Context()))
			start := time.Now()
			err := handle(server, &contextStream{s, ctx})
			logCall(ctx, log, info.FullMethod, who().Subject, start, err)
			return statusOf(err)
		},
	}
	chain = append(chain, inner...)
	return grpc.ChainStreamInterceptor(append(chain,
		func(server any, s grpc.ServerStream, _ *grpc.StreamServerInfo, handle grpc.StreamHandler) (err error) {
			defer recovered(&err)
			return handle(server, s)
		})...)
}

// settledUnary and settledStream have a call find what was acknowledged before it.
func (s *server) settledUnary(ctx context.Context, request any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	s.ingest.Settle(ctx)
	return handle(ctx, request)
}

func (s *server) settledStream(server any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
	s.ingest.Settle(stream.Context())
	return handle(server, stream)
}

// contextStream is a stream with another context.
type contextStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s *contextStream) Context() context.Context { return s.ctx }

// recovered turns a panic of a handler into an error, which the caller is told
// nothing of but that it is the server's.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = &panicError{fmt.Sprint(p), debug.Stack()}
	}
}

type panicError struct {
	value string
	stack []byte
}

func (e *panicError) Error() string { return "panic: " + e.value + "\n" + string(e.stack) }

// logCall writes the one line of a call. Questions after the server's health come
// every few seconds and tell nothing.
func logCall(ctx context.Context, log *slog.Logger, method, subject string, start time.Time, err error) {
	if strings.HasPrefix(method, "/grpc.health.") {
		return
	}
	kind := fault.Of(err)
	attributes := []slog.Attr{
		slog.String("request_id", requestID(ctx)),
		slog.String("method", method),
		slog.String("subject", subject),
		slog.Int64("duration_ms", time.Since(start).Milliseconds()),
	}
	level := slog.LevelInfo
	if err != nil {
		attributes = append(attributes, slog.String("code", status.Code(statusOf(err)).String()), slog.String("error", err.Error()))
	}
	if _, plain := status.FromError(err); !plain && (kind == fault.Internal || kind == fault.Corrupt) {
		level = slog.LevelError
	}
	log.LogAttrs(ctx, level, "call", attributes...)
}
