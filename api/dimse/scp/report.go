// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package scp

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"github.com/endplate/endplate/api/dimse"
	"github.com/endplate/endplate/api/internal/store"
)

// The times of storage commitment reports.
const (
	reportPoll  = 5 * time.Second // for those that are due again, and those of other servers
	reportTime  = time.Minute     // for one to be answered
	reportGiven = 7 * 24 * time.Hour
	reportsOnce = 16 // are sent on one association
)

// again returns when a report that was not answered is sent again: twice as late each
// time, up to an hour.
func (s *Server) again(attempts int) time.Duration {
	return min(s.config.ReportAgain<<min(attempts, 20), time.Hour)
}

// addressOfTitle returns where an application takes reports; empty if only on its own
// associations.
func (s *Server) addressOfTitle(title string) string {
	for _, p := range s.config.Peers {
		if p.AETitle == title && p.Port != "" {
			return net.JoinHostPort(p.Host, p.Port)
		}
	}
	return ""
}

// report keeps promises until the server shuts down: to the applications that can be
// reached.
func (s *Server) report() {
	tick := time.NewTicker(reportPoll)
	defer tick.Stop()
	for {
		for _, p := range s.config.Peers {
			if p.Port != "" && p.AETitle != anyTitle && s.draining.Err() == nil {
				s.reportTo(s.stopping, p.AETitle, net.JoinHostPort(p.Host, p.Port))
			}
		}
		select {
		case <-s.reports:
		case <-tick.C:
		case <-s.draining.Done():
			return
		}
	}
}

// reportTo sends an application the reports that are due, on an association with the
// roles reversed: it is still the SCU of the service. PS3.4 J.3.3.
func (s *Server) reportTo(ctx context.Context, title, address string) {
	due, err := s.take(ctx, title)
	if err != nil {
		s.config.Logger.LogAttrs(ctx, slog.LevelWarn, "storage commitments cannot be looked at", slog.Any("error", err))
		return
	}
	if len(due) == 0 {
		return
	}
	d := dimse.Dialer{
		CallingAETitle: s.config.AETitle, CalledAETitle: title, TLS: s.config.ReportTLS, Timeouts: s.config.Timeouts,
		Proposals: []dimse.Proposal{{AbstractSyntax: dimse.StorageCommitmentPushModel, TransferSyntaxes: plainSyntaxes, SCP: true}},
	}
	ctx, cancel := context.WithTimeout(ctx, reportTime)
	defer cancel()
	if err := s.reportAll(ctx, &d, address, due); err != nil {
		s.config.Logger.LogAttrs(ctx, slog.LevelWarn, "storage commitment not reported", slog.String("ae_title", title),
			slog.Int("reports", len(due)), slog.Any("error", err))
	}
}

// take returns the reports to an application that are due, for the caller to send.
func (s *Server) take(ctx context.Context, title string) (taken []store.Commitment, err error) {
	due, err := s.config.Store.Commitments(ctx, title, time.Now(), reportsOnce)
	if err != nil || len(due) == 0 {
		return nil, err
	}
	err = s.config.Store.Write(ctx, func(tx *store.Tx) error {
		taken = nil
		for _, c := range due {
			if tx.Now().Sub(c.CreatedAt) > reportGiven {
				s.config.Logger.LogAttrs(ctx, slog.LevelError, "storage commitment given up", slog.String("ae_title", title),
					slog.String("transaction_uid", c.TransactionUID))
				if err := tx.RemoveCommitment(ctx, c.ID); err != nil {
					return err
				}
				continue
			}
			mine, err := tx.TakeCommitment(ctx, c, s.again(c.Attempts))
			if err != nil {
				return err
			}
			if mine {
				taken = append(taken, c)
			}
		}
		return nil
	})
	return taken, err
}

func (s *Server) reportAll(ctx context.Context, d *dimse.Dialer, address string, due []store.Commitment) error {
	a, err := d.Dial(ctx, address)
	if err != nil {
		return err
	}
	defer a.Abort() // unless it was released
	pc, _ := a.Context(dimse.StorageCommitmentPushModel)
	for _, c := range due {
		if err := s.reportOne(ctx, a, pc, c); err != nil {
			return err
		}
	}
	return a.Release(ctx)
}

var errRefused = errors.New("the report was refused")

// reportOne sends a report and forgets the promise when it is answered.
func (s *Server) reportOne(ctx context.Context, a *dimse.Association, pc dimse.Context, c store.Commitment) error {
	r, err := s.look(ctx, c)
	if err != nil {
		return err
	}
	id := a.NextMessageID()
	if err := r.send(ctx, a, pc, id); err != nil {
		return err
	}
	m, err := a.Receive(ctx)
	if err != nil {
		return err
	}
	if m.Command.Field != dimse.NEventReportRSP || m.Command.MessageIDBeingRespondedTo != id || m.Command.Status.Failure() {
		return errRefused
	}
	return s.forget(ctx, c.ID)
}

func (s *Server) forget(ctx context.Context, id string) error {
	return s.config.Store.Write(ctx, func(tx *store.Tx) error { return tx.RemoveCommitment(ctx, id) })
}

// reportHere sends the reports that are due to a peer on its own association, if it
// cannot be reached otherwise.
func (a *association) reportHere(ctx context.Context) error {
	s := a.server
	pc, ok := a.Context(dimse.StorageCommitmentPushModel)
	if !ok || s.config.Store == nil {
		return nil
	}
	if s.addressOfTitle(a.Peer().AETitle) != "" {
		select {
		case s.reports <- struct{}{}:
		default: // it has been woken
		}
		return nil
	}
	due, err := s.take(ctx, a.Peer().AETitle)
	for _, c := range due {
		var r *report
		if r, err = s.look(ctx, c); err != nil {
			break
		}
		id := a.NextMessageID()
		a.reported[id] = c.ID
		if err := r.send(ctx, a.Association, pc, id); err != nil {
			return err
		}
	}
	if err != nil { // the promise stands, and is kept on another association
		s.config.Logger.LogAttrs(ctx, slog.LevelWarn, "storage commitment not reported", slog.String("association_id", a.summary.ID), slog.Any("error", err))
	}
	return nil
}

// answered takes note of the answer to a report.
func (a *association) answered(ctx context.Context, c *dimse.Command) error {
	id, ok := a.reported[c.MessageIDBeingRespondedTo]
	delete(a.reported, c.MessageIDBeingRespondedTo)
	if !ok || c.Status.Failure() {
		return nil
	}
	if err := a.server.forget(ctx, id); err != nil { // it will be reported once more
		a.server.config.Logger.LogAttrs(ctx, slog.LevelWarn, "storage commitment reported, and not forgotten", slog.Any("error", err))
	}
	return nil
}
