// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package scu

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/api/dimse"
)

// Level is a QueryRetrieveLevel of the Study Root model. PS3.4 C.6.2.1.
type Level string

// The levels.
const (
	Study  Level = "STUDY"
	Series Level = "SERIES"
	Image  Level = "IMAGE"
)

// Keys are the keys of a query, of no sequences: what is to match, or else is asked for.
// Values are as PS3.4 C.2.2.2 has them, with wild cards, ranges and lists.
type Keys map[tag.Tag]string

// identifier returns the keys as a data set. Their VRs are those of the dictionary.
func (k Keys) identifier(level Level) (*dataset.Dataset, error) {
	d := &dataset.Dataset{}
	for t, value := range k {
		info, err := tag.Find(t)
		if err != nil {
			return nil, err
		}
		d.Put(dataset.Element{Tag: t, VR: info.VRs[0], Value: []byte(value)})
	}
	d.Text(tag.QueryRetrieveLevel, "CS", string(level))
	return d, nil
}

// longestIdentifier bounds an answer to a query, bytes.
const longestIdentifier = 1 << 20

// Find asks for what matches keys, and calls each with every answer as it comes. Where
// each returns an error the query is cancelled, and the error is Find's. The answers
// are what the peer says, which may be anything. PS3.4 C.4.1.
func (p *Peer) Find(ctx context.Context, level Level, keys Keys, each func(*dataset.Dataset) error) error {
	_, err := p.retrieve(ctx, &retrieval{
		class: dimse.StudyRootFind, idle: answerTime, level: level, keys: keys,
		request: dimse.Command{Field: dimse.CFindRQ},
		pending: func(m *dimse.Message) error {
			if m.Data == nil {
				return errAnswer
			}
			d, err := dimse.DecodeDataSet(m.Data, m.Context.TransferSyntax, longestIdentifier)
			if err != nil {
				return err
			}
			return each(d)
		},
	})
	return err
}

// Progress counts the sub-operations of a C-MOVE, each an instance.
type Progress struct{ Remaining, Completed, Failed, Warning int }

// moveTime is how long a peer may move instances without saying so: it may have to
// fetch them from a tape.
const moveTime = 15 * time.Minute

// Move has the peer send what keys identify to the application entity of a title, which
// it must know, and tells of the progress. What comes of it is the last progress, with
// a *StatusError where the peer could not do it; instances that failed one by one are
// counted and no error. PS3.4 C.4.2.
func (p *Peer) Move(ctx context.Context, destination string, level Level, keys Keys, progress func(Progress)) (Progress, error) {
	var last Progress
	response, err := p.retrieve(ctx, &retrieval{
		class: dimse.StudyRootMove, idle: moveTime, level: level, keys: keys,
		request: dimse.Command{Field: dimse.CMoveRQ, MoveDestination: destination},
		pending: func(m *dimse.Message) error {
			last.update(&m.Command)
			progress(last)
			return nil
		},
	})
	if response != nil {
		last.Remaining = 0
		last.update(response)
	}
	return last, err
}

// update takes in what a response says.
func (p *Progress) update(c *dimse.Command) {
	for to, said := range map[*int]*uint16{&p.Remaining: c.Remaining, &p.Completed: c.Completed, &p.Failed: c.Failed, &p.Warning: c.Warning} {
		if said != nil {
			*to = int(*said)
		}
	}
}

// retrieval is a request whose answer is any number of responses.
type retrieval struct {
	class   string
	idle    time.Duration
	level   Level
	keys    Keys
	request dimse.Command
	pending func(*dimse.Message) error
}

// cancelTime is how long a peer may take to heed a C-CANCEL.
const cancelTime = 5 * time.Second

// retrieve asks, and returns the last response, if there was one.
func (p *Peer) retrieve(ctx context.Context, r *retrieval) (*dimse.Command, error) {
	keys, err := r.keys.identifier(r.level)
	if err != nil {
		return nil, err
	}
	a, err := p.dial(ctx, r.idle, []dimse.Proposal{{AbstractSyntax: r.class, TransferSyntaxes: syntaxes}})
	if err != nil {
		return nil, err
	}
	defer release(ctx, a)
	accepted, _ := a.Context(r.class) // it is the only one, and one was accepted
	identifier, err := dimse.EncodeDataSet(keys, accepted.TransferSyntax)
	if err != nil {
		return nil, err
	}
	rq := &r.request
	rq.MessageID, rq.AffectedSOPClassUID = a.NextMessageID(), r.class
	if err := a.Send(ctx, accepted.ID, rq, bytes.NewReader(identifier)); err != nil {
		return nil, err
	}
	c := newCanceller(ctx, a, accepted.ID, rq)
	defer c.end()
	stop := context.AfterFunc(ctx, func() { c.cancel(context.Cause(ctx)) })
	defer stop()
	return c.responses(r.pending)
}

// canceller receives the responses to a request, and cancels it.
type canceller struct {
	ctx     context.Context // outlasts that of the caller by cancelTime
	end     context.CancelFunc
	a       *dimse.Association
	context byte
	rq      *dimse.Command

	once   sync.Once
	mu     sync.Mutex
	reason error // why it was cancelled
}

func newCanceller(ctx context.Context, a *dimse.Association, id byte, rq *dimse.Command) *canceller {
	c := &canceller{a: a, context: id, rq: rq}
	c.ctx, c.end = context.WithCancel(context.WithoutCancel(ctx))
	return c
}

// cancel asks the peer to end, and waits for it no longer than cancelTime.
func (c *canceller) cancel(reason error) {
	c.once.Do(func() {
		c.mu.Lock()
		c.reason = reason
		c.mu.Unlock()
		time.AfterFunc(cancelTime, c.end)
		// Where it cannot be sent, the association has ended, as responses will find.
		_ = c.a.Send(c.ctx, c.context, &dimse.Command{Field: dimse.CCancelRQ, MessageIDBeingRespondedTo: c.rq.MessageID}, nil)
	})
}

func (c *canceller) cancelled() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reason
}

// responses receives responses to the last one, which it returns.
func (c *canceller) responses(pending func(*dimse.Message) error) (*dimse.Command, error) {
	for {
		m, err := c.a.Receive(c.ctx)
		if reason := c.cancelled(); err != nil && reason != nil {
			return nil, reason
		}
		if err != nil {
			return nil, err
		}
		if !answers(&m.Command, c.rq) {
			return nil, errAnswer
		}
		if !m.Command.Status.Pending() {
			return c.last(&m.Command)
		}
		if c.cancelled() != nil {
			continue
		}
		if err := pending(m); err != nil {
			c.cancel(err)
		}
	}
}

// last returns the last response, with the error that it tells of.
func (c *canceller) last(rsp *dimse.Command) (*dimse.Command, error) {
	switch reason := c.cancelled(); {
	case reason != nil:
		return rsp, reason
	case rsp.Status == dimse.Cancel:
		return rsp, errors.New("the peer has cancelled what it was asked for")
	case rsp.Status.Failure():
		return rsp, &StatusError{service(c.rq.Field), rsp.Status, rsp.ErrorComment}
	}
	return rsp, nil
}
