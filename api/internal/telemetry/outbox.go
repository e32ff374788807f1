// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Publication counts a making of objects that has ended, in a state such as
// "SUCCEEDED".
func (m *Metrics) Publication(state string) { m.publications.WithLabelValues(state).Inc() }

// Delivery counts an attempt to deliver an object to a destination of the
// configuration, with what became of it such as "delivered".
func (m *Metrics) Delivery(destination, outcome string) {
	m.deliveries.WithLabelValues(destination, outcome).Inc()
}

// Undelivered is how many deliveries to a destination wait or were given up.
type Undelivered struct {
	Destination, State string
	N                  int
	Oldest             time.Time // since when the first of them is tried
}

// Outbox has the numbers show what has not been delivered, which count tells when they
// are looked at. It may be called once.
func (m *Metrics) Outbox(count func(context.Context) ([]Undelivered, error)) {
	labels := []string{"destination", "state"}
	m.registry.MustRegister(&outbox{
		count:  count,
		number: prometheus.NewDesc(namespace+"_outbox_deliveries", "Deliveries that have not been made, by state.", labels, nil),
		age:    prometheus.NewDesc(namespace+"_outbox_oldest_seconds", "Time that the oldest of them has been tried for.", labels, nil),
	})
}

// outbox is collected from the database, which several servers share.
type outbox struct {
	count       func(context.Context) ([]Undelivered, error)
	number, age *prometheus.Desc
}

func (o *outbox) Describe(to chan<- *prometheus.Desc) { to <- o.number; to <- o.age }

func (o *outbox) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), queueTimeout) // the interface hands no context on
	defer cancel()
	counts, err := o.count(ctx)
	if err != nil {
		to <- prometheus.NewInvalidMetric(o.number, errors.New("the database does not answer"))
		return
	}
	for _, c := range counts {
		to <- prometheus.MustNewConstMetric(o.number, prometheus.GaugeValue, float64(c.N), c.Destination, c.State)
		to <- prometheus.MustNewConstMetric(o.age, prometheus.GaugeValue, time.Since(c.Oldest).Seconds(), c.Destination, c.State)
	}
}
