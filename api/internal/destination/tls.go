// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package destination

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"github.com/endplate/endplate/api/internal/fault"
)

// TLSFiles are PEM files of authorities whom we trust in the place of the system's, and
// of our certificate and its key.
type TLSFiles struct{ CA, Certificate, Key string }

// config returns how TLS is spoken.
func (f TLSFiles) config() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if f.CA != "" {
		pem, err := os.ReadFile(f.CA)
		if err != nil {
			return nil, errFile(err, "the file of authorities")
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errFile(fmt.Errorf("%s holds no certificate", f.CA), "the file of authorities")
		}
	}
	if f.Certificate != "" {
		own, err := tls.LoadX509KeyPair(f.Certificate, f.Key)
		if err != nil {
			return nil, errFile(err, "the file of our certificate or of its key")
		}
		c.Certificates = []tls.Certificate{own}
	}
	return c, nil
}

// errFile says that a file which the configuration names cannot be used. Whoever runs
// the service finds its path in the log.
func errFile(err error, what string) error {
	return fault.Wrap(err, fault.Unavailable, "", "%s cannot be read", what)
}

// unreachable classes an error of the network. Where the destination is stays in the
// log: callers are told its name.
func unreachable(err error) error {
	return fault.Wrap(err, fault.Unavailable, "", "it cannot be reached: %s", networkReason(err))
}

func networkReason(err error) string {
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "its host name is not known"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "its certificate is not one that we trust"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "it does not speak TLS"
	}
	if e, ok := errors.AsType[tls.AlertError](err); ok {
		return "TLS: " + e.Error()
	}
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	if e, ok := errors.AsType[syscall.Errno](err); ok {
		return e.Error()
	}
	return "the connection broke"
}
