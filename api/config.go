// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package api serves the library: instances come in, durable jobs measure them, and
// findings go out, over gRPC and REST. Its handlers convert and nothing else.
package api

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"time"

	"github.com/endplate/endplate/api/internal/auth"
	"github.com/endplate/endplate/api/internal/jobs"
)

// Config is how a server runs, or a worker. [Config.Check] says whether it can be;
// [New] checks it once and hands each part what that part needs.
type Config struct {
	Version string       // of the program
	Logger  *slog.Logger // nil: none
	// Executable is the program that measures in a process of its own; empty: the
	// one that runs.
	Executable string

	// Where it listens, as host:port; empty: not there. A server that listens neither
	// for gRPC nor for REST only works.
	GRPCAddr, HTTPAddr, MetricsAddr, PprofAddr string

	// PublicURL is how others reach what HTTPAddr serves, where that is not by the name
	// that they call: behind a proxy. It has no query.
	PublicURL string

	DIMSE     DIMSE
	Storage   Storage
	Work      Work
	Results   Results
	Limits    Limits
	Security  Security
	Telemetry Telemetry

	// Ready is told once where the server listens, when it takes calls; nil: nobody.
	Ready func(Addresses)

	// ShutdownGrace is how long calls and analyses may go on after the server has been
	// told to end.
	ShutdownGrace time.Duration
}

// Addresses are where a server listens, with the ports that it was given; empty: not
// there.
type Addresses struct {
	GRPC, HTTP, Metrics, Pprof, DIMSE string
}

// DIMSE says how DICOM applications reach the server.
type DIMSE struct {
	Addr    string   // where it listens, as host:port; empty: not there
	AETitle string   // that they call
	Peers   []string // that are let in, as [scp.ParsePeer] reads them; none: everybody
	TLS     bool     // with the certificates of Security; those of peers are required where Security says whose count

	Associations     int   // at a time
	PeerAssociations int   // of one address
	MaxPDU           int64 // bytes of a P-DATA-TF PDU

	// Journal is how many bytes of instances may be acknowledged before they are stored,
	// from a journal beside an SQLite database; 0: none.
	Journal int64
}

// journal returns the size of the journal that is of use.
func (d DIMSE) journal() int64 {
	if d.Addr == "" {
		return 0
	}
	return d.Journal
}

// Storage says where studies and results are kept.
type Storage struct {
	Folder    string        // holds database and blobs where they are not said
	Database  string        // sqlite:PATH or postgres://…; empty: an SQLite database in Folder
	Blobs     string        // URL of gocloud.dev/blob; empty: a folder in Folder
	MinFree   int64         // bytes that are left free on the disk
	Retention time.Duration // after which a study that received nothing more is deleted; 0: never

	// SOPClasses are kept beside those that are analysed, such as structured reports.
	SOPClasses []string

	Deidentify bool // take identities out of instances before they are stored
	// DeidentifyKeyFile holds the secret by which that is done, and is made where it is
	// not there; empty: deidentify.key in the folder of the data. Servers that share a
	// database share the secret.
	DeidentifyKeyFile string
}

// DatabaseURL returns where the database is.
func (s Storage) DatabaseURL() string {
	if s.Database != "" {
		return s.Database
	}
	return "sqlite:" + filepath.Join(s.Folder, "endplate.db")
}

// BlobsURL returns where the blobs are.
func (s Storage) BlobsURL() (string, error) {
	if s.Blobs != "" {
		return s.Blobs, nil
	}
	folder, err := filepath.Abs(filepath.Join(s.Folder, "blobs"))
	if err != nil {
		return "", err
	}
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(folder)}).String(), nil
}

// Work says how series are measured.
type Work struct {
	Workers        int           // analyses at a time; 0: others do the work
	QuietTime      time.Duration // after the last instance until a series is measured; 0: only when asked to
	AnalysisMemory int64         // bytes that one analysis may use
	AnalysisTime   time.Duration // that one analysis may take
	QueueLimit     int           // analyses that may wait
	Timing         jobs.Timing   // of the queue; zero: as it is by default
}

