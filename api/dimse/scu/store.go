// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package scu

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/api/dimse"
)

// Instance is an instance that is to be stored.
type Instance struct {
	SOPClassUID, SOPInstanceUID, TransferSyntaxUID string

	Open func() (io.ReadCloser, error) // a DICOM file, PS3.10
}

// ErrNotAccepted tells that the peer takes no instances of the SOP class, or not in a
// transfer syntax in which there is this one.
var ErrNotAccepted = errors.New("the peer does not take the SOP class in a transfer syntax that there is")

// mostContexts is how many presentation contexts an association has at most. PS3.8
// section 9.3.2.2.
const mostContexts = 128

// Store stores instances with the peer, over one association, and returns of each why
// the peer has not taken it; nil where it has, if with a warning. An error of the
// association is that of all instances that it left over. PS3.4 annex B.
func (p *Peer) Store(ctx context.Context, instances []Instance) []error {
	errs := make([]error, len(instances))
	a, err := p.dial(ctx, answerTime, storage(instances))
	if errors.Is(err, dimse.ErrNoContext) {
		err = ErrNotAccepted
	}
	if err != nil {
		return slices.Repeat([]error{err}, len(instances))
	}
	defer release(ctx, a)
	for i := range instances {
		var over bool
		if over, errs[i] = store(ctx, a, &instances[i]); over {
			for k := range errs[i:] {
				errs[i+k] = errs[i]
			}
			break
		}
	}
	return errs
}

// storage returns the presentation contexts of instances: a SOP class in the transfer
// syntax of an instance, each pair in a context of its own so that it can be chosen,
// and in that which every peer takes.
func storage(instances []Instance) []dimse.Proposal {
	var all []dimse.Proposal
	propose := func(class, syntax string) {
		same := func(p dimse.Proposal) bool { return p.AbstractSyntax == class && p.TransferSyntaxes[0] == syntax }
		if len(all) < mostContexts && !slices.ContainsFunc(all, same) {
			all = append(all, dimse.Proposal{AbstractSyntax: class, TransferSyntaxes: []string{syntax}})
		}
	}
	for _, i := range instances {
		propose(i.SOPClassUID, i.TransferSyntaxUID)
	}
	for _, i := range instances {
		if i.TransferSyntaxUID == dimse.ExplicitVRLittleEndian {
			propose(i.SOPClassUID, dimse.ImplicitVRLittleEndian)
		}
	}
	return all
}

// store stores an instance. It tells whether the association is over.
func store(ctx context.Context, a *dimse.Association, i *Instance) (over bool, err error) {
	accepted, ok := a.Context(i.SOPClassUID, i.TransferSyntaxUID, dimse.ImplicitVRLittleEndian)
	if !ok || accepted.TransferSyntax != i.TransferSyntaxUID && i.TransferSyntaxUID != dimse.ExplicitVRLittleEndian {
		return false, ErrNotAccepted
	}
	f, err := i.Open()
	if err != nil {
		return false, err
	}
	defer f.Close()
	data, err := dataSet(f, i, accepted.TransferSyntax)
	if err != nil {
		return false, fmt.Errorf("instance %s: %w", i.SOPInstanceUID, err)
	}
	rq := &dimse.Command{
		Field: dimse.CStoreRQ, MessageID: a.NextMessageID(),
		AffectedSOPClassUID: i.SOPClassUID, AffectedSOPInstanceUID: i.SOPInstanceUID,
	}
	if err := a.Send(ctx, accepted.ID, rq, data); err != nil {
		return true, err
	}
	err = final(ctx, a, rq)
	_, refused := errors.AsType[*StatusError](err)
	return err != nil && !refused, err
}

// dataSet returns the data set of a file as a transfer syntax has it: byte for byte
// where it is the file's own.
func dataSet(f io.Reader, i *Instance, transferSyntax string) (io.Reader, error) {
	if transferSyntax == i.TransferSyntaxUID {
		_, data, err := dicom.ReadFileMeta(f)
		return data, err
	}
	d, err := dataset.Read(f, -1, dataset.Options{Pixels: true, Limit: mostTranscoded})
	if err != nil {
		return nil, err
	}
	d.Remove(tag.SpecificCharacterSet) // what is encoded says which it is
	b, err := dimse.EncodeDataSet(&d.Dataset, transferSyntax)
	return bytes.NewReader(b), err
}

// mostTranscoded bounds an instance that is held to be written in another transfer
// syntax, bytes.
const mostTranscoded = 512 << 20
