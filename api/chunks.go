// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"errors"
	"io"

	"github.com/endplate/endplate/api/internal/fault"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// largestChunk is how many bytes of an instance one message may hold.
const largestChunk = 1 << 20

// chunks takes a stream of instances apart: next begins an instance, whose bytes
// Read then delivers.
type chunks struct {
	receive func() (*endplatev1.UploadInstancesRequest, error)

	rest  []byte                    // of the chunk received last
	begun *endplatev1.InstanceStart // of the next instance, received while the one before was read
	any   bool                      // whether an instance has begun
	ended error                     // io.EOF, or why nothing more comes
	// Limits of the stream.
	instances int
	bytes     int64
}

// next returns the start of the next instance, after the bytes of the one before,
// read or not. It returns io.EOF after the last.
func (c *chunks) next() (*endplatev1.InstanceStart, error) {
	if _, err := io.Copy(io.Discard, c); err != nil {
		return nil, err
	}
	if c.begun == nil {
		return nil, c.ended
	}
	if c.instances--; c.instances < 0 {
		return nil, fault.New(fault.Exhausted, fault.LimitExceeded, "more instances in one stream than the server takes")
	}
	start := c.begun
	c.begun = nil
	return start, nil
}

// Read reads from the instance that next began; io.EOF tells that it is whole.
func (c *chunks) Read(p []byte) (int, error) {
	for len(c.rest) == 0 {
		if err := c.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// fill receives the next message. It returns io.EOF where the instance ends, because
// another begins or the stream ends.
func (c *chunks) fill() error {
	if c.begun != nil {
		return io.EOF
	}
	if c.ended != nil {
		return c.ended
	}
	m, err := c.receive()
	if err != nil {
		c.ended = err
		return err
	}
	switch part := m.GetPart().(type) {
	case *endplatev1.UploadInstancesRequest_Start:
		c.begun, c.any = part.Start, true
		if c.begun == nil {
			c.begun = &endplatev1.InstanceStart{}
		}
		return io.EOF
	case *endplatev1.UploadInstancesRequest_Chunk:
		return c.take(part.Chunk)
	}
	c.ended = fault.InvalidFields(fault.Violation{Field: "part", Description: "missing"})
	return c.ended
}

func (c *chunks) take(chunk []byte) error {
	c.bytes -= int64(len(chunk))
	switch {
	case !c.any:
		c.ended = fault.InvalidFields(fault.Violation{Field: "chunk", Description: "comes before the start of an instance"})
	case len(chunk) > largestChunk:
		c.ended = fault.InvalidFields(fault.Violation{Field: "chunk", Description: "larger than 1 MiB"})
	case c.bytes < 0:
		c.ended = fault.New(fault.Exhausted, fault.LimitExceeded, "more bytes in one stream than the server takes")
	default:
		c.rest = chunk
	}
	return c.ended
}

// broken reports whether an error is that of the stream rather than that of one
// instance.
func (c *chunks) broken(err error) bool {
	return c.ended != nil && !errors.Is(c.ended, io.EOF) && errors.Is(err, c.ended)
}
