// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dul

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// The PDU types. PS3.8 section 9.3.
const (
	typeAssociateRQ = 0x01
	typeAssociateAC = 0x02
	typeAssociateRJ = 0x03
	typeData        = 0x04
	typeReleaseRQ   = 0x05
	typeReleaseRP   = 0x06
	typeAbort       = 0x07
)

// The item types of A-ASSOCIATE PDUs. PS3.8 section 9.3 and PS3.7 annex D.3.3.
const (
	itemApplicationContext    = 0x10
	itemPresentationContextRQ = 0x20
	itemPresentationContextAC = 0x21
	itemAbstractSyntax        = 0x30
	itemTransferSyntax        = 0x40
	itemUserInformation       = 0x50
	itemMaximumLength         = 0x51
	itemImplementationClass   = 0x52
	itemRoleSelection         = 0x54
	itemImplementationVersion = 0x55
)

// headerLength is that of a PDU: type, a reserved byte, and the length of the rest.
const headerLength = 6

// maxAssociate bounds A-ASSOCIATE PDUs. 128 presentation contexts of 16 transfer
// syntaxes each take some 80 kB; identities may be long.
const maxAssociate = 256 << 10

// shortLength is that of the fixed PDUs: A-ASSOCIATE-RJ, A-RELEASE and A-ABORT.
const shortLength = 4

// ApplicationContext is the one that there is. PS3.7 annex A.2.1.
const ApplicationContext = "1.2.840.10008.3.1.1.1"

// protocolVersion has bit 0 set. PS3.8 table 9-11.
const protocolVersion = 1

// Associate is the content of an A-ASSOCIATE-RQ or A-ASSOCIATE-AC PDU.
type Associate struct {
	ProtocolVersion    uint16 // of a PDU that was read
	CalledAETitle      string // without padding
	CallingAETitle     string
	ApplicationContext string
	Contexts           []PresentationContext
	Roles              []Role
	MaxLength          uint32 // of the P-DATA-TF PDUs that the sender takes; 0: no limit

	ImplementationClassUID    string
	ImplementationVersionName string
}

// PresentationContext is proposed, or answered to. An answer holds a result and one
// transfer syntax, which means nothing unless the result is Acceptance.
type PresentationContext struct {
	ID               byte // odd
	Result           Result
	AbstractSyntax   string // of a proposal
	TransferSyntaxes []string
}

// Result is what becomes of a proposed presentation context. PS3.8 table 9-18.
type Result byte

// The results.
const (
	Acceptance                   Result = 0
	UserRejection                Result = 1
	AbstractSyntaxNotSupported   Result = 3
	TransferSyntaxesNotSupported Result = 4
)

// Role says in which roles the requestor of the association acts for a SOP class.
// PS3.7 annex D.3.3.4.
type Role struct {
	SOPClassUID string
	SCU, SCP    bool
}

var (
	errAETitle = errors.New("an AE title has 1 to 16 characters of ASCII, no backslash, and not only spaces")
	errUID     = errors.New("no UID")
)

// ValidAETitle reports whether s can be an AE title. PS3.5 table 6.2-1.
func ValidAETitle(s string) bool {
	for _, b := range []byte(s) {
		if b < ' ' || b > '~' || b == '\\' {
			return false
		}
	}
	return len(s) <= 16 && strings.TrimSpace(s) != ""
}

// validUID reports whether s can be a UID. Leading zeros are let pass, which some
// devices write. PS3.5 section 9.1.
func validUID(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "0123456789.") == "" && !strings.Contains("."+s+".", "..")
}

// check says what of an A-ASSOCIATE PDU that is to be sent cannot be.
func (a *Associate) check() error {
	if !ValidAETitle(a.CalledAETitle) || !ValidAETitle(a.CallingAETitle) {
		return errAETitle
	}
	for _, c := range a.Contexts {
		for _, uid := range c.TransferSyntaxes {
			if !validUID(uid) {
				return fmt.Errorf("transfer syntax %q: %w", uid, errUID)
			}
		}
	}
	return nil
}

// encode returns an A-ASSOCIATE PDU of a type.
func (a *Associate) encode(pdu byte) []byte {
	b := []byte{pdu, 0, 0, 0, 0, 0}
	start := len(b)
	b = binary.BigEndian.AppendUint16(b, protocolVersion)
	b = append(b, 0, 0)
	b = append(b, fmt.Sprintf("%-16s%-16s", a.CalledAETitle, a.CallingAETitle)...)
	b = append(b, make([]byte, 32)...)
	b = appendItem(b, itemApplicationContext, []byte(a.ApplicationContext))
	for _, c := range a.Contexts {
		b = c.append(b, pdu)
	}
	b = appendItem(b, itemUserInformation, a.userInformation())
	binary.BigEndian.PutUint32(b[start-4:], uint32(len(b)-start))
	return b
}

