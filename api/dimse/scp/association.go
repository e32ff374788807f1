// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package scp

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/endplate/endplate/api/dimse"
)

// association is one that a peer has with the server, or asks for.
type association struct {
	*dimse.Association
	server  *Server
	summary Summary
	release func() // gives the slot back
	// reported are the commitments of which a report was sent, by message ID.
	reported map[uint16]string
}

func newID() string { return strings.ToLower(rand.Text()) }

// errStopping tells that the server ended the association because it shuts down.
var errStopping = errors.New("the server is shutting down")

// work answers messages until the association ends, and says why it did.
func (a *association) work() error {
	if err := a.reportHere(a.server.stopping); err != nil {
		return err
	}
	for {
		if a.Wait(a.server.draining) != nil {
			return errStopping
		}
		m, err := a.Receive(a.server.stopping)
		if err != nil {
			return err
		}
		if err := a.answer(a.server.stopping, m); err != nil {
			return err
		}
	}
}

// answer does what a message asks for.
func (a *association) answer(ctx context.Context, m *dimse.Message) error {
	start := time.Now()
	c := &m.Command
	var rsp *dimse.Command
	var err error
	switch {
	case c.Field == dimse.NEventReportRSP:
		return a.answered(ctx, c)
	case c.Field.IsResponse(), c.Field == dimse.CCancelRQ: // of nothing that is under way
		return nil
	case c.Field == dimse.CEchoRQ && m.Context.AbstractSyntax == dimse.VerificationSOPClass:
		rsp = c.Response(dimse.Success)
	case c.Field == dimse.CStoreRQ:
		rsp, err = a.store(ctx, m)
	case c.Field == dimse.NActionRQ && m.Context.AbstractSyntax == dimse.StorageCommitmentPushModel:
		rsp, err = a.commit(ctx, m)
	default:
		rsp = c.Response(dimse.UnrecognizedOperation)
	}
	if err != nil {
		return err
	}
	if err := a.Send(ctx, m.Context.ID, rsp, nil); err != nil {
		return err
	}
	if message := a.server.config.Observer.Message; message != nil {
		message(c.Field, rsp.Status, time.Since(start))
	}
	if c.Field == dimse.NActionRQ && rsp.Status == dimse.Success {
		return a.reportHere(ctx)
	}
	return nil
}

// ended tells of the end of the association.
func (a *association) ended(err error) {
	a.server.config.Ingest.Settle(a.server.stopping) // who is told may look for it
	s := &a.summary
	s.Outcome, s.Err = outcomeOf(err, s.Accepted), err
	if s.Outcome == Released {
		s.Err = nil
	}
	if ended := a.server.config.Observer.Ended; ended != nil {
		ended(*s)
	}
	level := slog.LevelInfo
	if s.Outcome == NoDICOM {
		level = slog.LevelDebug // port scans and health checks of load balancers
	}
	attrs := []slog.Attr{
		slog.String("association_id", s.ID), slog.String("peer", s.Peer.Address), slog.String("ae_title", s.Peer.AETitle),
		slog.String("outcome", string(s.Outcome)), slog.Duration("took", time.Since(s.Started)),
		slog.Int("stored", s.Stored), slog.Int("refused", s.Refused),
	}
	if s.Err != nil {
		attrs = append(attrs, slog.Any("error", s.Err))
	}
	a.server.config.Logger.LogAttrs(a.server.stopping, level, "association", attrs...)
}

func outcomeOf(err error, accepted bool) Outcome {
	if _, rejected := errors.AsType[*dimse.RejectError](err); rejected {
		return Rejected
	}
	abort, aborted := errors.AsType[*dimse.AbortError](err)
	switch {
	case errors.Is(err, dimse.ErrReleased):
		return Released
	case errors.Is(err, errStopping), errors.Is(err, context.Canceled):
		return Stopped
	case !accepted:
		return NoDICOM
	case aborted && abort.Sent:
		return Ended
	}
	return Aborted
}

// saw notes a study for the summary.
func (s *Summary) saw(studyUID string) {
	if studyUID != "" && len(s.Studies) < mostStudies && !slices.Contains(s.Studies, studyUID) {
		s.Studies = append(s.Studies, studyUID)
	}
}
