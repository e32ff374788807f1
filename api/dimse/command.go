// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dimse

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/endplate/endplate/analysis/dicom"
)

// Field is the Command Field (0000,0100). PS3.7 annex E.
type Field uint16

// The messages; a response is its request with the highest bit set.
const (
	CStoreRQ       Field = 0x0001
	CGetRQ         Field = 0x0010
	CFindRQ        Field = 0x0020
	CMoveRQ        Field = 0x0021
	CEchoRQ        Field = 0x0030
	NEventReportRQ Field = 0x0100
	NGetRQ         Field = 0x0110
	NSetRQ         Field = 0x0120
	NActionRQ      Field = 0x0130
	NCreateRQ      Field = 0x0140
	NDeleteRQ      Field = 0x0150
	CCancelRQ      Field = 0x0FFF

	response Field = 0x8000

	CStoreRSP       = CStoreRQ | response
	CFindRSP        = CFindRQ | response
	CMoveRSP        = CMoveRQ | response
	CEchoRSP        = CEchoRQ | response
	NEventReportRSP = NEventReportRQ | response
	NActionRSP      = NActionRQ | response
)

// IsResponse reports whether it is that of a response.
func (f Field) IsResponse() bool { return f&response != 0 }

var fieldNames = map[Field]string{
	CStoreRQ: "C-STORE", CGetRQ: "C-GET", CFindRQ: "C-FIND", CMoveRQ: "C-MOVE", CEchoRQ: "C-ECHO",
	NEventReportRQ: "N-EVENT-REPORT", NGetRQ: "N-GET", NSetRQ: "N-SET", NActionRQ: "N-ACTION", NCreateRQ: "N-CREATE",
	NDeleteRQ: "N-DELETE", CCancelRQ: "C-CANCEL",
}

// Known reports whether it is that of a message of the standard.
func (f Field) Known() bool { return fieldNames[f&^response] != "" }

// String returns what the standard calls the message, such as C-STORE-RQ.
func (f Field) String() string {
	name, known := fieldNames[f&^response]
	switch {
	case !known:
		return fmt.Sprintf("message %04XH", uint16(f))
	case f.IsResponse():
		return name + "-RSP"
	}
	return name + "-RQ"
}

// Command is a command set. What is sent of it is what the message has by PS3.7
// sections 9.3 and 10.3; what is empty and may be absent is not sent.
type Command struct {
	Field                     Field
	MessageID                 uint16 // of a request
	MessageIDBeingRespondedTo uint16 // of a response or a cancellation
	DataSet                   bool   // whether one follows
	Priority                  uint16 // 0 medium, 1 high, 2 low

	AffectedSOPClassUID, RequestedSOPClassUID       string
	AffectedSOPInstanceUID, RequestedSOPInstanceUID string

	Status            Status // of a response
	ErrorComment      string // at most 64 characters are sent
	OffendingElements []uint32

	MoveDestination         string
	MoveOriginatorAETitle   string
	MoveOriginatorMessageID uint16
	// The sub-operations of a C-MOVE; nil: not said.
	Remaining, Completed, Failed, Warning *uint16

	EventTypeID, ActionTypeID uint16
}

// Response returns the response to a request, without what only some responses have.
func (c *Command) Response(s Status) *Command {
	r := &Command{Field: c.Field | response, MessageIDBeingRespondedTo: c.MessageID, Status: s}
	r.AffectedSOPClassUID, r.AffectedSOPInstanceUID = c.AffectedSOPClassUID, c.AffectedSOPInstanceUID
	if c.Field == NActionRQ {
		r.AffectedSOPClassUID, r.AffectedSOPInstanceUID = c.RequestedSOPClassUID, c.RequestedSOPInstanceUID
		r.ActionTypeID = c.ActionTypeID
	}
	r.EventTypeID = c.EventTypeID
	return r
}

