// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/api/dicomweb"
	"github.com/endplate/endplate/api/dimse"
	"github.com/endplate/endplate/api/dimse/dul"
	"github.com/endplate/endplate/api/dimse/scp"
	"github.com/endplate/endplate/api/dimse/scu"
	"github.com/endplate/endplate/api/internal/audit"
	"github.com/endplate/endplate/api/internal/auth"
	"github.com/endplate/endplate/api/internal/ingest"
	"github.com/endplate/endplate/api/internal/listen"
	"github.com/endplate/endplate/api/internal/store"
	"github.com/endplate/endplate/api/measure"
)

// The bounds of a P-DATA-TF PDU, bytes. PS3.8 annex D.1 knows none; a smaller one would
// be all headers.
const (
	smallestPDU = 4 << 10
	largestPDU  = 16 << 20
)

// check says what in the settings cannot be.
func (d DIMSE) check(s Security) error {
	if d.Addr == "" {
		return nil
	}
	_, err := d.peers()
	switch {
	case !dul.ValidAETitle(d.AETitle):
		return fmt.Errorf("AE title %q: want 1 to 16 characters of ASCII, no backslash", d.AETitle)
	case err != nil:
		return err
	case d.Associations <= 0 || d.PeerAssociations <= 0:
		return errors.New("the limits of associations must be positive")
	case d.MaxPDU < smallestPDU || d.MaxPDU > largestPDU:
		return fmt.Errorf("PDUs of %d bytes, want %d to %d", d.MaxPDU, smallestPDU, largestPDU)
	case d.TLS && !s.encrypted():
		return errors.New("TLS for DIMSE needs the server's certificate and key")
	}
	return nil
}

func (d DIMSE) peers() ([]scp.Peer, error) {
	var all []scp.Peer
	for _, s := range d.Peers {
		p, err := scp.ParsePeer(s)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// exposed refuses to let others in whom neither their address nor a certificate tells
// apart: an AE title is what a peer says of itself.
func (d DIMSE) exposed(s Security) error {
	peers, err := d.peers() // check tells of the error
	open := err == nil && d.Addr != "" && !scp.Restricts(peers) && !(d.TLS && s.TLSClientCA != "")
	if !open || auth.Exposed([]string{d.Addr}, false, false) == nil {
		return nil
	}
	return fmt.Errorf("%s can be reached from elsewhere, and there is neither a list of DICOM peers with their addresses nor TLS with their certificates", d.Addr)
}

// listenDIMSE opens the listener for DICOM applications.
func (s *Server) listenDIMSE(ctx context.Context) error {
	c := s.config.DIMSE
	if c.Addr == "" {
		return nil
	}
	config, err := s.scpConfig()
	if err != nil {
		return err
	}
	l, err := listen.TCP(c.Addr, s.config.Limits.Connections)
	if err != nil {
		return fmt.Errorf("listening for DIMSE: %w", err)
	}
	s.onClose(func() error { return ignoreClosed(l.Close()) })
	s.dimseAt, s.dimse = l, scp.New(ctx, config)
	s.metrics.Associations(s.dimse.Open)
	return nil
}

// scpConfig returns what of the SCP is configured, over a store that need not be open.
func (c Config) scpConfig(kept *store.Store) (scp.Config, error) {
	peers, err := c.DIMSE.peers()
	if c.Storage.Deidentify {
		kept = nil // under the UIDs that peers know nothing is
	}
	return scp.Config{
		AETitle: c.DIMSE.AETitle, Peers: peers, Classes: ingest.Accepted(c.Storage.SOPClasses), Store: kept,
		MaxInstance: c.Limits.InstanceBytes, Associations: c.DIMSE.Associations, PeerAssociations: c.DIMSE.PeerAssociations,
		MaxPDU: uint32(c.DIMSE.MaxPDU),
	}, err
}

// WriteConformance writes the DICOM Conformance Statement of a server of the
// configuration, in Markdown.
func WriteConformance(w io.Writer, c Config) error {
	if err := errors.Join(c.DIMSE.check(c.Security), validSOPClasses(c.Storage.SOPClasses)); err != nil {
		return err
	}
	config, err := c.scpConfig(new(store.Store))
	if err != nil {
		return err
	}
	if c.DIMSE.TLS {
		config.TLS = &tls.Config{} //nolint:gosec // says that there is some
	}
	fmt.Fprintf(w, "# DICOM Conformance Statement of endplate %s\n\n", c.Version)
	if err := scp.WriteConformance(w, config); err != nil {
		return err
	}
	if err := scu.WriteConformance(w, measure.Objects()); err != nil || c.HTTPAddr == "" {
		return err
	}
	return dicomweb.WriteConformance(w)
}

func (s *Server) scpConfig() (scp.Config, error) {
	c := s.config.DIMSE
	config, err := s.config.scpConfig(s.service.store)
	if err != nil {
		return config, err
	}
	config.Ingest, config.Logger = s.service.ingest, s.log
	config.Observer = scp.Observer{Ended: s.associationEnded, Message: s.messageAnswered}
	if c.TLS {
		if config.TLS, err = s.dimseTLS(); err == nil {
			config.ReportTLS, err = s.reportTLS()
		}
	}
	return config, err
}

// reportTLS returns how TLS is spoken with peers that take reports: with the server's
// certificate, and certificates of those who issue its peers', or are known to the
// system.
func (s *Server) reportTLS() (*tls.Config, error) {
	files, how := s.config.Security.tlsFiles()
	config, err := auth.LoadTLS(files, how)
	if err != nil {
		return nil, err
	}
	return &tls.Config{Certificates: config.Certificates, RootCAs: config.ClientCAs, MinVersion: config.MinVersion}, nil
}

// dimseTLS returns how TLS is spoken with DICOM applications, which have no tokens to
// show instead of a certificate.
func (s *Server) dimseTLS() (*tls.Config, error) {
	files, how := s.config.Security.tlsFiles()
	how.OnlyCertificates = files.ClientCA != ""
	return auth.TLS(files, how, s.log)
}

// messageAnswered tells the metrics of a message, whose name a peer may have made up.
func (s *Server) messageAnswered(f dimse.Field, status dimse.Status, took time.Duration) {
	name := "unknown"
	if f.Known() {
		name = f.String()
	}
	s.metrics.Message(name, fmt.Sprintf("%04X", uint16(status)), took)
}

// associationEnded tells metrics and audit of an association.
func (s *Server) associationEnded(a scp.Summary) {
	s.metrics.Association(string(a.Outcome))
	if a.Outcome == scp.NoDICOM {
		return
	}
	s.service.audit.Association(audit.Association{
		Time: a.Started, ID: a.ID, AETitle: a.Peer.AETitle, Peer: a.Peer.Address, Outcome: string(a.Outcome), Studies: a.Studies,
	})
}

// validSOPClasses says which of the SOP classes to be kept are none.
func validSOPClasses(uids []string) error {
	for _, uid := range uids {
		if dicom.ValidUID(uid) == "" {
			return fmt.Errorf("SOP class %q: no UID", uid)
		}
	}
	return nil
}
