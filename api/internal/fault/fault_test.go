// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package fault_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/endplate/endplate/api/internal/fault"
)

// A kind that a table forgets would leave as success, exit status 0 or without a
// name.
func TestNoTableForgetsAKind(t *testing.T) {
	names := map[string]bool{}
	for k := range fault.Kind(fault.NumKinds) {
		if k.String() == "" || names[k.String()] {
			t.Errorf("kind %d is called %q, which is no name or another's", k, k)
		}
		names[k.String()] = true
		if code := k.Code(); code == codes.OK || code == codes.Unimplemented || code == codes.Unknown {
			t.Errorf("%v: gRPC code %v", k, code)
		}
		if status := k.HTTPStatus(); status < 400 || status > 599 {
			t.Errorf("%v: HTTP status %d", k, status)
		}
		if !slices.Contains([]int{1, 3, 130}, k.ExitStatus()) {
			t.Errorf("%v: exit status %d", k, k.ExitStatus())
		}
		// PS3.4 table B.2-1: failures, and none of the warnings B000, B006 and B007.
		if s := k.CStoreStatus(); s>>8 != 0x01 && s>>8 != 0xA7 && s>>12 != 0xC {
			t.Errorf("%v: status of C-STORE %04X", k, s)
		}
	}
}

func TestKindsOfErrors(t *testing.T) {
	notFound := fault.New(fault.NotExist, fault.NotFound, "study 1.2.3")
	for _, tt := range []struct {
		name string
		err  error
		want fault.Kind
		code codes.Code
		http int
	}{
		{"plain", notFound, fault.NotExist, codes.NotFound, http.StatusNotFound},
		{"wrapped", fmt.Errorf("list: %w", fmt.Errorf("store: %w", notFound)), fault.NotExist, codes.NotFound, http.StatusNotFound},
		{"joined", errors.Join(io.EOF, notFound), fault.NotExist, codes.NotFound, http.StatusNotFound},
		{"outermost", fault.Wrap(notFound, fault.Invalid, fault.InvalidField, "comparison"), fault.Invalid, codes.InvalidArgument, http.StatusBadRequest},
		{"over a context's", fault.Wrap(context.DeadlineExceeded, fault.Unavailable, fault.StorageUnavailable, "the database does not answer"),
			fault.Unavailable, codes.Unavailable, http.StatusServiceUnavailable},
		{"canceled", fmt.Errorf("query: %w", context.Canceled), fault.Canceled, codes.Canceled, 499},
		{"deadline", fmt.Errorf("query: %w", context.DeadlineExceeded), fault.Deadline, codes.DeadlineExceeded, http.StatusGatewayTimeout},
		{"unknown", io.ErrUnexpectedEOF, fault.Internal, codes.Internal, http.StatusInternalServerError},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := fault.Of(tt.err)
			if got != tt.want || got.Code() != tt.code || got.HTTPStatus() != tt.http {
				t.Errorf("Of(%v) = %v, %v, %d, want %v, %v, %d", tt.err, got, got.Code(), got.HTTPStatus(), tt.want, tt.code, tt.http)
			}
			if public := fault.Public(tt.err); public.Kind != tt.want || public.Text == "" {
				t.Errorf("Public(%v) = %+v", tt.err, public)
			}
		})
	}
}

func TestCodes(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want codes.Code
	}{
		{nil, codes.OK},
		{io.EOF, codes.Internal},
		{fmt.Errorf("list: %w", fault.New(fault.NotExist, fault.NotFound, "study")), codes.NotFound},
		{status.Error(codes.Unimplemented, "no such method"), codes.Unimplemented},
		{fault.Wrap(status.Error(codes.NotFound, "x"), fault.Unavailable, fault.StorageUnavailable, "y"), codes.Unavailable},
		{context.Canceled, codes.Canceled},
	} {
		if got := fault.CodeOf(tt.err); got != tt.want {
			t.Errorf("CodeOf(%v) = %v, want %v", tt.err, got, tt.want)
		}
	}
}

func TestPublicHoldsDetails(t *testing.T) {
	err := fault.New(fault.Exhausted, fault.StorageFull, "no room for %d bytes", 7).
		WithField("size_bytes", "at most %d", 6).
		WithField("name", "too long").
		With("study_instance_uid", "1.2.3").
		WithRetry(time.Minute)
	want := fault.Details{
		Kind: fault.Exhausted, Reason: fault.StorageFull, Text: "no room for 7 bytes",
		Violations: []fault.Violation{{Field: "size_bytes", Description: "at most 6"}, {Field: "name", Description: "too long"}},
		Metadata:   map[string]string{"study_instance_uid": "1.2.3"},
		RetryAfter: time.Minute,
	}
	if diff := cmp.Diff(want, fault.Public(fmt.Errorf("upload: %w", err))); diff != "" {
		t.Errorf("Public (-want +got):\n%s", diff)
	}
}

// What is added to an error that several callers share stays with the one who
// added it.
func TestWithLeavesTheErrorAsItWas(t *testing.T) {
	shared := fault.New(fault.Invalid, fault.InvalidField, "request").WithField("a", "x").With("k", "v")
	before := fault.Public(shared)
	first, second := shared.WithField("b", "y").With("k", "w").WithRetry(1), shared.WithField("c", "z")
	if diff := cmp.Diff(before, fault.Public(shared)); diff != "" {
		t.Errorf("changed (-before +after):\n%s", diff)
	}
	if f := fault.Public(first).Violations; len(f) != 2 || f[1].Field != "b" {
		t.Errorf("first has fields %v", f)
	}
	if f := fault.Public(second).Violations; len(f) != 2 || f[1].Field != "c" {
		t.Errorf("second has fields %v", f)
	}
}

func TestCausesStayInside(t *testing.T) {
	secret := errors.New("dial postgres://endplate:hunter2@db: refused")
	for _, err := range []error{
		secret,
		fault.Wrap(secret, fault.Unavailable, fault.StorageUnavailable, "the database does not answer"),
		fault.Wrap(secret, fault.Internal, fault.Bug, "row of %s", "hunter2"),
		fmt.Errorf("hunter2: %w", fault.New(fault.NotExist, fault.NotFound, "study 1.2.3")),
	} {
		if got := fault.Public(err); strings.Contains(fmt.Sprint(got), "hunter2") {
			t.Errorf("Public(%v) = %+v", err, got)
		}
		if !strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the log loses the cause of %v", err)
		}
	}
	if err := fault.Wrap(io.EOF, fault.Corrupt, fault.StoredDataCorrupt, "instance"); !errors.Is(err, io.EOF) {
		t.Errorf("%v does not unwrap to its cause", err)
	}
}

func TestInvalidFieldsSayTheFirst(t *testing.T) {
	a, b := fault.Violation{Field: "a", Description: "missing"}, fault.Violation{Field: "b", Description: "too long"}
	for _, tt := range []struct {
		violations []fault.Violation
		want       string
	}{
		{[]fault.Violation{a}, "a: missing"},
		{[]fault.Violation{a, b}, "a: missing, and 1 more"},
	} {
		got := fault.Public(fault.InvalidFields(tt.violations...))
		want := fault.Details{Kind: fault.Invalid, Reason: fault.InvalidField, Text: tt.want, Violations: tt.violations}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("InvalidFields (-want +got):\n%s", diff)
		}
	}
}

func TestReasonsDiffer(t *testing.T) {
	seen := map[fault.Reason]bool{}
	for _, r := range fault.Reasons() {
		if seen[r] {
			t.Errorf("%s is listed twice", r)
		}
		seen[r] = true
	}
}
