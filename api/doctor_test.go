// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/endplate/endplate/api"
	"github.com/endplate/endplate/api/internal/store"
	"github.com/endplate/endplate/api/orthanctest"
)

// certificate writes a certificate of its own making and its key.
func certificate(t *testing.T, change func(*x509.Certificate), keyMode os.FileMode) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "endplate"}, DNSNames: []string{"endplate.example.org"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(365 * 24 * time.Hour),
	}
	if change != nil {
		change(template)
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	rawKey, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for _, f := range []struct {
		path, kind string
		raw        []byte
		mode       os.FileMode
	}{{cert, "CERTIFICATE", raw, 0o644}, {key, "PRIVATE KEY", rawKey, keyMode}} {
		if err := os.WriteFile(f.path, pem.EncodeToMemory(&pem.Block{Type: f.kind, Bytes: f.raw}), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(f.path, f.mode); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// minimal is what a server can run with.
func minimal(t *testing.T) api.Config {
	return api.Config{
		GRPCAddr: "127.0.0.1:0",
		Storage:  api.Storage{Folder: filepath.Join(t.TempDir(), "data")},
		Work:     api.Work{AnalysisMemory: 1 << 30, AnalysisTime: time.Minute, QueueLimit: 1},
		Limits:   api.Limits{Connections: 10, InstanceBytes: 1 << 20, UploadInstances: 10, UploadBytes: 1 << 20},
		Security: api.Security{TLSMinVersion: "1.2", OIDCRoles: "roles", OIDCSubject: "sub", OpenHealth: true},
	}
}

func diagnose(t *testing.T, c api.Config) (found []api.Diagnosis) {
	t.Helper()
	api.Diagnose(t.Context(), c, func(d api.Diagnosis) { found = append(found, d) })
	return found
}

func TestDoctorLooksAtCertificates(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(*x509.Certificate)
		mode   os.FileMode
		want   api.Severity
		text   string
	}{
		{"good", nil, 0o600, api.Fine, "endplate.example.org"},
		{"read by the group", nil, 0o640, api.Fine, "until"},
		{"soon over", func(c *x509.Certificate) { c.NotAfter = time.Now().Add(24 * time.Hour) }, 0o600, api.Warning, "ends on"},
		{"over", func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }, 0o600, api.Broken, "ended on"},
		{"not yet", func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) }, 0o600, api.Broken, "begins on"},
		{"of no host", func(c *x509.Certificate) { c.DNSNames = nil }, 0o600, api.Broken, "names no host"},
		{"key open to all", nil, 0o644, api.Broken, "may be read by others"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := minimal(t)
			c.Security.TLSCert, c.Security.TLSKey = certificate(t, tt.change, tt.mode)
			for _, d := range diagnose(t, c) {
				if d.Check != "certificate" {
					if d.Severity == api.Broken {
						t.Errorf("%+v", d)
					}
					continue
				}
				if d.Severity != tt.want || !strings.Contains(d.Text, tt.text) || (d.Advice == "") != (tt.want == api.Fine) {
					t.Errorf("%+v, want %v: %s", d, tt.want, tt.text)
				}
				return
			}
			t.Error("the certificate was not looked at")
		})
	}
	c := minimal(t)
	c.Security.TLSCert, _ = certificate(t, nil, 0o600)
	_, c.Security.TLSKey = certificate(t, nil, 0o600)
	found := false
	for _, d := range diagnose(t, c) {
		found = found || d.Check == "certificate" && d.Severity == api.Broken
	}
	if !found {
		t.Error("the key of another certificate was taken for good")
	}
}

func TestDoctorAsksTheIssuer(t *testing.T) {
	t.Parallel()
	var issuer *httptest.Server
	issuer = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte(`{"issuer":"` + issuer.URL + `","jwks_uri":"` + issuer.URL + `/keys"}`))
	}))
	defer issuer.Close()
	c := minimal(t)
	c.Security.OIDCIssuer, c.Security.OIDCAudience = issuer.URL, "endplate"
	for _, d := range diagnose(t, c) {
		if d.Severity == api.Broken {
			t.Errorf("%+v", d)
		}
	}
	c.Security.OIDCIssuer = issuer.URL + "/other"
	broken := 0
	for _, d := range diagnose(t, c) {
		if d.Severity == api.Broken && d.Check == "issuer" {
			broken++
		}
	}
	if broken != 1 {
		t.Error("an issuer that calls itself otherwise was taken for good")
	}
}

