// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// goroutines asks a server how many it has.
func goroutines(t testing.TB, at string) (n int) {
	t.Helper()
	response, err := http.Get("http://" + at + "/debug/pprof/goroutine?debug=1")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := fmt.Fscanf(response.Body, "goroutine profile: total %d", &n); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, response.Body) // so that the connection serves again
	return n
}

// Callers that go in the middle of a stream, over gRPC and REST, leave nothing behind
// that runs, and no file.
func TestCallersThatGoLeaveNothing(t *testing.T) {
	c := apart(t)
	c.Limits.Connections = 500
	c.Work.Workers = 0
	c.PprofAddr = "127.0.0.1:0"
	server, p := c.process(t)
	l := newLedger()
	id, err := l.send(t.Context(), p, small(t, 16, 4, 1)) // it waits for ever
	if err != nil {
		t.Fatal(err)
	}
	p.leave(t, id)
	var few int
	until(t, "callers have gone", time.Minute, func() bool {
		n := goroutines(t, p.at.Pprof)
		settled := n == few
		few = n
		return settled
	})
	for range 20 {
		p.leave(t, id)
	}
	until(t, "the server has no more goroutines than before", time.Minute, func() bool { return goroutines(t, p.at.Pprof) <= few+10 })
	t.Logf("%d goroutines, then %d", few, goroutines(t, p.at.Pprof))
	if _, err := p.analyses.CancelAnalysis(t.Context(), &endplatev1.CancelAnalysisRequest{AnalysisId: id}); err != nil {
		t.Fatal(err)
	}
	server.stop(t, c.Config)
	delete(l.analyses, id)
	l.verifyStored(t, c)
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

// leave opens streams of each kind, ten of each at once, and goes.
func (p *peer) leave(t testing.TB, id string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	for range 10 {
		wg.Go(func() {
			watch, err := p.analyses.WatchAnalysis(ctx, &endplatev1.WatchAnalysisRequest{AnalysisId: id})
			if err == nil {
				_, err = watch.Recv()
			}
			upload, uploadErr := p.studies.UploadInstances(ctx)
			stream, streamErr := p.analyses.AnalyzeStream(ctx)
			if err != nil || uploadErr != nil || streamErr != nil {
				t.Errorf("streams: %v, %v, %v", err, uploadErr, streamErr)
				return
			}
			for _, m := range uploadParts(make([]byte, 100_000)) {
				_ = upload.Send(m.GetUpload()) // it may be refused
			}
			_ = stream.Send(optionsPart(&endplatev1.AnalysisOptions{})) // there may be too many
			_ = stream.Send(uploadParts(nil)[0])
			request, err := http.NewRequestWithContext(ctx, "GET", "http://"+p.at.HTTP+"/v1/analyses/"+id+":watch", nil)
			if err != nil {
				t.Error(err)
				return
			}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = response.Body.Read(make([]byte, 100))
			response.Body.Close()
		})
	}
}
