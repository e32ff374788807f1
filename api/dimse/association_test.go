// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dimse_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/endplate/endplate/api/dimse"
)

const (
	ctImageStorage = "1.2.840.10008.5.1.4.1.1.2"
	jpegLossless   = "1.2.840.10008.1.2.4.70"
)

// quick are times that no test waits for, unless that is what it tests.
var quick = dimse.Timeouts{ARTIM: 5 * time.Second, Stall: 5 * time.Second, Idle: 5 * time.Second}

func dialer() *dimse.Dialer {
	return &dimse.Dialer{
		CallingAETitle: "SCU", CalledAETitle: "SCP", Timeouts: quick,
		Proposals: []dimse.Proposal{
			{AbstractSyntax: dimse.VerificationSOPClass, TransferSyntaxes: []string{dimse.ImplicitVRLittleEndian}},
			{AbstractSyntax: ctImageStorage, TransferSyntaxes: []string{dimse.ImplicitVRLittleEndian, dimse.ExplicitVRLittleEndian}},
		},
	}
}

func acceptor() *dimse.Acceptor {
	return &dimse.Acceptor{Timeouts: quick, Supported: []dimse.Proposal{
		{AbstractSyntax: dimse.VerificationSOPClass, TransferSyntaxes: []string{dimse.ImplicitVRLittleEndian}},
		{AbstractSyntax: ctImageStorage, TransferSyntaxes: []string{dimse.ExplicitVRLittleEndian, dimse.ImplicitVRLittleEndian}},
	}}
}

// serve accepts one connection, and calls f with its association.
func serve(t *testing.T, s *dimse.Acceptor, f func(*dimse.Association, error)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		a, err := s.Accept(context.WithoutCancel(t.Context()), nc)
		f(a, err)
		if a != nil {
			a.Abort()
		}
	})
	t.Cleanup(func() {
		l.Close()
		serving.Wait()
	})
	return l.Addr().String()
}

// echo answers C-ECHO and C-STORE until the association ends, and returns what data
// sets came and how it ended.
func echo(t *testing.T, a *dimse.Association) (sets [][]byte, end error) {
	for {
		m, err := a.Receive(t.Context())
		if err != nil {
			return sets, err
		}
		if m.Data != nil {
			b, err := io.ReadAll(m.Data)
			if err != nil {
				return sets, err
			}
			sets = append(sets, b)
		}
		if err := a.Send(t.Context(), m.Context.ID, m.Command.Response(dimse.Success), nil); err != nil {
			return sets, err
		}
	}
}

func dial(t *testing.T, d *dimse.Dialer, address string) *dimse.Association {
	t.Helper()
	a, err := d.Dial(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Abort)
	return a
}

