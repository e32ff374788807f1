// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
)

// TLSFiles says where the server's certificate is, and whose certificates of
// clients it takes.
type TLSFiles struct {
	Certificate string // PEM, with the chain
	Key         string // PEM
	ClientCA    string // PEM; empty: clients show no certificates
}

// TLSOptions says how TLS is spoken.
type TLSOptions struct {
	MinVersion uint16 // tls.VersionTLS12 or newer
	// OnlyCertificates refuses connections without a client's certificate, rather
	// than let the caller show a token instead.
	OnlyCertificates bool
}

// TLS returns the configuration of a listener. The files are read again when they
// change, so that a renewed certificate needs no restart.
func TLS(files TLSFiles, options TLSOptions, log *slog.Logger) (*tls.Config, error) {
	paths := []string{files.Certificate, files.Key}
	if files.ClientCA != "" {
		paths = append(paths, files.ClientCA)
	}
	current, err := newReloaded(log, func() (*tls.Config, error) { return LoadTLS(files, options) }, paths...)
	if err != nil {
		return nil, err
	}
	config := current.value.Clone()
	config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return current.get(), nil }
	return config, nil
}

// LoadTLS returns the configuration that the files make as they are now.
func LoadTLS(files TLSFiles, options TLSOptions) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(files.Certificate, files.Key)
	if err != nil {
		return nil, fmt.Errorf("certificate %s with key %s: %w", files.Certificate, files.Key, err)
	}
	config := &tls.Config{
		Certificates: []tls.Certificate{pair},
		MinVersion:   options.MinVersion,
		NextProtos:   []string{"h2", "http/1.1"},
	}
	if files.ClientCA == "" {
		return config, nil
	}
	raw, err := os.ReadFile(files.ClientCA)
	if err != nil {
		return nil, err
	}
	config.ClientCAs = x509.NewCertPool()
	if !config.ClientCAs.AppendCertsFromPEM(raw) {
		return nil, fmt.Errorf("%s: no certificate in it", files.ClientCA)
	}
	config.ClientAuth = tls.VerifyClientCertIfGiven
	if options.OnlyCertificates {
		config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return config, nil
}

// Exposed returns an error for a server that would let others in without keeping
// them apart, or would have them send their tokens in the clear.
func Exposed(addresses []string, encrypted, authenticated bool) error {
	for _, address := range addresses {
		switch {
		case address == "" || loopback(address):
		case !encrypted && !authenticated:
			return fmt.Errorf("%s can be reached from elsewhere, and there is neither TLS nor authentication", address)
		case !encrypted:
			return fmt.Errorf("%s can be reached from elsewhere, and there is no TLS: tokens would be sent in the clear", address)
		case !authenticated:
			return fmt.Errorf("%s can be reached from elsewhere, and there is no authentication", address)
		}
	}
	return nil
}

// loopback reports whether an address to listen at can be reached from this
// machine alone.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// ParseTLSVersion returns the version of a name, 1.2 or 1.3.
func ParseTLSVersion(name string) (uint16, error) {
	switch name {
	case "1.2":
		return tls.VersionTLS12, nil
	case "1.3":
		return tls.VersionTLS13, nil
	}
	return 0, errors.New("TLS 1.2 and 1.3 are spoken")
}
