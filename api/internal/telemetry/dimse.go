// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// associations are the numbers of DIMSE.
type associations struct {
	ended    *prometheus.CounterVec   // by outcome
	messages *prometheus.CounterVec   // by message and status
	took     *prometheus.HistogramVec // by message
}

func newAssociations() associations {
	return associations{
		ended:    counters("associations_total", "DICOM associations that have ended, or were refused.", "outcome"),
		messages: counters("dimse_messages_total", "DIMSE requests answered, by message and status.", "message", "status"),
		took:     histograms("dimse_message_duration_seconds", "Time from a request to its response.", callBounds, "message"),
	}
}

// Associations has the numbers show how many associations are open, as open tells. It
// may be called once.
func (m *Metrics) Associations(open func() int) {
	m.registry.MustRegister(m.associations.ended, m.associations.messages, m.associations.took,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Namespace: namespace, Name: "associations", Help: "DICOM associations that are open."},
			func() float64 { return float64(open()) }))
}

// Association counts an association that has ended, or was refused.
func (m *Metrics) Association(outcome string) { m.associations.ended.WithLabelValues(outcome).Inc() }

// Message counts a request that was answered. Its name must be one of a fixed list.
func (m *Metrics) Message(name, status string, took time.Duration) {
	m.associations.messages.WithLabelValues(name, status).Inc()
	m.associations.took.WithLabelValues(name).Observe(took.Seconds())
}
