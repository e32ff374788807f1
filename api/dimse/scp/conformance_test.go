// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package scp_test

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/suyashkumar/dicom/pkg/uid"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/api/dimse"
	"github.com/endplate/endplate/api/dimse/scp"
	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/ingest"
	"github.com/endplate/endplate/api/internal/store/storetest"
)

// rows returns the UIDs of the rows of a table of the statement whose other cells a
// pattern fits.
func rows(statement, pattern string) (uids []string) {
	for _, found := range regexp.MustCompile(pattern).FindAllStringSubmatch(statement, -1) {
		uids = append(uids, found[1])
	}
	return uids
}

// What the statement says is accepted, and nothing else is.
func TestConformanceStatementIsTrue(t *testing.T) {
	t.Parallel()
	kept := []string{petImageStorage}
	door := ingest.Config{Store: storetest.Open(t, storetest.Embedded(t)), SOPClasses: kept}
	config := scp.Config{AETitle: "SPINE", Classes: ingest.Accepted(kept), Store: door.Store, MaxPDU: 65536}
	var b bytes.Buffer
	if err := scp.WriteConformance(&b, config); err != nil {
		t.Fatal(err)
	}
	statement := b.String()
	classes := rows(statement, `\n\| .* \| ([0-9.]+) \| those of instances \|`)
	syntaxes := rows(statement, `\n\| \d+ \| .* \| ([0-9.]+) \|`)
	if diff := cmp.Diff(ingest.Accepted(kept), classes); diff != "" {
		t.Errorf("SOP classes (-taken +said)\n%s", diff)
	}
	p := start(t, config, door)
	negotiate := func(proposals ...dimse.Proposal) []dimse.Context {
		d := &dimse.Dialer{CallingAETitle: "SCU", CalledAETitle: "SPINE", Proposals: append(proposals,
			dimse.Proposal{AbstractSyntax: dimse.VerificationSOPClass, TransferSyntaxes: []string{dimse.ImplicitVRLittleEndian}})}
		a := p.dial(t, d)
		defer a.Release(t.Context())
		if peer := a.Peer(); peer.MaxPDU != 65536 || !strings.Contains(statement, "65536 bytes") ||
			!strings.Contains(statement, "UID "+peer.ImplementationClassUID+", Implementation Version Name "+peer.ImplementationVersionName+".") {
			t.Errorf("the peer is %+v", peer)
		}
		contexts := a.Contexts()
		return contexts[:len(contexts)-1] // but for Verification
	}
	for _, class := range classes {
		var each []dimse.Proposal
		for _, syntax := range syntaxes {
			each = append(each, dimse.Proposal{AbstractSyntax: class, TransferSyntaxes: []string{syntax}})
		}
		if got := negotiate(each...); len(got) != len(syntaxes) {
			t.Errorf("%s: %d contexts are accepted, %d were proposed", class, len(got), len(syntaxes))
		}
	}
	for n := range syntaxes { // whatever the order of the proposal
		all := slices.Clone(syntaxes[n:])
		slices.Reverse(all)
		if got := negotiate(dimse.Proposal{AbstractSyntax: ctImageStorage, TransferSyntaxes: all}); got[0].TransferSyntax != syntaxes[n] {
			t.Errorf("%s is preferred to %s", got[0].TransferSyntax, syntaxes[n])
		}
	}
	for _, class := range []string{"1.2.840.10008.5.1.4.1.1.4", dimse.StudyRootFind, "1.2.3"} {
		if got := negotiate(dimse.Proposal{AbstractSyntax: class, TransferSyntaxes: syntaxes}); len(got) != 0 || strings.Contains(statement, class+" ") {
			t.Errorf("%s is accepted", class)
		}
	}
	for _, known := range transferSyntaxes() {
		said := slices.Contains(syntaxes, known)
		if said != dicom.TransferSyntaxReadable(known) {
			t.Errorf("%s is said to be accepted: %t; it is decoded: %t", known, said, !said)
		}
		if got := negotiate(dimse.Proposal{AbstractSyntax: ctImageStorage, TransferSyntaxes: []string{known}}); (len(got) == 1) != said {
			t.Errorf("%s is said to be accepted: %t", known, said)
		}
	}
}

