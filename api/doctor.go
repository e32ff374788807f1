// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/endplate/endplate/api/dimse/scp"
	"github.com/endplate/endplate/api/internal/auth"
	"github.com/endplate/endplate/api/internal/jobs"
	"github.com/endplate/endplate/api/internal/store"
)

// Diagnosis is what came of one check of a server's surroundings.
type Diagnosis struct {
	Check    string // what was looked at
	Severity Severity
	Text     string // what was found
	Advice   string // what to do about it; empty where nothing is to be done
}

// Severity says how a check ended.
type Severity int

// The severities.
const (
	Fine    Severity = iota
	Warning          // a server runs, not for long or not as it should
	Broken           // a server does not run
)

// String names the severity.
func (s Severity) String() string { return [...]string{"ok", "warning", "broken"}[s] }

// The limits of what a diagnosis takes for good.
const (
	checkTime       = 15 * time.Second
	slowSync        = 100 * time.Millisecond // until a small file is durable
	clockTolerance  = 2 * time.Second        // between this machine and the database
	soonExpired     = 14 * 24 * time.Hour    // until a certificate ends
	earliestPresent = 2026                   // year before which a clock is wrong: this program is newer
)

// Diagnose checks whether a server can run as configured here, and what is wrong. It
// changes nothing; where instances are kept it writes a probe and removes it.
func Diagnose(ctx context.Context, c Config, report func(Diagnosis)) {
	d := &doctor{Config: c, report: report}
	checks := []func(context.Context){d.configuration, d.folder, d.space, d.blobs, d.database, d.clock,
		d.ports, d.dicomPeers, d.certificate, d.credentials, d.issuer, d.auditFile, d.published, d.destinations}
	for _, check := range checks {
		ctx, cancel := context.WithTimeout(ctx, checkTime)
		check(ctx)
		cancel()
	}
}

// doctor looks at one thing after another.
type doctor struct {
	Config
	report  func(Diagnosis)
	running bool // a server has the database open
	// said is what a server has said last of what is published, nil where that is not known
	said *store.Publishing
}

func (d *doctor) fine(check, format string, args ...any) {
	d.report(Diagnosis{check, Fine, fmt.Sprintf(format, args...), ""})
}

func (d *doctor) warn(check, advice, format string, args ...any) {
	d.report(Diagnosis{check, Warning, fmt.Sprintf(format, args...), advice})
}

func (d *doctor) broken(check, advice, format string, args ...any) {
	d.report(Diagnosis{check, Broken, fmt.Sprintf(format, args...), advice})
}

func (d *doctor) configuration(context.Context) {
	if err := d.Check(); err != nil {
		d.broken("configuration", "change the settings; --print-config shows where each is from", "%v", err)
		return
	}
	if d.serves() && d.Security.Insecure && d.anonymous() != "local" && !(d.Security.encrypted() && d.Security.authenticated()) {
		d.warn("configuration", "set --tls-cert, --tls-key and --credentials instead of --insecure",
			"whoever reaches the server may read along, or do everything")
		return
	}
	d.fine("configuration", "can be")
}

// folder looks at the folder of the data, if anything is kept there.
func (d *doctor) folder(context.Context) {
	if d.Storage.Database != "" && d.Storage.Blobs != "" {
		return
	}
	const check = "data folder"
	info, err := os.Stat(d.Storage.Folder)
	switch {
	case errors.Is(err, os.ErrNotExist):
		d.fine(check, "%s is not there yet; the server makes it", d.Storage.Folder)
	case err != nil:
		d.broken(check, "give the server's user access to it", "%v", err)
	case !info.IsDir():
		d.broken(check, "name another folder with --data", "%s is no folder", d.Storage.Folder)
	case openToOthers(info, 0o022):
		d.broken(check, "chmod 700 "+d.Storage.Folder, "%s may be written by others, mode %v", d.Storage.Folder, info.Mode().Perm())
	case openToOthers(info, 0o055):
		d.warn(check, "chmod 700 "+d.Storage.Folder, "%s may be read by others, mode %v: it will hold patients' images", d.Storage.Folder, info.Mode().Perm())
	default:
		d.fine(check, "%s is the server's own", d.Storage.Folder)
	}
}

// openToOthers reports whether a file's mode gives others one of the rights.
func openToOthers(info fs.FileInfo, rights fs.FileMode) bool { return info.Mode().Perm()&rights != 0 }

// folders returns the folders in which the server keeps something.
func (d *doctor) folders() []string {
	var dirs []string
	if path, ok := strings.CutPrefix(d.Storage.DatabaseURL(), "sqlite:"); ok {
		dirs = append(dirs, filepath.Dir(path))
	}
	if address, err := d.Storage.BlobsURL(); err == nil {
		if u, err := url.Parse(address); err == nil && u.Scheme == "file" {
			dirs = append(dirs, filepath.FromSlash(u.Path))
		}
	}
	return dirs
}

