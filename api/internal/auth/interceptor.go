// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"crypto/tls"

	"google.golang.org/grpc"
	grpccredentials "google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

// authorizationHeader holds a caller's token.
const authorizationHeader = "authorization"

// call authorizes a gRPC call and returns its context with the caller in it.
func (a *Authenticator) call(ctx context.Context, method string) (context.Context, error) {
	p, err := a.authorize(ctx, method, metadata.ValueFromIncomingContext(ctx, authorizationHeader), tlsState(ctx))
	observed(ctx, p)
	return WithPrincipal(ctx, p), err
}

// tlsState returns the state of the connection that a call came over, or nil.
func tlsState(ctx context.Context) *tls.ConnectionState {
	if p, ok := peer.FromContext(ctx); ok {
		if info, ok := p.AuthInfo.(grpccredentials.TLSInfo); ok {
			return &info.State
		}
	}
	return nil
}

// Unary lets those calls pass that their callers may make.
func (a *Authenticator) Unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	ctx, err := a.call(ctx, info.FullMethod)
	if err != nil {
		return nil, err
	}
	return handler(ctx, req)
}

// Stream lets those streams pass that their callers may open, as many of one caller
// as the limits say.
func (a *Authenticator) Stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	ctx, err := a.call(stream.Context(), info.FullMethod)
	if err != nil {
		return err
	}
	done, err := a.limits.open(FromContext(ctx).Subject)
	if err != nil {
		return err
	}
	defer done()
	return handler(srv, &authorizedStream{stream, ctx})
}

// authorizedStream is a stream whose context knows the caller.
type authorizedStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s *authorizedStream) Context() context.Context { return s.ctx }
