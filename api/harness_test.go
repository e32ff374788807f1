// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
	"github.com/endplate/endplate/api"
	"github.com/endplate/endplate/api/measure"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// producer is the program that results are of.
var producer = measure.Producer{Name: "endplate", Version: "test"}

// TestMain makes the test's program the child that measures, where the server starts
// it as one, or a server, where a test does.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == measure.ChildCommand {
		if err := measure.Serve(context.Background(), os.Stdin, os.Stdout, producer.Do); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	if told := os.Getenv(serverTask); told != "" {
		if err := serveTask(told); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// peer is a running server with connections to it.
type peer struct {
	*grpc.ClientConn
	studies     endplatev1.StudyServiceClient
	analyses    endplatev1.AnalysisServiceClient
	comparisons endplatev1.ComparisonServiceClient
	deliveries  endplatev1.DeliveryServiceClient
	at          api.Addresses
}

// config returns the configuration of a server for a test.
func config(t testing.TB) api.Config {
	t.Helper()
	c, err := configIn(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// configIn returns the configuration of a server that keeps everything in a folder.
func configIn(folder string) (api.Config, error) {
	program, err := os.Executable()
	return api.Config{
		Version:    "test",
		Executable: program,
		GRPCAddr:   "127.0.0.1:0",
		HTTPAddr:   "127.0.0.1:0",
		DIMSE:      api.DIMSE{AETitle: "ENDPLATE", Associations: 32, PeerAssociations: 32, MaxPDU: 128 << 10, Journal: 8 << 20},
		Storage:    api.Storage{Folder: folder},
		Work: api.Work{
			Workers: 1, AnalysisMemory: 2 << 30, AnalysisTime: 10 * time.Minute, QueueLimit: 1000,
		},
		Limits: api.Limits{
			Connections: 100, InstanceBytes: 1 << 30, UploadInstances: 10_000, UploadBytes: 1 << 30,
			AnalyzeStreams: 1, AnalyzeStreamBytes: 1 << 30, RenderCacheBytes: 256 << 20,
		},
		Security:      api.Security{OpenHealth: true, TLSMinVersion: "1.3"},
		ShutdownGrace: 10 * time.Second,
	}, err
}

// serve starts a server that ends with the test.
func serve(t testing.TB, c api.Config) *peer {
	t.Helper()
	ready := make(chan api.Addresses, 1)
	c.Ready = func(at api.Addresses) { ready <- at }
	s, err := api.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return dial(t, <-ready)
}

// dial returns connections to a server that end with the test.
func dial(t testing.TB, at api.Addresses) *peer {
	t.Helper()
	conn, err := grpc.NewClient(at.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64<<20)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return peerOf(conn, at)
}

func peerOf(conn *grpc.ClientConn, at api.Addresses) *peer {
	return &peer{
		ClientConn:  conn,
		studies:     endplatev1.NewStudyServiceClient(conn),
		analyses:    endplatev1.NewAnalysisServiceClient(conn),
		comparisons: endplatev1.NewComparisonServiceClient(conn),
		deliveries:  endplatev1.NewDeliveryServiceClient(conn),
		at:          at,
	}
}

// series is a made CT series.
type series struct {
	study, uid string
	instances  [][]byte
}

// made returns a CT of T11 to L3 whose L1 has lost so much of its anterior height.
func made(t testing.TB, study int, lossPercent float64) series {
	t.Helper()
	return written(t, phantomCT(lossPercent), examination(study))
}

// phantomCT is made once for each loss: it is read, and never written.
var phantomCT = once(func(lossPercent float64) *volume.Volume { return drawn(lossPercent, 1, 2) })

// coarseCT is for those who measure it again and again.
var coarseCT = sync.OnceValue(func() *volume.Volume { return drawn(30, 1.5, 3) })

// drawn returns a CT of a spine whose L1 has lost a part of its height, its pixels and
// slices in mm.
func drawn(lossPercent, pixel, slice float64) *volume.Volume {
	p := phantom.Random(rand.New(rand.NewPCG(1, 0)), phantom.Options{
		Fractures: map[spine.Level]phantom.Deformity{spine.L1: phantom.Fracture(phantom.Wedge, lossPercent)},
	})
	scan := p.Cover(spine.T12, spine.L2, 10, 100, pixel, slice)
	scan.Noise = 15
	return p.CT(scan)
}

// once returns f, which gives each argument's value to all who ask, and finds it once.
func once[K comparable, V any](f func(K) V) func(K) V {
	var all sync.Map
	return func(k K) V {
		v, _ := all.LoadOrStore(k, sync.OnceValue(func() V { return f(k) }))
		return v.(func() V)()
	}
}

// examination names a study of the one patient, a day later each.
func examination(study int) dicom.SyntheticCT {
	day := time.Date(2020, 1, study, 0, 0, 0, 0, time.UTC).Format("20060102")
	return dicom.SyntheticCT{Study: fmt.Sprint(study), FrameOfReference: fmt.Sprint(study), PatientID: "P-1", Date: day}
}

// examinations returns n examinations of the one patient.
func examinations(t testing.TB, n int) (all []series) {
	t.Helper()
	ct := coarseCT()
	for i := range n {
		all = append(all, written(t, ct, examination(1+i)))
	}
	return all
}

// written returns a volume as a series.
func written(t testing.TB, ct *volume.Volume, as dicom.SyntheticCT) (s series) {
	t.Helper()
	uids, err := dicom.WriteCT(ct, as, func(_ int, instance []byte) error {
		s.instances = append(s.instances, slices.Clone(instance))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	s.study, s.uid = uids.StudyInstanceUID, uids.SeriesInstanceUID
	return s
}

// fromFolder reads the files of a folder as a series.
func fromFolder(t testing.TB, folder string) (s series) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		s.instances = append(s.instances, b)
	}
	return s
}

// upload sends instances in chunks of the given size.
func (p *peer) upload(ctx context.Context, chunk int, instances ...[]byte) (*endplatev1.UploadInstancesResponse, error) {
	stream, err := p.studies.UploadInstances(ctx)
	if err != nil {
		return nil, err
	}
	for i, b := range instances {
		start := &endplatev1.InstanceStart{Name: fmt.Sprintf("file %d", i)}
		if err := stream.Send(&endplatev1.UploadInstancesRequest{Part: &endplatev1.UploadInstancesRequest_Start{Start: start}}); err != nil {
			break // CloseAndRecv tells why
		}
		for len(b) > 0 {
			n := min(chunk, len(b))
			if err := stream.Send(&endplatev1.UploadInstancesRequest{Part: &endplatev1.UploadInstancesRequest_Chunk{Chunk: b[:n]}}); err != nil {
				break
			}
			b = b[n:]
		}
	}
	return stream.CloseAndRecv()
}

// store uploads a series, all of which must be taken.
func (p *peer) store(t testing.TB, s *series) {
	t.Helper()
	r, err := p.upload(t.Context(), 256<<10, s.instances...)
	if err != nil {
		t.Fatal(err)
	}
	if int(r.GetStored()) != len(s.instances) {
		t.Fatalf("stored %d of %d: %v", r.GetStored(), len(s.instances), r.GetOutcomes())
	}
	s.study, s.uid = r.GetOutcomes()[0].GetStudyInstanceUid(), r.GetOutcomes()[0].GetSeriesInstanceUid()
}

// measured stores a series and returns its analysis when it has ended.
func (p *peer) measured(t testing.TB, s series) *endplatev1.AnalysisRun {
	t.Helper()
	p.store(t, &s)
	created, err := p.analyses.CreateAnalysis(t.Context(), &endplatev1.CreateAnalysisRequest{SeriesInstanceUid: s.uid})
	if err != nil {
		t.Fatal(err)
	}
	return p.watched(t, created.GetAnalysis().GetAnalysisId())
}

// watched watches an analysis to its end.
func (p *peer) watched(t testing.TB, id string) *endplatev1.AnalysisRun {
	t.Helper()
	stream, err := p.analyses.WatchAnalysis(t.Context(), &endplatev1.WatchAnalysisRequest{AnalysisId: id})
	if err != nil {
		t.Fatal(err)
	}
	var last *endplatev1.AnalysisRun
	for {
		r, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return last
		}
		if err != nil {
			t.Fatal(err)
		}
		last = r.GetAnalysis()
	}
}

// wantCode fails unless an error has a code and a reason.
func wantCode(t testing.TB, err error, code codes.Code, reason string) {
	t.Helper()
	got := status.Convert(err)
	if got.Code() != code || reasonOf(got) != reason {
		t.Errorf("got %v, reason %q (%v), want %v, %q", got.Code(), reasonOf(got), got.Message(), code, reason)
	}
}

func reasonOf(s *status.Status) string {
	for _, d := range s.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			return info.GetReason()
		}
	}
	return ""
}

// violations returns the fields that an error says cannot be.
func violations(err error) (fields []string) {
	for _, d := range status.Convert(err).Details() {
		if bad, ok := d.(*errdetails.BadRequest); ok {
			for _, v := range bad.GetFieldViolations() {
				fields = append(fields, v.GetField())
			}
		}
	}
	return fields
}