// invoke sends a request and returns the response.
func invoke(t *testing.T, a *dimse.Association, class string, c *dimse.Command, data io.Reader) dimse.Command {
	t.Helper()
	pc, ok := a.Context(class)
	if !ok {
		t.Fatalf("no presentation context of %s", class)
	}
	c.MessageID = a.NextMessageID()
	if err := a.Send(t.Context(), pc.ID, c, data); err != nil {
		t.Fatal(err)
	}
	m, err := a.Receive(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if m.Command.MessageIDBeingRespondedTo != c.MessageID {
		t.Errorf("response to message %d, want %d", m.Command.MessageIDBeingRespondedTo, c.MessageID)
	}
	return m.Command
}

func TestMessagesOfEverySize(t *testing.T) {
	t.Parallel()
	for _, peerMax := range []uint32{16384, 4096, 1000} {
		type outcome struct {
			sets [][]byte
			end  error
		}
		ended := make(chan outcome, 1)
		server := acceptor()
		server.MaxPDU = peerMax
		address := serve(t, server, func(a *dimse.Association, err error) {
			var sets [][]byte
			if err == nil {
				sets, err = echo(t, a)
			}
			ended <- outcome{sets, err}
		})
		a := dial(t, dialer(), address)
		if got := a.Peer().MaxPDU; got != peerMax {
			t.Errorf("the peer takes PDUs of %d bytes, want %d", got, peerMax)
		}
		var want [][]byte
		for _, n := range []int{0, 1, 2, int(peerMax) - 8, int(peerMax) - 7, int(peerMax) - 6, int(peerMax) - 5, 2*int(peerMax) - 12, 300_000} {
			b := bytes.Repeat([]byte("spine"), n/5+1)[:n]
			want = append(want, b)
			rsp := invoke(t, a, ctImageStorage, &dimse.Command{
				Field: dimse.CStoreRQ, AffectedSOPClassUID: ctImageStorage, AffectedSOPInstanceUID: "1.2.3",
			}, iotest.OneByteReader(bytes.NewReader(b)))
			if rsp.Field != dimse.CStoreRSP || rsp.Status != dimse.Success || rsp.AffectedSOPInstanceUID != "1.2.3" {
				t.Errorf("%d bytes: %v %v of %q", n, rsp.Field, rsp.Status, rsp.AffectedSOPInstanceUID)
			}
		}
		if err := a.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		got := <-ended
		if !errors.Is(got.end, dimse.ErrReleased) {
			t.Errorf("the association ended with %v", got.end)
		}
		if len(got.sets) != len(want) {
			t.Fatalf("%d data sets, want %d", len(got.sets), len(want))
		}
		for i, b := range got.sets {
			if !bytes.Equal(b, want[i]) {
				t.Errorf("data set of %d bytes came as %d", len(want[i]), len(b))
			}
		}
	}
}

func TestNegotiation(t *testing.T) {
	t.Parallel()
	server := acceptor()
	server.Supported = append(server.Supported, dimse.Proposal{
		AbstractSyntax: dimse.StorageCommitmentPushModel, TransferSyntaxes: []string{dimse.ExplicitVRLittleEndian}, SCU: true, SCP: true,
	})
	address := serve(t, server, func(a *dimse.Association, err error) {
		if err == nil {
			echo(t, a)
		}
	})
	client := dialer()
	client.Proposals = append(client.Proposals,
		dimse.Proposal{AbstractSyntax: ctImageStorage, TransferSyntaxes: []string{jpegLossless}},
		dimse.Proposal{AbstractSyntax: "1.2.3.4", TransferSyntaxes: []string{dimse.ImplicitVRLittleEndian}},
		dimse.Proposal{AbstractSyntax: dimse.StorageCommitmentPushModel, TransferSyntaxes: []string{dimse.ExplicitVRLittleEndian}, SCP: true})
	a := dial(t, client, address)
	want := []dimse.Context{
		{ID: 1, AbstractSyntax: dimse.VerificationSOPClass, TransferSyntax: dimse.ImplicitVRLittleEndian, SCU: true},
		{ID: 3, AbstractSyntax: ctImageStorage, TransferSyntax: dimse.ExplicitVRLittleEndian, SCU: true}, // the acceptor's preference
		{ID: 9, AbstractSyntax: dimse.StorageCommitmentPushModel, TransferSyntax: dimse.ExplicitVRLittleEndian, SCP: true},
	}
	if diff := cmp.Diff(want, a.Contexts()); diff != "" {
		t.Errorf("contexts (-want +got)\n%s", diff)
	}
	if _, ok := a.Context(ctImageStorage, jpegLossless); ok {
		t.Error("a transfer syntax that was refused is found")
	}
	if c, ok := a.Context(ctImageStorage, jpegLossless, dimse.ExplicitVRLittleEndian); !ok || c.ID != 3 {
		t.Errorf("found %+v", c)
	}
}

func TestNoContextIsNoAssociation(t *testing.T) {
	t.Parallel()
	address := serve(t, acceptor(), func(a *dimse.Association, err error) {
		if err == nil {
			echo(t, a)
		}
	})
	client := dialer()
	client.Proposals = []dimse.Proposal{{AbstractSyntax: "1.2.3.4", TransferSyntaxes: []string{dimse.ImplicitVRLittleEndian}}}
	if _, err := client.Dial(t.Context(), address); !errors.Is(err, dimse.ErrNoContext) {
		t.Errorf("got %v", err)
	}
}

func TestRejection(t *testing.T) {
	t.Parallel()
	server := acceptor()
	want := &dimse.RejectError{Result: 1, Source: 1, Reason: 7}
	server.Admit = func(r dimse.Request) *dimse.RejectError {
		if r.CalledAETitle != "ENDPLATE" {
			return want
		}
		return nil
	}
	address := serve(t, server, func(_ *dimse.Association, err error) {
		if !errors.Is(err, want) {
			t.Errorf("the acceptor ended with %v", err)
		}
	})
	_, err := dialer().Dial(t.Context(), address)
	got, ok := errors.AsType[*dimse.RejectError](err)
	if !ok || *got != *want || !strings.Contains(err.Error(), "called AE title not recognized") {
		t.Errorf("got %v", err)
	}
}

func TestAbortReachesThePeer(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	address := serve(t, acceptor(), func(a *dimse.Association, err error) {
		if err == nil {
			_, err = echo(t, a)
		}
		ended <- err
	})
	dial(t, dialer(), address).Abort()
	abort, ok := errors.AsType[*dimse.AbortError](<-ended)
	if !ok || abort.Sent || abort.Source != 0 {
		t.Errorf("got %v", abort)
	}
}

// A context that ends while a message is waited for leaves the association as it is,
// and one that ends while it is received ends the association.
func TestContexts(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	address := serve(t, acceptor(), func(a *dimse.Association, err error) {
		if err == nil {
			_, err = echo(t, a)
		}
		ended <- err
	})
	a := dial(t, dialer(), address)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.Wait(over); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting ended with %v", err)
	}
	if rsp := invoke(t, a, dimse.VerificationSOPClass, &dimse.Command{Field: dimse.CEchoRQ, AffectedSOPClassUID: dimse.VerificationSOPClass}, nil); rsp.Status != dimse.Success {
		t.Errorf("C-ECHO: %v", rsp.Status)
	}
	soon, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := a.Receive(soon); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("receiving ended with %v", err)
	}
	if abort, ok := errors.AsType[*dimse.AbortError](<-ended); !ok || abort.Source != 0 {
		t.Errorf("the peer's association ended with %v", abort)
	}
	if err := a.Release(t.Context()); err == nil {
		t.Error("an association that was aborted is released")
	}
}

