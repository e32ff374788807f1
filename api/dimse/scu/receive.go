// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package scu

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/api/dimse"
)

// Receiver takes the instances that a peer was asked to move here, for as long as that
// takes. It is no archive: see package scp.
type Receiver struct {
	AETitle string // by which the peer calls us
	// Classes are the SOP classes of storage that are taken, in the transfer syntaxes
	// of Syntaxes.
	Classes, Syntaxes []string
	// Keep keeps an instance, of which it reads the data set to the end. It may be
	// called at once.
	Keep func(m dicom.FileMeta, data io.Reader) error
}

// Serve takes instances until the listener is closed, which is no error. It returns when
// the associations have ended; those that go on are aborted when ctx ends.
func (r *Receiver) Serve(ctx context.Context, l net.Listener) error {
	acceptor := dimse.Acceptor{Admit: r.admit, Supported: []dimse.Proposal{{AbstractSyntax: dimse.VerificationSOPClass, TransferSyntaxes: syntaxes}}}
	for _, class := range r.Classes {
		acceptor.Supported = append(acceptor.Supported, dimse.Proposal{AbstractSyntax: class, TransferSyntaxes: r.Syntaxes})
	}
	var open sync.WaitGroup
	defer open.Wait()
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		open.Go(func() {
			a, err := acceptor.Accept(ctx, c)
			if err != nil {
				return // which the other side has been told
			}
			defer a.Abort()
			r.serve(ctx, a)
		})
	}
}

// admit refuses who calls somebody else.
func (r *Receiver) admit(q dimse.Request) *dimse.RejectError {
	if q.CalledAETitle == r.AETitle {
		return nil
	}
	return &dimse.RejectError{Result: 1, Source: 1, Reason: 7} // called AE title not recognized, PS3.8 9.3.4
}

// serve answers the requests of an association until it ends.
func (r *Receiver) serve(ctx context.Context, a *dimse.Association) {
	for {
		m, err := a.Receive(ctx)
		if err != nil {
			return
		}
		status := dimse.UnrecognizedOperation
		switch m.Command.Field {
		case dimse.CEchoRQ:
			status = dimse.Success
		case dimse.CStoreRQ:
			status = r.store(m)
		}
		if m.Command.Field.IsResponse() || a.Send(ctx, m.Context.ID, m.Command.Response(status), nil) != nil {
			return
		}
	}
}

func (r *Receiver) store(m *dimse.Message) dimse.Status {
	meta := dicom.FileMeta{
		SOPClassUID: m.Context.AbstractSyntax, SOPInstanceUID: m.Command.AffectedSOPInstanceUID, TransferSyntaxUID: m.Context.TransferSyntax,
	}
	switch {
	case m.Command.AffectedSOPClassUID != meta.SOPClassUID:
		return dimse.SOPClassNotSupported
	case dicom.ValidUID(meta.SOPInstanceUID) == "":
		return dimse.InvalidSOPInstance
	case m.Data == nil:
		return dimse.CannotUnderstand
	case r.Keep(meta, m.Data) != nil:
		return dimse.OutOfResources
	}
	return dimse.Success
}
