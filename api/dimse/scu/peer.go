// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package scu asks services of other application entities: verification, storage, and
// query and retrieval in the Study Root model.
//
// Data sets are offered in their own transfer syntax and, as every application entity
// must take it, in Implicit VR Little Endian. What is asked for is cancelled when its
// context ends: the peer is told by C-CANCEL where the service has it, and has a moment
// to answer before the association is aborted.
//
// Reference: DICOM PS3.4 annexes A, B and C, PS3.7 section 9.
package scu

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/endplate/endplate/api/dimse"
)

// Peer is an application entity that is asked.
type Peer struct {
	Address        string // host:port
	CalledAETitle  string
	CallingAETitle string
	TLS            *tls.Config // nil: none
	Timeouts       dimse.Timeouts
}

// String says where the peer is, as AET@HOST:PORT.
func (p *Peer) String() string { return p.CalledAETitle + "@" + p.Address }

// StatusError tells that a peer did not do what it was asked for.
type StatusError struct {
	Service string // such as "C-STORE"
	Status  dimse.Status
	Comment string // of the peer, of whose contents nothing is known
}

func (e *StatusError) Error() string {
	text := fmt.Sprintf("%s: %v", e.Service, e.Status)
	if e.Comment != "" {
		text += fmt.Sprintf(" (%.64q)", e.Comment)
	}
	return text
}

// errAnswer tells of a message that is no answer to the one sent.
var errAnswer = errors.New("the peer answers something else than it was asked")

// dial requests an association in which a message may take so long to come.
func (p *Peer) dial(ctx context.Context, idle time.Duration, proposals []dimse.Proposal) (*dimse.Association, error) {
	times := p.Timeouts
	times.Idle = cmp.Or(times.Idle, idle)
	d := dimse.Dialer{
		CallingAETitle: p.CallingAETitle, CalledAETitle: p.CalledAETitle,
		Proposals: proposals, TLS: p.TLS, Timeouts: times,
	}
	return d.Dial(ctx, p.Address)
}

// releaseTime bounds the end of an association of which nothing more is wanted.
const releaseTime = 5 * time.Second

// release ends an association in order. Whether the peer agrees changes nothing.
func release(ctx context.Context, a *dimse.Association) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
	defer cancel()
	_ = a.Release(ctx)
}

// answerTime is how long a peer may take to answer: an archive looks around in its
// database, and stores what it got.
const answerTime = 2 * time.Minute

// Echo asks the peer whether it is there. PS3.4 annex A.
func (p *Peer) Echo(ctx context.Context) error {
	a, err := p.dial(ctx, answerTime, []dimse.Proposal{{AbstractSyntax: dimse.VerificationSOPClass, TransferSyntaxes: syntaxes}})
	if err != nil {
		return err
	}
	defer release(ctx, a)
	accepted, _ := a.Context(dimse.VerificationSOPClass) // it is the only one, and one was accepted
	rq := &dimse.Command{Field: dimse.CEchoRQ, MessageID: a.NextMessageID(), AffectedSOPClassUID: dimse.VerificationSOPClass}
	if err := a.Send(ctx, accepted.ID, rq, nil); err != nil {
		return err
	}
	return final(ctx, a, rq)
}

// final receives the only response to a request.
func final(ctx context.Context, a *dimse.Association, rq *dimse.Command) error {
	m, err := a.Receive(ctx)
	if err != nil {
		return err
	}
	if !answers(&m.Command, rq) {
		return errAnswer
	}
	if s := m.Command.Status; s != dimse.Success && !s.Warning() {
		return &StatusError{service(rq.Field), s, m.Command.ErrorComment}
	}
	return nil
}

// answers reports whether a message is a response to a request.
func answers(rsp, rq *dimse.Command) bool {
	return rsp.Field.IsResponse() && rsp.Field&^0x8000 == rq.Field && rsp.MessageIDBeingRespondedTo == rq.MessageID
}

// syntaxes are those of messages that have no data set, or one that we make.
var syntaxes = []string{dimse.ExplicitVRLittleEndian, dimse.ImplicitVRLittleEndian}

// service returns what the standard calls the service of a request, such as C-STORE.
func service(rq dimse.Field) string { return strings.TrimSuffix(rq.String(), "-RQ") }
