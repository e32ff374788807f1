// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"net/http"

	"google.golang.org/grpc/codes"
)

// Kind classes an error by what the caller can do about it. Every way out of the
// service translates kinds by a table of its own.
type Kind uint8

// The kinds. The zero Kind is a bug, so that an error nobody has classed counts
// as one.
const (
	Internal        Kind = iota // a bug
	Invalid                     // not DICOM, an attribute missing, a field that cannot be
	Unsupported                 // valid, but a SOP class, transfer syntax or modality that is not read
	NotExist                    // no such study, series, analysis or comparison
	Exist                       // the same name for something else: a UID with other bytes, a request_id reused
	NotReady                    // still arriving, still running, or without a result
	Conflict                    // lost a race: read again and redo
	Exhausted                   // queue or disk full, a limit of the server reached
	Unavailable                 // draining, or the store does not answer
	Unauthenticated             // no credentials, or ones that are not valid
	Denied                      // the caller's roles do not allow it
	Canceled                    // the caller has gone
	Deadline                    // the time is over
	Corrupt                     // stored bytes fail their checksum

	NumKinds = iota
)

var kindNames = [NumKinds]string{
	Internal:        "internal",
	Invalid:         "invalid",
	Unsupported:     "unsupported",
	NotExist:        "not_exist",
	Exist:           "exist",
	NotReady:        "not_ready",
	Conflict:        "conflict",
	Exhausted:       "exhausted",
	Unavailable:     "unavailable",
	Unauthenticated: "unauthenticated",
	Denied:          "denied",
	Canceled:        "canceled",
	Deadline:        "deadline",
	Corrupt:         "corrupt",
}

// String names the kind as logs and metrics do.
func (k Kind) String() string { return kindNames[k] }

// UNIMPLEMENTED is not in the table: clients and proxies read it as "this server
// has no such method".
var grpcCodes = [NumKinds]codes.Code{
	Internal:        codes.Internal,
	Invalid:         codes.InvalidArgument,
	Unsupported:     codes.InvalidArgument,
	NotExist:        codes.NotFound,
	Exist:           codes.AlreadyExists,
	NotReady:        codes.FailedPrecondition,
	Conflict:        codes.Aborted,
	Exhausted:       codes.ResourceExhausted,
	Unavailable:     codes.Unavailable,
	Unauthenticated: codes.Unauthenticated,
	Denied:          codes.PermissionDenied,
	Canceled:        codes.Canceled,
	Deadline:        codes.DeadlineExceeded,
	Corrupt:         codes.DataLoss,
}

// Code returns the gRPC status code.
func (k Kind) Code() codes.Code { return grpcCodes[k] }

// statusClientClosedRequest is what nginx logs for a caller that has gone; nobody
// is left to read it.
const statusClientClosedRequest = 499

var httpStatuses = [NumKinds]int{
	Internal:        http.StatusInternalServerError,
	Invalid:         http.StatusBadRequest,
	Unsupported:     http.StatusUnsupportedMediaType,
	NotExist:        http.StatusNotFound,
	Exist:           http.StatusConflict,
	NotReady:        http.StatusConflict,
	Conflict:        http.StatusConflict,
	Exhausted:       http.StatusTooManyRequests,
	Unavailable:     http.StatusServiceUnavailable,
	Unauthenticated: http.StatusUnauthorized,
	Denied:          http.StatusForbidden,
	Canceled:        statusClientClosedRequest,
	Deadline:        http.StatusGatewayTimeout,
	Corrupt:         http.StatusInternalServerError,
}

// HTTPStatus returns the status of a response over HTTP.
func (k Kind) HTTPStatus() int { return httpStatuses[k] }

// The exit statuses are those that `endplate --help` lists.
var exitStatuses = [NumKinds]int{
	Internal:        1,
	Invalid:         3,
	Unsupported:     3,
	NotExist:        3,
	Exist:           3,
	NotReady:        3,
	Conflict:        3,
	Exhausted:       1,
	Unavailable:     1,
	Unauthenticated: 1,
	Denied:          1,
	Canceled:        130,
	Deadline:        1,
	Corrupt:         1,
}

// ExitStatus returns the exit status of a command one of whose inputs met the
// error: 3 concerns that input alone, 1 all of them.
func (k Kind) ExitStatus() int { return exitStatuses[k] }

// temporary says of which kinds the same call may succeed later on.
var temporary = [NumKinds]bool{
	NotReady:    true,
	Conflict:    true,
	Exhausted:   true,
	Unavailable: true,
	Deadline:    true,
}

// Temporary reports whether the same call may succeed later on.
func (k Kind) Temporary() bool { return temporary[k] }

// The statuses of C-STORE: PS3.4 table B.2-1 and PS3.7 annex C.5. What has no status of
// its own asks the peer to try again later, or says that nobody can help.
var cStoreStatuses = [NumKinds]uint16{
	Internal:        0x0110, // processing failure
	Invalid:         0xC000, // cannot understand
	Unsupported:     0x0122, // SOP class not supported
	NotExist:        0x0112, // no such object instance
	Exist:           0x0111, // duplicate SOP instance
	NotReady:        0xA700, // out of resources
	Conflict:        0xA700,
	Exhausted:       0xA700,
	Unavailable:     0xA700,
	Unauthenticated: 0x0124, // not authorized
	Denied:          0x0124,
	Canceled:        0xA700,
	Deadline:        0xA700,
	Corrupt:         0x0110,
}

// CStoreStatus returns the status of a response to C-STORE.
func (k Kind) CStoreStatus() uint16 { return cStoreStatuses[k] }
