// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"log/slog"
	"math"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/endplate/endplate/api"
	"github.com/endplate/endplate/api/measure"
)

// serverSettings are what the flags of the server's commands set.
type serverSettings struct {
	api.Config
	configFile  string
	printConfig bool
	logLevel    string
	logFormat   string
}

// flagGroup is a part of a command's flags, which help shows under a title.
type flagGroup struct {
	title string
	flags *pflag.FlagSet
}

type flagGroups []flagGroup

// all returns the flags of every group.
func (g flagGroups) all() *pflag.FlagSet {
	all := pflag.NewFlagSet("", pflag.ContinueOnError)
	for _, group := range g {
		all.AddFlagSet(group.flags)
	}
	return all
}

// addTo gives the flags to a command, whose help shows them by group.
func (g flagGroups) addTo(cmd *cobra.Command) {
	for _, group := range g {
		group.flags.SortFlags = false
		cmd.Flags().AddFlagSet(group.flags)
	}
	cmd.DisableFlagsInUseLine = true
	cmd.SetUsageFunc(func(cmd *cobra.Command) error {
		w := cmd.OutOrStderr()
		fmt.Fprintf(w, "Usage:\n  %s\n", cmd.UseLine())
		for _, group := range g {
			fmt.Fprintf(w, "\n%s:\n%s", group.title, group.flags.FlagUsages())
		}
		return nil
	})
}

// serverFlags returns the flags of a server.
func serverFlags(s *serverSettings) flagGroups {
	return flagGroups{
		{"Where it listens", listenFlags(s)},
		{"DICOM applications", dimseFlags(&s.DIMSE)},
		{"Who may call", securityFlags(&s.Security)},
		{"Limits", limitFlags(&s.Limits)},
		{"Storage", keepFlags(&s.Storage)},
		{"Analyses", queueFlags(&s.Work)},
		{"Results as DICOM objects", resultFlags(&s.Results)},
		{"Operation", operationFlags(s)},
	}
}

// workerFlags returns the flags of a worker, which are some of those of a server.
func workerFlags(s *serverSettings) flagGroups {
	return flagGroups{
		{"Where it listens", metricsFlags(s)},
		{"Storage", storageFlags(&s.Storage)},
		{"Analyses", workFlags(&s.Work)},
		{"Results as DICOM objects", resultFlags(&s.Results)},
		{"Operation", operationFlags(s)},
	}
}

func newGroup() *pflag.FlagSet {
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.SortFlags = false
	return f
}

func listenFlags(s *serverSettings) *pflag.FlagSet {
	f := newGroup()
	f.StringVar(&s.GRPCAddr, "grpc-addr", "localhost:8470", "listen for gRPC at `HOST:PORT`; empty: do not")
	f.StringVar(&s.HTTPAddr, "http-addr", "localhost:8471", "listen for REST at `HOST:PORT`; empty: do not")
	f.StringVar(&s.PublicURL, "public-url", "", "`URL` by which others reach what --http-addr serves, for the links of DICOMweb: "+
		"that of a proxy in front; empty: the name that each calls")
	f.AddFlagSet(metricsFlags(s))
	return f
}

func dimseFlags(c *api.DIMSE) *pflag.FlagSet {
	f := newGroup()
	f.StringVar(&c.Addr, "dimse-addr", "", "listen for DIMSE at `HOST:PORT`, such as :11112; empty: do not")
	f.StringVar(&c.AETitle, "ae-title", "ENDPLATE", "AE `TITLE` of this server")
	listVar(f, &c.Peers, "dimse-peers", "let in `PEER,…` alone: AETITLE@HOST, AETITLE@HOST:PORT or AETITLE@NETWORK; * is any AE title")
	f.BoolVar(&c.TLS, "dimse-tls", false, "speak TLS there, with the certificates of --tls-cert and --tls-client-ca")
	f.IntVar(&c.Associations, "max-associations", 64, "associations open at a time, `N`")
	f.IntVar(&c.PeerAssociations, "max-peer-associations", 16, "associations open of one address, `N`")
	bytesVar(f, &c.MaxPDU, "max-pdu", 128<<10, "bytes of a P-DATA-TF PDU that peers may send, `SIZE`")
	bytesVar(f, &c.Journal, "dimse-journal", 512<<20, "acknowledge instances when they are in a journal of `SIZE`, and store them from there; 0: when they are stored; only with SQLite")
	return f
}

func metricsFlags(s *serverSettings) *pflag.FlagSet {
	f := newGroup()
	f.StringVar(&s.MetricsAddr, "metrics-addr", "", "show /metrics to Prometheus at `HOST:PORT`, to anybody who can reach it")
	f.StringVar(&s.PprofAddr, "pprof-addr", "", "show /debug/pprof at `HOST:PORT` of this machine")
	return f
}