func (d *doctor) space(context.Context) {
	const check = "free space"
	for _, dir := range d.folders() {
		free, err := store.FreeBytes(dir)
		switch advice := "make room, or keep the data elsewhere with --data"; {
		case err != nil:
			d.broken(check, advice, "%s: %v", dir, err)
		case free < d.Storage.MinFree:
			d.broken(check, advice, "%s has %d MiB left, less than the %d MiB below which instances are refused", dir, free>>20, d.Storage.MinFree>>20)
		case free < 2*d.Storage.MinFree:
			d.warn(check, advice, "%s has %d MiB left; at %d MiB instances are refused", dir, free>>20, d.Storage.MinFree>>20)
		default:
			d.fine(check, "%s has %d MiB left", dir, free>>20)
		}
	}
}

func (d *doctor) blobs(ctx context.Context) {
	const check = "blob storage"
	address, err := d.Storage.BlobsURL()
	if err == nil {
		var took time.Duration
		if took, err = store.ProbeBlobs(ctx, address); err == nil {
			if took > slowSync {
				d.warn(check, "put the data on a disk that syncs faster", "a probe took %v until it was durable; each instance will", took.Round(time.Millisecond))
				return
			}
			d.fine(check, "a probe was written, read and removed in %v", took.Round(time.Millisecond/10))
			return
		}
	}
	d.broken(check, "check --data or --blobs, the rights of the server's user, and the credentials of the bucket", "%v", err)
}

func (d *doctor) database(ctx context.Context) {
	const check = "database"
	state, err := store.InspectDatabase(ctx, d.Storage.DatabaseURL())
	d.said = state.Publishing
	switch {
	case err != nil:
		d.broken(check, "check --database, that the database runs, and the rights of its user", "%v", err)
	case state.Absent:
		d.fine(check, "is not there yet; the server makes it")
	case state.InUse:
		d.running = true
		d.fine(check, "is open in a server that runs")
	case state.Sealed && state.Schema < state.Known:
		d.broken(check, "GRANT CREATE ON SCHEMA public TO the server's user", "its schema is version %d and must become %d, but its user may not make tables", state.Schema, state.Known)
	case state.Schema > state.Known:
		d.broken(check, "run the endplate that wrote it, or a newer one", "its schema is version %d; this program knows %d", state.Schema, state.Known)
	case state.Schema < state.Known:
		d.fine(check, "%v answers; its schema is version %d and becomes %d when the server starts", state.Dialect, state.Schema, state.Known)
	default:
		d.fine(check, "%v answers; its schema is version %d", state.Dialect, state.Schema)
	}
	if ahead := state.Ahead.Abs(); err == nil && ahead > clockTolerance {
		d.warn("clock", "let both machines keep their time by NTP", "the database's clock differs by %v", state.Ahead.Round(time.Millisecond))
	}
}

func (d *doctor) clock(context.Context) {
	if now := time.Now(); now.Year() < earliestPresent {
		d.broken("clock", "set the clock, and keep it by NTP", "it is %s here, which cannot be", now.Format(time.DateOnly))
		return
	}
	d.fine("clock", "%s", time.Now().UTC().Format(time.RFC3339))
}

func (d *doctor) ports(ctx context.Context) {
	const check = "ports"
	for _, address := range []string{d.GRPCAddr, d.HTTPAddr, d.MetricsAddr, d.PprofAddr, d.DIMSE.Addr} {
		if address == "" {
			continue
		}
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
		switch {
		case err == nil:
			l.Close()
			d.fine(check, "%s is free", address)
		case d.running && errors.Is(err, syscall.EADDRINUSE):
			d.fine(check, "%s is in use, as it is to be while the server runs", address)
		default:
			d.broken(check, "end what listens there, perhaps a server that runs, or name another address", "%v", err)
		}
	}
}

// dicomPeers looks at how DICOM applications are let in.
func (d *doctor) dicomPeers(context.Context) {
	const check = "DICOM peers"
	peers, err := d.DIMSE.peers()
	if d.DIMSE.Addr == "" || err != nil {
		return // configuration tells of the error
	}
	local := auth.Exposed([]string{d.DIMSE.Addr}, false, false) == nil
	switch {
	case local:
		d.fine(check, "those of this machine alone")
	case !d.DIMSE.TLS:
		d.warn(check, "set --dimse-tls, or see to it that nobody listens on the network between", "what they send can be read along")
	case !scp.Restricts(peers) && d.Security.TLSClientCA == "":
		d.warn(check, "name them with their addresses by --dimse-peers, or require their certificates by --tls-client-ca", "anybody is let in")
	default:
		d.fine(check, "they are told apart, and nobody reads along")
	}
}

// privateFile reports whether a file with secrets, or with rights, is the server's own.
func (d *doctor) privateFile(check, path string, rights fs.FileMode, what string) bool {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		d.broken(check, "check the path, and that the server's user may read it", "%v", err)
	case openToOthers(info, rights):
		d.broken(check, "chmod 600 "+path, "%s may be %s by others, mode %v", path, what, info.Mode().Perm())
	default:
		return true
	}
	return false
}

