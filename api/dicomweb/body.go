// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicomweb

import (
	"compress/gzip"
	"io"
	"net/http"
	"time"

	"github.com/endplate/endplate/api/internal/fault"
)

// counting counts what is read.
type counting struct {
	r io.Reader
	n int64
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// Inflation is bounded by a multiple of what came, with an allowance for what has
// only begun, as for deflated data sets: CT compresses to a half.
const (
	maxInflation       = 100
	inflationAllowance = 32 << 20 // bytes
)

// inflating inflates a body, to so many bytes and no more.
type inflating struct {
	packed *counting
	most   int64
	n      int64
	z      *gzip.Reader
	err    error
}

func (i *inflating) Read(p []byte) (int, error) {
	if i.z == nil && i.err == nil {
		i.z, i.err = gzip.NewReader(i.packed) // which reads; the caller may wait for our word to go on
	}
	if i.err != nil {
		return 0, i.err
	}
	n, err := i.z.Read(p)
	i.n += int64(n)
	if i.n > i.most || i.n > inflationAllowance+maxInflation*i.packed.n {
		i.err = errTooLarge
		return 0, i.err
	}
	return n, err
}

// A body that trickles holds a connection and what has come of it. It must bring so
// much on average, once it has had time to begin.
const (
	slowest  = 1 << 10 // bytes per second
	patience = time.Minute
)

var errTooSlow = refused(http.StatusRequestTimeout, fault.Deadline, fault.LimitExceeded, "the request comes too slowly")

// paced refuses to read on where too little comes. Time that is not spent reading does
// not count.
type paced struct {
	r       io.Reader
	n       int64
	waiting time.Duration
}

func (p *paced) Read(b []byte) (int, error) {
	start := time.Now()
	n, err := p.r.Read(b)
	p.n += int64(n)
	p.waiting += time.Since(start)
	if p.waiting > patience && float64(p.n) < slowest*p.waiting.Seconds() {
		return 0, errTooSlow
	}
	return n, err
}
