// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dimse

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A C-STORE-RQ, written out. Reference: PS3.7 table 9.3-1.
func TestCommandSetOnTheWire(t *testing.T) {
	want := strings.Join([]string{
		"\x00\x00\x00\x00\x04\x00\x00\x00\x56\x00\x00\x00",      // (0000,0000) Command Group Length, 86
		"\x00\x00\x02\x00\x12\x00\x00\x001.2.840.10008.1.1\x00", // (0000,0002) Affected SOP Class UID, padded
		"\x00\x00\x00\x01\x02\x00\x00\x00\x01\x00",              // (0000,0100) Command Field, C-STORE-RQ
		"\x00\x00\x10\x01\x02\x00\x00\x00\x07\x00",              // (0000,0110) Message ID
		"\x00\x00\x00\x07\x02\x00\x00\x00\x00\x00",              // (0000,0700) Priority, medium
		"\x00\x00\x00\x08\x02\x00\x00\x00\x01\x00",              // (0000,0800) Command Data Set Type, there is one
		"\x00\x00\x00\x10\x0c\x00\x00\x001.2.3.4.5.6\x00",       // (0000,1000) Affected SOP Instance UID, padded
	}, "")
	c := &Command{Field: CStoreRQ, MessageID: 7, DataSet: true, AffectedSOPClassUID: "1.2.840.10008.1.1", AffectedSOPInstanceUID: "1.2.3.4.5.6"}
	if got := string(c.encode()); got != want {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

func TestCommandsComeBack(t *testing.T) {
	for _, c := range commands {
		got, err := decodeCommand(c.encode())
		if err != nil {
			t.Errorf("%v: %v", c.Field, err)
			continue
		}
		if diff := cmp.Diff(c, got); diff != "" {
			t.Errorf("%v (-want +got)\n%s", c.Field, diff)
		}
	}
}

var commands = []*Command{
	{Field: CEchoRQ, MessageID: 1, AffectedSOPClassUID: VerificationSOPClass},
	{Field: CStoreRQ, MessageID: 2, DataSet: true, AffectedSOPClassUID: "1.2", AffectedSOPInstanceUID: "1.2.3", Priority: 2,
		MoveOriginatorAETitle: "PACS", MoveOriginatorMessageID: 7},
	{Field: CStoreRSP, MessageIDBeingRespondedTo: 2, AffectedSOPClassUID: "1.2", AffectedSOPInstanceUID: "1.2.3",
		Status: OutOfResources, ErrorComment: "no room left", OffendingElements: []uint32{0x0020000D, 0x00080018}},
	{Field: CMoveRQ, MessageID: 3, DataSet: true, AffectedSOPClassUID: StudyRootMove, MoveDestination: "ENDPLATE"},
	{Field: CMoveRSP, MessageIDBeingRespondedTo: 3, AffectedSOPClassUID: StudyRootMove, Status: Pending,
		Remaining: new(uint16(3)), Completed: new(uint16(4)), Failed: new(uint16(0)), Warning: new(uint16(1))},
	{Field: CCancelRQ, MessageIDBeingRespondedTo: 3},
	{Field: NActionRQ, MessageID: 4, DataSet: true, RequestedSOPClassUID: StorageCommitmentPushModel,
		RequestedSOPInstanceUID: StorageCommitmentInstance, ActionTypeID: 1},
	{Field: NEventReportRQ, MessageID: 5, DataSet: true, AffectedSOPClassUID: StorageCommitmentPushModel,
		AffectedSOPInstanceUID: StorageCommitmentInstance, EventTypeID: 2},
}

func FuzzCommand(f *testing.F) {
	for _, c := range commands {
		f.Add(c.encode())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := decodeCommand(b)
		if err != nil {
			if !errors.Is(err, errCommand) {
				t.Errorf("error %v", err)
			}
			return
		}
		again, err := decodeCommand(c.encode())
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if again.Field != c.Field || again.DataSet != c.DataSet || again.AffectedSOPInstanceUID != c.AffectedSOPInstanceUID {
			t.Errorf("%+v, again %+v", c, again)
		}
	})
}

func TestStatuses(t *testing.T) {
	for _, tt := range []struct {
		status                    Status
		pending, warning, failure bool
	}{
		{Success, false, false, false},
		{Pending, true, false, false},
		{PendingWarning, true, false, false},
		{Cancel, false, false, false},
		{CoercionOfDataElements, false, true, false},
		{AttributeListError, false, true, false},
		{OutOfResources, false, false, true},
		{CannotUnderstand, false, false, true},
		{DuplicateSOPInstance, false, false, true},
		{0xA702, false, false, true}, // out of resources, of C-MOVE
	} {
		if tt.status.Pending() != tt.pending || tt.status.Warning() != tt.warning || tt.status.Failure() != tt.failure {
			t.Errorf("%v: pending %t, warning %t, failure %t", tt.status, tt.status.Pending(), tt.status.Warning(), tt.status.Failure())
		}
	}
}

// What is told of an error fits an LO in the default character set.
func TestErrorComment(t *testing.T) {
	c := &Command{Field: CStoreRSP, ErrorComment: "größer als \\ " + strings.Repeat("x", 100)}
	got, err := decodeCommand(c.encode())
	if err != nil || len(got.ErrorComment) != 64 || !strings.HasPrefix(got.ErrorComment, "gr??er als ? x") {
		t.Errorf("%q, %v", got.ErrorComment, err)
	}
}
