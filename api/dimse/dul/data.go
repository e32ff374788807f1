// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dul

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// fragmentHeader is that of a presentation data value: its length, the ID of the
// presentation context, and the message control header. PS3.8 9.3.5.1, PS3.7 E.2.
const fragmentHeader = 6

// The bits of the message control header.
const (
	controlCommand = 1 << 0
	controlLast    = 1 << 1
)

// Part is a command set or a data set that comes, put together from its fragments as
// it is read.
type Part struct {
	ContextID byte

	c       *Conn
	command bool
	left    uint32 // bytes of the fragment
	last    bool   // it is the last fragment
	err     error
}

// Command waits for the next command set. The error is ErrReleased after the peer has
// released the association; this has been answered then.
func (c *Conn) Command() (*Part, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	c.line.mayAwait()
	return c.part(true)
}

// Data returns the data set that follows a command set.
func (c *Conn) Data(contextID byte) (*Part, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	p, err := c.part(false)
	if err == nil && p.ContextID != contextID {
		return nil, c.invalid(abortInvalidParameter, malformed("data set in another presentation context than its command set"))
	}
	return p, err
}

func (c *Conn) part(command bool) (*Part, error) {
	p := &Part{c: c, command: command}
	if err := p.next(true); err != nil {
		return nil, err
	}
	c.line.begin()
	return p, nil
}

// Read reads on. The error is io.EOF where the part is whole, and otherwise tells why
// the association has ended.
func (p *Part) Read(b []byte) (int, error) {
	p.c.reading.Lock()
	defer p.c.reading.Unlock()
	for p.left == 0 && p.err == nil {
		p.err = p.more()
	}
	if p.err != nil || len(b) == 0 {
		return 0, p.err
	}
	n, err := p.c.in.Read(b[:min(uint32(min(len(b), 1<<30)), p.left)])
	p.left -= uint32(n)
	p.c.pduLeft -= uint32(n)
	if err != nil {
		p.err = p.c.lost(err)
	}
	return n, p.err
}

func (p *Part) more() error {
	if p.last {
		return io.EOF
	}
	return p.next(false)
}

// next reads the header of the next fragment.
func (p *Part) next(first bool) error {
	c := p.c
	if err := c.nextData(); err != nil {
		return err
	}
	var h [fragmentHeader]byte
	if c.pduLeft < fragmentHeader {
		return c.invalid(abortInvalidParameter, malformed("%d bytes after the last fragment", c.pduLeft))
	}
	if _, err := io.ReadFull(c.in, h[:]); err != nil {
		return c.lost(err)
	}
	length := binary.BigEndian.Uint32(h[:])
	if length < 2 || length > c.pduLeft-4 {
		return c.invalid(abortInvalidParameter, malformed("fragment of %d bytes where %d are left", length, c.pduLeft-4))
	}
	c.pduLeft -= fragmentHeader
	id, control := h[4], h[5]
	switch command := control&controlCommand != 0; {
	case command && !p.command:
		return c.invalid(abortInvalidParameter, malformed("a command set begins before the data set is whole"))
	case !command && p.command:
		return c.invalid(abortInvalidParameter, malformed("a data set without its command set"))
	case !first && id != p.ContextID:
		return c.invalid(abortInvalidParameter, malformed("fragments in different presentation contexts"))
	}
	p.ContextID, p.left, p.last = id, length-2, control&controlLast != 0
	return nil
}

// nextData makes sure that some of a P-DATA-TF PDU is to be read.
func (c *Conn) nextData() error {
	if c.pduLeft > 0 {
		return nil
	}
	a, p, err := c.receive()
	switch {
	case err != nil:
		return err
	case a == DT2:
		c.pduLeft = p.length
		return nil
	case a == AR2:
		if err := c.released(); err != nil {
			return err
		}
		return ErrReleased
	}
	return c.end(errOver)
}

// Mismatched ends the association because a message is not what the peer said that it
// would be.
func (c *Conn) Mismatched(problem error) error {
	c.reading.Lock()
	defer c.reading.Unlock()
	return c.invalid(abortInvalidParameter, fmt.Errorf("%w: %w", errMalformed, problem))
}

// LongestSent bounds the P-DATA-TF PDUs that are sent, bytes, whatever the peer takes.
const LongestSent = 128 << 10

// Send sends a command set and, if data is not nil, the data set that data holds. It
// returns when everything has been handed to the transport connection. On error the
// association has ended, or must be ended: a message was not sent to its end.
func (c *Conn) Send(contextID byte, command []byte, data io.Reader) error {
	c.sending.Lock()
	defer c.sending.Unlock()
	length, err := c.chunkLength()
	if err != nil {
		return err
	}
	for len(command) > length {
		if err := c.sendFragment(contextID, controlCommand, pduOf(command[:length])); err != nil {
			return err
		}
		command = command[length:]
	}
	if err := c.sendFragment(contextID, controlCommand|controlLast, pduOf(command)); err != nil {
		return err
	}
	if data != nil {
		if err := c.sendData(contextID, length, data); err != nil {
			return err
		}
	}
	return c.flush()
}

// pduOf returns a P-DATA-TF of one fragment, whose headers are still to be filled in.
func pduOf(content []byte) []byte {
	return append(make([]byte, headerLength+fragmentHeader, headerLength+fragmentHeader+len(content)), content...)
}

// chunkLength returns how many bytes of content a PDU may have, an even number.
func (c *Conn) chunkLength() (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.peerMax == 0 || c.peerMax > LongestSent {
		return LongestSent - fragmentHeader, nil
	}
	if c.peerMax < fragmentHeader+2 {
		return 0, malformed("the peer takes PDUs of %d bytes", c.peerMax)
	}
	return int(c.peerMax-fragmentHeader) &^ 1, nil
}

// sendData sends what r holds. One byte more than a PDU takes is read, to know whether
// it is the last.
func (c *Conn) sendData(contextID byte, length int, r io.Reader) error {
	const head = headerLength + fragmentHeader
	if len(c.chunk) != head+length+1 {
		c.chunk = make([]byte, head+length+1)
	}
	have := 0
	for {
		n, err := io.ReadFull(r, c.chunk[head+have:])
		have += n
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return c.sendFragment(contextID, controlLast, c.chunk[:head+have])
		}
		if err != nil {
			return err
		}
		next := c.chunk[head+length]
		if err := c.sendFragment(contextID, 0, c.chunk[:head+length]); err != nil {
			return err
		}
		c.chunk[head], have = next, 1
	}
}

// sendFragment fills in the headers of a P-DATA-TF PDU of one fragment, and sends it.
func (c *Conn) sendFragment(contextID, control byte, b []byte) error {
	length := uint32(len(b) - headerLength)
	b[0], b[1] = typeData, 0
	binary.BigEndian.PutUint32(b[2:], length)
	binary.BigEndian.PutUint32(b[headerLength:], length-4)
	b[headerLength+4], b[headerLength+5] = contextID, control
	_, err := c.handle(Evt9, b)
	return err
}

func (c *Conn) flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.out.Flush()
	c.torn = c.torn || err != nil
	return err
}
