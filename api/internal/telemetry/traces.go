// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"context"
	"fmt"
	"strings"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc"
	"google.golang.org/grpc/stats"
)

// Traces makes traces of calls and analyses.
type Traces struct {
	provider trace.TracerProvider
	shutdown func(context.Context) error
	made     bool
}

// NewTraces returns what sends traces of a share of the calls to an endpoint of
// OTLP over HTTP, such as http://collector:4318. Without an endpoint none are made.
// Headers and certificates for the endpoint come from the environment that
// OpenTelemetry describes, OTEL_EXPORTER_OTLP_HEADERS and its like.
func NewTraces(ctx context.Context, endpoint string, ratio float64, version string) (*Traces, error) {
	if endpoint == "" {
		return &Traces{provider: noop.NewTracerProvider(), shutdown: func(context.Context) error { return nil }}, nil
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(tracesURL(endpoint)))
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(ratio))),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", namespace),
			attribute.String("service.version", version))))
	return &Traces{provider: provider, shutdown: provider.Shutdown, made: true}, nil
}

// tracesURL returns where an endpoint takes traces: at its own path, or else at that
// which the protocol says.
func tracesURL(endpoint string) string {
	_, rest, _ := strings.Cut(endpoint, "://")
	if _, path, ok := strings.Cut(rest, "/"); ok && path != "" {
		return endpoint
	}
	return strings.TrimSuffix(endpoint, "/") + "/v1/traces"
}

// Tracer returns what begins spans.
func (t *Traces) Tracer() trace.Tracer { return t.provider.Tracer("github.com/endplate/endplate") }

// Server returns the options that make a span of every call to a gRPC server, but
// for those that ask after its health.
func (t *Traces) Server() []grpc.ServerOption {
	if !t.made {
		return nil
	}
	return []grpc.ServerOption{grpc.StatsHandler(otelgrpc.NewServerHandler(
		otelgrpc.WithTracerProvider(t.provider),
		otelgrpc.WithMeterProvider(metricnoop.NewMeterProvider()), // Prometheus has them
		otelgrpc.WithPropagators(propagation.TraceContext{}),
		otelgrpc.WithFilter(func(info *stats.RPCTagInfo) bool { return !strings.HasPrefix(info.FullMethodName, "/grpc.") })))}
}

// Shutdown sends what is still waiting.
func (t *Traces) Shutdown(ctx context.Context) error { return t.shutdown(ctx) }
