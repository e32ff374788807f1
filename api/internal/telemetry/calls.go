// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/endplate/endplate/api/internal/fault"
)

// Unary counts unary calls.
func (m *Metrics) Unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	end := m.begin(info.FullMethod)
	answer, err := handle(ctx, req)
	end(err)
	return answer, err
}

// Stream counts streams.
func (m *Metrics) Stream(srv any, s grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
	end := m.begin(info.FullMethod)
	err := handle(srv, s)
	end(err)
	return err
}

func (m *Metrics) begin(method string) (end func(error)) {
	start := time.Now()
	m.inFlight.WithLabelValues(method).Inc()
	return func(err error) {
		m.inFlight.WithLabelValues(method).Dec()
		m.calls.WithLabelValues(method, codeOf(err).String()).Inc()
		m.duration.WithLabelValues(method).Observe(time.Since(start).Seconds())
	}
}

// codeOf returns the code that a caller is told of an error.
func codeOf(err error) codes.Code {
	if s, ok := status.FromError(err); ok {
		return s.Code()
	}
	return fault.Of(err).Code()
}
