// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dimse

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync/atomic"

	"github.com/endplate/endplate/api/dimse/dul"
)

// Association is an association that has been established. One goroutine may Send
// while another receives. Whatever error one of them returns ends the association,
// but for the end of Wait's context.
type Association struct {
	conn     *dul.Conn
	contexts []Context
	peer     Peer
	ids      atomic.Uint32
	onEnd    func()

	// Of the message that is being received:
	rest io.Reader   // its data set; nil: none
	stop func() bool // ends the guard of its context; nil: there is none
}

// Peer is the other side of an association.
type Peer struct {
	AETitle                   string
	Address                   string // host:port
	ImplementationClassUID    string
	ImplementationVersionName string
	MaxPDU                    uint32 // that it takes; 0: no limit
}

// Peer returns the other side.
func (a *Association) Peer() Peer { return a.peer }

// Contexts returns the presentation contexts that were accepted.
func (a *Association) Contexts() []Context { return slices.Clone(a.contexts) }

// Context returns an accepted presentation context of an abstract syntax, with the
// first of the transfer syntaxes that there is one of, or with any if none are given.
func (a *Association) Context(abstractSyntax string, transferSyntaxes ...string) (Context, bool) {
	find := func(fits func(Context) bool) (Context, bool) {
		for _, c := range a.contexts {
			if c.AbstractSyntax == abstractSyntax && fits(c) {
				return c, true
			}
		}
		return Context{}, false
	}
	if len(transferSyntaxes) == 0 {
		return find(func(Context) bool { return true })
	}
	for _, uid := range transferSyntaxes {
		if c, ok := find(func(c Context) bool { return c.TransferSyntax == uid }); ok {
			return c, true
		}
	}
	return Context{}, false
}

func (a *Association) byID(id byte) (Context, bool) {
	i := slices.IndexFunc(a.contexts, func(c Context) bool { return c.ID == id })
	if i < 0 {
		return Context{}, false
	}
	return a.contexts[i], true
}

// NextMessageID returns an ID for a request.
func (a *Association) NextMessageID() uint16 { return uint16(a.ids.Add(1)) }

// Send sends a message: c and, if data is not nil, a data set, which is read to its
// end. It sets c.DataSet accordingly. It returns when the message has been handed to
// the transport connection, and aborts the association where that cannot be.
func (a *Association) Send(ctx context.Context, contextID byte, c *Command, data io.Reader) error {
	c.DataSet = data != nil
	stop := a.conn.Guard(ctx)
	err := a.conn.Send(contextID, c.encode(), data)
	stop()
	if err == nil {
		return nil
	}
	a.conn.Abort()
	if dul.Interrupted(err) && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// Message is a message that has come.
type Message struct {
	Context Context
	Command Command
	// Data is the data set as it comes; nil: there is none. Its errors end the
	// association. What is not read of it is passed over.
	Data io.Reader
}

// Wait waits for the next message to begin or the association to end, which Receive
// then tells, or for ctx to end. Its error is ctx's, and the association goes on.
func (a *Association) Wait(ctx context.Context) error {
	if a.finish() != nil {
		return nil //nolint:nilerr // Receive will tell of it
	}
	return a.conn.Wait(ctx)
}

// Receive receives a message: its command set, and its data set as Data is read, so
// that ctx governs both. It returns ErrReleased after the peer has released the
// association.
func (a *Association) Receive(ctx context.Context) (*Message, error) {
	if err := a.finish(); err != nil {
		return nil, a.ended(ctx, err)
	}
	a.stop = a.conn.Guard(ctx)
	m, err := a.receive(ctx)
	if err != nil {
		return nil, a.ended(ctx, err)
	}
	if m.Data == nil {
		a.stop()
		a.stop = nil
	}
	return m, nil
}

// finish passes over what is left of the message before.
func (a *Association) finish() error {
	if a.rest != nil {
		if _, err := io.Copy(io.Discard, a.rest); err != nil {
			return err
		}
		a.rest = nil
	}
	if a.stop != nil {
		a.stop()
		a.stop = nil
	}
	return nil
}

func (a *Association) receive(ctx context.Context) (*Message, error) {
	part, err := a.conn.Command()
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(part, maxCommand+1))
	if err != nil {
		return nil, err
	}
	m := &Message{}
	var ok bool
	if m.Context, ok = a.byID(part.ContextID); !ok {
		return nil, a.conn.Mismatched(fmt.Errorf("presentation context %d was not accepted", part.ContextID))
	}
	c, err := decodeCommand(b)
	if err != nil {
		return nil, a.conn.Mismatched(err)
	}
	m.Command = *c
	if c.DataSet {
		data, err := a.conn.Data(m.Context.ID)
		if err != nil {
			return nil, err
		}
		m.Data = &dataReader{ctx: ctx, part: data}
		a.rest = m.Data
	}
	return m, nil
}

// dataReader reads a data set. Whether the association has ended, Receive finds out.
type dataReader struct {
	ctx  context.Context //nolint:containedctx // that of Receive, as net/http does for bodies
	part io.Reader
}

func (r *dataReader) Read(p []byte) (int, error) {
	n, err := r.part.Read(p)
	if dul.Interrupted(err) && r.ctx.Err() != nil {
		err = r.ctx.Err()
	}
	return n, err
}

// OnEnd has f called when Receive finds that the association has ended, before it waits
// for the peer to close the connection. It must be called before Receive is.
func (a *Association) OnEnd(f func()) { a.onEnd = f }

// ended closes the connection of an association that has ended, or ends it because
// its context has.
func (a *Association) ended(ctx context.Context, err error) error {
	if a.stop != nil {
		a.stop()
		a.stop = nil
	}
	if a.onEnd != nil {
		a.onEnd()
	}
	if dul.Interrupted(err) && ctx.Err() != nil {
		err = ctx.Err()
	}
	a.conn.Abort()
	return err
}

// Release ends the association in order, and closes the connection.
func (a *Association) Release(ctx context.Context) error { return a.conn.Release(ctx) }

// Abort ends the association by an A-ABORT, if it has not ended, and closes the
// connection. It may be called from any goroutine.
func (a *Association) Abort() { a.conn.Abort() }

// Drop aborts the association and closes the connection without waiting for the peer to
// do so first. What was sent last may not reach the peer.
func (a *Association) Drop() { a.conn.Drop() }