// The elements of group 0000. PS3.7 annex E.
const (
	tagGroupLength             = 0x0000
	tagAffectedSOPClassUID     = 0x0002
	tagRequestedSOPClassUID    = 0x0003
	tagCommandField            = 0x0100
	tagMessageID               = 0x0110
	tagMessageIDRespondedTo    = 0x0120
	tagMoveDestination         = 0x0600
	tagPriority                = 0x0700
	tagCommandDataSetType      = 0x0800
	tagStatus                  = 0x0900
	tagOffendingElement        = 0x0901
	tagErrorComment            = 0x0902
	tagAffectedSOPInstanceUID  = 0x1000
	tagRequestedSOPInstanceUID = 0x1001
	tagEventTypeID             = 0x1002
	tagActionTypeID            = 0x1008
	tagRemaining               = 0x1020
	tagCompleted               = 0x1021
	tagFailed                  = 0x1022
	tagWarning                 = 0x1023
	tagMoveOriginatorAETitle   = 0x1030
	tagMoveOriginatorMessageID = 0x1031
)

// noDataSet is the value of Command Data Set Type that says that there is none.
const noDataSet = 0x0101

// commandSet builds a command set in Implicit VR Little Endian. The elements must be
// put in ascending order.
type commandSet []byte

func (s *commandSet) put(element uint16, value []byte) {
	*s = binary.LittleEndian.AppendUint16(append(*s, 0, 0), element)
	*s = binary.LittleEndian.AppendUint32(*s, uint32(len(value)))
	*s = append(*s, value...)
}

func (s *commandSet) number(element, n uint16) {
	s.put(element, binary.LittleEndian.AppendUint16(nil, n))
}

// text puts a text unless it is empty.
func (s *commandSet) text(element uint16, text string, pad byte) {
	if text == "" {
		return
	}
	b := []byte(text)
	if len(b)%2 == 1 {
		b = append(b, pad)
	}
	s.put(element, b)
}

func (s *commandSet) count(element uint16, n *uint16) {
	if n != nil {
		s.number(element, *n)
	}
}

// encode returns the command set.
func (c *Command) encode() []byte {
	var s commandSet
	rsp := c.Field.IsResponse()
	s.text(tagAffectedSOPClassUID, c.AffectedSOPClassUID, 0)
	s.text(tagRequestedSOPClassUID, c.RequestedSOPClassUID, 0)
	s.number(tagCommandField, uint16(c.Field))
	if rsp || c.Field == CCancelRQ {
		s.number(tagMessageIDRespondedTo, c.MessageIDBeingRespondedTo)
	} else {
		s.number(tagMessageID, c.MessageID)
	}
	s.text(tagMoveDestination, c.MoveDestination, ' ')
	if c.Field == CStoreRQ || c.Field == CFindRQ || c.Field == CMoveRQ || c.Field == CGetRQ {
		s.number(tagPriority, c.Priority)
	}
	s.number(tagCommandDataSetType, map[bool]uint16{true: 1, false: noDataSet}[c.DataSet])
	if rsp {
		s.status(c)
	}
	s.text(tagAffectedSOPInstanceUID, c.AffectedSOPInstanceUID, 0)
	s.text(tagRequestedSOPInstanceUID, c.RequestedSOPInstanceUID, 0)
	switch c.Field &^ response {
	case NEventReportRQ:
		s.number(tagEventTypeID, c.EventTypeID)
	case NActionRQ:
		s.number(tagActionTypeID, c.ActionTypeID)
	}
	s.count(tagRemaining, c.Remaining)
	s.count(tagCompleted, c.Completed)
	s.count(tagFailed, c.Failed)
	s.count(tagWarning, c.Warning)
	if c.MoveOriginatorAETitle != "" {
		s.text(tagMoveOriginatorAETitle, c.MoveOriginatorAETitle, ' ')
		s.number(tagMoveOriginatorMessageID, c.MoveOriginatorMessageID)
	}
	var all commandSet
	all.put(tagGroupLength, binary.LittleEndian.AppendUint32(nil, uint32(len(s))))
	return append(all, s...)
}

// status puts what a response says of its success.
func (s *commandSet) status(c *Command) {
	s.number(tagStatus, uint16(c.Status))
	var offending []byte
	for _, t := range c.OffendingElements {
		offending = binary.LittleEndian.AppendUint16(offending, uint16(t>>16))
		offending = binary.LittleEndian.AppendUint16(offending, uint16(t))
	}
	if offending != nil {
		s.put(tagOffendingElement, offending)
	}
	s.text(tagErrorComment, comment(c.ErrorComment), ' ')
}