// transferSyntaxes returns those of PS3.6 annex A, and those that are newer than its
// table here.
func transferSyntaxes() []string {
	all := []string{"1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.202", "1.2.840.10008.1.2.4.203"}
	for n := range 100 {
		for _, u := range []string{"1.2.840.10008.1.2.4", "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"} {
			u = fmt.Sprintf("%s.%d", u, n)
			if info, err := uid.Lookup(u); err == nil && info.Type == uid.TypeTransferSyntax {
				all = append(all, u)
			}
		}
	}
	return all
}

// Every status that a door's refusal is answered by is in the statement.
func TestConformanceStatementNamesEveryStatus(t *testing.T) {
	var b bytes.Buffer
	if err := scp.WriteConformance(&b, scp.Config{AETitle: "SPINE"}); err != nil {
		t.Fatal(err)
	}
	for k := range fault.Kind(fault.NumKinds) {
		switch k {
		case fault.NotExist, fault.Denied, fault.Unauthenticated: // of no instance that comes
		default:
			if status := fmt.Sprintf("\n| %04XH |", k.CStoreStatus()); !strings.Contains(b.String(), status) {
				t.Errorf("%v: no row %q", k, status)
			}
		}
	}
}

// Every status that a request for storage commitment is answered by is in the statement.
func TestConformanceStatementNamesEveryStatusOfCommitment(t *testing.T) {
	t.Parallel()
	p := commitmentStart(t, scp.Config{})
	var b bytes.Buffer
	if err := scp.WriteConformance(&b, scp.Config{AETitle: "SPINE", Store: p.store}); err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(b.String(), "| Status of the N-ACTION |")
	a := p.dial(t, commitmentDialer(dimse.ExplicitVRLittleEndian))
	pc, _ := a.Context(dimse.StorageCommitmentPushModel)
	for want, change := range map[dimse.Status]func(*dimse.Command, *io.Reader){
		dimse.Success:              func(*dimse.Command, *io.Reader) {},
		dimse.NoSuchSOPClass:       func(c *dimse.Command, _ *io.Reader) { c.RequestedSOPClassUID = ctImageStorage },
		dimse.NoSuchObjectInstance: func(c *dimse.Command, _ *io.Reader) { c.RequestedSOPInstanceUID = "1.2.3" },
		dimse.NoSuchActionType:     func(c *dimse.Command, _ *io.Reader) { c.ActionTypeID = 2 },
		dimse.NoSuchArgument:       func(_ *dimse.Command, data *io.Reader) { *data = nil },
		dimse.InvalidArgumentValue: func(_ *dimse.Command, data *io.Reader) { *data = request(t, "1.2.9") },
	} {
		c := &dimse.Command{Field: dimse.NActionRQ, MessageID: a.NextMessageID(), ActionTypeID: 1,
			RequestedSOPClassUID: dimse.StorageCommitmentPushModel, RequestedSOPInstanceUID: dimse.StorageCommitmentInstance}
		data := request(t, "1.2.9", "1.2.3.4")
		change(c, &data)
		if err := a.Send(t.Context(), pc.ID, c, data); err != nil {
			t.Fatal(err)
		}
		m, err := a.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Command.Status; got != want || !strings.Contains(table, fmt.Sprintf("\n| %04XH |", uint16(got))) {
			t.Errorf("answered by %v, want %v, which the statement is to name", got, want)
		}
		if m.Command.Status == dimse.Success { // it is reported on here
			told(t, a)
		}
	}
	if !strings.Contains(table, "\n| 0110H |") || !strings.Contains(table, "\n| 0213H |") {
		t.Error("the statuses of a store that fails are missing")
	}
}
