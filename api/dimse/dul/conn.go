// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dul

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
)

// Conn is one end of an association, or of what is to become one. One goroutine may
// read while another writes.
type Conn struct {
	line      *line
	requestor bool
	maxLength uint32 // of the P-DATA-TF PDUs that are taken

	reading sync.Mutex // held by who reads
	in      *bufio.Reader
	pduLeft uint32 // bytes of the P-DATA-TF PDU that is being read

	sending sync.Mutex // held by who sends the parts of a message
	chunk   []byte     // for its data

	mu      sync.Mutex // guards what follows, and the order of the PDUs sent
	state   State
	out     *bufio.Writer
	peerMax uint32 // of the P-DATA-TF PDUs that the peer takes; 0: no limit
	torn    bool   // a PDU was not sent to its end
	cause   error  // why the association ended
}

// The buffers of a connection, bytes. Large reads and writes pass by them.
const (
	readBuffer  = 64 << 10
	writeBuffer = 16 << 10
)

func newConn(nc net.Conn, maxLength uint32, t Timeouts, requestor bool) *Conn {
	l := &line{Conn: nc, timeouts: t.OrDefaults()}
	return &Conn{line: l, requestor: requestor, maxLength: maxLength, state: Sta1, out: bufio.NewWriterSize(l, 512)}
}

// established makes the buffers that an association needs and a connection that never
// becomes one does not.
func (c *Conn) established(peerMax uint32) {
	c.in = bufio.NewReaderSize(c.line, readBuffer)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out = bufio.NewWriterSize(c.line, writeBuffer)
	c.peerMax = peerMax
}

// State returns the state.
func (c *Conn) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// handle does what the protocol machine asks for when an event happens. pdu is what
// is sent, if something is.
func (c *Conn) handle(e Event, pdu []byte) (Action, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a, next := act(c.state, e, c.requestor)
	if a == 0 {
		if c.cause != nil {
			return 0, c.cause
		}
		return 0, errWrongTime
	}
	effect := effects[a]
	c.line.setARTIM(effect.artim)
	var err error
	if effect.send != 0 {
		err = c.send(pdu, effect.send != typeData)
	}
	c.state = next
	if effect.close || next == Sta1 {
		_ = c.line.Close() // nothing is expected of it any more
	}
	return a, err
}

// send writes a PDU, and makes sure that it is on its way if asked to. After a PDU
// that was not written to its end no other can follow.
func (c *Conn) send(pdu []byte, flush bool) error {
	if c.torn {
		return errOver
	}
	_, err := c.out.Write(pdu)
	if err == nil && flush {
		err = c.out.Flush()
	}
	c.torn = err != nil
	return err
}

// end notes why the association ended. The first reason counts.
func (c *Conn) end(cause error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause == nil {
		c.cause = cause
	}
	return c.cause
}

// pdu is a PDU that came. Of a P-DATA-TF the body is not read.
type pdu struct {
	kind      byte
	length    uint32
	body      []byte
	associate *Associate // of an A-ASSOCIATE-RQ or -AC
}

// receive reads the next PDU and does what the protocol machine asks for. It returns
// the action that this was, and an error where the association has ended.
func (c *Conn) receive() (Action, pdu, error) {
	p, err := c.readPDU()
	if err != nil {
		return 0, p, err
	}
	const reason = abortUnexpectedPDU // should the PDU be none that belongs here
	a, err := c.handle(received(p.kind), abortPDU(abortByProvider, reason))
	if err != nil {
		return a, p, c.end(err)
	}
	switch a {
	case AA1, AA8:
		err = c.end(&AbortError{Source: abortByProvider, Reason: reason, Sent: true})
	case AA2, AA3:
		err = c.end(&AbortError{Source: p.body[2], Reason: p.body[3]})
	}
	return a, p, err
}

// abortPDU returns an A-ABORT PDU.
func abortPDU(source, reason byte) []byte {
	return []byte{typeAbort, 0, 0, 0, 0, shortLength, 0, 0, source, reason}
}

// from returns what PDUs are read from.
func (c *Conn) from() io.Reader {
	if c.in != nil {
		return c.in
	}
	return c.line
}

// readPDU reads a PDU, and ends the association where there is none.
func (c *Conn) readPDU() (p pdu, err error) {
	r := c.from()
	var head [headerLength]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return p, c.lost(err)
	}
	p.kind, p.length = head[0], binary.BigEndian.Uint32(head[2:])
	if reason, err := c.checkLength(p); err != nil {
		return p, c.invalid(reason, err)
	}
	if p.kind == typeData {
		return p, nil
	}
	var b bytes.Buffer // grows as bytes come, whatever the length says
	if _, err := io.CopyN(&b, r, int64(p.length)); err != nil {
		return p, c.lost(err)
	}
	p.body = b.Bytes()
	if p.kind == typeAssociateRQ || p.kind == typeAssociateAC {
		if p.associate, err = parseAssociate(p.body); err != nil {
			return p, c.invalid(abortInvalidParameter, err)
		}
	}
	return p, nil
}

