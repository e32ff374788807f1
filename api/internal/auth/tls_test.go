// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthgrpc "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/endplate/endplate/api/internal/auth"
	"github.com/endplate/endplate/api/internal/fault"
)

// authority issues certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  string
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	key := newKey(t)
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert, key, pemOf("CERTIFICATE", raw)}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func pemOf(kind string, raw []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw}))
}

// issue returns certificate and key of a subject, as PEM.
func (a *authority) issue(t *testing.T, subject pkix.Name) (cert, key string) {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: subject,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	own := newKey(t)
	raw, err := x509.CreateCertificate(rand.Reader, template, a.cert, own.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	rawKey, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		t.Fatal(err)
	}
	return pemOf("CERTIFICATE", raw), pemOf("PRIVATE KEY", rawKey)
}

// pair returns a certificate for a client.
func (a *authority) pair(t *testing.T, subject pkix.Name) tls.Certificate {
	t.Helper()
	cert, key := a.issue(t, subject)
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// files writes the server's own certificate and the authorities of clients.
func (a *authority) files(t *testing.T) auth.TLSFiles {
	t.Helper()
	dir := t.TempDir()
	cert, key := a.issue(t, pkix.Name{CommonName: "localhost"})
	return auth.TLSFiles{
		Certificate: write(t, filepath.Join(dir, "cert.pem"), cert),
		Key:         write(t, filepath.Join(dir, "key.pem"), key),
		ClientCA:    write(t, filepath.Join(dir, "ca.pem"), a.pem),
	}
}

var quiet = slog.New(slog.DiscardHandler)

func serverTLS(t *testing.T, files auth.TLSFiles, options auth.TLSOptions) *tls.Config {
	t.Helper()
	config, err := auth.TLS(files, options, quiet)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// serveGRPC serves health checks, which need credentials, and tells who asked.
func serveGRPC(t *testing.T, a *auth.Authenticator, config *tls.Config) (address string, callers <-chan auth.Principal) {
	t.Helper()
	seen := make(chan auth.Principal, 1)
	server := grpc.NewServer(grpc.Creds(credentials.NewTLS(config)), grpc.ChainUnaryInterceptor(
		func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
			answer, err := handle(ctx, req)
			if err != nil {
				err = status.Error(fault.Of(err).Code(), fault.Public(err).Text)
			}
			return answer, err
		},
		a.Unary,
		func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
			seen <- auth.FromContext(ctx)
			return handle(ctx, req)
		}))
	healthgrpc.RegisterHealthServer(server, health.NewServer())
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(l)
	t.Cleanup(server.Stop)
	return l.Addr().String(), seen
}

func check(t *testing.T, address string, config *tls.Config, token string) error {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(credentials.NewTLS(config)))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx := t.Context()
	if token != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
	}
	_, err = healthgrpc.NewHealthClient(conn).Check(ctx, &healthgrpc.HealthCheckRequest{})
	return err
}

func (a *authority) clientConfig(certificates ...tls.Certificate) *tls.Config {
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	return &tls.Config{RootCAs: roots, Certificates: certificates}
}

func TestCertificatesShowWhoCalls(t *testing.T) {
	ca, other := newAuthority(t, "ca"), newAuthority(t, "ca") // of the same name
	pacs := pkix.Name{CommonName: "pacs", Organization: []string{"Radiology, East"}}
	token, line := newToken(t, "workstation", auth.Read)
	credentials := fmt.Sprintf("- {subject: pacs, roles: [send], certificate: %q}\n%s", pacs.String(), line)
	a := newAuthenticator(t, auth.Config{Certificates: true, CredentialsFile: write(t, filepath.Join(t.TempDir(), "c"), credentials)})
	for _, tt := range []struct {
		name    string
		only    bool // certificates
		client  *tls.Config
		token   string
		subject string
		want    codes.Code // if not OK
	}{
		{"listed", false, ca.clientConfig(ca.pair(t, pacs)), "", "pacs", codes.OK},
		{"token without certificate", false, ca.clientConfig(), token, "workstation", codes.OK},
		{"token over certificate", false, ca.clientConfig(ca.pair(t, pacs)), token, "workstation", codes.OK},
		{"bad token over certificate", false, ca.clientConfig(ca.pair(t, pacs)), token + "x", "", codes.Unauthenticated},
		{"not listed", false, ca.clientConfig(ca.pair(t, pkix.Name{CommonName: "pacs"})), "", "", codes.Unauthenticated},
		{"nothing", false, ca.clientConfig(), "", "", codes.Unauthenticated},
		{"of another authority", false, ca.clientConfig(other.pair(t, pacs)), "", "", codes.Unavailable},
		{"only certificates", true, ca.clientConfig(ca.pair(t, pacs)), "", "pacs", codes.OK},
		{"only certificates, a token", true, ca.clientConfig(), token, "", codes.Unavailable},
		{"of another authority, only certificates", true, ca.clientConfig(other.pair(t, pacs)), "", "", codes.Unavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			config := serverTLS(t, ca.files(t), auth.TLSOptions{MinVersion: tls.VersionTLS12, OnlyCertificates: tt.only})
			address, callers := serveGRPC(t, a, config)
			err := check(t, address, tt.client, tt.token)
			if tt.want != codes.OK {
				if status.Code(err) != tt.want {
					t.Errorf("error %v, want %v", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if p := <-callers; p.Subject != tt.subject {
				t.Errorf("caller %q, want %q", p.Subject, tt.subject)
			}
		})
	}
}

// What the HTTP side has seen of a certificate the gRPC side takes, from it alone.
func TestCertificatesOverHTTP(t *testing.T) {
	ca := newAuthority(t, "ca")
	pacs := pkix.Name{CommonName: "pacs"}
	a := newAuthenticator(t, auth.Config{Certificates: true,
		CredentialsFile: write(t, filepath.Join(t.TempDir(), "c"), `- {subject: pacs, roles: [read], certificate: "CN=pacs"}`)})
	server := httptest.NewUnstartedServer(a.HTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := caller(t, a, readMethod, r.Header.Values("Authorization")...)
		fmt.Fprintf(w, "%s %v", p.Subject, fault.Of(err))
	})))
	server.TLS = serverTLS(t, ca.files(t), auth.TLSOptions{MinVersion: tls.VersionTLS12})
	server.StartTLS()
	defer server.Close()
	get := func(config *tls.Config, header string) string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		if header != "" {
			r.Header.Set("Authorization", header)
		}
		response, err := (&http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	if got := get(ca.clientConfig(ca.pair(t, pacs)), ""); !strings.HasPrefix(got, "pacs ") {
		t.Errorf("with a certificate: %q", got)
	}
	if got := get(ca.clientConfig(), ""); got != " unauthenticated" {
		t.Errorf("without: %q", got)
	}
	if got := get(ca.clientConfig(), "Endplate-Vouched .434e3d70616373"); got != " unauthenticated" {
		t.Errorf("who vouches for themselves: %q", got)
	}
}

