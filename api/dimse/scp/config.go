// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package scp

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/endplate/endplate/api/dimse"
	"github.com/endplate/endplate/api/dimse/dul"
	"github.com/endplate/endplate/api/internal/ingest"
	"github.com/endplate/endplate/api/internal/store"
)

// Config says who may do what.
type Config struct {
	AETitle string // that peers call
	Peers   []Peer // that are let in; none: everybody
	// Classes are the SOP classes of storage that are taken.
	Classes []string
	Ingest  *ingest.Ingest
	// Store says what is kept when storage commitment is asked for; nil: it cannot be.
	Store *store.Store
	// MaxInstance bounds an instance, bytes. It is the door's; a peer that goes far
	// beyond it is not read to the end.
	MaxInstance int64

	TLS       *tls.Config // nil: none
	ReportTLS *tls.Config // towards peers that take reports; nil: none
	// ReportAgain is when a storage commitment report that was not answered is sent
	// again, at first, and then ever later; 0: 10 s.
	ReportAgain      time.Duration
	Associations     int    // at a time
	PeerAssociations int    // of one address
	MaxPDU           uint32 // bytes; 0: dimse.DefaultMaxPDU
	Timeouts         dimse.Timeouts

	Observer Observer
	Logger   *slog.Logger
}

// Observer is told of what happens; each may be nil.
type Observer struct {
	// Ended is told of each association, of those too that were refused.
	Ended func(Summary)
	// Message is told of each request that was answered, and the time from the command
	// set to the response.
	Message func(f dimse.Field, s dimse.Status, took time.Duration)
}

// Summary is what is to be said of an association.
type Summary struct {
	ID       string
	Peer     dimse.Peer
	Outcome  Outcome
	Err      error // of an association that was not released
	Started  time.Time
	Stored   int // instances, those too that were stored before
	Refused  int
	Studies  []string // StudyInstanceUIDs, at most mostStudies
	Accepted bool
}

// mostStudies is how many studies a summary names.
const mostStudies = 100

// Outcome is how an association ended.
type Outcome string

// The outcomes.
const (
	Released Outcome = "released"
	Rejected Outcome = "rejected"
	Aborted  Outcome = "aborted" // by the peer
	Ended    Outcome = "ended"   // by the server, because of what the peer did or did not do
	Stopped  Outcome = "stopped" // because the server shuts down
	NoDICOM  Outcome = "no_association"
)

// Peer is whom an association is accepted from.
type Peer struct {
	AETitle string // "*": any
	Host    string // name or address; empty: see Network
	Port    string // where it takes storage commitment reports; empty: only on its own associations
	Network netip.Prefix
}

// ParsePeer reads a peer: AETITLE, AETITLE@HOST, AETITLE@HOST:PORT or AETITLE@NETWORK,
// with * for any AE title, such as PACS@10.0.0.7:104 or *@10.0.0.0/24.
func ParsePeer(s string) (Peer, error) {
	title, where, at := strings.Cut(s, "@")
	p := Peer{AETitle: strings.TrimSpace(title)}
	if p.AETitle != anyTitle && !dul.ValidAETitle(p.AETitle) {
		return Peer{}, fmt.Errorf("peer %q: %q is no AE title", s, title)
	}
	if !at {
		return p, nil
	}
	if network, err := netip.ParsePrefix(where); err == nil {
		p.Network = network.Masked()
		return p, nil
	}
	p.Host = strings.Trim(where, "[]")
	if host, port, err := net.SplitHostPort(where); err == nil {
		p.Host, p.Port = host, port
	}
	if p.Host == "" || strings.ContainsAny(p.Host, "/ @") {
		return Peer{}, fmt.Errorf("peer %q: want AETITLE@HOST, AETITLE@HOST:PORT or AETITLE@NETWORK", s)
	}
	return p, nil
}

// String returns the peer as ParsePeer reads it.
func (p Peer) String() string {
	switch {
	case p.Network.IsValid():
		return p.AETitle + "@" + p.Network.String()
	case p.Port != "":
		return p.AETitle + "@" + net.JoinHostPort(p.Host, p.Port)
	case p.Host != "":
		return p.AETitle + "@" + p.Host
	}
	return p.AETitle
}

const anyTitle = "*"

// lookupTime bounds how long the name of a peer is looked for.
const lookupTime = 2 * time.Second

// admits reports whether the peer is who calls itself title from address.
func (p Peer) admits(ctx context.Context, title string, address netip.Addr) bool {
	if p.AETitle != anyTitle && p.AETitle != title {
		return false
	}
	switch {
	case p.Network.IsValid():
		return p.Network.Contains(address)
	case p.Host == "":
		return true
	}
	if at, err := netip.ParseAddr(p.Host); err == nil {
		return at.Unmap() == address
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", p.Host)
	if err != nil {
		return false
	}
	for _, at := range found {
		if at.Unmap() == address {
			return true
		}
	}
	return false
}

// Restricts reports whether peers are told apart by more than what they call
// themselves.
func Restricts(peers []Peer) bool {
	for _, p := range peers {
		if p.Host == "" && !p.Network.IsValid() {
			return false
		}
	}
	return len(peers) > 0
}

// pendingConnections bounds the connections that have not yet asked for an
// association.
const pendingConnections = 64

// withDefaults returns the configuration with what was left out.
func (c Config) withDefaults() Config {
	c.Associations = cmp.Or(c.Associations, 64)
	c.PeerAssociations = cmp.Or(c.PeerAssociations, c.Associations)
	c.MaxPDU = cmp.Or(c.MaxPDU, dimse.DefaultMaxPDU)
	c.ReportAgain = cmp.Or(c.ReportAgain, 10*time.Second)
	c.MaxInstance = cmp.Or(c.MaxInstance, 4<<30)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}
