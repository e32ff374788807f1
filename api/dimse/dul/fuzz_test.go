// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dul

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// request is an A-ASSOCIATE-RQ as storescu would send it.
var request = Associate{
	CalledAETitle: "ENDPLATE", CallingAETitle: "STORESCU", ApplicationContext: ApplicationContext, MaxLength: 16384,
	Contexts: []PresentationContext{
		{ID: 1, AbstractSyntax: "1.2.840.10008.1.1", TransferSyntaxes: []string{"1.2.840.10008.1.2"}},
		{ID: 3, AbstractSyntax: "1.2.840.10008.5.1.4.1.1.2", TransferSyntaxes: []string{"1.2.840.10008.1.2.1", "1.2.840.10008.1.2"}},
	},
	Roles:                  []Role{{SOPClassUID: "1.2.840.10008.1.20.1", SCU: true}},
	ImplementationClassUID: "1.2.276.0.7230010.3.0.3.6.7", ImplementationVersionName: "OFFIS_DCMTK_367",
}

// What is read of an A-ASSOCIATE PDU is bounded by the PDU, and is written and read
// again the same.
func FuzzAssociate(f *testing.F) {
	f.Add(request.encode(typeAssociateRQ)[headerLength:], byte(typeAssociateRQ))
	f.Add(request.encode(typeAssociateAC)[headerLength:], byte(typeAssociateAC))
	f.Fuzz(func(t *testing.T, b []byte, kind byte) {
		kind = typeAssociateRQ + kind%2
		a, err := parseAssociate(b)
		if err != nil {
			if !errors.Is(err, errMalformed) {
				t.Errorf("error %v", err)
			}
			return
		}
		if a.check() != nil {
			return
		}
		again, err := parseAssociate(a.encode(kind)[headerLength:])
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		ignored := cmpopts.IgnoreFields(PresentationContext{}, "AbstractSyntax")
		if kind == typeAssociateRQ {
			ignored = cmpopts.IgnoreFields(PresentationContext{}, "Result")
		}
		if diff := cmp.Diff(a, again, ignored, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(Associate{}, "ProtocolVersion")); diff != "" {
			t.Errorf("(-read +read again)\n%s", diff)
		}
	})
}

// established returns an acceptor's end of an association, and the connection of the
// peer.
func established(t testing.TB, maxLength uint32) (*Conn, net.Conn) {
	here, there := net.Pipe()
	t.Cleanup(func() { there.Close() })
	times := Timeouts{ARTIM: time.Second, Stall: time.Second, Idle: time.Second}
	var asking sync.WaitGroup
	asking.Go(func() {
		_, _ = there.Write(request.encode(typeAssociateRQ)) // Indicate tells of an error
		_, _ = io.ReadFull(there, make([]byte, headerLength))
	})
	c, rq, err := Indicate(context.Background(), here, maxLength, times)
	if err != nil {
		t.Fatal(err)
	}
	var rest sync.WaitGroup
	rest.Go(func() {
		asking.Wait()
		_, _ = there.Read(make([]byte, 1000)) // of the A-ASSOCIATE-AC
	})
	if err := c.Accept(rq, request); err != nil {
		t.Fatal(err)
	}
	rest.Wait()
	return c, there
}

// fragments returns P-DATA-TF PDUs of a message that are cut as cuts says.
func fragments(command, data []byte, cuts []byte) (b []byte) {
	part := func(content []byte, control byte) {
		for i := 0; ; i++ {
			n := len(content)
			if len(cuts) > 0 {
				n = min(n, 1+int(cuts[i%len(cuts)]))
			}
			last := n == len(content)
			pdv := append([]byte{0, 0, byte((n + 2) >> 8), byte(n + 2), 1, control | bit(last)<<1}, content[:n]...)
			b = append(b, typeData, 0, 0, 0, byte(len(pdv)>>8), byte(len(pdv)))
			b = append(b, pdv...)
			if content = content[n:]; last {
				return
			}
		}
	}
	part(command, controlCommand)
	part(data, 0)
	return b
}

// A message comes out as it went in, wherever it was cut.
func FuzzReassembly(f *testing.F) {
	f.Add([]byte("command"), []byte("data set"), []byte{0})
	f.Add([]byte("command"), bytes.Repeat([]byte("spine"), 1000), []byte{200, 3, 255})
	f.Add([]byte{}, []byte{}, []byte{})
	f.Fuzz(func(t *testing.T, command, data, cuts []byte) {
		if len(command)+len(data) > 20_000 {
			return
		}
		sent := fragments(command, data, cuts)
		if len(sent)-len(command)-len(data) > 2_000 {
			return // hundreds of PDUs are cut as a few are
		}
		c, peer := established(t, 1<<20)
		var sending sync.WaitGroup
		sending.Go(func() {
			_, _ = peer.Write(sent) // the reader tells of an error
			peer.Close()
		})
		part, err := c.Command()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(part); err != nil || !bytes.Equal(got, command) {
			t.Errorf("command set of %d bytes, want %d: %v", len(got), len(command), err)
		}
		if part, err = c.Data(part.ContextID); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(part); err != nil || !bytes.Equal(got, data) {
			t.Errorf("data set of %d bytes, want %d: %v", len(got), len(data), err)
		}
		if _, err := c.Command(); !errors.Is(err, ErrClosed) {
			t.Errorf("at the end: %v", err)
		}
		c.Abort()
		sending.Wait()
	})
}

// Whatever a peer sends on an association ends it, or is a message; nothing hangs or
// takes more than what came.
func FuzzPDUs(f *testing.F) {
	f.Add(fragments([]byte("command"), []byte("data set"), []byte{3}))
	f.Add(append(fragments([]byte("command"), []byte("data set"), nil), releaseRQ...))
	f.Add(abortPDU(abortByUser, 0))
	f.Add(request.encode(typeAssociateRQ))
	f.Add([]byte{typeData, 0, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		c, peer := established(t, 16384)
		var talking sync.WaitGroup
		talking.Go(func() { _, _ = io.Copy(io.Discard, peer) })
		talking.Go(func() {
			_, _ = peer.Write(b) // as much as is wanted
			peer.Close()
		})
		came := 0
		for {
			part, err := c.Command()
			if err != nil {
				break
			}
			n, err := io.Copy(io.Discard, part)
			if came += int(n); err != nil {
				break
			}
			if part, err = c.Data(part.ContextID); err != nil {
				break
			}
			if n, err = io.Copy(io.Discard, part); err != nil {
				break
			}
			came += int(n)
		}
		if came > len(b) {
			t.Errorf("%d bytes out of %d", came, len(b))
		}
		c.Abort()
		if s := c.State(); s != Sta1 && s != Sta13 {
			t.Errorf("state %d in the end", s)
		}
		talking.Wait()
	})
}