func (c PresentationContext) append(b []byte, pdu byte) []byte {
	v := []byte{c.ID, 0, byte(c.Result), 0}
	item := byte(itemPresentationContextAC)
	if pdu == typeAssociateRQ {
		item = itemPresentationContextRQ
		v = appendItem(v, itemAbstractSyntax, []byte(c.AbstractSyntax))
	}
	for _, uid := range c.TransferSyntaxes {
		v = appendItem(v, itemTransferSyntax, []byte(uid))
	}
	return appendItem(b, item, v)
}

func (a *Associate) userInformation() []byte {
	v := appendItem(nil, itemMaximumLength, binary.BigEndian.AppendUint32(nil, a.MaxLength))
	v = appendItem(v, itemImplementationClass, []byte(a.ImplementationClassUID))
	for _, r := range a.Roles {
		role := binary.BigEndian.AppendUint16(nil, uint16(len(r.SOPClassUID)))
		role = append(append(role, r.SOPClassUID...), bit(r.SCU), bit(r.SCP))
		v = appendItem(v, itemRoleSelection, role)
	}
	if a.ImplementationVersionName != "" {
		v = appendItem(v, itemImplementationVersion, []byte(a.ImplementationVersionName))
	}
	return v
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// appendItem encodes an item or sub-item: type, a reserved byte, a length of two
// bytes and the value.
func appendItem(b []byte, item byte, v []byte) []byte {
	b = append(b, item, 0)
	return append(binary.BigEndian.AppendUint16(b, uint16(len(v))), v...)
}

var errMalformed = errors.New("malformed PDU")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{errMalformed}, args...)...)
}

// parseAssociate decodes what follows the header of an A-ASSOCIATE-RQ or -AC PDU.
// Items that are not known are passed over, as PS3.8 section 9.3.1 asks.
func parseAssociate(b []byte) (*Associate, error) {
	const fixed = 68
	if len(b) < fixed {
		return nil, malformed("A-ASSOCIATE of %d bytes", len(b))
	}
	a := &Associate{
		ProtocolVersion: binary.BigEndian.Uint16(b),
		CalledAETitle:   strings.Trim(string(b[4:20]), " \x00"),
		CallingAETitle:  strings.Trim(string(b[20:36]), " \x00"),
	}
	err := eachItem(b[fixed:], func(item byte, v []byte) error {
		switch item {
		case itemApplicationContext:
			a.ApplicationContext = uidOf(v)
		case itemPresentationContextRQ, itemPresentationContextAC:
			return a.addContext(v)
		case itemUserInformation:
			return eachItem(v, a.userItem)
		}
		return nil
	})
	return a, err
}

// eachItem calls visit for each item of b.
func eachItem(b []byte, visit func(item byte, v []byte) error) error {
	for len(b) > 0 {
		if len(b) < 4 {
			return malformed("%d bytes after the last item", len(b))
		}
		n := int(binary.BigEndian.Uint16(b[2:]))
		if n > len(b)-4 {
			return malformed("item %02X of %d bytes where %d are left", b[0], n, len(b)-4)
		}
		if err := visit(b[0], b[4:4+n]); err != nil {
			return err
		}
		b = b[4+n:]
	}
	return nil
}

// maxContexts is how many odd numbers a byte holds.
const maxContexts = 128

func (a *Associate) addContext(v []byte) error {
	if len(v) < 4 {
		return malformed("presentation context of %d bytes", len(v))
	}
	if len(a.Contexts) == maxContexts {
		return malformed("more than %d presentation contexts", maxContexts)
	}
	c := PresentationContext{ID: v[0], Result: Result(v[2])}
	err := eachItem(v[4:], func(item byte, v []byte) error {
		switch item {
		case itemAbstractSyntax:
			c.AbstractSyntax = uidOf(v)
		case itemTransferSyntax:
			c.TransferSyntaxes = append(c.TransferSyntaxes, uidOf(v))
		}
		return nil
	})
	a.Contexts = append(a.Contexts, c)
	return err
}

func (a *Associate) userItem(item byte, v []byte) error {
	switch item {
	case itemMaximumLength:
		if len(v) != 4 {
			return malformed("maximum length of %d bytes", len(v))
		}
		a.MaxLength = binary.BigEndian.Uint32(v)
	case itemImplementationClass:
		a.ImplementationClassUID = uidOf(v)
	case itemImplementationVersion:
		a.ImplementationVersionName = strings.Trim(string(v), " \x00")
	case itemRoleSelection:
		if len(v) < 4 || int(binary.BigEndian.Uint16(v)) != len(v)-4 {
			return malformed("role selection of %d bytes", len(v))
		}
		n := len(v) - 2
		a.Roles = append(a.Roles, Role{SOPClassUID: uidOf(v[2:n]), SCU: v[n] == 1, SCP: v[n+1] == 1})
	}
	return nil
}

// uidOf reads a UID that may be padded. What is none is "".
func uidOf(v []byte) string {
	if s := strings.TrimRight(string(v), "\x00 "); validUID(s) {
		return s
	}
	return ""
}
