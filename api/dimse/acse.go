// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dimse

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/api/dimse/dul"
)

// DefaultMaxPDU is the maximum length of P-DATA-TF PDUs that are taken, bytes.
const DefaultMaxPDU = 128 << 10

// The ends of an association, and the times within which it must move.
type (
	RejectError = dul.RejectError
	AbortError  = dul.AbortError
	Timeouts    = dul.Timeouts
)

// ErrReleased tells that the peer has released the association, which has been
// answered.
var ErrReleased = dul.ErrReleased

// Proposal is a presentation context as it is proposed or, by an acceptor, supported.
type Proposal struct {
	AbstractSyntax   string
	TransferSyntaxes []string // in the order of preference
	// The roles in which the requestor of the association acts. Neither of them means
	// the default, SCU, without a negotiation.
	SCU, SCP bool
}

// Context is a presentation context that has been accepted.
type Context struct {
	ID             byte
	AbstractSyntax string
	TransferSyntax string
	SCU, SCP       bool // the roles of the requestor of the association
}

// Dialer requests associations.
type Dialer struct {
	CallingAETitle, CalledAETitle string
	Proposals                     []Proposal // 1 to 128
	TLS                           *tls.Config
	MaxPDU                        uint32 // 0: DefaultMaxPDU
	Timeouts                      Timeouts
}

// Dial connects to address, a host:port, and requests an association; ctx governs
// that alone. The error is a *RejectError or an *AbortError where the peer answered so.
// An association of which no presentation context was accepted is none: the error is
// ErrNoContext.
func (d *Dialer) Dial(ctx context.Context, address string) (*Association, error) {
	rq, err := d.request()
	if err != nil {
		return nil, err
	}
	nc, err := d.connect(ctx, address)
	if err != nil {
		return nil, err
	}
	conn, ac, err := dul.Request(ctx, nc, rq, cmp.Or(d.MaxPDU, DefaultMaxPDU), d.Timeouts)
	if err != nil {
		return nil, err
	}
	a := &Association{conn: conn, contexts: accepted(rq, ac), peer: Peer{
		AETitle: d.CalledAETitle, Address: nc.RemoteAddr().String(),
		ImplementationClassUID: ac.ImplementationClassUID, ImplementationVersionName: ac.ImplementationVersionName,
		MaxPDU: ac.MaxLength,
	}}
	if len(a.contexts) == 0 {
		_ = a.Release(ctx) // there is nothing to lose
		return nil, ErrNoContext
	}
	return a, nil
}

// ErrNoContext tells that the peer accepted none of the presentation contexts.
var ErrNoContext = errors.New("no presentation context was accepted")

func (d *Dialer) connect(ctx context.Context, address string) (net.Conn, error) {
	if d.TLS != nil {
		return (&tls.Dialer{Config: d.TLS}).DialContext(ctx, "tcp", address)
	}
	return new(net.Dialer).DialContext(ctx, "tcp", address) // without delay, as is Go's default
}

// maxContexts is how many odd IDs there are.
const maxContexts = 128

func (d *Dialer) request() (dul.Associate, error) {
	rq := dul.Associate{
		CalledAETitle: d.CalledAETitle, CallingAETitle: d.CallingAETitle, ApplicationContext: dul.ApplicationContext,
		ImplementationClassUID: dicom.ImplementationClassUID(), ImplementationVersionName: dicom.ImplementationVersionName,
	}
	if n := len(d.Proposals); n == 0 || n > maxContexts {
		return rq, fmt.Errorf("%d presentation contexts, want 1 to %d", n, maxContexts)
	}
	for i, p := range d.Proposals {
		if dicom.ValidUID(p.AbstractSyntax) == "" || len(p.TransferSyntaxes) == 0 {
			return rq, fmt.Errorf("presentation context %d: want an abstract syntax and transfer syntaxes", 2*i+1)
		}
		rq.Contexts = append(rq.Contexts, dul.PresentationContext{
			ID: byte(2*i + 1), AbstractSyntax: p.AbstractSyntax, TransferSyntaxes: p.TransferSyntaxes,
		})
		role := dul.Role{SOPClassUID: p.AbstractSyntax, SCU: p.SCU, SCP: p.SCP}
		if (p.SCU || p.SCP) && !slices.Contains(rq.Roles, role) {
			rq.Roles = append(rq.Roles, role)
		}
	}
	return rq, nil
}

// accepted returns the contexts of rq that ac accepts.
func accepted(rq dul.Associate, ac *dul.Associate) []Context {
	var all []Context
	for _, p := range rq.Contexts {
		i := slices.IndexFunc(ac.Contexts, func(c dul.PresentationContext) bool { return c.ID == p.ID })
		if i < 0 || ac.Contexts[i].Result != dul.Acceptance || len(ac.Contexts[i].TransferSyntaxes) != 1 {
			continue
		}
		c := Context{ID: p.ID, AbstractSyntax: p.AbstractSyntax, TransferSyntax: ac.Contexts[i].TransferSyntaxes[0], SCU: true}
		if !slices.Contains(p.TransferSyntaxes, c.TransferSyntax) {
			continue
		}
		proposed, ok := roleOf(rq.Roles, p.AbstractSyntax)
		if answer, answered := roleOf(ac.Roles, p.AbstractSyntax); ok && answered {
			c.SCU, c.SCP = proposed.SCU && answer.SCU, proposed.SCP && answer.SCP
		}
		all = append(all, c)
	}
	return all
}

