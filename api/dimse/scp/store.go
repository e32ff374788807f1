// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package scp

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/api/dimse"
	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/ingest"
)

// Source names the transport to the store and the metrics.
const Source = "dimse"

// errBeyond tells of a peer that sends what nobody takes.
var errBeyond = errors.New("the data set goes on far beyond what is taken")

// store takes an instance in. The response is sent after the data set has come to its
// end. The error is that of an association that ended meanwhile. PS3.4 annex B.
func (a *association) store(ctx context.Context, m *dimse.Message) (*dimse.Command, error) {
	rsp := m.Command.Response(dimse.Success)
	if m.Data == nil {
		rsp.Status, rsp.ErrorComment = dimse.CannotUnderstand, "no data set"
		a.summary.Refused++
		return rsp, nil
	}
	data := &dataSet{r: m.Data}
	if status := misdirected(m); status != dimse.Success {
		rsp.Status = status
	} else {
		a.keep(ctx, m, data, rsp)
	}
	if rsp.Status == dimse.Success {
		a.summary.Stored++
	} else {
		a.summary.Refused++
	}
	if data.err == nil {
		_, _ = io.CopyN(io.Discard, data, a.server.config.MaxInstance) // data notes how it ended
	}
	switch {
	case data.err == nil:
		return nil, errBeyond
	case !errors.Is(data.err, io.EOF):
		return nil, data.err
	}
	return rsp, nil
}

// dataSet notes how a data set ended.
type dataSet struct {
	r   io.Reader
	err error // nil: it goes on
}

func (d *dataSet) Read(p []byte) (int, error) {
	n, err := d.r.Read(p)
	if err != nil {
		d.err = err
	}
	return n, err
}

// misdirected says what is wrong with a C-STORE-RQ without a look at the data set.
// PS3.7 9.1.1.1.9.
func misdirected(m *dimse.Message) dimse.Status {
	switch {
	case m.Command.AffectedSOPClassUID != m.Context.AbstractSyntax, m.Context.AbstractSyntax == dimse.VerificationSOPClass:
		return dimse.SOPClassNotSupported
	case m.Command.AffectedSOPInstanceUID == "":
		return dimse.InvalidSOPInstance
	}
	return dimse.Success
}

// keep hands an instance to the door, and fills in the response by what becomes of it.
func (a *association) keep(ctx context.Context, m *dimse.Message, data io.Reader, rsp *dimse.Command) {
	head := dicom.FileMeta{
		SOPClassUID: m.Command.AffectedSOPClassUID, SOPInstanceUID: m.Command.AffectedSOPInstanceUID,
		TransferSyntaxUID: m.Context.TransferSyntax,
	}.Head()
	o := a.server.config.Ingest.Add(ctx, ingest.Upload{Source: Source, Early: true}, io.MultiReader(bytes.NewReader(head), data))
	a.summary.saw(o.StudyInstanceUID)
	if o.Err == nil {
		return
	}
	told := fault.Public(o.Err)
	rsp.Status, rsp.ErrorComment = dimse.Status(told.Kind.CStoreStatus()), told.Text
}
