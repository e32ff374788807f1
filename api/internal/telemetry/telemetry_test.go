// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package telemetry_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/telemetry"
)

// shown returns what Prometheus is shown.
func shown(t *testing.T, m *telemetry.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w.Body.String()
}

func TestMetricsCountCalls(t *testing.T) {
	m := telemetry.NewMetrics("v1.2.3")
	info := &grpc.UnaryServerInfo{FullMethod: "/endplate.v1.StudyService/GetStudy"}
	for _, err := range []error{
		nil, nil,
		fault.New(fault.NotExist, fault.NotFound, "study 1.2.3"),
		status.Error(codes.Unimplemented, "no"),
		errors.New("a bug"),
	} {
		_, got := m.Unary(t.Context(), nil, info, func(context.Context, any) (any, error) {
			if !strings.Contains(shown(t, m), `endplate_calls_in_flight{method="/endplate.v1.StudyService/GetStudy"} 1`) {
				t.Error("a call is not counted while it is in flight")
			}
			return nil, err
		})
		if !errors.Is(got, err) {
			t.Errorf("error %v became %v", err, got)
		}
	}
	_ = m.Stream(nil, nil, &grpc.StreamServerInfo{FullMethod: "/endplate.v1.AnalysisService/WatchAnalysis"},
		func(any, grpc.ServerStream) error { return context.Canceled })
	text := shown(t, m)
	for _, want := range []string{
		`endplate_calls_total{code="OK",method="/endplate.v1.StudyService/GetStudy"} 2`,
		`endplate_calls_total{code="NotFound",method="/endplate.v1.StudyService/GetStudy"} 1`,
		`endplate_calls_total{code="Unimplemented",method="/endplate.v1.StudyService/GetStudy"} 1`,
		`endplate_calls_total{code="Internal",method="/endplate.v1.StudyService/GetStudy"} 1`,
		`endplate_calls_total{code="Canceled",method="/endplate.v1.AnalysisService/WatchAnalysis"} 1`,
		`endplate_call_duration_seconds_count{method="/endplate.v1.StudyService/GetStudy"} 5`,
		`endplate_calls_in_flight{method="/endplate.v1.StudyService/GetStudy"} 0`,
		`endplate_build_info{version="v1.2.3"} 1`,
		"process_resident_memory_bytes", "go_goroutines",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("not shown: %s", want)
		}
	}
}

func TestMetricsOfTheWork(t *testing.T) {
	m := telemetry.NewMetrics("x")
	m.Instance("grpc", "stored", 100, time.Second)
	m.Instance("grpc", "refused", 20, time.Second)
	m.Analysis("SUCCEEDED", 2*time.Second, 3*time.Second)
	m.Stage("localization", time.Second)
	m.Free(func() float64 { return 42 })
	away := false
	m.Queue(func(context.Context) (map[string]int, error) {
		if away {
			return nil, errors.New("dial db as hunter2")
		}
		return map[string]int{"QUEUED": 7, "RUNNING": 2}, nil
	})
	text := shown(t, m)
	for _, want := range []string{
		`endplate_instances_total{outcome="stored",source="grpc"} 1`,
		`endplate_instance_bytes_total{source="grpc"} 120`,
		`endplate_ingest_duration_seconds_sum{source="grpc"} 2`,
		`endplate_analyses_total{state="SUCCEEDED"} 1`,
		"endplate_analysis_wait_seconds_sum 2",
		"endplate_analysis_duration_seconds_sum 3",
		`endplate_stage_duration_seconds_sum{stage="localization"} 1`,
		`endplate_queue_analyses{state="QUEUED"} 7`,
		`endplate_queue_analyses{state="RUNNING"} 2`,
		"endplate_storage_free_bytes 42",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("not shown: %s", want)
		}
	}
	away = true
	if text := shown(t, m); strings.Contains(text, "hunter2") || strings.Contains(text, "endplate_queue_analyses{") {
		t.Errorf("without the database: %s", text)
	}
}

// A collector within the process takes what is sent, once the server shuts down at
// the latest.
func TestTracesReachTheCollector(t *testing.T) {
	names := make(chan string, 10)
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		var sent coltrace.ExportTraceServiceRequest
		if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(raw, &sent) != nil {
			t.Errorf("%s: %v, not understood", r.URL, err)
			return
		}
		for _, resource := range sent.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				for _, span := range scope.Spans {
					names <- span.Name
				}
			}
		}
	}))
	defer collector.Close()
	traces, err := telemetry.NewTraces(t.Context(), collector.URL, 1, "v1")
	if err != nil {
		t.Fatal(err)
	}
	_, span := traces.Tracer().Start(t.Context(), "analysis")
	span.End()
	if err := traces.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := <-names; got != "analysis" {
		t.Errorf("span %q", got)
	}
	if len(traces.Server()) == 0 {
		t.Error("calls are not traced")
	}
}

func TestWithoutCollectorNothingIsTraced(t *testing.T) {
	traces, err := telemetry.NewTraces(t.Context(), "", 1, "v1")
	if err != nil {
		t.Fatal(err)
	}
	_, span := traces.Tracer().Start(t.Context(), "analysis")
	if span.IsRecording() || len(traces.Server()) > 0 {
		t.Error("traces are made for nobody")
	}
	if err := traces.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestProfilesAreShown(t *testing.T) {
	w := httptest.NewRecorder()
	telemetry.Profiles().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/debug/pprof/goroutine?debug=1", nil))
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "goroutine profile") {
		t.Errorf("%d: %s", w.Code, w.Body)
	}
}