// A peer that stops in the middle of a data set is aborted.
func TestStalledPeerIsAborted(t *testing.T) {
	t.Parallel()
	server := acceptor()
	server.Timeouts.Stall = 50 * time.Millisecond
	ended := make(chan error, 1)
	address := serve(t, server, func(a *dimse.Association, err error) {
		if err == nil {
			_, err = echo(t, a)
		}
		ended <- err
	})
	a := dial(t, dialer(), address)
	pc, _ := a.Context(ctImageStorage)
	stalled, wake := io.Pipe()
	var sending sync.WaitGroup
	sending.Go(func() {
		data := io.MultiReader(bytes.NewReader(make([]byte, 1<<20)), stalled)
		_ = a.Send(t.Context(), pc.ID, &dimse.Command{Field: dimse.CStoreRQ, AffectedSOPClassUID: ctImageStorage}, data)
	})
	if abort, ok := errors.AsType[*dimse.AbortError](<-ended); !ok || !abort.Sent {
		t.Errorf("the association ended with %v", abort)
	}
	wake.CloseWithError(io.ErrUnexpectedEOF)
	sending.Wait()
}

// Both sides release at once. Reference: PS3.8 section 9.2.3, AR-8 to AR-10.
func TestReleaseCollision(t *testing.T) {
	t.Parallel()
	ready, released := make(chan struct{}), make(chan error, 1)
	address := serve(t, acceptor(), func(a *dimse.Association, err error) {
		if err == nil {
			close(ready)
			err = a.Release(context.WithoutCancel(t.Context()))
		}
		released <- err
	})
	a := dial(t, dialer(), address)
	<-ready
	if err := a.Release(t.Context()); err != nil && !errors.Is(err, dimse.ErrReleased) {
		t.Error(err)
	}
	if err := <-released; err != nil {
		t.Error(err)
	}
}