func securityFlags(c *api.Security) *pflag.FlagSet {
	f := newGroup()
	f.StringVar(&c.CredentialsFile, "credentials", "", "`FILE` of tokens and certificates with their roles; 'endplate token new' makes its lines")
	f.StringVar(&c.OIDCIssuer, "oidc-issuer", "", "take tokens of the OpenID Connect issuer at `URL`")
	f.StringVar(&c.OIDCAudience, "oidc-audience", "", "`NAME` of this server that such a token must be for")
	f.StringVar(&c.OIDCRoles, "oidc-roles-claim", "roles", "`CLAIM` that lists roles; dots go into nested claims")
	f.StringVar(&c.OIDCSubject, "oidc-subject-claim", "sub", "`CLAIM` that names the caller in revisions and audit log")
	f.StringVar(&c.TLSCert, "tls-cert", "", "`FILE` with the certificate and its chain, PEM; read again when it changes")
	f.StringVar(&c.TLSKey, "tls-key", "", "`FILE` with its key, PEM")
	f.StringVar(&c.TLSMinVersion, "tls-min-version", "1.2", "oldest `VERSION` of TLS spoken, 1.2 or 1.3")
	f.StringVar(&c.TLSClientCA, "tls-client-ca", "", "`FILE` of authorities, PEM, whose certificates show who a caller is")
	f.BoolVar(&c.TLSRequireClientCert, "tls-require-client-cert", false, "refuse connections without such a certificate")
	f.BoolVar(&c.Insecure, "insecure", false, "listen beyond this machine without TLS or without authentication")
	f.BoolVar(&c.OpenHealth, "open-health", true, "answer health checks without credentials")
	f.BoolVar(&c.Reflection, "reflection", false, "serve gRPC reflection, by which tools list the services")
	f.BoolVar(&c.OpenReflection, "open-reflection", false, "serve it without credentials too")
	f.StringVar(&c.AuditFile, "audit-file", "", "append who did what to `FILE`, as JSON lines, beside the table in the database")
	return f
}

func limitFlags(l *api.Limits) *pflag.FlagSet {
	f := newGroup()
	f.IntVar(&l.Connections, "max-connections", 4096, "connections open on a listener, `N`")
	f.IntVar(&l.CallerStreams, "max-streams", 256, "streams open of one caller, `N`; 0: no limit")
	f.Float64Var(&l.CallerStreamRate, "max-stream-rate", 200, "streams opened by one caller in a second, `N`; 0: no limit")
	bytesVar(f, &l.InstanceBytes, "max-instance-size", 2<<30, "bytes of one instance, `SIZE`")
	bytesVar(f, &l.UploadBytes, "max-upload-size", 64<<30, "bytes of the instances in one upload, `SIZE`")
	f.IntVar(&l.UploadInstances, "max-upload-instances", 50_000, "instances in one upload, `N`")
	f.IntVar(&l.AnalyzeStreams, "max-analyze-streams", 2, "calls of AnalyzeStream at work at a time, `N`")
	bytesVar(f, &l.AnalyzeStreamBytes, "max-analyze-size", 4<<30, "bytes of the instances in one AnalyzeStream, `SIZE`")
	bytesVar(f, &l.RenderCacheBytes, "render-cache", 1<<30, "memory for volumes of which pictures are drawn, `SIZE`")
	return f
}

func storageFlags(c *api.Storage) *pflag.FlagSet {
	f := newGroup()
	f.StringVar(&c.Folder, "data", "endplate-data", "`FOLDER` of database and instances, where they are not said to be elsewhere")
	f.StringVar(&c.Database, "database", "", "`URL` of the database: postgres://… or sqlite:PATH (default endplate.db in the folder)")
	f.StringVar(&c.Blobs, "blobs", "", "`URL` of the instances: s3://BUCKET?… or file:///PATH (default blobs in the folder)")
	return f
}

func keepFlags(c *api.Storage) *pflag.FlagSet {
	f := newGroup()
	f.AddFlagSet(storageFlags(c))
	bytesVar(f, &c.MinFree, "min-free", 1<<30, "refuse instances when less than `SIZE` is free on the disk")
	f.DurationVar(&c.Retention, "retention", 0, "delete a study `TIME` after its last instance; 0: never")
	listVar(f, &c.SOPClasses, "keep-sop-classes", "keep instances of `UID,…` too, beside the images that are measured")
	f.BoolVar(&c.Deidentify, "deidentify", false, "take identities out of instances before they are stored")
	f.StringVar(&c.DeidentifyKeyFile, "deidentify-key-file", "", "`FILE` of the secret for that, made if it is not there (default deidentify.key in the folder)")
	return f
}

func workFlags(c *api.Work) *pflag.FlagSet {
	f := newGroup()
	f.IntVar(&c.Workers, "workers", max(1, runtime.GOMAXPROCS(0)/2), "measure `N` series at a time; 0: leave that to others")
	bytesVar(f, &c.AnalysisMemory, "analysis-memory", 2<<30, "memory that one analysis may use, `SIZE`")
	f.DurationVar(&c.AnalysisTime, "analysis-time", 10*time.Minute, "`TIME` that one analysis may take")
	return f
}

