// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/spf13/pflag"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/endplate/endplate/api/measure"
)

// connection says how to reach a server.
type connection struct {
	server    string
	tokenFile string
	tls       bool
	ca        string
	cert, key string
	plaintext bool
}

// tokenVariable holds a token where no file does.
const tokenVariable = "ENDPLATE_TOKEN"

// largestAnswer is the largest message that a server sends, bytes.
const largestAnswer = 64 << 20

// addFlags gives a command the flags of a connection.
func (c *connection) addFlags(f *pflag.FlagSet) {
	f.StringVar(&c.server, "server", defaultServer(), "gRPC address of the server, `HOST:PORT`")
	f.StringVar(&c.tokenFile, "token-file", "", "`FILE` with the token to show (default the token in "+tokenVariable+", else none)")
	f.BoolVar(&c.tls, "tls", false, "speak TLS; on by itself for other machines, or with one of the files below")
	f.StringVar(&c.ca, "ca", "", "`FILE` of authorities, PEM, that the server's certificate may be from (default the system's)")
	f.StringVar(&c.cert, "client-cert", "", "`FILE` of the certificate to show, PEM")
	f.StringVar(&c.key, "client-key", "", "`FILE` of its key, PEM")
	f.BoolVar(&c.plaintext, "plaintext", false, "no TLS to another machine: images and token can be read on the way")
}

// defaultServer returns where a server listens that was not told otherwise.
func defaultServer() string {
	return listenFlags(&serverSettings{}).Lookup("grpc-addr").DefValue
}

// open returns a connection, on which nothing has been said yet.
func (c *connection) open() (*grpc.ClientConn, error) {
	host, _, err := net.SplitHostPort(c.server)
	if err != nil {
		return nil, usagef("--server %q: want HOST:PORT, such as %s", c.server, defaultServer())
	}
	transport, encrypted, err := c.transport(host)
	if err != nil {
		return nil, err
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(largestAnswer)),
		grpc.WithUnaryInterceptor(retryUnary),
		grpc.WithUserAgent(name + "/" + versionString()),
	}
	token, err := c.token()
	if err != nil {
		return nil, err
	}
	if token != "" {
		options = append(options, grpc.WithPerRPCCredentials(bearer{token, encrypted}))
	}
	return grpc.NewClient("dns:///"+c.server, options...)
}

// transport returns how bytes travel, and whether nobody can read them on the way.
func (c *connection) transport(host string) (transport credentials.TransportCredentials, encrypted bool, err error) {
	wanted := c.tls || c.ca != "" || c.cert != "" || c.key != ""
	switch {
	case wanted && c.plaintext:
		return nil, false, usagef("--plaintext goes with neither --tls nor the files of certificates")
	case c.plaintext || !wanted && loopback(host):
		return insecure.NewCredentials(), false, nil
	case (c.cert == "") != (c.key == ""):
		return nil, false, usagef("--client-cert goes with --client-key")
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.ca != "" {
		pem, err := os.ReadFile(c.ca)
		if err != nil {
			return nil, false, fmt.Errorf("--ca %s: %s", c.ca, measure.Pathless(err))
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, false, fmt.Errorf("--ca %s: holds no certificate", c.ca)
		}
	}
	if c.cert != "" {
		own, err := tls.LoadX509KeyPair(c.cert, c.key)
		if err != nil {
			return nil, false, fmt.Errorf("--client-cert: %w", err)
		}
		config.Certificates = []tls.Certificate{own}
	}
	return credentials.NewTLS(config), true, nil
}

// loopback reports whether a host is this machine by its very name.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// longestToken bounds what is read as a token, bytes.
const longestToken = 64 << 10

// token returns the token to show; none if it is empty.
func (c *connection) token() (string, error) {
	if c.tokenFile == "" {
		return strings.TrimSpace(os.Getenv(tokenVariable)), nil
	}
	raw, err := os.ReadFile(c.tokenFile)
	if err != nil {
		return "", fmt.Errorf("--token-file %s: %s", c.tokenFile, measure.Pathless(err))
	}
	token := strings.TrimSpace(string(raw))
	if token == "" || len(token) > longestToken || strings.ContainsAny(token, " \t\r\n") {
		return "", fmt.Errorf("--token-file %s: holds no token", c.tokenFile)
	}
	return token, nil
}

// bearer shows a token with each call.
type bearer struct {
	token     string
	encrypted bool
}

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + b.token}, nil
}

// RequireTransportSecurity is false only where the user has allowed plain text, or
// the server is on this machine.
func (b bearer) RequireTransportSecurity() bool { return b.encrypted }
