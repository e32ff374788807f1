// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/endplate/endplate/api/convert"
	"github.com/endplate/endplate/api/measure"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// direct measures instances as endplate measure does, and returns what it prints but
// for the paths. What was measured by one test need not be by another.
func direct(t *testing.T, s series) *endplatev1.Report {
	t.Helper()
	h := sha256.New()
	for _, b := range s.instances {
		h.Write(b)
	}
	measured, _ := reports.LoadOrStore([sha256.Size]byte(h.Sum(nil)), sync.OnceValues(func() (*endplatev1.Report, error) {
		return measuredDirectly(t.Context(), t.TempDir(), s)
	}))
	r, err := measured.(func() (*endplatev1.Report, error))()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var reports sync.Map // by the hash of all instances

func measuredDirectly(ctx context.Context, folder string, s series) (*endplatev1.Report, error) {
	for i, b := range s.instances {
		if err := os.WriteFile(filepath.Join(folder, string(rune('a'+i/26))+string(rune('a'+i%26))), b, 0o600); err != nil {
			return nil, err
		}
	}
	request := measure.Request{Paths: []string{folder}, Jobs: 1, Observer: measure.Observer{
		Scanned: func(int) {}, Stage: func(string, string, float64) {}, Measured: func(string, time.Duration) {},
	}}
	r, err := request.Run(ctx)
	if err != nil {
		return nil, err
	}
	r.Algorithm, r.Version = producer.Name, producer.Version
	var b bytes.Buffer
	if err := convert.WriteJSON(&b, r.Report); err != nil {
		return nil, err
	}
	m := &endplatev1.Report{}
	if err := protojson.Unmarshal(b.Bytes(), m); err != nil {
		return nil, err
	}
	for _, a := range m.GetAnalyses() {
		a.Path = ""
	}
	for _, skipped := range m.GetSkipped() {
		skipped.Path = ""
	}
	return m, nil
}

func wantSame(t *testing.T, got, want proto.Message) {
	t.Helper()
	options := proto.MarshalOptions{Deterministic: true}
	g, err := options.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	w, err := options.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(g, w) {
		t.Errorf("the report is not that of a direct measurement:\n got %v\nwant %v", got, want)
	}
}

func TestTheServiceMeasuresTheSame(t *testing.T) {
	t.Parallel()
	p := serve(t, config(t))
	s := made(t, 1, 30)
	run := p.measured(t, s)
	if run.GetState() != endplatev1.AnalysisState_SUCCEEDED || run.GetFractionDone() != 1 || run.GetRevision().GetNumber() != 0 {
		t.Fatalf("analysis is %v (%s)", run.GetState(), run.GetReason())
	}
	wantSame(t, run.GetReport(), direct(t, s))
	levels := len(run.GetReport().GetAnalyses()[0].GetVertebrae())
	if levels == 0 {
		t.Error("no vertebra was found")
	}
	got, err := p.analyses.GetAnalysis(t.Context(), &endplatev1.GetAnalysisRequest{AnalysisId: run.GetAnalysisId()})
	if err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(got.GetAnalysis(), run) {
		t.Errorf("GetAnalysis differs from the last message of WatchAnalysis: %v, %v", got.GetAnalysis(), run)
	}
}

func TestARealSeriesMeasuresTheSame(t *testing.T) {
	t.Parallel()
	shared := os.Getenv("ENDPLATE_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "shared")
	}
	folder := filepath.Join(shared, "data", "ct", "petct2")
	if _, err := os.Stat(folder); err != nil {
		t.Skip("no development data: ENDPLATE_SHARED does not name it")
	}
	p := serve(t, config(t))
	s := fromFolder(t, folder)
	run := p.measured(t, s)
	if run.GetState() != endplatev1.AnalysisState_SUCCEEDED {
		t.Fatalf("analysis is %v (%s)", run.GetState(), run.GetReason())
	}
	wantSame(t, run.GetReport(), direct(t, s))
	if n := len(run.GetReport().GetAnalyses()[0].GetVertebrae()); n < 8 {
		t.Errorf("%d vertebrae, want at least 8", n)
	}
}

func TestUploadsSayWhatBecameOfEach(t *testing.T) {
	t.Parallel()
	p := serve(t, config(t))
	s := made(t, 1, 0)
	other := slices.Clone(s.instances[0])
	other[len(other)-1] ^= 1
	r, err := p.upload(t.Context(), 1<<20, s.instances[0], []byte("not DICOM"), s.instances[0], other, s.instances[1], nil)
	if err != nil {
		t.Fatal(err)
	}
	stored, refused := endplatev1.InstanceOutcome_STORED, endplatev1.InstanceOutcome_REFUSED
	want := []struct {
		state  endplatev1.InstanceOutcome_State
		reason string
	}{
		{stored, ""},
		{refused, "ERROR_REASON_MALFORMED_INSTANCE"},
		{endplatev1.InstanceOutcome_ALREADY_STORED, ""},
		{refused, "ERROR_REASON_INSTANCE_CONFLICT"},
		{stored, ""},
		{refused, "ERROR_REASON_MALFORMED_INSTANCE"},
	}
	for i, o := range r.GetOutcomes() {
		if o.GetState() != want[i].state || o.GetReason() != want[i].reason {
			t.Errorf("instance %d is %v (%s: %s), want %v (%s)", i, o.GetState(), o.GetReason(), o.GetMessage(), want[i].state, want[i].reason)
		}
	}
	if r.GetStored() != 3 || r.GetRefused() != 3 {
		t.Errorf("%d stored and %d refused, want 3 and 3", r.GetStored(), r.GetRefused())
	}
	study, err := p.studies.GetStudy(t.Context(), &endplatev1.GetStudyRequest{StudyInstanceUid: s.study})
	if err != nil || study.GetStudy().GetInstanceCount() != 2 || study.GetStudy().GetPatient().GetPatientId() != "P-1" {
		t.Errorf("study is %v, %v", study, err)
	}
}

func TestAnalysesAreMadeOnce(t *testing.T) {
	t.Parallel()
	p := serve(t, config(t))
	s := made(t, 1, 0)
	p.store(t, &s)
	ask := func(request string, options *endplatev1.AnalysisOptions) (string, error) {
		r, err := p.analyses.CreateAnalysis(t.Context(), &endplatev1.CreateAnalysisRequest{
			SeriesInstanceUid: s.uid, RequestId: request, Options: options,
		})
		return r.GetAnalysis().GetAnalysisId(), err
	}
	first, err := ask("one", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, request := range []string{"one", "", "two"} {
		if again, err := ask(request, nil); again != first || err != nil {
			t.Errorf("request %q made %q, %v, want %q", request, again, err, first)
		}
	}
	if again, err := ask("three", &endplatev1.AnalysisOptions{}); again != first || err != nil {
		t.Errorf("empty options made %q, %v, want %q", again, err, first)
	}
	fixed := &endplatev1.AnalysisOptions{FixedLevel: &endplatev1.FixedLevel{
		Level: endplatev1.Level_L2, Position: &endplatev1.Position{X: new(1.), Y: new(2.), Z: new(3.)},
	}}
	_, err = ask("one", fixed)
	wantCode(t, err, codes.AlreadyExists, "ERROR_REASON_REQUEST_ID_REUSED")
	if other, err := ask("", fixed); other == first || err != nil {
		t.Errorf("other options made %q, %v", other, err)
	}
	_, err = p.analyses.CreateAnalysis(t.Context(), &endplatev1.CreateAnalysisRequest{SeriesInstanceUid: "1.2.3"})
	wantCode(t, err, codes.NotFound, "ERROR_REASON_NOT_FOUND")
	_, err = p.analyses.CreateAnalysis(t.Context(), &endplatev1.CreateAnalysisRequest{SeriesInstanceUid: "../x"})
	wantCode(t, err, codes.InvalidArgument, "ERROR_REASON_INVALID_FIELD")
	if got := violations(err); !slices.Equal(got, []string{"series_instance_uid"}) {
		t.Errorf("violations are %v", got)
	}
}
