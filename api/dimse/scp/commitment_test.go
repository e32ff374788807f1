// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package scp_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/api/dimse"
	"github.com/endplate/endplate/api/dimse/scp"
	"github.com/endplate/endplate/api/internal/ingest"
	"github.com/endplate/endplate/api/internal/store/storetest"
)

// request is the data set of a request for storage commitment, Explicit VR Little
// Endian.
func request(t testing.TB, transaction string, uids ...string) io.Reader {
	t.Helper()
	d := &dataset.Dataset{}
	d.Text(tag.TransactionUID, "UI", transaction)
	var items []*dataset.Dataset
	for _, uid := range uids {
		item := &dataset.Dataset{}
		item.Text(tag.ReferencedSOPClassUID, "UI", ctImageStorage)
		item.Text(tag.ReferencedSOPInstanceUID, "UI", uid)
		items = append(items, item)
	}
	d.Sequence(tag.ReferencedSOPSequence, items...)
	var b bytes.Buffer
	if _, err := d.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return &b
}

// ask requests storage commitment and returns the response.
func ask(t testing.TB, a *dimse.Association, data io.Reader) dimse.Command {
	t.Helper()
	pc, ok := a.Context(dimse.StorageCommitmentPushModel)
	if !ok {
		t.Fatal("storage commitment is not offered")
	}
	c := &dimse.Command{Field: dimse.NActionRQ, MessageID: a.NextMessageID(), ActionTypeID: 1,
		RequestedSOPClassUID: dimse.StorageCommitmentPushModel, RequestedSOPInstanceUID: dimse.StorageCommitmentInstance}
	if err := a.Send(t.Context(), pc.ID, c, data); err != nil {
		t.Fatal(err)
	}
	m, err := a.Receive(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return m.Command
}

// told receives a report, answers it, and returns its event type and what it says, a
// line each.
func told(t testing.TB, a *dimse.Association) (event uint16, says []string) {
	t.Helper()
	m, err := a.Receive(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if m.Command.Field != dimse.NEventReportRQ || m.Command.AffectedSOPInstanceUID != dimse.StorageCommitmentInstance {
		t.Fatalf("%+v", m.Command)
	}
	head := dicom.FileMeta{SOPClassUID: dimse.StorageCommitmentPushModel, SOPInstanceUID: "1.2.3", TransferSyntaxUID: m.Context.TransferSyntax}.Head()
	b, err := io.ReadAll(io.MultiReader(bytes.NewReader(head), m.Data))
	if err != nil {
		t.Fatal(err)
	}
	f, err := dataset.Read(bytes.NewReader(b), int64(len(b)), dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	says = append(says, f.Dataset.Value(tag.TransactionUID))
	for _, i := range f.Dataset.Items(tag.ReferencedSOPSequence) {
		says = append(says, "kept "+i.Value(tag.ReferencedSOPInstanceUID))
	}
	for _, i := range f.Dataset.Items(tag.FailedSOPSequence) {
		says = append(says, fmt.Sprintf("%s: %04X", i.Value(tag.ReferencedSOPInstanceUID), i.Int(tag.FailureReason, 0)))
	}
	if _, err := exec.LookPath("dcmdump"); err != nil {
		t.Logf("no dcmtk: %v", err) // the rest holds without, and a peer's goroutine cannot skip the test
	} else if path := filepath.Join(t.TempDir(), "report"); os.WriteFile(path, b, 0o600) == nil {
		if dump := run(t, tool(t, "dcmdump", path)); !strings.Contains(dump, "TransactionUID") || strings.Contains(dump, "W:") {
			t.Errorf("dcmdump: %s", dump)
		}
	}
	if err := a.Send(t.Context(), m.Context.ID, m.Command.Response(dimse.Success), nil); err != nil {
		t.Fatal(err)
	}
	return m.Command.EventTypeID, says
}

// commitmentStart starts an SCP that keeps one CT instance, whose UID is 1.2.3.4.
func commitmentStart(t testing.TB, c scp.Config) *provider {
	t.Helper()
	door := ingest.Config{Store: storetest.Open(t, storetest.Embedded(t))}
	c.Store = door.Store
	p := start(t, c, door)
	i := synthetic(ctImageStorage, "1.2.3.4", 1000)
	a := p.dial(t, dialer(i))
	if rsp, err := send(t.Context(), a, i); err != nil || rsp.Status != dimse.Success {
		t.Fatalf("%v, %v", rsp.Status, err)
	}
	if err := a.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	return p
}

func commitmentDialer(syntax string) *dimse.Dialer {
	return &dimse.Dialer{CallingAETitle: "SCU", CalledAETitle: "ENDPLATE", Proposals: []dimse.Proposal{
		{AbstractSyntax: dimse.StorageCommitmentPushModel, TransferSyntaxes: []string{syntax}},
	}}
}

func (p *provider) promises(t testing.TB) int {
	t.Helper()
	all, err := p.store.Commitments(t.Context(), "SCU", time.Now().Add(time.Hour), 100)
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// A peer that cannot be reached is told on its own association.
func TestStorageCommitmentOnTheSameAssociation(t *testing.T) {
	t.Parallel()
	p := commitmentStart(t, scp.Config{})
	a := p.dial(t, commitmentDialer(dimse.ExplicitVRLittleEndian))
	if rsp := ask(t, a, request(t, "1.2.9", "1.2.3.4", "1.2.3.5")); rsp.Status != dimse.Success || rsp.ActionTypeID != 1 {
		t.Fatalf("%+v", rsp)
	}
	event, says := told(t, a)
	if diff := cmp.Diff([]string{"1.2.9", "kept 1.2.3.4", "1.2.3.5: 0112"}, says); event != 2 || diff != "" {
		t.Errorf("event %d (-want +got)\n%s", event, diff)
	}
	if rsp := ask(t, a, request(t, "1.2.10", "1.2.3.4")); rsp.Status != dimse.Success {
		t.Fatalf("%+v", rsp)
	}
	event, says = told(t, a)
	if diff := cmp.Diff([]string{"1.2.10", "kept 1.2.3.4"}, says); event != 1 || diff != "" {
		t.Errorf("event %d (-want +got)\n%s", event, diff)
	}
	if err := a.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.summaries(t, 2)
	if n := p.promises(t); n != 0 {
		t.Errorf("%d promises are left", n)
	}
}

func TestStorageCommitmentThatCannotBeAskedFor(t *testing.T) {
	t.Parallel()
	p := commitmentStart(t, scp.Config{})
	a := p.dial(t, commitmentDialer(dimse.ImplicitVRLittleEndian))
	for name, data := range map[string]io.Reader{
		"nothing":       bytes.NewReader(nil),
		"no data set":   nil,
		"another VR":    request(t, "1.2.9", "1.2.3.4"), // explicit, where implicit was agreed on
		"random":        bytes.NewReader(bytes.Repeat([]byte{0xa5, 1, 0xff}, 1000)),
		"lying lengths": bytes.NewReader([]byte{8, 0, 0x99, 0x11, 0xff, 0xff, 0xff, 0x7f, 1, 2}),
	} {
		if rsp := ask(t, a, data); !rsp.Status.Failure() {
			t.Errorf("%s: %v", name, rsp.Status)
		}
	}
	if n := p.promises(t); n != 0 {
		t.Errorf("%d promises were made", n)
	}
}

// taker is a peer that takes reports where it listens.
func taker(t *testing.T, syntax string, tell func(*dimse.Association)) (port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	acceptor := dimse.Acceptor{Supported: []dimse.Proposal{
		{AbstractSyntax: dimse.StorageCommitmentPushModel, TransferSyntaxes: []string{syntax}, SCP: true},
	}}
	go func() {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		a, err := acceptor.Accept(context.WithoutCancel(t.Context()), nc)
		if err == nil {
			tell(a)
		}
	}()
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port
}

// What was promised is told by whoever serves later, on an association of its own, in
// which the peer is the SCU although it accepts.
func TestStorageCommitmentIsNotForgotten(t *testing.T) {
	t.Parallel()
	for _, syntax := range []string{dimse.ImplicitVRLittleEndian, dimse.ExplicitVRLittleEndian} {
		p := commitmentStart(t, scp.Config{ReportAgain: time.Millisecond})
		a := p.dial(t, commitmentDialer(dimse.ExplicitVRLittleEndian))
		if rsp := ask(t, a, request(t, "1.2.9", "1.2.3.4", "1.2.3.5")); rsp.Status != dimse.Success {
			t.Fatalf("%+v", rsp)
		}
		a.Abort() // without having been told
		p.summaries(t, 2)
		stop, cancel := context.WithCancel(t.Context())
		cancel()
		p.Shutdown(stop)
		if n := p.promises(t); n != 1 {
			t.Fatalf("%d promises", n)
		}
		type outcome struct {
			event uint16
			says  []string
			role  dimse.Context
		}
		came := make(chan outcome, 1)
		port := taker(t, syntax, func(a *dimse.Association) {
			defer close(came) // also where told fails
			event, says := told(t, a)
			pc, _ := a.Context(dimse.StorageCommitmentPushModel)
			_, _ = a.Receive(t.Context()) // it is released
			came <- outcome{event, says, pc}
		})
		peer, err := scp.ParsePeer("SCU@127.0.0.1:" + port)
		if err != nil {
			t.Fatal(err)
		}
		later := start(t, scp.Config{Peers: []scp.Peer{peer}, Store: p.store, ReportAgain: time.Millisecond}, ingest.Config{Store: p.store})
		got := <-came
		if diff := cmp.Diff([]string{"1.2.9", "kept 1.2.3.4", "1.2.3.5: 0112"}, got.says); got.event != 2 || diff != "" {
			t.Errorf("event %d (-want +got)\n%s", got.event, diff)
		}
		if got.role.SCU || !got.role.SCP || got.role.TransferSyntax != syntax {
			t.Errorf("context %+v", got.role)
		}
		if n := later.promises(t); n != 0 {
			t.Errorf("%d promises are left", n)
		}
	}
}
