// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/endplate/endplate/api/internal/audit"
	"github.com/endplate/endplate/api/internal/auth"
	"github.com/endplate/endplate/api/internal/fault"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// uploads answers uploads as the service does.
type uploads struct {
	endplatev1.UnimplementedStudyServiceServer
}

func (uploads) UploadInstances(s grpc.ClientStreamingServer[endplatev1.UploadInstancesRequest, endplatev1.UploadInstancesResponse]) error {
	for {
		if _, err := s.Recv(); err != nil {
			break
		}
	}
	return s.SendAndClose(&endplatev1.UploadInstancesResponse{Outcomes: []*endplatev1.InstanceOutcome{
		{Name: "DOE^JANE.dcm", StudyInstanceUid: "1.2", SeriesInstanceUid: "1.2.1", SopInstanceUid: "1.2.1.1"},
		{Name: "DOE^JANE2.dcm", StudyInstanceUid: "1.2", SeriesInstanceUid: "1.2.2", SopInstanceUid: "1.2.2.1"},
		{Name: "other", Message: "not DICOM"},
	}})
}

// Every kind of call leaves a line that says who asked for what, and holds nothing of
// the patient.
func TestAuditOfCalls(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	token, line, err := auth.NewToken("scanner", []auth.Role{auth.Send, auth.Identities})
	if err != nil {
		t.Fatal(err)
	}
	credentials := filepath.Join(dir, "credentials")
	if err := os.WriteFile(credentials, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	a, err := auth.New(auth.Config{CredentialsFile: credentials}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "audit.jsonl")
	l, err := audit.Open(path, func(context.Context) string { return "r1" }, quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	told := func(err error) error {
		if _, ok := status.FromError(err); ok {
			return err
		}
		return status.Error(fault.Of(err).Code(), fault.Public(err).Text)
	}
	server := grpc.NewServer(
		grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
			answer, err := handle(ctx, req)
			return answer, told(err)
		}, l.Unary, a.Unary),
		grpc.ChainStreamInterceptor(func(srv any, s grpc.ServerStream, _ *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
			return told(handle(srv, s))
		}, l.Stream, a.Stream))
	endplatev1.RegisterStudyServiceServer(server, uploads{})
	endplatev1.RegisterAnalysisServiceServer(server, endplatev1.UnimplementedAnalysisServiceServer{})
	endplatev1.RegisterComparisonServiceServer(server, endplatev1.UnimplementedComparisonServiceServer{})
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(listener)
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+token)
	studies, analyses := endplatev1.NewStudyServiceClient(conn), endplatev1.NewAnalysisServiceClient(conn)
	comparisons := endplatev1.NewComparisonServiceClient(conn)

	upload, err := studies.UploadInstances(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := upload.CloseAndRecv(); err != nil {
		t.Fatal(err)
	}
	studies.GetStudy(ctx, &endplatev1.GetStudyRequest{StudyInstanceUid: "1.2"})
	studies.ListStudies(ctx, &endplatev1.ListStudiesRequest{PatientId: "DOE1970"})
	studies.DeleteStudy(ctx, &endplatev1.DeleteStudyRequest{StudyInstanceUid: "1.3"})
	studies.GetStudy(t.Context(), &endplatev1.GetStudyRequest{StudyInstanceUid: strings.Repeat("4", 500)})
	comparisons.CreateComparison(ctx, &endplatev1.CreateComparisonRequest{AnalysisIds: []string{"a1", "a2"}})
	watch, err := analyses.WatchAnalysis(ctx, &endplatev1.WatchAnalysisRequest{AnalysisId: "a1"})
	if err != nil {
		t.Fatal(err)
	}
	watch.Recv()
	server.GracefulStop()

	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(raw), "DOE") {
		t.Errorf("the patient stands in %s", raw)
	}
	type entry struct {
		Time                  time.Time
		Subject, Peer, Method string
		Code                  string
		RequestID             string `json:"request_id"`
		Objects               []string
	}
	var got []entry
	for l := range strings.Lines(string(raw)) {
		var e entry
		if err := json.Unmarshal([]byte(l), &e); err != nil {
			t.Fatalf("line %q: %v", l, err)
		}
		if time.Since(e.Time) > time.Minute || !strings.HasPrefix(e.Peer, "127.0.0.1:") && !strings.HasPrefix(e.Peer, "[::1]:") || e.RequestID != "r1" {
			t.Errorf("line %q", l)
		}
		e.Time, e.Peer, e.RequestID = time.Time{}, "", ""
		got = append(got, e)
	}
	service := func(s string) string { return "endplate.v1." + s }
	want := []entry{
		{Subject: "scanner", Method: service("StudyService/UploadInstances"), Code: "OK", Objects: []string{"1.2", "1.2.1", "1.2.2"}},
		{Subject: "scanner", Method: service("StudyService/GetStudy"), Code: "Unimplemented", Objects: []string{"1.2"}},
		{Subject: "scanner", Method: service("StudyService/ListStudies"), Code: "Unimplemented"},
		{Subject: "scanner", Method: service("StudyService/DeleteStudy"), Code: "PermissionDenied", Objects: []string{"1.3"}},
		{Method: service("StudyService/GetStudy"), Code: "Unauthenticated", Objects: []string{strings.Repeat("4", 128)}},
		{Subject: "scanner", Method: service("ComparisonService/CreateComparison"), Code: "PermissionDenied", Objects: []string{"a1", "a2"}},
		{Subject: "scanner", Method: service("AnalysisService/WatchAnalysis"), Code: "Unimplemented", Objects: []string{"a1"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}
