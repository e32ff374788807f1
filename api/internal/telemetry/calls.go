// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"context"
	"time"

	"google.golang.org/grpc"

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

// Begin counts a call that comes by no interceptor; end counts its end.
func (m *Metrics) Begin(method string) (end func(error)) { return m.begin(method) }

func (m *Metrics) begin(method string) (end func(error)) {
	start := time.Now()
	m.inFlight.WithLabelValues(method).Inc()
	return func(err error) {
		m.inFlight.WithLabelValues(method).Dec()
		m.calls.WithLabelValues(method, fault.CodeOf(err).String()).Inc()
		m.duration.WithLabelValues(method).Observe(time.Since(start).Seconds())
	}
}
