// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package scp_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	crand "crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/endplate/endplate/api/dimse"
	"github.com/endplate/endplate/api/dimse/scp"
	"github.com/endplate/endplate/api/internal/ingest"
	"github.com/endplate/endplate/api/internal/store/storetest"
)

// An instance that comes again, by whatever association, is stored already; another
// with its UID is a duplicate, and nothing changes.
func TestAnInstanceThatComesAgain(t *testing.T) {
	t.Parallel()
	p := start(t, scp.Config{}, ingest.Config{})
	i := synthetic(ctImageStorage, "1.2.3.4", 100_000)
	other := i
	other.data = bytes.Clone(i.data)
	other.data[len(other.data)-1] = 1
	for _, tt := range []struct {
		title string
		instance
		want dimse.Status
	}{
		{"ONE", i, dimse.Success},
		{"ONE", i, dimse.Success},
		{"TWO", i, dimse.Success},
		{"TWO", other, dimse.DuplicateSOPInstance},
	} {
		d := dialer(i)
		d.CallingAETitle = tt.title
		rsp, err := send(t.Context(), p.dial(t, d), tt.instance)
		if err != nil || rsp.Status != tt.want || rsp.AffectedSOPInstanceUID != "1.2.3.4" {
			t.Errorf("%v: %+v, want %v", err, rsp, tt.want)
		}
	}
	if !bytes.Equal(p.stored(t, "1.2.3.4"), append(i.Head(), i.data...)) {
		t.Error("other bytes are stored")
	}
}

// What cannot be stored is told by its status, and the association goes on.
func TestRefusals(t *testing.T) {
	t.Parallel()
	p := start(t, scp.Config{}, ingest.Config{MaxInstance: 200_000})
	good := synthetic(ctImageStorage, "1.2.3.4", 1000)
	change := func(f func(*instance)) instance {
		i := good
		i.data = bytes.Clone(good.data)
		f(&i)
		return i
	}
	pet := synthetic(petImageStorage, "1.2.3.4", 1000)
	a := p.dial(t, dialer(good, pet))
	for _, tt := range []struct {
		name string
		instance
		want    dimse.Status
		comment string
	}{
		{"too large", synthetic(ctImageStorage, "1.2.3.5", 300_000), dimse.OutOfResources, "more than 200000 bytes"},
		{"another instance", change(func(i *instance) { i.SOPInstanceUID = "1.2.3.6" }), dimse.CannotUnderstand, "SOPInstanceUID"},
		{"no UID", change(func(i *instance) { i.SOPInstanceUID = "1..2" }), dimse.InvalidSOPInstance, ""},
		{"cut off", change(func(i *instance) { i.data = i.data[:len(i.data)-500] }), dimse.CannotUnderstand, ""},
		{"nothing", change(func(i *instance) { i.data = nil }), dimse.CannotUnderstand, ""},
		{"not taken", pet, dimse.SOPClassNotSupported, ""},
		{"good", good, dimse.Success, ""},
	} {
		rsp, err := send(t.Context(), a, tt.instance)
		if err != nil || rsp.Status != tt.want || !strings.Contains(rsp.ErrorComment, tt.comment) {
			t.Errorf("%s: %v, %v %q, want %v", tt.name, err, rsp.Status, rsp.ErrorComment, tt.want)
		}
	}
	if err := a.Release(t.Context()); err != nil {
		t.Error(err)
	}
	if s := p.summaries(t, 1)[0]; s.Stored != 1 || s.Refused != 5 || s.Outcome != scp.Released { // one was not sent
		t.Errorf("%+v", s)
	}
	p.sound(t)
}

// A full disk is told as such, for the peer to try again later.
func TestFullStorage(t *testing.T) {
	t.Parallel()
	config := storetest.Embedded(t)
	config.MinFree = 1 << 60
	p := start(t, scp.Config{}, ingest.Config{Store: storetest.Open(t, config)})
	i := synthetic(ctImageStorage, "1.2.3.4", 500_000)
	a := p.dial(t, dialer(i))
	for range 2 {
		if rsp, err := send(t.Context(), a, i); err != nil || rsp.Status != dimse.OutOfResources || rsp.ErrorComment == "" {
			t.Errorf("%v, %v %q", err, rsp.Status, rsp.ErrorComment)
		}
	}
}

