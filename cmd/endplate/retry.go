// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
)

// backoff counts failures in a row, and waits longer after each. With the waits below
// a server may be away for some six seconds, as one that is restarted is.
type backoff struct{ failures int }

const (
	mostFailures = 6
	firstWait    = 250 * time.Millisecond
	longestWait  = 8 * time.Second
)

// again waits after an error and reports whether the call should be made again: it
// should while the error may pass, and has not come too often.
func (b *backoff) again(ctx context.Context, err error) bool {
	asked, passing := passes(err)
	if b.failures++; !passing || b.failures >= mostFailures {
		return false
	}
	wait := min(firstWait<<(b.failures-1), longestWait)
	// Callers that failed together must not come again together.
	wait = max(wait/2+rand.N(wait/2), min(asked, longestWait))
	select {
	case <-time.After(wait):
		return true
	case <-ctx.Done():
		return false
	}
}

// passes reports whether an error may pass, and the wait that the server asks for.
func passes(err error) (wait time.Duration, ok bool) {
	s := grpcstatus.Convert(err)
	for _, d := range s.Details() {
		if info, is := d.(*errdetails.RetryInfo); is {
			return info.GetRetryDelay().AsDuration(), s.Code() == codes.Unavailable || s.Code() == codes.ResourceExhausted
		}
	}
	return 0, s.Code() == codes.Unavailable
}

// retryUnary makes a call again while its error may pass. All calls that change
// something carry a request id, or do the same when they are made twice.
func retryUnary(ctx context.Context, method string, req, answer any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	var b backoff
	for {
		err := invoke(ctx, method, req, answer, conn, opts...)
		if err == nil || !b.again(ctx, err) {
			return err
		}
	}
}

// told makes a server's error one for a person: its text, the fields that it is about,
// its reason, and what can be done.
func told(server string, err error) error {
	s, ok := grpcstatus.FromError(err)
	if err == nil || !ok {
		return err
	}
	text, classed := s.Message(), false
	for _, d := range s.Details() {
		switch d := d.(type) {
		case *errdetails.BadRequest:
			for _, v := range d.GetFieldViolations() {
				if !strings.Contains(text, v.GetDescription()) {
					text += fmt.Sprintf("; %s: %s", v.GetField(), v.GetDescription())
				}
			}
		case *errdetails.ErrorInfo:
			classed = true
			text += fmt.Sprintf(" (%s)", reasonName(d.GetReason()))
		}
	}
	switch {
	case s.Code() == codes.Unauthenticated:
		text += "; --token-file or " + tokenVariable + " shows a token"
	case s.Code() == codes.Unavailable && !classed: // nobody answered
		text += "; is it running, and is this its gRPC address?"
	}
	return fmt.Errorf("server %s: %s", server, text)
}

// reasonName returns the name of a reason without what all of them begin with.
func reasonName(reason string) string { return strings.TrimPrefix(reason, "ERROR_REASON_") }
