// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	healthgrpc "google.golang.org/grpc/health/grpc_health_v1"
)

// Probe asks the server or worker that runs on this machine, as configured, whether it
// is ready: by gRPC, else over HTTP, else by whether it shows its metrics. Who answers
// is not checked, for the certificate is of the name by which others call.
func Probe(ctx context.Context, c Config) error {
	switch {
	case c.Security.TLSRequireClientCert && c.serves():
		return probeTCP(ctx, c)
	case c.GRPCAddr != "" && c.Security.OpenHealth:
		return probeGRPC(ctx, c)
	case c.HTTPAddr != "":
		return probeHTTP(ctx, c, c.HTTPAddr, "/readyz")
	case c.MetricsAddr != "":
		return probeHTTP(ctx, c, c.MetricsAddr, "/metrics")
	}
	return errors.New("nothing to ask: neither --grpc-addr, --http-addr nor --metrics-addr is set")
}

// local returns an address by which this machine reaches a listener.
func local(address string) string {
	host, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort("localhost", port)
	}
	return address
}

// anyServer trusts whoever listens on this machine.
func anyServer() *tls.Config { return &tls.Config{InsecureSkipVerify: true} }

func probeGRPC(ctx context.Context, c Config) error {
	transport := insecure.NewCredentials()
	if c.Security.encrypted() {
		transport = credentials.NewTLS(anyServer())
	}
	conn, err := grpc.NewClient(local(c.GRPCAddr), grpc.WithTransportCredentials(transport))
	if err != nil {
		return err
	}
	defer conn.Close()
	answer, err := healthgrpc.NewHealthClient(conn).Check(ctx, &healthgrpc.HealthCheckRequest{})
	if err == nil && answer.GetStatus() != healthgrpc.HealthCheckResponse_SERVING {
		err = fmt.Errorf("the server says %v", answer.GetStatus())
	}
	return err
}

func probeHTTP(ctx context.Context, c Config, address, path string) error {
	scheme := "http://"
	if c.Security.encrypted() && address == c.HTTPAddr {
		scheme = "https://"
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+local(address)+path, nil)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: anyServer(), DisableKeepAlives: true}}
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the server says %s", answer.Status)
	}
	return nil
}

// probeTCP sees whether anybody listens: more is not told to who has no certificate.
func probeTCP(ctx context.Context, c Config) error {
	address := c.GRPCAddr
	if address == "" {
		address = c.HTTPAddr
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", local(address))
	if err != nil {
		return err
	}
	return conn.Close()
}
