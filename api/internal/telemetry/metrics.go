// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package telemetry tells of the server's work: numbers for Prometheus, and traces
// for OpenTelemetry. Nothing that it tells of names a patient, a study or a caller.
package telemetry

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// namespace begins the name of every number.
const namespace = "endplate"

// Metrics are the numbers of one server. Its methods may be called from anywhere
// at once.
type Metrics struct {
	registry *prometheus.Registry

	calls    *prometheus.CounterVec   // by method and code
	duration *prometheus.HistogramVec // of calls, by method
	inFlight *prometheus.GaugeVec     // by method

	instances     *prometheus.CounterVec // by source and outcome
	instanceBytes *prometheus.CounterVec // by source
	ingest        *prometheus.HistogramVec

	analyses *prometheus.CounterVec // by state
	waited   prometheus.Histogram
	took     prometheus.Histogram
	stages   *prometheus.HistogramVec // by stage

	publications *prometheus.CounterVec // by state
	deliveries   *prometheus.CounterVec // by destination and outcome

	associations associations
}

// The bounds of the histograms, seconds. Calls take from half a millisecond to the
// longest stream; analyses from a few seconds to their limit.
var (
	callBounds     = []float64{.0005, .001, .0025, .005, .01, .02, .05, .1, .25, .5, 1, 2.5, 5, 10, 60, 600}
	analysisBounds = []float64{.1, .25, .5, 1, 2, 3, 5, 10, 20, 30, 60, 120, 300, 600, 1800}
)

// NewMetrics returns the numbers of a server of the given version.
func NewMetrics(version string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		calls:    counters("calls_total", "Calls that have ended, by gRPC code.", "method", "code"),
		duration: histograms("call_duration_seconds", "Time that calls took.", callBounds, "method"),
		inFlight: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: namespace, Name: "calls_in_flight", Help: "Calls that have not ended."}, []string{"method"}),
		instances:     counters("instances_total", "Instances received, by what became of them.", "source", "outcome"),
		instanceBytes: counters("instance_bytes_total", "Bytes of instances received.", "source"),
		ingest:        histograms("ingest_duration_seconds", "Time from an instance's first byte to its acknowledgement.", callBounds, "source"),
		analyses:      counters("analyses_total", "Analyses that have ended, by state.", "state"),
		waited:        histogram("analysis_wait_seconds", "Time that analyses waited for a worker.", analysisBounds),
		took:          histogram("analysis_duration_seconds", "Time that a worker took for an analysis.", analysisBounds),
		publications:  counters("publications_total", "Makings of DICOM objects of a result that have ended, by state.", "state"),
		deliveries:    counters("deliveries_total", "Attempts to deliver an object, by what became of them.", "destination", "outcome"),
		stages:        histograms("stage_duration_seconds", "Time that a stage of an analysis took.", analysisBounds, "stage"),

		associations: newAssociations(),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "1, under the version of the program.",
		ConstLabels: prometheus.Labels{"version": version}})
	build.Set(1)
	m.registry.MustRegister(m.calls, m.duration, m.inFlight, m.instances, m.instanceBytes, m.ingest,
		m.analyses, m.waited, m.took, m.stages, m.publications, m.deliveries, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
}

func histogram(name, help string, bounds []float64) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: bounds})
}

func histograms(name, help string, bounds []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: bounds}, labels)
}

// Handler shows the numbers to Prometheus.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry, MaxRequestsInFlight: 4})
}

// Instance counts an instance that was received: its source such as "grpc", what
// became of it such as "stored", its size, and the time it took.
func (m *Metrics) Instance(source, outcome string, bytes int64, took time.Duration) {
	m.instances.WithLabelValues(source, outcome).Inc()
	m.instanceBytes.WithLabelValues(source).Add(float64(max(bytes, 0)))
	m.ingest.WithLabelValues(source).Observe(took.Seconds())
}

// Analysis counts an analysis that has ended, in a state such as "SUCCEEDED", after
// it waited for a worker and was worked at.
func (m *Metrics) Analysis(state string, waited, took time.Duration) {
	m.analyses.WithLabelValues(state).Inc()
	m.waited.Observe(waited.Seconds())
	m.took.Observe(took.Seconds())
}

// Stage counts a stage that has ended. Its name must be one of a fixed list, or
// there will be as many series as names.
func (m *Metrics) Stage(name string, took time.Duration) {
	m.stages.WithLabelValues(name).Observe(took.Seconds())
}

// queueTimeout bounds how long a look at the numbers waits for the database.
const queueTimeout = 5 * time.Second

// Queue has the numbers show how many analyses are in each state, which count tells
// when they are looked at. It may be called once.
func (m *Metrics) Queue(count func(context.Context) (map[string]int, error)) {
	m.registry.MustRegister(&queue{
		count: count,
		desc:  prometheus.NewDesc(namespace+"_queue_analyses", "Analyses that have not ended, by state.", []string{"state"}, nil),
	})
}

// queue is collected from the database, which several servers share.
type queue struct {
	count func(context.Context) (map[string]int, error)
	desc  *prometheus.Desc
}

func (q *queue) Describe(to chan<- *prometheus.Desc) { to <- q.desc }

func (q *queue) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), queueTimeout) // the interface hands no context on
	defer cancel()
	counts, err := q.count(ctx)
	if err != nil {
		to <- prometheus.NewInvalidMetric(q.desc, errors.New("the database does not answer"))
		return
	}
	for state, n := range counts {
		to <- prometheus.MustNewConstMetric(q.desc, prometheus.GaugeValue, float64(n), state)
	}
}

// Free has the numbers show how many bytes are free for instances, as free tells. It
// may be called once.
func (m *Metrics) Free(free func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: namespace, Name: "storage_free_bytes", Help: "Bytes free for instances."}, free))
}
