// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package destination

import (
	"context"
	"errors"
	"slices"

	"github.com/endplate/endplate/api/dimse"
	"github.com/endplate/endplate/api/dimse/scu"
	"github.com/endplate/endplate/api/internal/fault"
)

// AE is a destination that takes objects by C-STORE.
type AE struct {
	Address         string // HOST:PORT
	Called, Calling string // AE titles
	Encrypted       bool   // TLS
	TLS             TLSFiles
}

// String says where it is.
func (p *AE) String() string { return p.Called + "@" + p.Address }

// Send sends objects over one association.
func (p *AE) Send(ctx context.Context, objects []Object) []error {
	peer, err := p.peer()
	if err != nil {
		return slices.Repeat([]error{err}, len(objects))
	}
	instances := make([]scu.Instance, len(objects))
	for i, o := range objects {
		instances[i] = scu.Instance{
			SOPClassUID: o.SOPClassUID, SOPInstanceUID: o.SOPInstanceUID, TransferSyntaxUID: o.TransferSyntaxUID, Open: o.Open,
		}
	}
	errs := peer.Store(ctx, instances)
	for i, err := range errs {
		errs[i] = classifyDIMSE(err)
	}
	return errs
}

// Probe sends a C-ECHO.
func (p *AE) Probe(ctx context.Context) error {
	peer, err := p.peer()
	if err != nil {
		return err
	}
	return classifyDIMSE(peer.Echo(ctx))
}

func (p *AE) peer() (*scu.Peer, error) {
	peer := &scu.Peer{Address: p.Address, CalledAETitle: p.Called, CallingAETitle: p.Calling}
	if !p.Encrypted {
		return peer, nil
	}
	var err error
	peer.TLS, err = p.TLS.config()
	return peer, err
}

// classifyDIMSE makes a fault of what came of an object. What the archive has already
// has arrived.
func classifyDIMSE(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*scu.StatusError](err); ok {
		if e.Status == dimse.DuplicateSOPInstance {
			return nil
		}
		return fault.Wrap(err, fault.Unsupported, "", "it was refused with the status %v", e.Status)
	}
	if e, ok := errors.AsType[*dimse.RejectError](err); ok {
		return fault.Wrap(err, fault.Unavailable, "", "%v", e)
	}
	if e, ok := errors.AsType[*dimse.AbortError](err); ok {
		return fault.Wrap(err, fault.Unavailable, "", "%v", e)
	}
	if errors.Is(err, scu.ErrNotAccepted) {
		return fault.Wrap(err, fault.Unsupported, "", "it does not take objects of this SOP class")
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err // of what is stored here
	}
	return unreachable(err)
}