func (d *doctor) certificate(context.Context) {
	const check = "certificate"
	if !d.Security.encrypted() {
		return
	}
	if !d.privateFile(check, d.Security.TLSKey, 0o027, "read") {
		return
	}
	config, err := auth.LoadTLS(d.Security.tlsFiles())
	if err != nil {
		d.broken(check, "check that certificate and key are PEM and belong together", "%v", err)
		return
	}
	d.validity(check, config)
}

func (d *doctor) validity(check string, config *tls.Config) {
	const renew = "renew it; the server takes the new one without a restart"
	leaf, err := x509.ParseCertificate(config.Certificates[0].Certificate[0])
	now := time.Now()
	switch {
	case err != nil:
		d.broken(check, "make a new one", "%v", err)
	case now.After(leaf.NotAfter):
		d.broken(check, renew, "ended on %s", leaf.NotAfter.Format(time.DateOnly))
	case now.Before(leaf.NotBefore):
		d.broken(check, "check the clock", "begins on %s", leaf.NotBefore.Format(time.DateOnly))
	case len(leaf.DNSNames)+len(leaf.IPAddresses) == 0:
		d.broken(check, "make one with subjectAltName", "names no host: clients look at subjectAltName alone")
	case leaf.NotAfter.Sub(now) < soonExpired:
		d.warn(check, renew, "ends on %s", leaf.NotAfter.Format(time.DateOnly))
	default:
		d.fine(check, "of %v %v, until %s", leaf.DNSNames, leaf.IPAddresses, leaf.NotAfter.Format(time.DateOnly))
	}
}

func (d *doctor) credentials(context.Context) {
	const check = "credentials"
	path := d.Security.CredentialsFile
	if path == "" || !d.privateFile(check, path, 0o022, "written") {
		return
	}
	summary, err := auth.Summarize(path, time.Now())
	switch {
	case err != nil:
		d.broken(check, "'endplate token new' makes lines for it", "%v", err)
	case summary.Tokens+summary.Certificates == 0:
		d.warn(check, "'endplate token new' makes lines for it", "%s lists nobody", path)
	case summary.Expired > 0:
		d.warn(check, "take them out of "+path, "%d of its %d tokens have expired", summary.Expired, summary.Tokens)
	default:
		d.fine(check, "%d tokens, %d certificates", summary.Tokens, summary.Certificates)
	}
}

func (d *doctor) issuer(ctx context.Context) {
	if d.Security.OIDCIssuer == "" {
		return
	}
	const check = "issuer"
	if err := auth.ProbeIssuer(ctx, d.Security.issuer()); err != nil {
		d.broken(check, "check --oidc-issuer, and that this machine reaches it", "%v", err)
		return
	}
	d.fine(check, "%s answers", d.Security.OIDCIssuer)
}

func (d *doctor) auditFile(context.Context) {
	const check = "audit file"
	path := d.Security.AuditFile
	if path == "" {
		return
	}
	_, err := os.Stat(path)
	absent := errors.Is(err, os.ErrNotExist)
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		d.broken(check, "give the server's user the right to write it", "%v", err)
		return
	}
	f.Close()
	if absent {
		os.Remove(path) // it is for the server to make it
	}
	d.fine(check, "%s can be written", path)
}

// published compares what is made of results and where it goes with what the server that
// was started last was told, which holds for all processes.
func (d *doctor) published(context.Context) {
	const check = "results"
	kinds, err := d.Results.kinds()
	to, errTo := d.Results.destinations()
	if d.said == nil || err != nil || errTo != nil {
		return // there is nothing to compare, or configuration tells of the error
	}
	c := jobs.Config{Results: kinds, Destinations: to, Serves: d.serves()}
	difference, err := c.Disagrees(*d.said)
	switch {
	case err != nil:
		d.broken(check, "start it with the server's --results and --destination", "%v", err)
	case difference != "" && c.Serves:
		d.warn(check, "start the workers with the same --results and --destination", "the server that was started last was told otherwise, which changes for all when this one starts: %s", difference)
	case difference != "":
		d.warn(check, "start it with the server's --results and --destination", "the server was told otherwise: %s", difference)
	default:
		d.fine(check, "the server that was started last was told the same")
	}
}

// destinations asks each destination whether it answers: an archive by C-ECHO, a
// DICOMweb server by a query for one study.
func (d *doctor) destinations(ctx context.Context) {
	all, err := d.Results.destinations()
	if err != nil {
		return // the configuration's fault, and told
	}
	errs := make([]error, len(all))
	var asked sync.WaitGroup
	for i := range all {
		asked.Go(func() { errs[i] = all[i].Probe(ctx) })
	}
	asked.Wait()
	for i, to := range all {
		check := "destination " + to.Name
		if errs[i] != nil {
			d.warn(check, "results wait until it answers; check --destination and that it knows us", "%v: %v", to.Sender, errs[i])
			continue
		}
		d.fine(check, "%v answers", to.Sender)
	}
}
