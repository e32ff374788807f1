// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package scu_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/api/dimse"
	"github.com/endplate/endplate/api/dimse/scu"
)

// answering runs a peer that takes associations of the SOP classes given and has each
// handled. Its handler ends with the test, or with the association.
func answering(t testing.TB, classes []string, handle func(ctx context.Context, a *dimse.Association)) *scu.Peer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	acceptor := dimse.Acceptor{}
	for _, class := range classes {
		acceptor.Supported = append(acceptor.Supported, dimse.Proposal{AbstractSyntax: class, TransferSyntaxes: []string{dimse.ImplicitVRLittleEndian}})
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			a, err := acceptor.Accept(context.Background(), c)
			if err == nil {
				handle(context.Background(), a)
				a.Abort()
			}
		}
	}()
	t.Cleanup(func() { l.Close(); <-ended })
	return &scu.Peer{Address: l.Addr().String(), CalledAETitle: "PEER", CallingAETitle: "ENDPLATE"}
}

// request receives a request with its identifier.
func request(ctx context.Context, a *dimse.Association) (*dimse.Message, error) {
	m, err := a.Receive(ctx)
	if err == nil && m.Data != nil {
		_, err = io.Copy(io.Discard, m.Data)
	}
	return m, err
}

// implicit returns a data set of one UID in Implicit VR Little Endian.
func implicit(uid string) io.Reader {
	value := []byte(uid)
	if len(value)%2 == 1 {
		value = append(value, 0)
	}
	return bytes.NewReader(append([]byte{0x20, 0x00, 0x0D, 0x00, byte(len(value)), 0, 0, 0}, value...))
}