// checkLength refuses PDUs that cannot be, with the reason for an A-ABORT.
func (c *Conn) checkLength(p pdu) (reason byte, err error) {
	least, most := uint32(shortLength), uint32(shortLength)
	switch p.kind {
	case typeAssociateRQ, typeAssociateAC:
		least, most = 68, maxAssociate
	case typeData:
		least, most = fragmentHeader, c.maxLength
	case typeAssociateRJ, typeReleaseRQ, typeReleaseRP, typeAbort:
	default:
		return abortUnrecognizedPDU, malformed("type %02X", p.kind)
	}
	if p.length < least || p.length > most {
		return abortInvalidParameter, malformed("type %02X of %d bytes", p.kind, p.length)
	}
	return 0, nil
}

// lost ends the association after a read that failed.
func (c *Conn) lost(err error) error {
	switch {
	case errors.Is(err, errInterrupted):
		return err // who interrupted knows what follows
	case errors.Is(err, ErrTimeout) && c.line.artimRuns():
		_, _ = c.handle(Evt18, nil)
		return c.end(ErrTimeout)
	case errors.Is(err, ErrTimeout):
		_, _ = c.handle(Evt15, abortPDU(abortByUser, 0)) // the peer may be gone
		return c.end(&AbortError{Source: abortByUser, Sent: true, Cause: ErrTimeout})
	}
	_, _ = c.handle(Evt17, nil)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe) {
		err = ErrClosed
	}
	return c.end(err)
}

// invalid ends the association because of what cannot be understood.
func (c *Conn) invalid(reason byte, cause error) error {
	_, _ = c.handle(Evt19, abortPDU(abortByProvider, reason)) // the peer may be gone
	return c.end(&AbortError{Source: abortByProvider, Reason: reason, Sent: true, Cause: cause})
}

// Guard interrupts what is read and written when ctx ends, until stop is called. What
// is interrupted fails, and nothing but Abort is possible then.
func (c *Conn) Guard(ctx context.Context) (stop func() bool) {
	return context.AfterFunc(ctx, func() { c.line.interrupt(true, true) })
}

// Interrupted reports whether an error is that of an interruption.
func Interrupted(err error) bool { return errors.Is(err, errInterrupted) }

// Wait waits for the next message to begin, for the end of the association, or for
// ctx to end, and returns ctx's error in that case alone. Nothing is lost then.
func (c *Conn) Wait(ctx context.Context) error {
	c.reading.Lock()
	defer c.reading.Unlock()
	if c.in.Buffered() > 0 || c.pduLeft > 0 {
		return ctx.Err()
	}
	c.line.await(c.line.timeouts.Idle)
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		c.line.interrupt(true, false)
		close(interrupted)
	})
	_, err := c.in.Peek(1)
	if stop() {
		return nil // if that failed, so does what reads next
	}
	<-interrupted
	c.line.resume()
	if !errors.Is(err, errInterrupted) {
		return nil
	}
	return ctx.Err()
}

// Abort ends the association with an A-ABORT of the user, if it has not ended, and
// closes the connection when the peer has, or when the ARTIM timer expires. It may be
// called from any goroutine.
func (c *Conn) Abort() { c.abort(true) }

// Drop ends the association as Abort does, and closes the connection at once.
func (c *Conn) Drop() { c.abort(false) }

func (c *Conn) abort(linger bool) {
	c.line.interrupt(true, true)
	c.reading.Lock()
	defer c.reading.Unlock()
	c.mu.Lock() // whoever writes has been interrupted
	c.line.resume()
	c.mu.Unlock()
	_, _ = c.handle(Evt15, abortPDU(abortByUser, 0)) // it may have ended
	_ = c.end(&AbortError{Source: abortByUser, Sent: true})
	if !linger {
		_, _ = c.handle(Evt18, nil) // as if the timer had expired
	}
	c.linger()
}

// linger waits for the peer to close the connection, until the ARTIM timer expires:
// what was sent last could get lost otherwise.
func (c *Conn) linger() {
	_ = c.pass(c.pduLeft)
	c.pduLeft = 0
	for c.closing() {
		p, err := c.readPDU()
		switch {
		case errors.Is(err, errInterrupted):
			_, _ = c.handle(Evt18, nil)
		case err != nil: // what follows cannot be told apart, if anything does
			_, err = io.Copy(io.Discard, c.from())
			_ = c.lost(cmp.Or(err, io.EOF))
		case p.kind == typeData:
			_ = c.pass(p.length)
		default:
			_, _ = c.handle(received(p.kind), abortPDU(abortByProvider, abortUnexpectedPDU))
		}
	}
	_ = c.line.Close() // it may be closed
}

// closing reports whether the peer is waited for to close, and can have understood
// that it is.
func (c *Conn) closing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state == Sta13 && !c.torn
}

// pass reads over bytes.
func (c *Conn) pass(n uint32) error {
	if _, err := io.CopyN(io.Discard, c.from(), int64(n)); err != nil {
		return c.lost(err)
	}
	return nil
}