func queueFlags(c *api.Work) *pflag.FlagSet {
	f := newGroup()
	f.AddFlagSet(workFlags(c))
	f.DurationVar(&c.QuietTime, "quiet-time", 30*time.Second, "measure a series `TIME` after its last instance; 0: only when asked to")
	f.IntVar(&c.QueueLimit, "queue-limit", 10_000, "analyses that may wait, `N`")
	return f
}

func resultFlags(c *api.Results) *pflag.FlagSet {
	f := newGroup()
	kinds := strings.Join(measure.Kinds(), ",")
	f.StringVar(&c.Kinds, "results", "sr,seg,sc", "make these `KIND,…` of every result and store them in its study: some of "+kinds+"; empty: none")
	wordsVar(f, &c.Destinations, "destination", "send them to `NAME=URL`, and try until it has them; repeatable, or with blanks between: "+
		"dicom://AET@HOST:PORT?calling=AET, dicoms:// for TLS with ca=, cert= and key=FILE, or https://HOST/PATH for STOW-RS with token-file= or basic-file=FILE; "+
		"kinds=KIND,… for some of them alone")
	f.DurationVar(&c.GiveUpAfter, "give-up-after", 7*24*time.Hour, "try to send one for `TIME`; then it is parked until somebody has it tried again")
	return f
}

func operationFlags(s *serverSettings) *pflag.FlagSet {
	f := newGroup()
	f.StringVar(&s.configFile, configFlag, "", "`FILE` of settings, YAML with the names of these flags as keys")
	f.BoolVar(&s.printConfig, printConfigFlag, false, "print the settings in force and where each is from, and end")
	f.StringVar(&s.logLevel, "log-level", "info", "least `LEVEL` that is logged: debug, info, warn or error")
	f.StringVar(&s.logFormat, "log-format", "json", "`FORMAT` of the log on standard error, json or text")
	f.StringVar(&s.Telemetry.OTLPEndpoint, "otlp-endpoint", "", "send OpenTelemetry traces to `URL`, OTLP over HTTP")
	f.Float64Var(&s.Telemetry.TraceRatio, "trace-ratio", 1, "`SHARE` of the calls that is traced, 0 to 1")
	f.DurationVar(&s.ShutdownGrace, "shutdown-grace", 30*time.Second, "let calls and analyses go on for `TIME` after a signal; a second signal ends the wait")
	return f
}

// finish makes the settings whole and says what in them cannot be.
func (s *serverSettings) finish(log io.Writer) error {
	var err error
	if s.Logger, err = newLogger(log, s.logLevel, s.logFormat); err != nil {
		return &usageError{err}
	}
	s.Version = versionString()
	if err := s.Check(); err != nil {
		return &usageError{err}
	}
	return nil
}

func newLogger(w io.Writer, level, format string) (*slog.Logger, error) {
	var options slog.HandlerOptions
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("log level %q, want debug, info, warn or error", level)
	}
	options.Level = l
	switch format {
	case "json":
		return slog.New(slog.NewJSONHandler(w, &options)), nil
	case "text":
		return slog.New(slog.NewTextHandler(w, &options)), nil
	}
	return nil, fmt.Errorf("log format %q, want json or text", format)
}

// byteSize is a number of bytes in a flag, such as 512MiB.
type byteSize int64

var byteUnits = []struct {
	name string
	size int64
}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

func bytesVar(f *pflag.FlagSet, p *int64, name string, value int64, usage string) {
	*p = value
	f.Var((*byteSize)(p), name, usage)
}

func (b *byteSize) Type() string { return "size" }

func (b *byteSize) String() string {
	for _, u := range byteUnits {
		if n := int64(*b); n%u.size == 0 && n >= u.size {
			return strconv.FormatInt(n/u.size, 10) + u.name
		}
	}
	return "0"
}

func (b *byteSize) Set(s string) error {
	number, size := s, int64(1)
	for _, u := range byteUnits {
		if n, ok := strings.CutSuffix(s, u.name); ok {
			number, size = strings.TrimSpace(n), u.size
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/size {
		return fmt.Errorf("%q is no size such as 512MiB or 2GiB", s)
	}
	*b = byteSize(n * size)
	return nil
}

// list is a flag of values separated by commas. A configuration file has it as one.
type list []string

func listVar(f *pflag.FlagSet, p *[]string, name, usage string) { f.Var((*list)(p), name, usage) }

func (l *list) Type() string   { return "string" }
func (l *list) String() string { return strings.Join(*l, ",") }

func (l *list) Set(s string) error {
	*l = nil
	for value := range strings.SplitSeq(s, ",") {
		if value = strings.TrimSpace(value); value != "" {
			*l = append(*l, value)
		}
	}
	return nil
}

// words are values in a flag with blanks between them, or one for each time that it is
// given.
type words []string

func wordsVar(f *pflag.FlagSet, p *[]string, name, usage string) { f.Var((*words)(p), name, usage) }

func (w *words) Type() string   { return "string" }
func (w *words) String() string { return strings.Join(*w, " ") }

func (w *words) Set(s string) error {
	*w = append(*w, strings.Fields(s)...)
	return nil
}