func TestConfigurationsThatCannotBe(t *testing.T) {
	t.Parallel()
	if err := minimal(t).Check(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*api.Config){
		"address":                     func(c *api.Config) { c.GRPCAddr = "localhost" },
		"public URL without a scheme": func(c *api.Config) { c.PublicURL = "pacs.example.org/endplate" },
		"public URL with a query":     func(c *api.Config) { c.PublicURL = "https://pacs.example.org/?a=b" },
		"public URL with a password":  func(c *api.Config) { c.PublicURL = "https://a:b@pacs.example.org" },
		"open to all":                 func(c *api.Config) { c.GRPCAddr = ":0" },
		"open to all over REST":       func(c *api.Config) { c.HTTPAddr = ":0" },
		"profiles open to all":        func(c *api.Config) { c.PprofAddr = ":0" },
		"tokens in the clear":         func(c *api.Config) { c.GRPCAddr, c.Security.CredentialsFile = ":0", "c" },
		"TLS without authentication":  func(c *api.Config) { c.GRPCAddr, c.Security.TLSCert, c.Security.TLSKey = ":0", "c", "k" },
		"certificate without key":     func(c *api.Config) { c.Security.TLSCert = "c" },
		"clients without TLS":         func(c *api.Config) { c.Security.TLSClientCA, c.Security.CredentialsFile = "ca", "c" },
		"clients without credentials": func(c *api.Config) { c.Security.TLSCert, c.Security.TLSKey, c.Security.TLSClientCA = "c", "k", "ca" },
		"required of nobody":          func(c *api.Config) { c.Security.TLSRequireClientCert = true },
		"TLS 1.1":                     func(c *api.Config) { c.Security.TLSMinVersion = "1.1" },
		"issuer without audience":     func(c *api.Config) { c.Security.OIDCIssuer = "https://id.example.org" },
		"nowhere to keep anything":    func(c *api.Config) { c.Storage.Folder = "" },
		"nothing to do":               func(c *api.Config) { c.GRPCAddr = "" },
		"no time":                     func(c *api.Config) { c.Work.AnalysisTime = 0 },
		"no room in the queue":        func(c *api.Config) { c.Work.QueueLimit = 0 },
		"no connections":              func(c *api.Config) { c.Limits.Connections = 0 },
		"negative grace":              func(c *api.Config) { c.ShutdownGrace = -1 },
		"more traces than calls":      func(c *api.Config) { c.Telemetry.TraceRatio = 2 },
	} {
		c := minimal(t)
		change(&c)
		if err := c.Check(); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	for name, change := range map[string]func(*api.Config){
		"insecure": func(c *api.Config) { c.GRPCAddr, c.Security.Insecure = ":0", true },
		"TLS and credentials": func(c *api.Config) {
			c.GRPCAddr, c.Security.TLSCert, c.Security.TLSKey, c.Security.CredentialsFile = ":0", "c", "k", "t"
		},
		"a worker":                  func(c *api.Config) { c.GRPCAddr, c.Work.Workers = "", 1 },
		"metrics for the whole net": func(c *api.Config) { c.MetricsAddr = ":0" },
		"everything elsewhere":      func(c *api.Config) { c.Storage = api.Storage{Database: "postgres://x", Blobs: "s3://x"} },
	} {
		c := minimal(t)
		change(&c)
		if err := c.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Which objects are made and where they go is the same in every process: what one is
// told is compared with what the server was that was started last.
func TestDoctorComparesWorkersWithTheServer(t *testing.T) {
	t.Parallel()
	c := minimal(t)
	s, err := store.Open(t.Context(), store.Config{Database: c.Storage.DatabaseURL(), Blobs: "mem://"})
	if err != nil {
		t.Fatal(err)
	}
	said := store.Publishing{Kinds: []string{"sr", "seg"}, Destinations: []store.Target{{Name: "pacs", Kinds: []string{"sr"}}}}
	if err := errors.Join(s.Write(t.Context(), func(tx *store.Tx) error { return tx.SetPublishing(t.Context(), said) }), s.Close()); err != nil {
		t.Fatal(err)
	}
	pacs := "pacs=dicom://PACS@" + orthanctest.FreePort(t)
	for _, tt := range []struct {
		name    string
		results api.Results
		worker  bool
		want    api.Severity
		text    string
	}{
		{"the same server", api.Results{Kinds: "seg,sr", Destinations: []string{pacs + "?kinds=sr"}}, false, api.Fine, "the same"},
		{"the same worker", api.Results{Kinds: "sr,seg", Destinations: []string{pacs + "?kinds=sr"}}, true, api.Fine, "the same"},
		{"a server that changes it", api.Results{Kinds: "sr"}, false, api.Warning, "results"},
		{"a worker that was told of more", api.Results{Kinds: "sr,seg,sc", Destinations: []string{pacs + "?kinds=sr"}}, true, api.Warning, `"seg,sr" hold, not "sc,seg,sr"`},
		{"a worker that sends all", api.Results{Kinds: "sr,seg", Destinations: []string{pacs}}, true, api.Warning, "destinations"},
		{"a worker without the destination", api.Results{Kinds: "sr,seg"}, true, api.Broken, "pacs"},
	} {
		c := c
		c.Results = tt.results
		c.Results.GiveUpAfter = time.Hour
		if tt.worker {
			c.GRPCAddr, c.Work.Workers = "", 1
		}
		var found api.Diagnosis
		for _, d := range diagnose(t, c) {
			if d.Check == "results" {
				found = d
			}
		}
		if found.Severity != tt.want || !strings.Contains(found.Text, tt.text) || (found.Advice == "") != (tt.want == api.Fine) {
			t.Errorf("%s: %+v, want %v: %s", tt.name, found, tt.want, tt.text)
		}
	}
}

func TestDoctorAsksDestinations(t *testing.T) {
	t.Parallel()
	archive := orthanctest.Start(t, nil)
	c := minimal(t)
	c.Results = api.Results{
		Kinds: "sr", GiveUpAfter: time.Hour,
		Destinations: []string{
			"pacs=dicom://ORTHANC@" + archive.DIMSE, "web=" + archive.Web,
			"gone=dicom://GONE@" + orthanctest.FreePort(t), "away=http://" + orthanctest.FreePort(t), "wrong=" + archive.HTTP + "/nothing",
		},
	}
	found := map[string]api.Diagnosis{}
	for _, d := range diagnose(t, c) {
		found[d.Check] = d
	}
	for name, want := range map[string]api.Severity{"pacs": api.Fine, "web": api.Fine, "gone": api.Warning, "away": api.Warning, "wrong": api.Warning} {
		if d := found["destination "+name]; d.Severity != want || d.Text == "" {
			t.Errorf("%s: %+v", name, d)
		}
	}
}