// Limits says how much the server takes at a time.
type Limits struct {
	Connections        int     // open on one listener
	CallerStreams      int     // open of one caller; 0: no limit
	CallerStreamRate   float64 // opened by one caller, 1/s; 0: no limit
	InstanceBytes      int64   // of one instance
	UploadInstances    int     // in one stream
	UploadBytes        int64   // in one stream
	AnalyzeStreams     int     // at work at a time
	AnalyzeStreamBytes int64   // in one stream
	RenderCacheBytes   int64   // of decoded volumes kept for pictures
}

// Security says who may call.
type Security struct {
	TLSCert, TLSKey      string // PEM files; empty: no TLS
	TLSClientCA          string // PEM file; whose certificates of clients count
	TLSRequireClientCert bool   // no connection without one
	TLSMinVersion        string // 1.2 or 1.3

	CredentialsFile string // tokens and certificates with their roles
	OIDCIssuer      string // URL of an OpenID Connect issuer
	OIDCAudience    string
	OIDCRoles       string // claim
	OIDCSubject     string // claim

	Insecure       bool   // listen to others without TLS or authentication
	OpenHealth     bool   // health checks need no credentials
	Reflection     bool   // serve the list of services
	OpenReflection bool   // without credentials
	AuditFile      string // JSON lines beside the table; empty: none
}

// Telemetry says what is told of the server's work, beside its log.
type Telemetry struct {
	OTLPEndpoint string  // URL that traces are sent to; empty: none are made
	TraceRatio   float64 // how many of the calls are traced, 0 to 1
}

// encrypted reports whether TLS is spoken.
func (s Security) encrypted() bool { return s.TLSCert != "" }

// authenticated reports whether callers must show who they are.
func (s Security) authenticated() bool { return s.CredentialsFile != "" || s.OIDCIssuer != "" }

// Check says what in the configuration cannot be.
func (c Config) Check() error {
	for _, a := range []string{c.GRPCAddr, c.HTTPAddr, c.MetricsAddr, c.PprofAddr, c.DIMSE.Addr} {
		if a == "" {
			continue
		}
		if _, _, err := net.SplitHostPort(a); err != nil {
			return fmt.Errorf("address %q: want host:port", a)
		}
	}
	if err := checkPublicURL(c.PublicURL); err != nil {
		return err
	}
	if c.Storage.Folder == "" && (c.Storage.Database == "" || c.Storage.Blobs == "") {
		return errors.New("no folder for the data, and not both a database and blobs elsewhere")
	}
	if c.ShutdownGrace < 0 {
		return errors.New("the time for shutting down is negative")
	}
	if err := validSOPClasses(c.Storage.SOPClasses); err != nil {
		return err
	}
	if err := c.Work.check(c.serves()); err != nil {
		return err
	}
	if err := c.Results.check(); err != nil {
		return err
	}
	if c.Telemetry.TraceRatio < 0 || c.Telemetry.TraceRatio > 1 {
		return fmt.Errorf("traces of %g of the calls, want 0 to 1", c.Telemetry.TraceRatio)
	}
	if !c.serves() {
		return c.exposed()
	}
	return errors.Join(c.Limits.check(), c.Security.check(), c.DIMSE.check(c.Security), c.exposed())
}

// checkPublicURL accepts what a path can be put after.
func checkPublicURL(s string) error {
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("public URL %q: want http or https://host, and a path perhaps", s)
	}
	return nil
}

// serves reports whether anybody can call.
func (c Config) serves() bool { return c.GRPCAddr != "" || c.HTTPAddr != "" || c.DIMSE.Addr != "" }