func roleOf(roles []dul.Role, class string) (dul.Role, bool) {
	i := slices.IndexFunc(roles, func(r dul.Role) bool { return r.SOPClassUID == class })
	if i < 0 {
		return dul.Role{}, false
	}
	return roles[i], true
}

// Request is what a peer that asks for an association says of itself.
type Request struct {
	CallingAETitle, CalledAETitle string
	Peer                          Peer
}

// Acceptor accepts associations.
type Acceptor struct {
	// Supported are the abstract syntaxes, each with the transfer syntaxes in the order
	// of preference, and the roles that a requestor may act in; neither means SCU.
	Supported []Proposal
	// Admit, if not nil, looks at a request before it is answered, and refuses it by a
	// *RejectError.
	Admit    func(Request) *RejectError
	MaxPDU   uint32 // 0: DefaultMaxPDU
	Timeouts Timeouts
}

// Accept waits on a connection for the request of an association, and answers it. On
// error the connection is closed; the error is a *RejectError where it was refused.
func (s *Acceptor) Accept(ctx context.Context, nc net.Conn) (*Association, error) {
	conn, rq, err := dul.Indicate(ctx, nc, cmp.Or(s.MaxPDU, DefaultMaxPDU), s.Timeouts)
	if err != nil {
		return nil, err
	}
	request := Request{CallingAETitle: rq.CallingAETitle, CalledAETitle: rq.CalledAETitle, Peer: Peer{
		AETitle: rq.CallingAETitle, Address: nc.RemoteAddr().String(),
		ImplementationClassUID: rq.ImplementationClassUID, ImplementationVersionName: rq.ImplementationVersionName,
		MaxPDU: rq.MaxLength,
	}}
	if refusal := s.refuse(rq, request); refusal != nil {
		conn.Reject(refusal)
		return nil, refusal
	}
	ac, contexts := s.answer(rq)
	if err := conn.Accept(rq, ac); err != nil {
		conn.Abort()
		return nil, err
	}
	return &Association{conn: conn, contexts: contexts, peer: request.Peer}, nil
}

func (s *Acceptor) refuse(rq *dul.Associate, request Request) *RejectError {
	switch {
	case rq.ProtocolVersion&1 == 0:
		return &dul.RejectProtocolVersion
	case rq.ApplicationContext != dul.ApplicationContext:
		return &dul.RejectApplicationContext
	case !dul.ValidAETitle(rq.CallingAETitle):
		return &dul.RejectCallingAETitle
	case !dul.ValidAETitle(rq.CalledAETitle):
		return &dul.RejectCalledAETitle
	case s.Admit != nil:
		return s.Admit(request)
	}
	return nil
}

// answer negotiates the presentation contexts and roles.
func (s *Acceptor) answer(rq *dul.Associate) (dul.Associate, []Context) {
	ac := dul.Associate{
		ImplementationClassUID: dicom.ImplementationClassUID(), ImplementationVersionName: dicom.ImplementationVersionName,
	}
	var contexts []Context
	for _, proposed := range rq.Contexts {
		c, result := s.negotiate(proposed)
		// Of a context that is refused the transfer syntax means nothing, and is there.
		ac.Contexts = append(ac.Contexts, dul.PresentationContext{
			ID: proposed.ID, Result: result, TransferSyntaxes: []string{cmp.Or(c.TransferSyntax, ImplicitVRLittleEndian)},
		})
		if result != dul.Acceptance {
			continue
		}
		if asked, ok := roleOf(rq.Roles, c.AbstractSyntax); ok {
			c.SCU, c.SCP = c.SCU && asked.SCU, c.SCP && asked.SCP
			if _, answered := roleOf(ac.Roles, c.AbstractSyntax); !answered {
				ac.Roles = append(ac.Roles, dul.Role{SOPClassUID: c.AbstractSyntax, SCU: c.SCU, SCP: c.SCP})
			}
		} else {
			c.SCU, c.SCP = true, false
		}
		contexts = append(contexts, c)
	}
	return ac, contexts
}

// negotiate answers to one proposed context; the roles are those that are supported.
func (s *Acceptor) negotiate(proposed dul.PresentationContext) (Context, dul.Result) {
	i := slices.IndexFunc(s.Supported, func(p Proposal) bool { return p.AbstractSyntax == proposed.AbstractSyntax })
	if i < 0 || proposed.AbstractSyntax == "" {
		return Context{}, dul.AbstractSyntaxNotSupported
	}
	if proposed.ID%2 == 0 {
		return Context{}, dul.UserRejection
	}
	p := s.Supported[i]
	for _, uid := range p.TransferSyntaxes {
		if slices.Contains(proposed.TransferSyntaxes, uid) {
			return Context{
				ID: proposed.ID, AbstractSyntax: p.AbstractSyntax, TransferSyntax: uid, SCU: p.SCU || !p.SCP, SCP: p.SCP,
			}, dul.Acceptance
		}
	}
	return Context{}, dul.TransferSyntaxesNotSupported
}
