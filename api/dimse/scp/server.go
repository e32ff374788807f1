// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package scp

import (
	"container/list"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/endplate/endplate/api/dimse"
	"github.com/endplate/endplate/api/dimse/dul"
)

// Server accepts associations. Its methods may be called at once.
type Server struct {
	config   Config
	acceptor dimse.Acceptor

	// In two stages: when draining ends no message begins any more, when stopping ends
	// those that are under way are broken off.
	draining, stopping context.Context
	drain, stop        context.CancelFunc
	serving            sync.WaitGroup

	mu      sync.Mutex
	open    int                // associations
	peers   map[netip.Addr]int // of them
	pending *list.List         // of net.Conn, the oldest first

	reports chan struct{} // wakes who sends storage commitment reports
}

// New returns a server. What it begins ends by Shutdown.
func New(ctx context.Context, config Config) *Server {
	s := &Server{config: config.withDefaults(), peers: map[netip.Addr]int{}, pending: list.New(), reports: make(chan struct{}, 1)}
	s.draining, s.drain = context.WithCancel(context.WithoutCancel(ctx))
	s.stopping, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.acceptor = dimse.Acceptor{Supported: supported(s.config), MaxPDU: s.config.MaxPDU, Timeouts: s.config.Timeouts}
	return s
}

// acceptPause is how long the listener rests after an error such as that of too many
// open files.
const acceptPause = 50 * time.Millisecond

// Serve accepts connections until the listener is closed by Shutdown, which is no
// error.
func (s *Server) Serve(l net.Listener) error {
	stop := context.AfterFunc(s.draining, func() { l.Close() })
	defer stop()
	if s.config.Store != nil {
		s.serving.Go(s.report)
	}
	for {
		nc, err := l.Accept()
		switch {
		case s.draining.Err() != nil:
			if err == nil {
				nc.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return err
		case err != nil:
			select {
			case <-time.After(acceptPause):
			case <-s.draining.Done():
			}
		default:
			s.serving.Go(func() { s.serve(nc) })
		}
	}
}

// Shutdown accepts nothing more, lets the messages that are under way end, and breaks
// off what is left when ctx ends. It returns when nothing is.
func (s *Server) Shutdown(ctx context.Context) {
	s.drain()
	s.closePending()
	stop := context.AfterFunc(ctx, s.stop)
	defer stop()
	s.serving.Wait()
	s.stop()
}

// serve sees a connection to its end.
func (s *Server) serve(nc net.Conn) {
	a := &association{server: s, release: func() {}, reported: map[uint16]string{}, summary: Summary{ID: newID(), Started: time.Now(), Peer: dimse.Peer{Address: nc.RemoteAddr().String()}}}
	leave := s.pend(nc)
	acceptor := s.acceptor
	from := addressOf(nc)
	acceptor.Admit = func(r dimse.Request) *dimse.RejectError {
		rejected := a.admit(r, from)
		if rejected == nil {
			leave() // before the peer knows: Shutdown closes what is pending
		}
		return rejected
	}
	if s.config.TLS != nil {
		nc = tls.Server(nc, s.config.TLS)
	}
	accepted, err := acceptor.Accept(s.stopping, nc)
	leave()
	if err != nil {
		a.release()
		a.ended(err)
		return
	}
	a.Association = accepted
	accepted.OnEnd(a.release)
	a.summary.Accepted, a.summary.Peer = true, accepted.Peer()
	err = a.work()
	a.release()
	a.ended(err)
	if s.draining.Err() != nil {
		accepted.Drop() // a peer that is idle would not close
		return
	}
	accepted.Abort() // if it has not ended; the peer may take its time to close
}

// pend notes a connection that has not asked for an association, and makes room for it
// by closing the oldest. It returns what says that it has asked.
func (s *Server) pend(nc net.Conn) (leave func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining.Err() != nil {
		nc.Close()
	}
	e := s.pending.PushBack(nc)
	if s.pending.Len() > pendingConnections {
		oldest := s.pending.Front()
		s.pending.Remove(oldest)
		oldest.Value.(net.Conn).Close()
	}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.pending.Remove(e) // nothing, if it was closed
	}
}

func (s *Server) closePending() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for e := s.pending.Front(); e != nil; e = e.Next() {
		e.Value.(net.Conn).Close()
	}
}

// addressOf returns the address of a peer, the zero one if it has none.
func addressOf(nc net.Conn) netip.Addr {
	at, err := netip.ParseAddrPort(nc.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap()
}

// admit decides on a request for an association, and takes a slot for it.
func (a *association) admit(r dimse.Request, from netip.Addr) *dimse.RejectError {
	s := a.server
	a.summary.Peer = r.Peer
	if r.CalledAETitle != s.config.AETitle {
		return &dul.RejectCalledAETitle
	}
	if !s.allows(r.CallingAETitle, from) {
		return &dul.RejectCallingAETitle
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining.Err() != nil || s.open >= s.config.Associations || s.peers[from] >= s.config.PeerAssociations {
		return &dul.RejectLocalLimitExceeded
	}
	s.open++
	s.peers[from]++
	a.release = sync.OnceFunc(func() { s.leave(from) })
	return nil
}

func (s *Server) leave(from netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
	if s.peers[from]--; s.peers[from] == 0 {
		delete(s.peers, from)
	}
}

func (s *Server) allows(title string, from netip.Addr) bool {
	if len(s.config.Peers) == 0 {
		return true
	}
	for _, p := range s.config.Peers {
		if p.admits(s.stopping, title, from) {
			return true
		}
	}
	return false
}

// Open returns how many associations there are.
func (s *Server) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}