// exposed refuses to let others in unawares. What metrics and pprof tell has neither
// TLS nor authentication.
func (c Config) exposed() error {
	if c.Security.Insecure {
		return nil
	}
	return errors.Join(
		auth.Exposed([]string{c.GRPCAddr, c.HTTPAddr}, c.Security.encrypted(), c.Security.authenticated()),
		auth.Exposed([]string{c.PprofAddr}, false, false),
		c.DIMSE.exposed(c.Security))
}

func (w Work) check(serves bool) error {
	switch {
	case w.Workers < 0:
		return fmt.Errorf("%d workers", w.Workers)
	case w.Workers == 0 && !serves:
		return errors.New("neither an address to serve at nor a worker")
	case w.QuietTime < 0:
		return errors.New("the quiet time is negative")
	case w.AnalysisMemory <= 0 || w.AnalysisTime <= 0:
		return errors.New("an analysis needs memory and time")
	case w.QueueLimit <= 0 && serves:
		return errors.New("the queue has no room")
	}
	return nil
}

func (l Limits) check() error {
	switch {
	case l.Connections <= 0 || l.InstanceBytes <= 0 || l.UploadInstances <= 0 || l.UploadBytes <= 0:
		return errors.New("the limits of connections and uploads must be positive")
	case l.CallerStreams < 0 || l.CallerStreamRate < 0 || l.AnalyzeStreams < 0 || l.AnalyzeStreamBytes < 0 || l.RenderCacheBytes < 0:
		return errors.New("a limit is negative")
	}
	return nil
}

func (s Security) check() error {
	switch {
	case (s.TLSCert == "") != (s.TLSKey == ""):
		return errors.New("a certificate needs its key, and a key its certificate")
	case s.TLSClientCA != "" && !s.encrypted():
		return errors.New("certificates of clients need TLS: the server's certificate and key")
	case s.TLSClientCA != "" && s.CredentialsFile == "":
		return errors.New("certificates of clients need a file of credentials that says what they may do")
	case s.TLSRequireClientCert && s.TLSClientCA == "":
		return errors.New("certificates of clients are required, but by whom they must be issued is not said")
	}
	if _, err := auth.ParseTLSVersion(s.TLSMinVersion); err != nil {
		return err
	}
	if s.OIDCIssuer == "" {
		return nil
	}
	return s.issuer().Check()
}

func (s Security) issuer() auth.Issuer {
	return auth.Issuer{URL: s.OIDCIssuer, Audience: s.OIDCAudience, RolesClaim: s.OIDCRoles, SubjectClaim: s.OIDCSubject}
}

// authConfig returns by what callers are known.
func (c Config) authConfig() auth.Config {
	return auth.Config{
		CredentialsFile: c.Security.CredentialsFile,
		Issuer:          c.Security.issuer(),
		Certificates:    c.Security.TLSClientCA != "",
		Anonymous:       c.anonymous(),
		OpenHealth:      c.Security.OpenHealth,
		OpenReflection:  c.Security.OpenReflection,
		Limits:          auth.Limits{Streams: c.Limits.CallerStreams, StreamsPerSecond: c.Limits.CallerStreamRate},
	}
}

// anonymous names callers whom nothing tells apart: those of this machine, or
// anybody; nobody where none can call.
func (c Config) anonymous() string {
	if !c.serves() {
		return ""
	}
	if auth.Exposed([]string{c.GRPCAddr, c.HTTPAddr}, false, false) == nil {
		return "local"
	}
	return "anonymous"
}

// tlsFiles returns the files of TLS and how it is spoken. Check has seen the version.
func (s Security) tlsFiles() (auth.TLSFiles, auth.TLSOptions) {
	version, _ := auth.ParseTLSVersion(s.TLSMinVersion)
	return auth.TLSFiles{Certificate: s.TLSCert, Key: s.TLSKey, ClientCA: s.TLSClientCA},
		auth.TLSOptions{MinVersion: version, OnlyCertificates: s.TLSRequireClientCert}
}
