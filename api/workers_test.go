// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/endplate/endplate/api/internal/store/pgtest"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// One server takes ENDPLATE_ANALYSES analyses, three workers do them, and two of these
// are killed midway. Each analysis is done once.
func TestThreeWorkersTwoOfThemKilled(t *testing.T) {
	t.Parallel()
	n := many("ENDPLATE_ANALYSES", 45)
	if testing.Short() {
		n = 12
	}
	c := apart(t)
	c.Storage.Database = pgtest.Start(t).Database(t)
	c.Work.Workers = 0
	server, p := c.process(t)
	l := newLedger()
	for i := range n {
		if _, err := l.send(t.Context(), p, small(t, 16, 4, uint64(i))); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	left := func(most int) {
		t.Helper()
		until(t, fmt.Sprintf("no more than %d of %d are left", most, n), 5*time.Minute, func() bool {
			queued, err := p.queued(t.Context())
			return err == nil && queued <= most
		})
	}
	var workers [3]*process
	for i := range workers {
		workers[i] = launch(t, c.worker(t, i).Config)
	}
	left(n * 2 / 3)
	workers[0].kill()
	left(n / 3)
	workers[1].kill()
	left(0)
	t.Logf("%d analyses took %v, with two of three workers killed; %s", n, time.Since(began), load())
	l.verify(t, p)
	workers[2].stop(t, c.worker(t, 2).Config)
	server.stop(t, c.Config)
	l.verifyStored(t, c)
}

// worker returns the configuration of a worker on the server's database and blobs.
func (c served) worker(t testing.TB, number int) served {
	t.Helper()
	blobs, err := c.Storage.BlobsURL()
	if err != nil {
		t.Fatal(err)
	}
	c.Storage.Blobs, c.Storage.Folder = blobs, filepath.Join(filepath.Dir(c.Storage.Folder), fmt.Sprintf("worker%d", number))
	c.Work.Workers = 1
	c.GRPCAddr, c.HTTPAddr = "", ""
	return c
}

// A server that is told to end while calls and analyses are under way ends within its
// grace, and the next one, started at once, goes on with what the first did not finish.
func TestShutdownUnderLoad(t *testing.T) {
	t.Parallel()
	const grace = 300 * time.Millisecond
	c := apart(t, ofRiver) // on a busy machine it has too little time to tell that it goes
	c.ShutdownGrace = grace
	c.Work.Workers = 2
	l := newLedger()
	for round, s := range examinations(t, 3) {
		server, p := c.process(t)
		id, err := l.send(t.Context(), p, s)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 5 {
			if _, err := l.send(t.Context(), p, small(t, 16, 3, uint64(10*round+i))); err != nil {
				t.Fatal(err)
			}
		}
		until(t, "the analysis has begun", 5*time.Minute, func() bool {
			r, err := p.analyses.GetAnalysis(t.Context(), &endplatev1.GetAnalysisRequest{AnalysisId: id})
			return err == nil && r.GetAnalysis().GetState() != endplatev1.AnalysisState_QUEUED
		})
		ends := p.clinging(t, id)
		took := server.stop(t, c.Config)
		t.Logf("ended after %v with a grace of %v; %s", took, grace, load())
		// What is done within the grace, and what ends it, takes its time on a busy machine.
		if took > grace+10*time.Second {
			t.Errorf("the server ended after %v, its grace is %v", took, grace)
		}
		ends()
	}
	server, p := c.process(t)
	until(t, "the queue is empty", 2*time.Minute, func() bool {
		n, err := p.queued(t.Context())
		return err == nil && n == 0
	})
	l.verify(t, p)
	server.stop(t, c.Config)
	l.verifyStored(t, c)
}

// clinging opens streams that would not end by themselves: watchers over gRPC and REST,
// and an upload that never goes on. The function that it returns waits for their ends.
func (p *peer) clinging(t testing.TB, id string) (ends func()) {
	t.Helper()
	var wg sync.WaitGroup
	watching, err := p.analyses.WatchAnalysis(t.Context(), &endplatev1.WatchAnalysisRequest{AnalysisId: id})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := watching.Recv(); err != nil {
		t.Fatal(err)
	}
	wg.Go(func() {
		for {
			if _, err := watching.Recv(); err != nil {
				if code := status.Code(err); !errors.Is(err, io.EOF) && code != codes.Unavailable {
					t.Errorf("a watcher is told %v", err)
				}
				return
			}
		}
	})
	response, err := http.Get("http://" + p.at.HTTP + "/v1/analyses/" + id + ":watch")
	if err != nil {
		t.Fatal(err)
	}
	wg.Go(func() {
		defer response.Body.Close()
		_, _ = io.Copy(io.Discard, response.Body) // ends, in whatever way
	})
	upload, err := p.studies.UploadInstances(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := upload.Send(&endplatev1.UploadInstancesRequest{Part: &endplatev1.UploadInstancesRequest_Start{Start: &endplatev1.InstanceStart{}}}); err != nil {
		t.Fatal(err)
	}
	wg.Go(func() {
		if err := upload.RecvMsg(&endplatev1.UploadInstancesResponse{}); status.Code(err) != codes.Unavailable && status.Code(err) != codes.Canceled {
			t.Errorf("an upload that was under way ended with %v", err)
		}
	})
	return wg.Wait
}
