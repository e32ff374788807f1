// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/api"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// A client stores a CT, has it measured, watches, and reads what was found.
func Example_client() {
	ctx := context.Background()
	address, stop := exampleServer(ctx)
	defer stop()

	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()

	// The instances of a made CT, whose L1 has lost a third of its anterior height.
	var instances [][]byte
	if _, err := dicom.WriteCT(phantomCT(33), examination(1), func(_ int, instance []byte) error {
		instances = append(instances, slices.Clone(instance))
		return nil
	}); err != nil {
		log.Fatal(err)
	}
	series, err := uploadSeries(ctx, endplatev1.NewStudyServiceClient(conn), instances)
	if err != nil {
		log.Fatal(err)
	}
	run, err := measureSeries(ctx, endplatev1.NewAnalysisServiceClient(conn), series)
	if err != nil {
		log.Fatal(err)
	}
	for _, vertebra := range run.GetReport().GetAnalyses()[0].GetVertebrae() {
		if vertebra.GetLevel() == endplatev1.Level_L1 {
			d := vertebra.GetDeformity()
			fmt.Printf("%v: Genant grade %d, %v, worst is the %v height\n", vertebra.GetLevel(), d.GetGenantGrade(), d.GetShape(), d.GetWorstHeight())
		}
	}
	// Output:
	// L1: Genant grade 2, WEDGE, worst is the ANTERIOR height
}

// uploadSeries stores instances and returns the SeriesInstanceUID of the last.
func uploadSeries(ctx context.Context, studies endplatev1.StudyServiceClient, instances [][]byte) (string, error) {
	stream, err := studies.UploadInstances(ctx)
	if err != nil {
		return "", err
	}
	for _, instance := range instances {
		size := int64(len(instance))
		start := &endplatev1.UploadInstancesRequest_Start{Start: &endplatev1.InstanceStart{SizeBytes: &size}}
		if err := stream.Send(&endplatev1.UploadInstancesRequest{Part: start}); err != nil {
			break // CloseAndRecv says why
		}
		for len(instance) > 0 {
			n := min(len(instance), 256<<10)
			chunk := &endplatev1.UploadInstancesRequest_Chunk{Chunk: instance[:n]}
			if err := stream.Send(&endplatev1.UploadInstancesRequest{Part: chunk}); err != nil {
				break
			}
			instance = instance[n:]
		}
	}
	answer, err := stream.CloseAndRecv()
	if err != nil {
		return "", err
	}
	series := ""
	for _, outcome := range answer.GetOutcomes() {
		if outcome.GetState() == endplatev1.InstanceOutcome_REFUSED {
			return "", fmt.Errorf("%s (%s)", outcome.GetMessage(), outcome.GetReason())
		}
		series = outcome.GetSeriesInstanceUid()
	}
	return series, nil
}

// measureSeries has a series measured and returns the analysis when it has ended.
func measureSeries(ctx context.Context, analyses endplatev1.AnalysisServiceClient, series string) (*endplatev1.AnalysisRun, error) {
	created, err := analyses.CreateAnalysis(ctx, &endplatev1.CreateAnalysisRequest{SeriesInstanceUid: series})
	if err != nil {
		return nil, err
	}
	stream, err := analyses.WatchAnalysis(ctx, &endplatev1.WatchAnalysisRequest{AnalysisId: created.GetAnalysis().GetAnalysisId()})
	if err != nil {
		return nil, err
	}
	var run *endplatev1.AnalysisRun
	for {
		answer, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		run = answer.GetAnalysis()
	}
	if run.GetState() != endplatev1.AnalysisState_SUCCEEDED {
		return nil, fmt.Errorf("%v: %s (%s)", run.GetState(), run.GetReason(), run.GetReasonCode())
	}
	return run, nil
}

// exampleServer starts a server in a folder of its own, as endplate serve does, and
// returns its address and what ends it.
func exampleServer(ctx context.Context) (address string, stop func()) {
	folder, err := os.MkdirTemp("", "endplate-example-")
	if err != nil {
		log.Fatal(err)
	}
	config, err := configIn(folder)
	if err != nil {
		log.Fatal(err)
	}
	ready := make(chan api.Addresses, 1)
	config.Ready = func(at api.Addresses) { ready <- at }
	server, err := api.New(ctx, config)
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	return (<-ready).GRPC, func() {
		cancel()
		if err := errors.Join(<-ended, os.RemoveAll(folder)); err != nil {
			log.Fatal(err)
		}
	}
}
