// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"crypto/rand"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// requestIDHeader names the identifier of a request, in both directions: what the
// caller sends is taken where it is short and plain.
const requestIDHeader = "x-request-id"

const longestRequestID = 64 // characters

type requestIDKey struct{}

// requestID returns the identifier of the request that ctx belongs to.
func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// withRequestID gives the request an identifier and tells the caller of it.
func withRequestID(ctx context.Context) context.Context {
	id := rand.Text()
	if sent := metadata.ValueFromIncomingContext(ctx, requestIDHeader); len(sent) == 1 && plainID(sent[0]) {
		id = sent[0]
	}
	_ = grpc.SetHeader(ctx, metadata.Pairs(requestIDHeader, id)) // the caller can do without
	return context.WithValue(ctx, requestIDKey{}, id)
}

// plainID reports whether s may stand in a log.
func plainID(s string) bool {
	return s != "" && len(s) <= longestRequestID && strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
	}) < 0
}