// Four associations store at once, some of them the same instances.
func TestAssociationsAtOnce(t *testing.T) {
	t.Parallel()
	p := start(t, scp.Config{}, ingest.Config{})
	var all sync.WaitGroup
	for n := range 4 {
		all.Go(func() {
			a, err := dialer(synthetic(ctImageStorage, "1.2.3", 0)).Dial(t.Context(), p.at)
			if err != nil {
				t.Error(err)
				return
			}
			defer a.Abort()
			for k := range 20 {
				i := synthetic(ctImageStorage, fmt.Sprintf("1.2.3.%d", k+10*n), 10_000+k+10*n)
				if rsp, err := send(t.Context(), a, i); err != nil || rsp.Status != dimse.Success {
					t.Errorf("%v, %v", err, rsp.Status)
				}
			}
			if err := a.Release(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got, err := p.store.Instances(t.Context(), "1.2.2"); err != nil || len(got) != 50 {
		t.Errorf("%d instances, %v", len(got), err)
	}
	p.sound(t)
}

func TestPeers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		peers           []string
		calling, called string
		want            *dimse.RejectError
	}{
		{nil, "ANYBODY", "ENDPLATE", nil},
		{nil, "ANYBODY", "OTHER", &dimse.RejectError{Result: 1, Source: 1, Reason: 7}},
		{[]string{"PACS"}, "PACS", "ENDPLATE", nil},
		{[]string{"PACS"}, "MODALITY", "ENDPLATE", &dimse.RejectError{Result: 1, Source: 1, Reason: 3}},
		{[]string{"PACS@127.0.0.1:104"}, "PACS", "ENDPLATE", nil},
		{[]string{"PACS@localhost"}, "PACS", "ENDPLATE", nil},
		{[]string{"PACS@192.0.2.1", "*@198.51.100.0/24"}, "PACS", "ENDPLATE", &dimse.RejectError{Result: 1, Source: 1, Reason: 3}},
		{[]string{"PACS@192.0.2.1", "*@127.0.0.0/8"}, "MODALITY", "ENDPLATE", nil},
	} {
		var c scp.Config
		for _, s := range tt.peers {
			peer, err := scp.ParsePeer(s)
			if err != nil || peer.String() != s {
				t.Fatalf("%q is %v, %v", s, peer, err)
			}
			c.Peers = append(c.Peers, peer)
		}
		p := start(t, c, ingest.Config{})
		d := dialer()
		d.CallingAETitle, d.CalledAETitle = tt.calling, tt.called
		a, err := d.Dial(t.Context(), p.at)
		if err == nil {
			a.Abort()
		}
		got, _ := errors.AsType[*dimse.RejectError](err)
		if tt.want == nil && err != nil || tt.want != nil && (got == nil || *got != *tt.want) {
			t.Errorf("%s calls %s, peers %v: %v", tt.calling, tt.called, tt.peers, err)
		}
	}
}

func TestParsePeer(t *testing.T) {
	for s, want := range map[string]scp.Peer{
		"PACS":                 {AETitle: "PACS"},
		"PACS@host":            {AETitle: "PACS", Host: "host"},
		"PACS@[::1]:104":       {AETitle: "PACS", Host: "::1", Port: "104"},
		"PACS@[::1]":           {AETitle: "PACS", Host: "::1"},
		"A TITLE@10.0.0.7:104": {AETitle: "A TITLE", Host: "10.0.0.7", Port: "104"},
		"*@10.1.2.3/16":        {AETitle: "*", Network: netip.MustParsePrefix("10.1.0.0/16")},
	} {
		if got, err := scp.ParsePeer(s); err != nil || got != want {
			t.Errorf("%q: %+v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "@host", "PACS@", "PACS@10.0.0.0/99", "SEVENTEEN_LETTERS@host", `BACK\SLASH`} {
		if got, err := scp.ParsePeer(s); err == nil {
			t.Errorf("%q: %+v", s, got)
		}
	}
}

// With TLS, only those who have a certificate are let in where that is asked for.
func TestTLS(t *testing.T) {
	t.Parallel()
	pair, roots := certificate(t)
	p := start(t, scp.Config{
		TLS:      &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: roots, ClientAuth: tls.RequireAndVerifyClientCert},
		Timeouts: dimse.Timeouts{ARTIM: time.Second},
	}, ingest.Config{})
	i := synthetic(ctImageStorage, "1.2.3.4", 300_000)
	d := dialer(i)
	d.TLS = &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}}
	a := p.dial(t, d)
	if rsp, err := send(t.Context(), a, i); err != nil || rsp.Status != dimse.Success {
		t.Errorf("%v, %v", err, rsp.Status)
	}
	if err := a.Release(t.Context()); err != nil {
		t.Error(err)
	}
	d.TLS = &tls.Config{RootCAs: roots}
	if _, err := d.Dial(t.Context(), p.at); err == nil {
		t.Error("a peer without a certificate is let in")
	}
	d.TLS = nil
	if _, err := d.Dial(t.Context(), p.at); err == nil {
		t.Error("a peer without TLS is let in")
	}
}

// certificate returns a certificate of 127.0.0.1 that issues itself.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(crand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

// A server that shuts down lets nobody in, and ends idle associations at once.
func TestShutdown(t *testing.T) {
	t.Parallel()
	p := start(t, scp.Config{}, ingest.Config{})
	a := p.dial(t, dialer())
	silent := p.connect(t)
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	p.Shutdown(ctx)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	if _, err := a.Receive(t.Context()); err == nil {
		t.Error("an association outlasts the server")
	}
	if kind := silent.next(); kind != 0 {
		t.Errorf("PDU %d", kind)
	}
	if _, err := dialer().Dial(t.Context(), p.at); err == nil {
		t.Error("an association begins after the end")
	}
	stopped := func(s scp.Summary) bool { return s.Outcome == scp.Stopped }
	if s := p.summaries(t, 1); !slices.ContainsFunc(s, stopped) {
		t.Errorf("%+v", s)
	}
}
