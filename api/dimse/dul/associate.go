// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dul

import (
	"context"
	"net"
)

// Request asks for an association on a connection that has been opened, and waits for
// the answer. maxLength bounds the P-DATA-TF PDUs that are taken. The error is a
// *RejectError or an *AbortError where the peer answered so, and the connection is
// closed then.
func Request(ctx context.Context, nc net.Conn, rq Associate, maxLength uint32, t Timeouts) (*Conn, *Associate, error) {
	if err := rq.check(); err != nil {
		return nil, nil, err
	}
	c := newConn(nc, maxLength, t, true)
	rq.MaxLength = maxLength
	defer c.Guard(ctx)()
	_, err := c.handle(Evt1, nil)
	if err == nil {
		_, err = c.handle(Evt2, rq.encode(typeAssociateRQ))
	}
	if err != nil {
		c.Abort()
		return nil, nil, err
	}
	c.line.await(c.line.timeouts.Stall)
	a, p, err := c.receive()
	if err == nil && a == AE4 {
		err = &RejectError{Result: p.body[1], Source: p.body[2], Reason: p.body[3]}
	}
	if err != nil {
		c.Abort()
		if Interrupted(err) {
			err = ctx.Err()
		}
		return nil, nil, err
	}
	c.established(p.associate.MaxLength)
	return c, p.associate, nil
}

// Indicate waits for a peer to ask for an association on a connection that it has
// opened. The user answers by Accept or Reject. On error the connection is closed.
func Indicate(ctx context.Context, nc net.Conn, maxLength uint32, t Timeouts) (*Conn, *Associate, error) {
	c := newConn(nc, maxLength, t, false)
	defer c.Guard(ctx)()
	_, _ = c.handle(Evt5, nil) // nothing is sent
	_, p, err := c.receive()
	if err != nil {
		c.Abort()
		if Interrupted(err) {
			err = ctx.Err()
		}
		return nil, nil, err
	}
	return c, p.associate, nil
}

// Accept accepts what rq asks for; the answer repeats its AE titles.
func (c *Conn) Accept(rq *Associate, ac Associate) error {
	ac.CalledAETitle, ac.CallingAETitle = rq.CalledAETitle, rq.CallingAETitle
	ac.ApplicationContext, ac.MaxLength = ApplicationContext, c.maxLength
	if _, err := c.handle(Evt7, ac.encode(typeAssociateAC)); err != nil {
		return c.end(err)
	}
	c.established(rq.MaxLength)
	return nil
}

// Reject rejects what was asked for, and waits for the peer to close the connection.
func (c *Conn) Reject(why *RejectError) {
	rj := []byte{typeAssociateRJ, 0, 0, 0, 0, shortLength, 0, why.Result, why.Source, why.Reason}
	_, _ = c.handle(Evt8, rj) // the peer may have gone
	_ = c.end(why)
	c.reading.Lock()
	defer c.reading.Unlock()
	c.linger()
}

var (
	releaseRQ = []byte{typeReleaseRQ, 0, 0, 0, 0, shortLength, 0, 0, 0, 0}
	releaseRP = []byte{typeReleaseRP, 0, 0, 0, 0, shortLength, 0, 0, 0, 0}
)

// Release ends the association in order and closes the connection. What the peer
// still sends is passed over.
func (c *Conn) Release(ctx context.Context) error {
	stop := c.Guard(ctx)
	err := c.release()
	stop()
	if err != nil {
		c.Abort()
	}
	if Interrupted(err) {
		err = ctx.Err()
	}
	return err
}

func (c *Conn) release() error {
	c.reading.Lock()
	defer c.reading.Unlock()
	if _, err := c.handle(Evt11, releaseRQ); err != nil {
		return c.end(err)
	}
	c.line.await(c.line.timeouts.Stall)
	err := c.pass(c.pduLeft)
	c.pduLeft = 0
	for err == nil {
		var a Action
		var p pdu
		if a, p, err = c.receive(); err != nil {
			return err
		}
		switch a {
		case AR3:
			_ = c.end(ErrReleased)
			return nil
		case AR6:
			err = c.pass(p.length)
		case AR8:
			if c.requestor {
				_, err = c.handle(Evt14, releaseRP)
			}
		case AR10:
			err = c.released()
			c.linger()
			return err
		}
	}
	return err
}

// released answers a request for release. The peer then closes the connection.
func (c *Conn) released() error {
	if _, err := c.handle(Evt14, releaseRP); err != nil {
		return c.end(err)
	}
	_ = c.end(ErrReleased)
	return nil
}