// A page that a browser on this machine shows must not get at a server that this
// machine's users may use without credentials.
func TestPagesOfOthersAreRefused(t *testing.T) {
	a := newAuthenticator(t, auth.Config{Anonymous: "local"})
	server := httptest.NewServer(a.HTTP(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "in") })))
	defer server.Close()
	for _, tt := range []struct {
		name, method, host string
		headers            map[string]string
		want               int
	}{
		{"tool", "POST", "", nil, http.StatusOK},
		{"by name", "GET", "localhost:8471", nil, http.StatusOK},
		{"own page", "POST", "", map[string]string{"Sec-Fetch-Site": "same-origin"}, http.StatusOK},
		{"form of another page", "POST", "", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://example.org"}, http.StatusForbidden},
		{"old browser", "POST", "", map[string]string{"Origin": "https://example.org"}, http.StatusForbidden},
		{"rebound name", "GET", "example.org", nil, http.StatusForbidden},
		{"rebound name with port", "GET", "localhost.example.org:8471", nil, http.StatusForbidden},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), tt.method, server.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = tt.host
			for k, v := range tt.headers {
				r.Header.Set(k, v)
			}
			response, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != tt.want {
				t.Errorf("status %d, want %d", response.StatusCode, tt.want)
			}
		})
	}
}

// handshake returns the serial number of the server's certificate.
func handshake(t *testing.T, address string, config *tls.Config) (*big.Int, error) {
	t.Helper()
	config.ServerName = "localhost"
	c, err := tls.Dial("tcp", address, config)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].SerialNumber, nil
}

func TestRenewedCertificateIsTaken(t *testing.T) {
	ca := newAuthority(t, "ca")
	files := ca.files(t)
	l, err := tls.Listen("tcp", "localhost:0", serverTLS(t, files, auth.TLSOptions{MinVersion: tls.VersionTLS13}))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); c.(*tls.Conn).Handshake() }()
		}
	}()
	before, err := handshake(t, l.Addr().String(), ca.clientConfig())
	if err != nil {
		t.Fatal(err)
	}
	// Between the writing of the two files they do not fit, and what was stays.
	cert, key := ca.issue(t, pkix.Name{CommonName: "localhost"})
	write(t, files.Certificate, cert)
	for until := time.Now().Add(1500 * time.Millisecond); time.Now().Before(until); {
		if got, err := handshake(t, l.Addr().String(), ca.clientConfig()); err != nil || got.Cmp(before) != 0 {
			t.Fatalf("between the files: %v, %v", got, err)
		}
	}
	write(t, files.Key, key)
	for deadline := time.Now().Add(30 * time.Second); ; {
		got, err := handshake(t, l.Addr().String(), ca.clientConfig())
		if err != nil {
			t.Fatal(err)
		}
		if got.Cmp(before) != 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the renewed certificate is not taken")
		}
	}
	old := ca.clientConfig()
	old.MaxVersion = tls.VersionTLS12
	if _, err := handshake(t, l.Addr().String(), old); err == nil {
		t.Error("TLS 1.2 was spoken, want 1.3 and newer")
	}
}

func TestTLSFilesThatCannotBe(t *testing.T) {
	ca := newAuthority(t, "ca")
	good := ca.files(t)
	_, otherKey := ca.issue(t, pkix.Name{CommonName: "other"})
	for name, change := range map[string]func(*auth.TLSFiles){
		"no certificate":     func(f *auth.TLSFiles) { f.Certificate = filepath.Join(t.TempDir(), "none") },
		"key of another":     func(f *auth.TLSFiles) { f.Key = write(t, filepath.Join(t.TempDir(), "key"), otherKey) },
		"authority is empty": func(f *auth.TLSFiles) { f.ClientCA = write(t, filepath.Join(t.TempDir(), "ca"), "") },
		"no authority":       func(f *auth.TLSFiles) { f.ClientCA = filepath.Join(t.TempDir(), "none") },
	} {
		files := good
		change(&files)
		if _, err := auth.TLS(files, auth.TLSOptions{MinVersion: tls.VersionTLS12}, quiet); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
