// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/endplate/endplate/api/internal/auth"
	"github.com/endplate/endplate/api/internal/fault"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// methods returns every method of the service.
func methods() map[string]protoreflect.MethodDescriptor {
	all := map[string]protoreflect.MethodDescriptor{}
	for _, file := range []protoreflect.FileDescriptor{
		endplatev1.File_endplate_v1_study_service_proto,
		endplatev1.File_endplate_v1_analysis_service_proto,
		endplatev1.File_endplate_v1_comparison_service_proto,
		endplatev1.File_endplate_v1_delivery_service_proto,
		endplatev1.File_endplate_v1_worklist_service_proto,
		endplatev1.File_endplate_v1_caller_service_proto,
	} {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				m := service.Methods().Get(j)
				all[fmt.Sprintf("/%s/%s", service.FullName(), m.Name())] = m
			}
		}
	}
	return all
}

// anyRole stands in the description of a method that whoever has valid credentials may
// call.
const anyRole = "any"

var roleInComment = regexp.MustCompile(`Role:\s+(\w+)\.`)

// The interface's description says which role a method needs, and the table of
// roles must say the same, of every method.
func TestEveryMethodNeedsTheRoleThatItsDescriptionNames(t *testing.T) {
	described := rolesDescribed(t)
	for name := range methods() {
		needed := anyRole
		if role, ok := auth.RoleFor(name); ok {
			needed = role.String()
		}
		if got := described[name[strings.LastIndex(name, "/")+1:]]; got != needed {
			t.Errorf("%s needs the role %s; described is %q", name, needed, got)
		}
	}
	if _, ok := auth.RoleFor("/endplate.v1.StudyService/Unheard"); ok {
		t.Error("a method that is not there has a role")
	}
}

// rolesDescribed returns the role that the comment of each method names.
func rolesDescribed(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../proto/endplate/v1/*_service.proto")
	if err != nil || len(files) == 0 {
		t.Fatalf("no protos: %v", err)
	}
	roles := map[string]string{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		comment := ""
		for line := range strings.Lines(string(raw)) {
			line = strings.TrimSpace(line)
			switch {
			case strings.HasPrefix(line, "//"):
				comment += strings.TrimPrefix(line, "//") + " "
			case strings.HasPrefix(line, "rpc "):
				name, _, _ := strings.Cut(strings.TrimPrefix(line, "rpc "), "(")
				if m := roleInComment.FindStringSubmatch(comment); m != nil {
					roles[name] = m[1]
				}
				comment = ""
			default:
				comment = ""
			}
		}
	}
	return roles
}

// told makes the errors of the door those of gRPC.
func told(err error) error {
	if _, ok := status.FromError(err); ok {
		return err
	}
	return status.Error(fault.Of(err).Code(), fault.Public(err).Text)
}

// closedServer is a server of which everything is there but what stands behind the
// door: a call that passes is answered that it is not implemented.
func closedServer(t *testing.T, a *auth.Authenticator) *grpc.ClientConn {
	t.Helper()
	server := grpc.NewServer(
		grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
			answer, err := handle(ctx, req)
			return answer, told(err)
		}, a.Unary),
		grpc.ChainStreamInterceptor(func(srv any, s grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
			return told(handle(srv, s))
		}, a.Stream))
	endplatev1.RegisterStudyServiceServer(server, endplatev1.UnimplementedStudyServiceServer{})
	endplatev1.RegisterAnalysisServiceServer(server, endplatev1.UnimplementedAnalysisServiceServer{})
	endplatev1.RegisterComparisonServiceServer(server, endplatev1.UnimplementedComparisonServiceServer{})
	endplatev1.RegisterDeliveryServiceServer(server, endplatev1.UnimplementedDeliveryServiceServer{})
	endplatev1.RegisterWorklistServiceServer(server, endplatev1.UnimplementedWorklistServiceServer{})
	endplatev1.RegisterCallerServiceServer(server, endplatev1.UnimplementedCallerServiceServer{})
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// Every method is called by every role, and by nobody.
func TestAuthorizationMethodByMethod(t *testing.T) {
	t.Parallel()
	// Each role's holder, and what they may do: the table of the roles written down a
	// second time.
	may := map[string]string{
		"":           "",
		"send":       "send",
		"read":       "read",
		"identities": "read identities",
		"correct":    "read correct",
		"administer": "send read identities correct administer",
	}
	var lines []string
	tokens := map[string]string{}
	for name := range may {
		if name == "" {
			continue
		}
		role, err := auth.ParseRole(name)
		if err != nil {
			t.Fatal(err)
		}
		token, line, err := auth.NewToken("who may "+name, []auth.Role{role})
		if err != nil {
			t.Fatal(err)
		}
		tokens[name], lines = token, append(lines, line)
	}
	file := filepath.Join(t.TempDir(), "credentials")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	// What is open of gRPC's own opens nothing else.
	a, err := auth.New(auth.Config{CredentialsFile: file, OpenHealth: true, OpenReflection: true}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	conn := closedServer(t, a)
	described := rolesDescribed(t)
	for method, descriptor := range methods() {
		needed := described[string(descriptor.Name())]
		for holder, allowed := range may {
			ctx := t.Context()
			if holder != "" {
				ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+tokens[holder])
			}
			want := codes.PermissionDenied
			switch {
			case holder == "":
				want = codes.Unauthenticated
			case needed == anyRole, strings.Contains(" "+allowed+" ", " "+needed+" "):
				want = codes.Unimplemented // it came through
			}
			if got := status.Code(call(ctx, conn, method, descriptor)); got != want {
				t.Errorf("%s by %q: %v, want %v", method, holder, got, want)
			}
		}
	}
}

// call calls a method with an empty request and returns its error.
func call(ctx context.Context, conn *grpc.ClientConn, method string, d protoreflect.MethodDescriptor) error {
	var none rawMessage
	if !d.IsStreamingClient() && !d.IsStreamingServer() {
		return conn.Invoke(ctx, method, &none, &none, grpc.ForceCodec(rawCodec{}))
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: d.IsStreamingClient(), ServerStreams: d.IsStreamingServer()}, method, grpc.ForceCodec(rawCodec{}))
	if err != nil {
		return err
	}
	if !d.IsStreamingClient() {
		_ = s.SendMsg(&none) // the answer says more
	}
	_ = s.CloseSend()
	return s.RecvMsg(&none)
}

// rawMessage is a message that nobody looks into.
type rawMessage []byte

type rawCodec struct{}

func (rawCodec) Name() string                       { return "proto" }
func (rawCodec) Marshal(any) ([]byte, error)        { return nil, nil }
func (rawCodec) Unmarshal(data []byte, _ any) error { return nil }