// A query without an end ends with its caller: the peer is told, and heeds it.
func TestAQueryIsCancelled(t *testing.T) {
	t.Parallel()
	for name, heeds := range map[string]bool{"the peer heeds it": true, "the peer does not": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cancelled := make(chan bool, 1)
			peer := answering(t, []string{dimse.StudyRootFind}, func(ctx context.Context, a *dimse.Association) {
				rq, err := request(ctx, a)
				if err != nil {
					return
				}
				told := make(chan struct{})
				go func() {
					defer close(told)
					m, err := a.Receive(ctx)
					cancelled <- err == nil && m.Command.Field == dimse.CCancelRQ && m.Command.MessageIDBeingRespondedTo == rq.Command.MessageID
				}()
				for ended := false; !ended; {
					select {
					case <-told:
						ended = heeds
					default:
					}
					status := dimse.Pending
					data := implicit("1.2.3")
					if ended {
						status, data = dimse.Cancel, nil
					}
					if a.Send(ctx, rq.Context.ID, rq.Command.Response(status), data) != nil {
						return
					}
				}
				_, _ = a.Receive(ctx) // the release
			})
			found := 0
			enough := errors.New("enough")
			began := time.Now()
			err := peer.Find(t.Context(), scu.Study, scu.Keys{tag.StudyInstanceUID: ""}, func(*dataset.Dataset) error {
				if found++; found == 10 {
					return enough
				}
				return nil
			})
			if !errors.Is(err, enough) || found != 10 || !<-cancelled {
				t.Errorf("%d answers, %v", found, err)
			}
			if took := time.Since(began); heeds && took > 4*time.Second || took > 20*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

func TestACallerWhoGoesEndsTheQuery(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	peer := answering(t, []string{dimse.StudyRootMove}, func(ctx context.Context, a *dimse.Association) {
		rq, err := request(ctx, a)
		if err != nil {
			return
		}
		rsp := rq.Command.Response(dimse.Pending)
		rsp.Remaining, rsp.Completed = new(uint16(7)), new(uint16(3))
		if a.Send(ctx, rq.Context.ID, rsp, nil) != nil {
			return
		}
		if m, err := a.Receive(ctx); err == nil && m.Command.Field == dimse.CCancelRQ {
			last := rq.Command.Response(dimse.Cancel)
			last.Completed = new(uint16(4))
			_ = a.Send(ctx, rq.Context.ID, last, nil)
			_, _ = a.Receive(ctx)
		}
	})
	var told []scu.Progress
	last, err := peer.Move(ctx, "ENDPLATE", scu.Study, scu.Keys{tag.StudyInstanceUID: "1.2.3"}, func(p scu.Progress) {
		told = append(told, p)
		cancel()
	})
	if !errors.Is(err, context.Canceled) || !slices.Equal(told, []scu.Progress{{Remaining: 7, Completed: 3}}) || last.Completed != 4 {
		t.Errorf("%+v, then %+v, %v", told, last, err)
	}
}

// Whatever a peer answers, it is an error that says so, and nothing hangs.
func TestAnswersThatCannotBe(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(ctx context.Context, a *dimse.Association, rq *dimse.Message){
		"another message": func(ctx context.Context, a *dimse.Association, rq *dimse.Message) {
			_ = a.Send(ctx, rq.Context.ID, &dimse.Command{Field: dimse.CEchoRSP, MessageIDBeingRespondedTo: rq.Command.MessageID}, nil)
		},
		"an answer to another": func(ctx context.Context, a *dimse.Association, rq *dimse.Message) {
			rsp := rq.Command.Response(dimse.Success)
			rsp.MessageIDBeingRespondedTo++
			_ = a.Send(ctx, rq.Context.ID, rsp, nil)
		},
		"a request": func(ctx context.Context, a *dimse.Association, rq *dimse.Message) {
			_ = a.Send(ctx, rq.Context.ID, &dimse.Command{Field: dimse.CEchoRQ, MessageID: rq.Command.MessageID}, nil)
		},
		"a match without an identifier": func(ctx context.Context, a *dimse.Association, rq *dimse.Message) {
			_ = a.Send(ctx, rq.Context.ID, rq.Command.Response(dimse.Pending), nil)
			_, _ = a.Receive(ctx)
		},
		"an identifier that is none": func(ctx context.Context, a *dimse.Association, rq *dimse.Message) {
			_ = a.Send(ctx, rq.Context.ID, rq.Command.Response(dimse.Pending), bytes.NewReader(bytes.Repeat([]byte{0xFF}, 1000)))
			_, _ = a.Receive(ctx)
		},
		"an identifier without an end": func(ctx context.Context, a *dimse.Association, rq *dimse.Message) {
			endless := io.LimitReader(zeros{}, 1<<30)
			_ = a.Send(ctx, rq.Context.ID, rq.Command.Response(dimse.Pending), io.MultiReader(bytes.NewReader([]byte{0x20, 0, 0x0D, 0, 0, 0, 0, 0x40}), endless))
		},
		"a failure": func(ctx context.Context, a *dimse.Association, rq *dimse.Message) {
			rsp := rq.Command.Response(dimse.OutOfResources)
			rsp.ErrorComment = "no room"
			_ = a.Send(ctx, rq.Context.ID, rsp, nil)
			_, _ = a.Receive(ctx)
		},
		"nothing": func(context.Context, *dimse.Association, *dimse.Message) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			peer := answering(t, []string{dimse.StudyRootFind}, func(ctx context.Context, a *dimse.Association) {
				if rq, err := request(ctx, a); err == nil {
					answer(ctx, a, rq)
				}
			})
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			err := peer.Find(ctx, scu.Study, scu.Keys{tag.StudyInstanceUID: ""}, func(*dataset.Dataset) error { return nil })
			if err == nil || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v", err)
			}
			if e, ok := errors.AsType[*scu.StatusError](err); ok != (name == "a failure") || ok && (e.Comment != "no room" || e.Service != "C-FIND") {
				t.Errorf("error %v", err)
			}
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// An association that breaks between two instances says of the rest that they are not
// stored.
func TestABrokenAssociationLeavesTheRest(t *testing.T) {
	t.Parallel()
	files, _ := made(t, "1", 3)
	all := instances(t, files)
	peer := answering(t, []string{all[0].SOPClassUID}, func(ctx context.Context, a *dimse.Association) {
		rq, err := request(ctx, a)
		if err == nil {
			_ = a.Send(ctx, rq.Context.ID, rq.Command.Response(dimse.CoercionOfDataElements), nil)
			_, _ = a.Receive(ctx) // and then aborts
		}
	})
	errs := peer.Store(t.Context(), all)
	if errs[0] != nil || errs[1] == nil || errs[2] == nil {
		t.Errorf("errors %v", errs)
	}
}
