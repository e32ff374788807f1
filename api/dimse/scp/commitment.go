// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package scp

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/api/dimse"
	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/store"
)

// The types of action and events of the Storage Commitment Push Model. PS3.4 tables
// J.3.2.1.1 and J.3.3.1.1.
const (
	requestCommitment       = 1
	commitmentSuccessful    = 1
	commitmentFailuresExist = 2
)

// The reasons why an instance is not committed to. PS3.3 C.14.1.1.
const (
	noSuchObjectInstance  = 0x0112
	classInstanceConflict = 0x0119
)

// The bounds of a request for commitment.
const (
	longestRequest = 16 << 20 // bytes
	mostReferences = 100_000
)

// commit promises to tell the peer which instances are kept. The promise is on the disk
// before it is acknowledged. PS3.4 annex J.
func (a *association) commit(ctx context.Context, m *dimse.Message) (*dimse.Command, error) {
	c := &m.Command
	rsp := c.Response(dimse.Success)
	switch {
	case c.RequestedSOPClassUID != dimse.StorageCommitmentPushModel:
		rsp.Status = dimse.NoSuchSOPClass
	case c.RequestedSOPInstanceUID != dimse.StorageCommitmentInstance:
		rsp.Status = dimse.NoSuchObjectInstance
	case c.ActionTypeID != requestCommitment:
		rsp.Status = dimse.NoSuchActionType
	case m.Data == nil:
		rsp.Status, rsp.ErrorComment = dimse.NoSuchArgument, "no data set"
	}
	if rsp.Status != dimse.Success {
		return rsp, nil
	}
	data := &dataSet{r: m.Data}
	request, err := readRequest(data, m.Context.TransferSyntax)
	if data.err != nil && !errors.Is(data.err, io.EOF) {
		return nil, data.err // the association has ended
	}
	if err != nil {
		rsp.Status, rsp.ErrorComment = dimse.InvalidArgumentValue, err.Error()
		return rsp, nil //nolint:nilerr // the response tells of it
	}
	request.AETitle = a.Peer().AETitle
	a.server.config.Ingest.Settle(ctx)
	err = a.server.config.Store.Write(ctx, func(tx *store.Tx) (err error) {
		_, err = tx.AddCommitment(ctx, *request, 0)
		return err
	})
	if err != nil {
		rsp.Status, rsp.ErrorComment = dimse.ProcessingFailure, fault.Public(err).Text
		if fault.Of(err).Temporary() {
			rsp.Status = dimse.ResourceLimitation
		}
	}
	return rsp, nil
}

var (
	errRequest  = errors.New("the request cannot be read")
	errNoUID    = errors.New("a Transaction UID or reference is no UID")
	errMany     = errors.New("more references than are taken")
	errNothing  = errors.New("no instance is referenced")
	errTooLarge = errors.New("the request is larger than is taken")
)

// readRequest reads the data set of an N-ACTION. PS3.4 table J.3-1.
func readRequest(r io.Reader, transferSyntax string) (*store.Commitment, error) {
	b, err := io.ReadAll(io.LimitReader(r, longestRequest+1))
	if err != nil {
		return nil, err
	}
	if len(b) > longestRequest {
		return nil, errTooLarge
	}
	b = append(dicom.FileMeta{TransferSyntaxUID: transferSyntax}.Head(), b...)
	f, err := dataset.Read(bytes.NewReader(b), int64(len(b)), dataset.Options{Limit: 2 * longestRequest})
	if err != nil {
		return nil, errRequest
	}
	c := &store.Commitment{TransactionUID: dicom.ValidUID(f.Dataset.Value(tag.TransactionUID))}
	items := f.Dataset.Items(tag.ReferencedSOPSequence)
	switch {
	case c.TransactionUID == "":
		return nil, errNoUID
	case len(items) == 0:
		return nil, errNothing
	case len(items) > mostReferences:
		return nil, errMany
	}
	for _, item := range items {
		i := store.InstanceReference{
			SOPClassUID:    dicom.ValidUID(item.Value(tag.ReferencedSOPClassUID)),
			SOPInstanceUID: dicom.ValidUID(item.Value(tag.ReferencedSOPInstanceUID)),
		}
		if i.SOPClassUID == "" || i.SOPInstanceUID == "" {
			return nil, errNoUID
		}
		c.Instances = append(c.Instances, i)
	}
	return c, nil
}

// report is what an N-EVENT-REPORT says.
type report struct {
	transactionUID string
	kept           []store.InstanceReference
	failed         []failure
}

type failure struct {
	store.InstanceReference
	reason uint16
}

// look finds out which instances are kept now.
func (s *Server) look(ctx context.Context, c store.Commitment) (*report, error) {
	r := &report{transactionUID: c.TransactionUID}
	for _, i := range c.Instances {
		kept, err := s.config.Store.Instance(ctx, i.SOPInstanceUID)
		switch {
		case fault.Of(err) == fault.NotExist && err != nil:
			r.failed = append(r.failed, failure{i, noSuchObjectInstance})
		case err != nil:
			return nil, err
		case kept.SOPClassUID != i.SOPClassUID:
			r.failed = append(r.failed, failure{i, classInstanceConflict})
		default:
			r.kept = append(r.kept, i)
		}
	}
	return r, nil
}

// command returns the command set of the report.
func (r *report) command(id uint16) *dimse.Command {
	c := &dimse.Command{
		Field: dimse.NEventReportRQ, MessageID: id, EventTypeID: commitmentSuccessful,
		AffectedSOPClassUID: dimse.StorageCommitmentPushModel, AffectedSOPInstanceUID: dimse.StorageCommitmentInstance,
	}
	if len(r.failed) > 0 {
		c.EventTypeID = commitmentFailuresExist
	}
	return c
}

// send sends the report as a message of its own.
func (r *report) send(ctx context.Context, a *dimse.Association, pc dimse.Context, id uint16) error {
	b, err := dimse.EncodeDataSet(r.dataSet(), pc.TransferSyntax)
	if err != nil {
		return err
	}
	return a.Send(ctx, pc.ID, r.command(id), bytes.NewReader(b))
}

// dataSet returns the data set of the report. PS3.4 table J.3-2.
func (r *report) dataSet() *dataset.Dataset {
	d := &dataset.Dataset{}
	putUID(d, tag.TransactionUID, r.transactionUID)
	if len(r.failed) > 0 {
		items := make([]*dataset.Dataset, len(r.failed))
		for i, f := range r.failed {
			items[i] = reference(f.InstanceReference)
			items[i].Ints(tag.FailureReason, "US", int(f.reason))
		}
		d.Sequence(tag.FailedSOPSequence, items...)
	}
	if len(r.kept) > 0 {
		items := make([]*dataset.Dataset, len(r.kept))
		for i, k := range r.kept {
			items[i] = reference(k)
		}
		d.Sequence(tag.ReferencedSOPSequence, items...)
	}
	return d
}

func reference(i store.InstanceReference) *dataset.Dataset {
	d := &dataset.Dataset{}
	putUID(d, tag.ReferencedSOPClassUID, i.SOPClassUID)
	putUID(d, tag.ReferencedSOPInstanceUID, i.SOPInstanceUID)
	return d
}

// putUID sets a UID as the peer gave it: what it asked about is what it is told of.
func putUID(d *dataset.Dataset, t tag.Tag, uid string) {
	d.Put(dataset.Element{Tag: t, VR: "UI", Value: []byte(uid)})
}
