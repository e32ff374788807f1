// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/store"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// watchPeriod is how often the store is asked for news on behalf of one who watches.
// Workers note their progress as often, and may be on other machines.
const watchPeriod = 250 * time.Millisecond

func (s *analysisService) WatchAnalysis(r *endplatev1.WatchAnalysisRequest, stream grpc.ServerStreamingServer[endplatev1.WatchAnalysisResponse]) error {
	var c checker
	c.id("analysis_id", r.GetAnalysisId())
	if err := c.err(); err != nil {
		return err
	}
	ctx := stream.Context()
	return s.watch(ctx, func(last proto.Message) (now proto.Message, ended bool, err error) {
		a, err := s.store.Analysis(ctx, r.GetAnalysisId())
		if err != nil {
			return nil, false, err
		}
		m, err := analysisMessage(a)
		if err == nil && a.State == store.Succeeded {
			m, err = s.analysisWithResult(ctx, a.ID, store.Latest)
		}
		if err != nil || proto.Equal(m, last) {
			return m, a.State.Ended(), err
		}
		return m, a.State.Ended(), stream.Send(&endplatev1.WatchAnalysisResponse{Analysis: m})
	})
}

func (s *comparisonService) WatchComparison(r *endplatev1.WatchComparisonRequest, stream grpc.ServerStreamingServer[endplatev1.WatchComparisonResponse]) error {
	var c checker
	c.id("comparison_id", r.GetComparisonId())
	if err := c.err(); err != nil {
		return err
	}
	ctx := stream.Context()
	return s.watch(ctx, func(last proto.Message) (now proto.Message, ended bool, err error) {
		found, err := s.store.Comparison(ctx, r.GetComparisonId())
		if err != nil {
			return nil, false, err
		}
		m, err := comparisonMessage(found)
		if err != nil || proto.Equal(m, last) {
			return m, found.State.Ended(), err
		}
		return m, found.State.Ended(), stream.Send(&endplatev1.WatchComparisonResponse{Comparison: m})
	})
}

// watch calls tell, which tells a caller of what has changed since last, until there
// is nothing more to come, the caller has gone, or the server shuts down.
func (s *server) watch(ctx context.Context, tell func(last proto.Message) (now proto.Message, ended bool, err error)) error {
	tick := time.NewTicker(watchPeriod)
	defer tick.Stop()
	var last proto.Message
	for {
		now, ended, err := tell(last)
		if err != nil || ended {
			return err
		}
		last = now
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.draining:
			return fault.New(fault.Unavailable, fault.ShuttingDown, "the server is shutting down").WithRetry(time.Second)
		}
	}
}