// comment returns what of a text fits an LO in the default character set, which has no
// backslash.
func comment(text string) string {
	const most = 64
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '\\' {
			return '?'
		}
		return r
	}, text)
	return text[:min(len(text), most)]
}

// maxCommand bounds a command set, bytes. The largest that there is takes some 500.
const maxCommand = 16 << 10

var errCommand = errors.New("malformed command set")

// decodeCommand reads a command set. Elements that it does not know are passed over.
func decodeCommand(b []byte) (*Command, error) {
	if len(b) > maxCommand {
		return nil, fmt.Errorf("%w: more than %d bytes", errCommand, maxCommand)
	}
	c := &Command{DataSet: true}
	var field bool
	for len(b) > 0 {
		if len(b) < 8 {
			return nil, fmt.Errorf("%w: %d bytes after the last element", errCommand, len(b))
		}
		group, element := binary.LittleEndian.Uint16(b), binary.LittleEndian.Uint16(b[2:])
		n := binary.LittleEndian.Uint32(b[4:])
		if group != 0 || int64(n) > int64(len(b)-8) {
			return nil, fmt.Errorf("%w: element (%04x,%04x) of %d bytes", errCommand, group, element, n)
		}
		if err := c.take(element, b[8:8+n]); err != nil {
			return nil, err
		}
		field = field || element == tagCommandField
		b = b[8+n:]
	}
	if !field {
		return nil, fmt.Errorf("%w: no Command Field", errCommand)
	}
	return c, nil
}

// take takes a value into the command.
func (c *Command) take(element uint16, v []byte) error {
	if to, is := c.uids()[element]; is {
		*to = dicom.ValidUID(strings.TrimRight(string(v), "\x00 "))
		return nil
	}
	switch element {
	case tagMoveDestination:
		c.MoveDestination = strings.Trim(string(v), " \x00")
	case tagMoveOriginatorAETitle:
		c.MoveOriginatorAETitle = strings.Trim(string(v), " \x00")
	case tagErrorComment:
		c.ErrorComment = strings.Trim(strings.ToValidUTF8(string(v), "?"), " \x00")
	case tagOffendingElement:
		for ; len(v) >= 4; v = v[4:] {
			t := uint32(binary.LittleEndian.Uint16(v))<<16 | uint32(binary.LittleEndian.Uint16(v[2:]))
			c.OffendingElements = append(c.OffendingElements, t)
		}
	default:
		return c.takeNumber(element, v)
	}
	return nil
}

func (c *Command) uids() map[uint16]*string {
	return map[uint16]*string{
		tagAffectedSOPClassUID: &c.AffectedSOPClassUID, tagRequestedSOPClassUID: &c.RequestedSOPClassUID,
		tagAffectedSOPInstanceUID: &c.AffectedSOPInstanceUID, tagRequestedSOPInstanceUID: &c.RequestedSOPInstanceUID,
	}
}

func (c *Command) takeNumber(element uint16, v []byte) error {
	var n uint16
	to := &n
	switch element {
	case tagCommandField, tagCommandDataSetType:
	case tagStatus:
		to = (*uint16)(&c.Status)
	case tagMessageID:
		to = &c.MessageID
	case tagMessageIDRespondedTo:
		to = &c.MessageIDBeingRespondedTo
	case tagPriority:
		to = &c.Priority
	case tagEventTypeID:
		to = &c.EventTypeID
	case tagActionTypeID:
		to = &c.ActionTypeID
	case tagMoveOriginatorMessageID:
		to = &c.MoveOriginatorMessageID
	case tagRemaining, tagCompleted, tagFailed, tagWarning:
		*c.counts()[element] = to
	default:
		return nil
	}
	if len(v) != 2 {
		return fmt.Errorf("%w: element (0000,%04x) of %d bytes, want 2", errCommand, element, len(v))
	}
	*to = binary.LittleEndian.Uint16(v)
	switch element {
	case tagCommandField:
		c.Field = Field(n)
	case tagCommandDataSetType:
		c.DataSet = n != noDataSet
	}
	return nil
}

func (c *Command) counts() map[uint16]**uint16 {
	return map[uint16]**uint16{
		tagRemaining: &c.Remaining, tagCompleted: &c.Completed, tagFailed: &c.Failed, tagWarning: &c.Warning,
	}
}
