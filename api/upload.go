// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"errors"
	"io"
	"time"

	"google.golang.org/grpc"

	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/ingest"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// sourceGRPC names the transport by which instances come here.
const sourceGRPC = "grpc"

func (s *studyService) UploadInstances(stream grpc.ClientStreamingServer[endplatev1.UploadInstancesRequest, endplatev1.UploadInstancesResponse]) error {
	in := &chunks{
		receive:   stream.Recv,
		instances: s.config.Limits.UploadInstances,
		bytes:     s.config.Limits.UploadBytes,
	}
	ctx := stream.Context()
	uploads := s.ingest.Stream()
	var broken error
	for {
		start, err := in.next()
		if err != nil {
			broken = err
			break
		}
		uploads.Add(ctx, ingest.Upload{
			Name: start.GetName(), Source: sourceGRPC, SizeBytes: start.SizeBytes, SHA256: start.GetSha256(),
		}, in)
	}
	outcomes := uploads.Wait()
	if !errors.Is(broken, io.EOF) {
		return broken
	}
	response := &endplatev1.UploadInstancesResponse{}
	for _, o := range outcomes {
		m := outcomeMessage(o)
		if m.State == endplatev1.InstanceOutcome_REFUSED {
			response.Refused++
		} else {
			response.Stored++
		}
		response.Outcomes = append(response.Outcomes, m)
	}
	return stream.SendAndClose(response)
}

// observeInstance tells the metrics of an instance that has come.
func (s *Server) observeInstance(source string, o ingest.Outcome, took time.Duration) {
	s.metrics.Instance(source, stateOf[o.State].String(), o.SizeBytes, took)
}

var stateOf = map[ingest.State]endplatev1.InstanceOutcome_State{
	ingest.Refused:       endplatev1.InstanceOutcome_REFUSED,
	ingest.Stored:        endplatev1.InstanceOutcome_STORED,
	ingest.AlreadyStored: endplatev1.InstanceOutcome_ALREADY_STORED,
}

func outcomeMessage(o ingest.Outcome) *endplatev1.InstanceOutcome {
	m := &endplatev1.InstanceOutcome{
		Name:              o.Name,
		State:             stateOf[o.State],
		StudyInstanceUid:  o.StudyInstanceUID,
		SeriesInstanceUid: o.SeriesInstanceUID,
		SopInstanceUid:    o.SOPInstanceUID,
		Sha256:            o.SHA256[:],
	}
	if o.Err != nil {
		told := fault.Public(o.Err)
		m.Reason, m.Message = string(told.Reason), told.Text
	}
	if o.SHA256 == [len(o.SHA256)]byte{} {
		m.Sha256 = nil // not all of it was read
	}
	return m
}
