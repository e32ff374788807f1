// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"

	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// newGateway returns what answers REST calls: each becomes a call of the gRPC
// server that listens at dial. Names of fields are those of the protos. An upload may
// have so many bytes.
func newGateway(ctx context.Context, dial func(context.Context) (net.Conn, error), upload int64) (http.Handler, *grpc.ClientConn, error) {
	conn, err := grpc.NewClient("passthrough:///gateway",
		grpc.WithTransportCredentials(insecure.NewCredentials()), // it never leaves the process
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return dial(ctx) }),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxResponse), grpc.MaxCallSendMsgSize(maxRequest)))
	if err != nil {
		return nil, nil, err
	}
	mux := runtime.NewServeMux(
		runtime.WithRoutingErrorHandler(routingError),
		runtime.WithIncomingHeaderMatcher(forwarded),
		runtime.WithOutgoingHeaderMatcher(func(key string) (string, bool) { return key, key == requestIDHeader }),
		runtime.WithMarshalerOption(runtime.MIMEWildcard, &boundedJSON{runtime.JSONPb{
			MarshalOptions: protojson.MarshalOptions{UseProtoNames: true},
		}}),
	)
	for _, register := range []func(context.Context, *runtime.ServeMux, *grpc.ClientConn) error{
		endplatev1.RegisterStudyServiceHandler,
		endplatev1.RegisterAnalysisServiceHandler,
		endplatev1.RegisterComparisonServiceHandler,
		endplatev1.RegisterDeliveryServiceHandler,
		endplatev1.RegisterWorklistServiceHandler,
		endplatev1.RegisterCallerServiceHandler,
	} {
		if err := register(ctx, mux, conn); err != nil {
			conn.Close()
			return nil, nil, err
		}
	}
	return unkept(boundedBodies(withOpenAPI(mux), upload)), conn, nil
}

// unkept has nobody keep an answer on its way, nor a browser after it: it may say who
// the patient is.
func unkept(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

// routingError answers what is no call. To a wrong method the gateway's own answer is
// 501, as if the server could not do what is asked.
func routingError(ctx context.Context, mux *runtime.ServeMux, m runtime.Marshaler, w http.ResponseWriter, r *http.Request, code int) {
	if code != http.StatusMethodNotAllowed {
		runtime.DefaultRoutingErrorHandler(ctx, mux, m, w, r, code)
		return
	}
	runtime.DefaultHTTPErrorHandler(ctx, mux, m, w, r, &runtime.HTTPStatusError{
		HTTPStatus: code, Err: status.Error(codes.Unimplemented, http.StatusText(code)),
	})
}

// forwarded says which headers of an HTTP request reach the gRPC server beside
// Authorization, which the gateway hands on by itself. All others stay behind, also
// those with the gateway's own prefix: metadata from outside is no way around the
// checks of the door.
func forwarded(header string) (string, bool) {
	return requestIDHeader, strings.EqualFold(header, requestIDHeader)
}

// withOpenAPI serves the description of the interface beside it.
func withOpenAPI(next http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", next)
	mux.HandleFunc("GET /v1/openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(endplatev1.OpenAPI) // the caller may be gone
	})
	return mux
}

// maxJSON is the longest message as JSON, bytes: a chunk takes a third more there.
const maxJSON = maxRequest * 3 / 2

// boundedJSON reads and writes messages as JSON. It reads none that is longer than one
// may be: the gateway holds a message whole before anybody looks at it.
type boundedJSON struct{ runtime.JSONPb }

func (b *boundedJSON) NewDecoder(r io.Reader) runtime.Decoder {
	limited := &meter{r: r}
	decoder := b.JSONPb.NewDecoder(limited)
	return runtime.DecoderFunc(func(v any) error {
		limited.left = maxJSON
		return decoder.Decode(v)
	})
}

// meter reads so many bytes and then fails.
type meter struct {
	r    io.Reader
	left int
}

func (m *meter) Read(p []byte) (int, error) {
	if m.left <= 0 {
		return 0, fmt.Errorf("a message of more than %d bytes", maxJSON)
	}
	n, err := m.r.Read(p[:min(len(p), m.left)])
	m.left -= n
	return n, err
}

// uploadPath is where instances are uploaded: the only body of many messages.
const uploadPath = "/v1/instances:upload"

// boundedBodies cuts off bodies that are longer than any that makes sense.
func boundedBodies(next http.Handler, upload int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limit := int64(maxJSON)
		if r.URL.Path == uploadPath {
			limit += upload / 2 * 3 // base64 takes a third more, and the messages around it little
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		next.ServeHTTP(w, r)
	})
}
