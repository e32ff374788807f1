// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"errors"
	"io"
	"os"
	"testing"

	"google.golang.org/grpc/codes"

	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// analyzed sends messages to AnalyzeStream, and returns its answers.
func (p *peer) analyzed(t testing.TB, messages ...*endplatev1.AnalyzeStreamRequest) (all []*endplatev1.AnalyzeStreamResponse, err error) {
	t.Helper()
	stream, err := p.analyses.AnalyzeStream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		if err := stream.Send(m); err != nil {
			break // Recv tells why
		}
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	for {
		r, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, r)
	}
}

func optionsPart(o *endplatev1.AnalysisOptions) *endplatev1.AnalyzeStreamRequest {
	return &endplatev1.AnalyzeStreamRequest{Part: &endplatev1.AnalyzeStreamRequest_Options{Options: o}}
}

func uploadParts(instances ...[]byte) (all []*endplatev1.AnalyzeStreamRequest) {
	add := func(r *endplatev1.UploadInstancesRequest) {
		all = append(all, &endplatev1.AnalyzeStreamRequest{Part: &endplatev1.AnalyzeStreamRequest_Upload{Upload: r}})
	}
	for _, b := range instances {
		add(&endplatev1.UploadInstancesRequest{Part: &endplatev1.UploadInstancesRequest_Start{Start: &endplatev1.InstanceStart{Name: "../../x"}}})
		add(&endplatev1.UploadInstancesRequest{Part: &endplatev1.UploadInstancesRequest_Chunk{Chunk: b}})
	}
	return all
}

func TestAStreamIsAnalysedAndNothingKept(t *testing.T) {
	t.Parallel()
	c := config(t)
	p := serve(t, c)
	s := made(t, 1, 30)
	answers, err := p.analyzed(t, append([]*endplatev1.AnalyzeStreamRequest{optionsPart(&endplatev1.AnalysisOptions{})}, uploadParts(s.instances...)...)...)
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, answers[len(answers)-1].GetReport(), direct(t, s))
	if len(answers) < 3 {
		t.Errorf("%d answers tell of the progress", len(answers)-1)
	}
	list, err := p.studies.ListStudies(t.Context(), &endplatev1.ListStudiesRequest{})
	if err != nil || len(list.GetStudies()) != 0 {
		t.Errorf("kept: %v, %v", list, err)
	}
	entries, err := os.ReadDir(c.Storage.Folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() && e.Name() != "blobs" {
			t.Errorf("%s was left behind", e.Name())
		}
	}
}

func TestStreamsOutOfOrder(t *testing.T) {
	t.Parallel()
	p := serve(t, config(t))
	options := optionsPart(&endplatev1.AnalysisOptions{})
	for name, messages := range map[string][]*endplatev1.AnalyzeStreamRequest{
		"nothing":       nil,
		"no options":    uploadParts([]byte("x")),
		"no instance":   {options},
		"options twice": {options, options},
		"chunk first":   {options, uploadParts([]byte("x"))[1]},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := p.analyzed(t, messages...)
			wantCode(t, err, codes.InvalidArgument, "ERROR_REASON_INVALID_FIELD")
		})
	}
}

func TestUploadsOutOfOrder(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.Limits.UploadInstances, c.Limits.UploadBytes = 2, 3<<20
	p := serve(t, c)
	send := func(parts ...*endplatev1.AnalyzeStreamRequest) error {
		stream, err := p.studies.UploadInstances(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range parts {
			if stream.Send(m.GetUpload()) != nil {
				break // CloseAndRecv tells why
			}
		}
		_, err = stream.CloseAndRecv()
		return err
	}
	one := uploadParts(make([]byte, 1<<20))
	wantCode(t, send(one[1]), codes.InvalidArgument, "ERROR_REASON_INVALID_FIELD")
	wantCode(t, send(uploadParts(make([]byte, 1<<20+1))...), codes.InvalidArgument, "ERROR_REASON_INVALID_FIELD")
	wantCode(t, send(uploadParts([]byte("a"), []byte("b"), []byte("c"))...), codes.ResourceExhausted, "ERROR_REASON_LIMIT_EXCEEDED")
	wantCode(t, send(one[0], one[1], one[1], one[1], one[1]), codes.ResourceExhausted, "ERROR_REASON_LIMIT_EXCEEDED")
	if err := send(uploadParts([]byte("a"), []byte("b"))...); err != nil {
		t.Errorf("two instances: %v", err)
	}
}
